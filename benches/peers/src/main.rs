//! Sapwood beside what one would use instead, on the same data, in one run.
//!
//! `cargo run --release -p sapwood-peers -- [--quick] [--bars] [--json FILE] [memory | files] [OPTIONS]`

#![allow(clippy::cast_precision_loss, reason = "figures are for people")]

mod data;
mod figures;
mod files;
mod memory;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Why a run ended early: of whatever store.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs one workload on sapwood and on its peers, in turn, and prints what each took. All suites, unless one is named.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = false)]
struct Options {
    /// Less of everything: under ten minutes.
    #[arg(long, global = true)]
    quick: bool,
    /// Also says which of the bars hold.
    #[arg(long, global = true)]
    bars: bool,
    /// Also writes the figures as JSON.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    #[command(subcommand)]
    suite: Option<Suite>,
}

#[derive(Subcommand)]
enum Suite {
    /// The page file beside redb, LMDB (heed), jammdb and fjall.
    Files(files::Options),
    /// The database beside maps, trees and databases in memory, in Rust and in Go.
    Memory(memory::Options),
    /// Commits one row to a store that is there, and dies without closing it: run by the suite itself.
    #[command(hide = true)]
    Die { store: String, folder: PathBuf },
    /// Fills one store and prints its bytes for each row: run by the suite itself.
    #[command(hide = true)]
    Weigh {
        store: String,
        rows: usize,
        stage: memory::Stage,
    },
}

fn run(options: &Options) -> Result<(), Failure> {
    let &Options { quick, bars, .. } = options;
    let figures = match &options.suite {
        None => {
            let mut figures = memory::run(&memory::Options::default(), quick, bars)?;
            figures.push(files::run(&files::Options::default(), quick)?);
            figures
        }
        Some(Suite::Memory(memory)) => memory::run(memory, quick, bars)?,
        Some(Suite::Files(files)) => vec![files::run(files, quick)?],
        Some(Suite::Die { store, folder }) => return files::die(store, folder),
        Some(Suite::Weigh { store, rows, stage }) => {
            memory::weigh(store, *rows, *stage);
            return Ok(());
        }
    };
    match &options.json {
        Some(path) => figures::write_json(&figures, path),
        None => Ok(()),
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
