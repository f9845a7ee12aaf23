//! Sapwood beside what one would use instead, on the same data, in one run.
//!
//! `cargo run --release -p sapwood-peers -- files [--rows N] [--quick] [--only NAMES] [--json FILE]`

#![allow(clippy::cast_precision_loss, reason = "figures are for people")]

mod data;
mod figures;
mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Why a run ended early: of whatever store.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs one workload on sapwood and on its peers, in turn, and prints what each took.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// The page file beside redb, LMDB (heed), jammdb and fjall.
    Files(files::Options),
    /// Commits one row to a store that is there, and dies without closing it: run by the suite itself.
    #[command(hide = true)]
    Die { store: String, folder: PathBuf },
}

fn main() -> ExitCode {
    let run = match Options::parse().suite {
        Suite::Files(options) => files::run(&options),
        Suite::Die { store, folder } => files::die(&store, &folder),
    };
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
