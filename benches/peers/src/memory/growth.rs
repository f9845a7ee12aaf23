//! What the main operations cost as the table grows: each store at each size in a process of its own, so that large ones need not be in memory together.

use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use super::stores::{Store, View, each_store};
use super::weigh::resident;
use crate::child::Line;
use crate::data::Random;
use crate::figures::{Figures, OURS};
use crate::samples::{Measure, Samples, nanoseconds, tidy};
use crate::task::{Change, Status, Task, Tasks, node};
use crate::{Failure, go, wants};

/// How much is measured, of whom.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// So many rows, instead of all powers of ten from 1,000 to 10,000,000 (100,000 if quick).
    #[arg(long, value_delimiter = ',')]
    rows: Vec<usize>,
    /// These stores only, as in `sapwood,imbl,statedb`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// The greatest size for peers: ten times as many rows would take some of them more than 20 GiB, and the others many minutes.
const MOST: usize = 1_000_000;

/// Up to here, rows are put into a store more than once.
const SMALL: usize = 100_000;
const ROUNDS: usize = 5;
const ENOUGH: Duration = Duration::from_millis(200);
/// Ids to ask for: more than a round at the greatest size comes to, where fewer would be in the caches the second time.
const PICKS: usize = 200_000;

/// Runs each store at each size.
pub(crate) fn run(options: &Options, quick: bool) -> Result<Vec<Figures>, Failure> {
    let sizes: &[usize] = match (&options.rows[..], quick) {
        ([], true) => &[1_000, 10_000, 100_000],
        ([], false) => &[1_000, 10_000, 100_000, 1_000_000, 10_000_000],
        (rows, _) => rows,
    };
    let folder = tempfile::tempdir()?;
    let in_go = super::go::STORES.into_iter();
    let in_go: Vec<&str> = in_go.filter(|store| wants(&options.only, store)).collect();
    let program = if in_go.is_empty() {
        None
    } else {
        go::build(folder.path())?
    };
    let mut all = Vec::new();
    for &rows in sizes {
        let mut samples = Samples::new(ENOUGH);
        each_store!(options.only, ask(rows, &mut samples));
        if let Some(program) = program.as_deref().filter(|_| rows <= MOST) {
            let data = folder.path().join(format!("tasks-{rows}"));
            Tasks::new(rows).write(&data)?;
            for store in &in_go {
                let mut command = Command::new(program);
                lines(command.arg("grow").arg(&data).arg(store), &mut samples)?;
            }
        }
        let mut figures = Figures::new("growth", rows);
        samples.settle(&mut figures);
        figures.print();
        all.push(figures);
    }
    Ok(all)
}

/// Has a process of its own measure a store.
fn ask<S: Store>(rows: usize, samples: &mut Samples) {
    if rows > MOST && S::NAME != OURS {
        return;
    }
    let program = std::env::current_exe().map_err(Failure::from);
    let asked = program.and_then(|program| {
        let rows = rows.to_string();
        lines(
            Command::new(program).args(["grow", S::NAME, &rows]),
            samples,
        )
    });
    if let Err(failure) = asked {
        eprintln!("{}: {failure}", S::NAME);
    }
}

fn lines(command: &mut Command, samples: &mut Samples) -> Result<(), Failure> {
    eprintln!("{command:?}");
    let output = command.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}, {why}", output.status).into());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Line = serde_json::from_str(line)?;
        samples.add_line(line);
    }
    Ok(())
}

/// Fills a store in this process and prints what it costs.
pub(crate) fn grow(store: &str, rows: usize) -> Result<(), Failure> {
    let only = [store.to_owned()];
    let mut samples = Samples::new(ENOUGH);
    each_store!(only, measure(rows, &mut samples));
    for line in samples.lines() {
        println!("{}", serde_json::to_string(&line)?);
    }
    Ok(())
}

/// A store with all rows, and how long it took to put them in, for each.
fn load<S: Store>(tasks: Vec<Task>) -> (S, f64) {
    let rows = tasks.len();
    let store = S::new(true);
    tidy();
    let start = Instant::now();
    store.load(&mut tasks.into_iter());
    let taken = nanoseconds(start.elapsed(), rows);
    (store, taken)
}

fn tasks(rows: usize) -> Vec<Task> {
    let mut tasks = Vec::with_capacity(rows);
    tasks.extend(Tasks::new(rows));
    tasks
}

fn measure<S: Store>(rows: usize, samples: &mut Samples) {
    let insert = || Measure::ns("bulk insert", "a row");
    let before = resident();
    let tasks_of_store = tasks(rows);
    let mut random = Random(1_000);
    let ids: Vec<String> = (0..PICKS)
        .map(|_| tasks_of_store[random.below(rows)].id.to_string())
        .collect();
    let nodes = Tasks::new(rows).nodes;
    let nodes: Vec<String> = (0..PICKS / 4).map(|_| node(random.below(nodes))).collect();
    let (store, taken) = load::<S>(tasks_of_store);
    samples.add(S::NAME, insert(), taken);
    // Of a small table, it is little beside what the process needs anyway.
    if rows >= SMALL {
        let each = (resident() - before) as f64 / rows as f64;
        let measure = Measure::new("memory a row", "3 indexes", "B");
        samples.add(S::NAME, measure, each);
    }
    // The first is what the machine makes of a process that has just begun.
    if rows <= SMALL {
        for _ in 0..ROUNDS {
            samples.add(S::NAME, insert(), load::<S>(tasks(rows)).1);
        }
    }
    for _ in 0..ROUNDS {
        let view = store.view();
        let read = Measure::ns("point read", "read");
        samples.run(S::NAME, read, &ids, |id| view.get(id));
        let list = Measure::ns("list by node", "list");
        samples.run(S::NAME, list, &nodes, |node| view.of_node(node));
        drop(view);
        let update = Measure::ns("update, an indexed field", "update");
        samples.run(S::NAME, update, &ids, |id| {
            let status = Status::pick(&mut random);
            store.update(std::slice::from_ref(id), Change::Status(status));
        });
    }
}
