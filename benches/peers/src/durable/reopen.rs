//! Opening what a program left: all rows into memory, with three indexes.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::figures::OURS;
use crate::memory::stores::{Sapwood, Store as _};
use crate::samples::{Measure, Samples};
use crate::task::{Task, Tasks};
use crate::wants;

pub(super) const REOPEN: &str = "reopen, 3 indexes";
/// What one would use in Go: rows out of the file into a database in memory.
pub(super) const WITH_MEMDB: &str = "bbolt and go-memdb";

/// Rows that go into the file in one transaction.
const PIECE: usize = 100_000;

/// Makes a database in a folder, or opens the one that is there, and prints the seconds that this takes.
pub(crate) fn reopen(folder: &Path, rows: usize) -> Result<(), Failure> {
    let path = folder.join("state.sap");
    let is_new = !path.exists();
    let begun = Instant::now();
    let store = Sapwood::open(&path)?;
    let taken = begun.elapsed();
    if is_new {
        let mut tasks = Tasks::new(rows).peekable();
        while tasks.peek().is_some() {
            store.load(&mut tasks.by_ref().take(PIECE));
        }
        store.db.close()?;
    } else if store.db.snapshot().count(Task::ALL) != rows {
        return Err("rows are missing".into());
    }
    println!("{}", taken.as_secs_f64());
    Ok(())
}

/// Opens each so many times, each time in a new process.
pub(super) fn measure(
    only: &[String],
    (rows, rounds): (usize, usize),
    folder: &Path,
    go: Option<(&Path, &Path)>,
    samples: &mut Samples,
) -> Result<(), Failure> {
    let mut commands = Vec::new();
    if wants(only, OURS) {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("reopen").arg(folder).arg(rows.to_string());
        commands.push((OURS, command));
    }
    if let Some((program, data)) = go.filter(|_| wants(only, "bbolt")) {
        Tasks::new(rows).write(data)?;
        let mut command = Command::new(program);
        command.arg("reopen").arg(data).arg(folder);
        commands.push((WITH_MEMDB, command));
    }
    for (store, command) in &mut commands {
        eprintln!("{rows} rows to open, {store}");
        seconds(command)?;
    }
    for _ in 0..rounds {
        for (store, command) in &mut commands {
            let taken = seconds(command)?;
            let rate = Measure::new(REOPEN, "rows a second", "1/s");
            samples.add(*store, rate, rows as f64 / taken);
            samples.add(*store, Measure::new(REOPEN, "time", "s"), taken);
        }
    }
    Ok(())
}

fn seconds(command: &mut Command) -> Result<f64, Failure> {
    let output = command.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}, {why}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
