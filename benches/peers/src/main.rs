//! Sapwood beside what one would use instead, on the same data, in one run.
//!
//! `cargo run --release -p sapwood-peers -- [--quick] [--bars] [--json FILE] [memory | durable | files | growth] [OPTIONS]`

#![allow(clippy::cast_precision_loss, reason = "figures are for people")]
#![cfg_attr(
    feature = "owned-strings",
    allow(
        clippy::implicit_clone,
        clippy::useless_conversion,
        reason = "a row's string is not always a `String`"
    )
)]

mod bars;
mod child;
mod data;
mod durable;
mod figures;
mod files;
mod go;
mod memory;
mod samples;
mod task;
mod text;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Why a run ended early: of whatever store.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs one workload on sapwood and on its peers, in turn, and prints what each took. All suites but growth, unless one is named.
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
    /// The page file beside redb, LMDB (heed), jammdb, fjall and bbolt.
    Files(files::Options),
    /// The database in a file, beside those stores with indexes kept by hand.
    Durable(durable::Options),
    /// The database beside maps, trees and databases in memory, in Rust and in Go.
    Memory(memory::Options),
    /// What the main operations of the database in memory cost from 1,000 rows to 10,000,000.
    Growth(memory::growth::Options),
    /// Commits one row to a store that is there, and dies without closing it: run by the suite itself.
    #[command(hide = true)]
    Die { store: String, folder: PathBuf },
    /// Fills one store in a folder and answers questions about its commits: run by the suite itself.
    #[command(hide = true)]
    Commit {
        store: String,
        folder: PathBuf,
        rows: usize,
        milliseconds: u64,
    },
    /// Fills one store and prints what its main operations cost: run by the suite itself.
    #[command(hide = true)]
    Grow { store: String, rows: usize },
    /// Opens the database in a folder, or makes it if there is none, and prints the seconds: run by the suite itself.
    #[command(hide = true)]
    Reopen { folder: PathBuf, rows: usize },
    /// Fills one store and prints its bytes for each row: run by the suite itself.
    #[command(hide = true)]
    Weigh {
        store: String,
        rows: usize,
        stage: memory::Stage,
    },
}

/// Whether a store is among those that are asked for: all, unless some are named.
fn wants(only: &[String], store: &str) -> bool {
    only.is_empty() || only.iter().any(|only| only == store)
}

fn run(options: &Options) -> Result<(), Failure> {
    let &Options { quick, bars, .. } = options;
    let figures = match &options.suite {
        None => {
            let mut figures = memory::run(&memory::Options::default(), quick, bars)?;
            figures.extend(durable::run(&durable::Options::default(), quick, bars)?);
            figures.push(files::run(&files::Options::default(), quick, bars)?);
            figures
        }
        Some(Suite::Memory(memory)) => memory::run(memory, quick, bars)?,
        Some(Suite::Files(files)) => vec![files::run(files, quick, bars)?],
        Some(Suite::Durable(durable)) => durable::run(durable, quick, bars)?,
        Some(Suite::Die { store, folder }) => return files::die(store, folder),
        Some(Suite::Commit {
            store,
            folder,
            rows,
            milliseconds,
        }) => {
            return durable::answer(store, folder, *rows, Duration::from_millis(*milliseconds));
        }
        Some(Suite::Growth(growth)) => memory::growth::run(growth, quick)?,
        Some(Suite::Grow { store, rows }) => return memory::growth::grow(store, *rows),
        Some(Suite::Reopen { folder, rows }) => return durable::reopen(folder, *rows),
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
