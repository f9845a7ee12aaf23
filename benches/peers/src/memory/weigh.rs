//! Memory: each weighing is a process of its own, so that nothing that another store left behind is counted.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::stores::{Store, View, each_store};
use crate::Failure;
use crate::samples::{Measure, Samples};
use crate::task::{Change, Task, Tasks};

/// What is in memory when it is weighed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Stage {
    /// The rows alone, each where it was allocated; no store.
    Rows,
    /// By id only.
    Plain,
    /// With its three indexes.
    Indexed,
    /// The same, and an old snapshot, since which every row was rewritten.
    Held,
}

impl Stage {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Rows, "rows"),
        (Self::Plain, "plain"),
        (Self::Indexed, "indexed"),
        (Self::Held, "held"),
    ];
}

/// The memory of this process in bytes, as the system counts it; zero where it does not say.
pub(super) fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1);
    let pages = pages.and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// Fills a store in this process and prints the bytes for each row, or nothing where the store has no such stage.
pub(crate) fn weigh(store: &str, rows: usize, stage: Stage) {
    let each = |bytes: usize| bytes as f64 / rows as f64;
    if stage == Stage::Rows {
        let before = resident();
        let mut tasks: Vec<Box<Task>> = Vec::with_capacity(rows);
        tasks.extend(Tasks::new(rows).map(Box::new));
        // Not what the boxes are kept in.
        println!("{}", each(resident() - before) - 8.0);
        return;
    }
    let only = [store.to_owned()];
    let mut weight = None;
    each_store!(only, weigh_store(rows, stage, &mut weight));
    if let Some(bytes) = weight {
        println!("{}", each(bytes));
    }
}

fn weigh_store<S: Store>(rows: usize, stage: Stage, weight: &mut Option<usize>) {
    if stage == Stage::Held && !<S::View<'_> as View>::IS_SNAPSHOT {
        return;
    }
    let before = resident();
    let store = S::new(stage != Stage::Plain);
    store.load(&mut Tasks::new(rows));
    if stage != Stage::Held {
        *weight = Some(resident() - before);
        return;
    }
    let view = store.view();
    let mut tasks = Tasks::new(rows);
    let mut ids = Vec::with_capacity(100);
    loop {
        ids.clear();
        ids.extend(tasks.by_ref().take(100).map(|task| task.id.to_string()));
        if ids.is_empty() {
            break;
        }
        store.update(&ids, Change::Cpu(1));
    }
    *weight = Some(resident() - before);
    drop(view);
}

/// Weighs a store in all stages, each in its own process: `program` is run with what `arguments` gives for the stage's name, and prints bytes for each row.
pub(super) fn all(
    store: &'static str,
    program: &Path,
    arguments: impl Fn(&'static str) -> Vec<String>,
    samples: &mut Samples,
) -> Result<(), Failure> {
    let mut rows = 0.0;
    for (stage, name) in Stage::ALL {
        let output = Command::new(program).args(arguments(name)).output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(format!("weighing {store}, {name}: {}, {why}", output.status).into());
        }
        let text = String::from_utf8(output.stdout)?;
        if text.trim().is_empty() {
            continue;
        }
        let bytes: f64 = text.trim().parse()?;
        let measure = |metric: &'static str| Measure::new("memory a row", metric, "B");
        match stage {
            Stage::Rows => {
                rows = bytes;
                samples.add(store, measure("the row alone"), bytes);
            }
            Stage::Plain => samples.add(store, measure("by id only"), bytes),
            Stage::Indexed => {
                samples.add(store, measure("3 indexes"), bytes);
                let without = (bytes - rows).max(0.0);
                samples.add(store, measure("3 indexes, without the row itself"), without);
            }
            Stage::Held => {
                let held = "3 indexes, an old snapshot held, every row rewritten";
                samples.add(store, measure(held), bytes);
            }
        }
    }
    Ok(())
}
