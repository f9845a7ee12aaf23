//! What a durable commit costs, beside what the disk takes for the least that it could be: 4 KiB at the end of a preallocated file, and a sync. For a commit of 100 rows
//! there is another such loop with as many bytes, and the same commit in memory: what these two leave over is what durability costs the processor.
//!
//! ```sh
//! cargo bench --bench durable -- [--rows N] [--rounds N] [--dir FOLDER] [--only PART]
//! ```
//!
//! The folder must be on the disk that is to be measured; a folder for temporary files often is memory.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a benchmark that cannot go on ends"
)]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};

mod support;
use support::Random;

#[derive(Parser)]
struct Arguments {
    /// Rows in the table.
    #[arg(long, default_value_t = 200_000)]
    rows: usize,
    /// Rounds in which all are measured in turn.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Where the files are.
    #[arg(long, default_value = ".")]
    dir: std::path::PathBuf,
    /// Measures only this: `costs`, `threads` or `checkpoints`.
    #[arg(long)]
    only: Option<String>,
    /// As cargo calls it.
    #[arg(long, hide = true)]
    bench: bool,
}

/// 24 bytes of key and about 150 of the rest.
#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "rows")]
struct Item {
    #[key]
    id: [u8; 24],
    payload: Vec<u8>,
}

fn item(number: u64, random: &mut Random) -> Item {
    let mut id = [0; 24];
    let word = Random(number).next();
    id[..8].copy_from_slice(&word.to_be_bytes());
    id[8..16].copy_from_slice(&number.to_be_bytes());
    let payload = (0..150).map(|_| random.next() as u8).collect();
    Item { id, payload }
}

/// Times in microseconds, sorted.
struct Times(Vec<f64>);

impl Times {
    /// `prepare` is not measured.
    fn of<T>(count: usize, mut prepare: impl FnMut() -> T, mut step: impl FnMut(T)) -> Self {
        let times = (0..count).map(|_| {
            let prepared = prepare();
            let begun = Instant::now();
            step(prepared);
            begun.elapsed().as_secs_f64() * 1e6
        });
        Self::sorted(times.collect())
    }

    fn sorted(mut times: Vec<f64>) -> Self {
        times.sort_unstable_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, share: f64) -> f64 {
        let last = self.0.len() - 1;
        self.0[(last as f64 * share) as usize]
    }
}

/// The plain loop: one write into space that was written before, one sync.
struct Plain {
    file: File,
    page: Vec<u8>,
    at: u64,
}

impl Plain {
    /// For so many writes.
    fn new(path: &Path, bytes: usize, count: usize) -> Self {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(true).write(true).open(path);
        let file = file.unwrap();
        let page = vec![7; bytes];
        for at in 0..count as u64 {
            file.write_all_at(&page, at * bytes as u64).unwrap();
        }
        file.sync_all().unwrap();
        Self { file, page, at: 0 }
    }

    fn write(&mut self) {
        self.file.write_all_at(&self.page, self.at).unwrap();
        self.file.sync_data().unwrap();
        self.at += self.page.len() as u64;
    }
}

fn items(rows: u64, count: u64, random: &mut Random) -> Vec<Item> {
    let items = (0..count).map(|_| item(random.next() % rows, random));
    items.collect()
}

fn commit(db: &Database, items: Vec<Item>) {
    let mut tx = db.begin_write().unwrap();
    for item in items {
        tx.put(item).unwrap();
    }
    tx.commit().unwrap();
}

/// Commits of one row, on so many threads, in a second.
fn rate(db: &Database, rows: u64, threads: u64) -> f64 {
    let time = Duration::from_secs(1);
    let begun = Instant::now();
    let count: u64 = thread::scope(|scope| {
        let writers = (0..threads).map(|seed| {
            scope.spawn(move || {
                let mut random = Random(seed);
                let mut count = 0;
                while begun.elapsed() < time {
                    commit(db, items(rows, 1, &mut random));
                    count += 1;
                }
                count
            })
        });
        let writers: Vec<_> = writers.collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum()
    });
    count as f64 / begun.elapsed().as_secs_f64()
}

/// One thread and eight in turn, so that both meet the same disk. The medians count: a checkpoint may run in one of them.
fn compare_rates(db: &Database, rows: u64) {
    const ROUNDS: usize = 5;
    let (mut single, mut eight) = (Vec::new(), Vec::new());
    let mut group = Vec::new();
    for _ in 0..ROUNDS {
        single.push(rate(db, rows, 1));
        let groups = || db.counters().disk.unwrap().groups as f64;
        let (before, commits) = (groups(), db.counters().commits.count as f64);
        eight.push(rate(db, rows, 8));
        let commits = db.counters().commits.count as f64 - commits;
        group.push(commits / (groups() - before));
    }
    let [single, eight, group] = [single, eight, group].map(|rates| Times::sorted(rates).at(0.5));
    println!(
        "commits a second: {single:.0} by one thread, {eight:.0} by eight, {:.2} times as many; {group:.1} in a group",
        eight / single
    );
}

/// The times of commits of one row while a checkpoint runs, and while none does.
fn beside_checkpoints(db: &Database, rows: u64) -> [Times; 2] {
    let (running, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut times = [Vec::new(), Vec::new()];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(400));
                running.store(true, Ordering::Relaxed);
                db.checkpoint().unwrap();
                running.store(false, Ordering::Relaxed);
            }
        });
        let mut random = Random(3);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(12) {
            let before = running.load(Ordering::Relaxed);
            let items = items(rows, 1, &mut random);
            let begun = Instant::now();
            commit(db, items);
            let time = begun.elapsed().as_secs_f64() * 1e6;
            let meanwhile = before || running.load(Ordering::Relaxed);
            times[usize::from(meanwhile)].push(time);
        }
        done.store(true, Ordering::Relaxed);
    });
    times.map(Times::sorted)
}

/// What is measured in turn.
const NAMES: [&str; 5] = [
    "4 KiB and a sync",
    "commit of one row",
    "28 KiB and a sync",
    "commit of 100 rows",
    "  in memory",
];

/// Blocks of all in turn, so short that all meet the same disk: what it did a moment ago, a checkpoint say, it is not done with.
fn measure(db: &Database, memory: &Database, dir: &Path, rows: u64, rounds: usize) {
    const BLOCKS: usize = 10;
    /// Of those of 100 rows so few that no checkpoint is due before the round is over.
    const EACH: [usize; NAMES.len()] = [20, 20, 8, 8, 8];
    let mut random = Random(2);
    let mut times: [Vec<f64>; NAMES.len()] = Default::default();
    // Bytes and syncs of each block, by commit.
    let mut costs: [[Vec<f64>; 2]; NAMES.len()] = Default::default();
    for round in 0..=rounds {
        db.checkpoint().unwrap();
        let mut page = Plain::new(&dir.join("page"), 4096, BLOCKS * EACH[0]);
        let mut pages = Plain::new(&dir.join("pages"), 7 * 4096, BLOCKS * EACH[2]);
        for kind in (0..BLOCKS).flat_map(|_| 0..NAMES.len()) {
            let counters = || db.counters().disk.unwrap();
            let before = counters();
            let took = match kind {
                0 => Times::of(EACH[0], || (), |()| page.write()),
                2 => Times::of(EACH[2], || (), |()| pages.write()),
                _ => {
                    let count = if kind == 1 { 1 } else { 100 };
                    let db = if kind == 4 { memory } else { db };
                    let prepare = || items(rows, count, &mut random);
                    Times::of(EACH[kind], prepare, |items| commit(db, items))
                }
            };
            let after = counters();
            let bytes = after.bytes_written - before.bytes_written;
            let syncs = after.syncs - before.syncs;
            for (costs, count) in costs[kind].iter_mut().zip([bytes, syncs]) {
                costs.push(count as f64 / EACH[kind] as f64);
            }
            // The first round warms up.
            if round > 0 {
                times[kind].extend(took.0);
            }
        }
    }
    for (kind, bytes) in [(0, 4096.0), (2, 7.0 * 4096.0)] {
        costs[kind] = [vec![bytes], vec![1.0]];
    }
    let times = times.map(Times::sorted);
    println!(
        "{rows} rows of 24 + 150 bytes; median / p99 in µs, ratio of the medians, bytes and syncs each"
    );
    for ((name, times_of), cost) in NAMES.iter().zip(&times).zip(costs) {
        // The median: what a checkpoint writes in between is not of the commits.
        let [bytes, syncs] = cost.map(|each| Times::sorted(each).at(0.5));
        println!(
            "{name:20} {:8.0} / {:8.0} {:6.2} {:10.0} {:6.2}",
            times_of.at(0.5),
            times_of.at(0.99),
            times_of.at(0.5) / times[0].at(0.5),
            bytes,
            syncs
        );
    }
}

fn main() {
    let Arguments {
        rows,
        rounds,
        dir,
        only,
        ..
    } = Arguments::parse();
    let is_asked = |part| only.as_deref().is_none_or(|only| only == part);
    let dir = tempfile::tempdir_in(dir).unwrap();
    let path = dir.path().join("state.sap");
    let db = Database::builder().table::<Item>().open(&path).unwrap();
    let memory = Database::builder().table::<Item>().in_memory().unwrap();
    let all = rows as u64;
    for db in [&db, &memory] {
        let mut random = Random(1);
        for first in (0..all).step_by(10_000) {
            db.write(|tx| {
                (first..all.min(first + 10_000))
                    .try_for_each(|number| tx.put(item(number, &mut random)).map(drop))
            })
            .unwrap();
        }
    }
    db.checkpoint().unwrap();
    if is_asked("costs") {
        measure(&db, &memory, dir.path(), all, rounds);
    }
    if is_asked("threads") {
        compare_rates(&db, all);
    }
    if is_asked("checkpoints") {
        let [without, during] = beside_checkpoints(&db, all);
        for (name, times) in [("without a checkpoint", &without), ("beside one", &during)] {
            println!(
                "{name:20} {:8.0} / {:8.0}, of {} commits",
                times.at(0.5),
                times.at(0.99),
                times.0.len()
            );
        }
    }
    db.close().unwrap();
}
