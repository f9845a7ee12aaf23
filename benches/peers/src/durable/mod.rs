//! The database in a file, beside what one would use instead: key/value stores with indexes kept by hand, in Rust and in Go.

mod bars;
mod floor;
mod reopen;
mod stores;
mod workload;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;

use crate::child::Child;
use crate::figures::Figures;
use crate::samples::Samples;
use crate::task::Tasks;
use crate::{Failure, go, wants};
pub(crate) use reopen::reopen;
use stores::{Store, each_store};
use workload::READY;
pub(crate) use workload::answer;

/// How much is measured, of whom.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// So many rows under the commits, instead of 100,000.
    #[arg(long)]
    rows: Option<usize>,
    /// So many rows to be opened, instead of 1,000,000; 0 leaves it out.
    #[arg(long)]
    reopen: Option<usize>,
    /// Rounds, of which the medians count; 5, or 3 if quick.
    #[arg(long)]
    rounds: Option<usize>,
    /// These stores only, as in `sapwood,lmdb,bbolt`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the files lie; a temporary folder unless given.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What is not the same for all; printed under the tables.
const NOTES: [&str; 5] = [
    "each store is a process of its own; the rounds go through all of them in turn, and a plain loop of 4 KiB and a sync comes first in each",
    "commits a second and rows a second: more is better",
    "written: what the process gives to write calls: at once is by the time a commit returns; in all is with what is put off, of many commits, as sapwood's checkpoint; fjall's merging comes later still",
    "redb, lmdb, fjall, bbolt: rows as bytes, index entries kept by hand; fjall's next writer need not wait for the sync of the one before",
    "reopen: sapwood builds its three indexes; bbolt's rows go into a go-memdb with the same three",
];

/// Where what is started finds its things.
struct Place<'p> {
    folder: &'p Path,
    go: Option<&'p Path>,
    rows: usize,
    time: Duration,
}

/// Runs the workloads on each store.
pub(crate) fn run(options: &Options, quick: bool, bars: bool) -> Result<Vec<Figures>, Failure> {
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let folder = tempfile::tempdir_in(folder)?;
    let folder = folder.path();
    let only = &options.only;
    let built = tempfile::tempdir()?;
    let program = if wants(only, "bbolt") {
        go::build(built.path())?
    } else {
        None
    };
    let place = Place {
        folder,
        go: program.as_deref(),
        rows: options.rows.unwrap_or(100_000),
        time: Duration::from_millis(if quick { 500 } else { 1_000 }),
    };
    let mut all = Vec::new();
    let mut add = |rows, samples: Samples| {
        let mut figures = Figures::new("durable", rows);
        samples.settle(&mut figures);
        figures.print();
        all.push(figures);
    };
    let rounds = options.rounds.unwrap_or(if quick { 3 } else { 5 });
    add(place.rows, commits(&place, only, rounds)?);
    let rows = options.reopen.unwrap_or(1_000_000);
    if rows > 0 {
        let mut samples = Samples::new(place.time);
        let data = folder.join("tasks");
        let go = place.go.map(|program| (program, &*data));
        let rounds = rounds.min(3);
        reopen::measure(only, (rows, rounds), folder, go, &mut samples)?;
        add(rows, samples);
    }
    for note in NOTES {
        println!("- {note}");
    }
    if bars {
        crate::bars::print(&bars::BARS, &all);
    }
    Ok(all)
}

/// All stores in turn, in each round.
fn commits(place: &Place<'_>, only: &[String], rounds: usize) -> Result<Samples, Failure> {
    let mut children = Vec::new();
    each_store!(only, start(place, &mut children));
    if let Some(program) = place.go {
        children.push(start_bbolt(program, place)?);
    }
    let mut samples = Samples::new(place.time);
    for round in 0..rounds {
        eprintln!("commits, round {} of {rounds}", round + 1);
        floor::round(place.folder, place.time, &mut samples)?;
        for child in &mut children {
            for line in child.figures(&round.to_string())? {
                samples.add_line(line);
            }
        }
    }
    for child in children {
        child.end()?;
    }
    Ok(samples)
}

fn start<S: Store>(place: &Place<'_>, children: &mut Vec<Child>) -> Result<(), Failure> {
    let folder = place.folder.join(format!("{}-commits", S::NAME));
    std::fs::create_dir(&folder)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["commit", S::NAME]).arg(folder);
    command.arg(place.rows.to_string());
    command.arg(place.time.as_millis().to_string());
    children.push(ready(&mut command)?);
    Ok(())
}

fn start_bbolt(program: &Path, place: &Place<'_>) -> Result<Child, Failure> {
    let folder = place.folder.join("bbolt-commits");
    std::fs::create_dir(&folder)?;
    let data = folder.join("tasks");
    Tasks::new(place.rows).write(&data)?;
    let mut command = Command::new(program);
    command.arg("commits").arg(data).arg(folder);
    command.arg(place.time.as_millis().to_string());
    ready(&mut command)
}

/// Started, and with all rows.
fn ready(command: &mut Command) -> Result<Child, Failure> {
    let mut child = Child::start(command)?;
    child.ask(READY)?;
    Ok(child)
}
