//! What is done with each store, in a process of its own, so that nobody else's bytes are counted.

use std::io::BufRead as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::stores::{Store, each_store};
use crate::Failure;
use crate::child::Line;
use crate::data::Random;
use crate::task::{Change, Status, Tasks};
use crate::written::written;

/// Rows in a commit, and threads that commit.
const WORKLOADS: [(usize, usize); 4] = [(1, 1), (1, 8), (100, 1), (100, 8)];

/// A question that is answered when the rows are there; the others are numbers of rounds.
pub(super) const READY: &str = "ready";

/// So few commits that no store gets to what it puts off.
const FEW: usize = 20;

/// What a workload is called.
pub(super) fn names(rows: usize, threads: usize) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    format!(
        "commit of {rows} row{}, {threads} thread{}",
        plural(rows),
        plural(threads)
    )
}

/// Times of commits in microseconds.
pub(super) struct Times(Vec<f64>);

impl Times {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn time(
        &mut self,
        run: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        run()?;
        self.0.push(begun.elapsed().as_secs_f64() * 1e6);
        Ok(())
    }

    /// The figures of commits that took so long together.
    pub(super) fn lines(&mut self, store: &str, workload: &str, taken: Duration) -> [Line; 3] {
        self.0.sort_by(f64::total_cmp);
        let at = |share: usize| self.0[(self.0.len() * share / 100).min(self.0.len() - 1)];
        let rate = self.0.len() as f64 / taken.as_secs_f64();
        [
            line(store, workload, ("median", "us"), at(50)),
            line(store, workload, ("p99", "us"), at(99)),
            line(store, workload, ("commits a second", "1/s"), rate),
        ]
    }
}

fn line(store: &str, workload: &str, (metric, unit): (&str, &str), value: f64) -> Line {
    Line {
        store: store.to_owned(),
        workload: workload.to_owned(),
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        value,
    }
}

/// Fills the store of this name and answers until there are no more questions.
pub(crate) fn answer(
    name: &str,
    folder: &Path,
    rows: usize,
    time: Duration,
) -> Result<(), Failure> {
    let only = [name.to_owned()];
    each_store!(&only, serve(folder, rows, time));
    Ok(())
}

fn serve<S: Store>(folder: &Path, rows: usize, time: Duration) -> Result<(), Failure> {
    let store = S::create(folder)?;
    store.load(&mut Tasks::new(rows))?;
    let ids: Vec<String> = Tasks::new(rows).map(|task| task.id.to_string()).collect();
    for question in std::io::stdin().lock().lines() {
        let question = question?;
        if question != READY {
            let round: u64 = question.parse()?;
            for (rows, threads) in WORKLOADS {
                for line in commits(&store, &ids, (rows, threads), round, time)? {
                    println!("{}", serde_json::to_string(&line)?);
                }
            }
        }
        println!("done");
    }
    Ok(())
}

/// Commits until the time is over.
fn commits<S: Store>(
    store: &S,
    ids: &[String],
    (rows, threads): (usize, usize),
    round: u64,
    time: Duration,
) -> Result<Vec<Line>, Failure> {
    store.settle()?;
    let workload = names(rows, threads);
    let mut lines = Vec::new();
    if threads == 1 {
        let before = Cost::of(store);
        for at in 0..FEW {
            let first = at * rows % (ids.len() - rows);
            store.update(&ids[first..first + rows], Change::Status(Status::Running))?;
        }
        let names = ["written at once", "syncs at once"];
        lines.extend(before.lines(store, &workload, names, FEW));
    }
    let before = Cost::of(store);
    let begun = Instant::now();
    let one_thread = |seed: u64| -> Result<Times, Failure> {
        let mut random = Random(seed);
        let mut times = Times::new();
        while begun.elapsed() < time {
            let picks = (0..rows).map(|_| ids[random.below(ids.len())].clone());
            let picks: Vec<String> = picks.collect();
            let change = Change::Status(Status::pick(&mut random));
            times.time(|| store.update(&picks, change))?;
        }
        Ok(times)
    };
    let mut times = Times::new();
    thread::scope(|scope| {
        let all = 0..threads as u64;
        let one_thread = &one_thread;
        let all = all.map(|thread| scope.spawn(move || one_thread(1000 * round + thread)));
        for thread in all.collect::<Vec<_>>() {
            let one = thread.join().map_err(|_| "a writer panicked")??;
            times.0.extend(one.0);
        }
        Ok::<_, Failure>(())
    })?;
    lines.extend(times.lines(S::NAME, &workload, begun.elapsed()));
    store.settle()?;
    let names = ["written in all", "syncs in all"];
    lines.extend(before.lines(store, &workload, names, times.0.len()));
    Ok(lines)
}

/// What commits have cost beside time, so far.
struct Cost {
    bytes: u64,
    syncs: Option<u64>,
}

impl Cost {
    fn of(store: &impl Store) -> Self {
        Self {
            bytes: written(),
            syncs: store.syncs(),
        }
    }

    /// What each of so many commits since then has cost.
    fn lines<S: Store>(
        &self,
        store: &S,
        workload: &str,
        [bytes, syncs]: [&str; 2],
        commits: usize,
    ) -> Vec<Line> {
        let now = Self::of(store);
        let each = |before: u64, now: u64| (now - before) as f64 / commits as f64;
        let kib = each(self.bytes, now.bytes) / 1024.0;
        let mut lines = vec![line(S::NAME, workload, (bytes, "KiB"), kib)];
        if let Some((before, now)) = self.syncs.zip(now.syncs) {
            lines.push(line(S::NAME, workload, (syncs, ""), each(before, now)));
        }
        lines
    }
}
