//! What a durable commit costs, beside what the disk takes for the least that it could be: 4 KiB at the end of a preallocated file, and a sync.
//!
//! ```sh
//! cargo bench --bench durable -- [--rows N] [--rounds N] [--dir FOLDER]
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

use std::fs::OpenOptions;
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
fn plain(path: &Path, count: usize) -> Times {
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)
        .unwrap();
    let page = [7; 4096];
    for at in 0..count as u64 {
        file.write_all_at(&page, at * 4096).unwrap();
    }
    file.sync_all().unwrap();
    let mut at = 0;
    Times::of(
        count,
        || (),
        |()| {
            file.write_all_at(&page, at).unwrap();
            file.sync_data().unwrap();
            at += 4096;
        },
    )
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
    let time = Duration::from_secs(2);
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

fn main() {
    let Arguments {
        rows, rounds, dir, ..
    } = Arguments::parse();
    let dir = tempfile::tempdir_in(dir).unwrap();
    let path = dir.path().join("state.sap");
    let db = Database::builder().table::<Item>().open(&path).unwrap();
    let mut random = Random(1);
    let all = rows as u64;
    for first in (0..all).step_by(10_000) {
        db.write(|tx| {
            (first..all.min(first + 10_000))
                .try_for_each(|number| tx.put(item(number, &mut random)).map(drop))
        })
        .unwrap();
    }
    db.checkpoint().unwrap();
    let counters = || db.counters().disk.unwrap();
    let (mut plains, mut ones, mut hundreds) = (Vec::new(), Vec::new(), Vec::new());
    let mut cost = [(0, 0, 0); 2];
    for round in 0..=rounds {
        let plain = plain(&dir.path().join("plain"), 200);
        let mut measured = |count: u64, times: usize, cost: &mut (u64, u64, u64)| {
            db.checkpoint().unwrap();
            let before = counters();
            let took = Times::of(
                times,
                || items(all, count, &mut random),
                |items| commit(&db, items),
            );
            let after = counters();
            // A checkpoint in between is not what a commit writes.
            if after.checkpoints == before.checkpoints {
                cost.0 += times as u64;
                cost.1 += after.bytes_written - before.bytes_written;
                cost.2 += after.syncs - before.syncs;
            }
            took
        };
        let one = measured(1, 200, &mut cost[0]);
        let hundred = measured(100, 60, &mut cost[1]);
        // The first round warms up.
        if round > 0 {
            plains.push(plain);
            ones.push(one);
            hundreds.push(hundred);
        }
    }
    let all_of = |times: Vec<Times>| Times::sorted(times.into_iter().flat_map(|t| t.0).collect());
    let (plain, one, hundred) = (all_of(plains), all_of(ones), all_of(hundreds));
    println!(
        "{rows} rows of 24 + 150 bytes; median / p99 in µs, ratio of the medians, bytes and syncs a commit"
    );
    for (name, times, cost) in [
        ("4 KiB and a sync", &plain, (1, 4096, 1)),
        ("commit of one row", &one, cost[0]),
        ("commit of 100 rows", &hundred, cost[1]),
    ] {
        let each = |total: u64| total as f64 / f64::max(1.0, cost.0 as f64);
        println!(
            "{name:20} {:8.0} / {:8.0} {:6.2} {:10.0} {:6.2}",
            times.at(0.5),
            times.at(0.99),
            times.at(0.5) / plain.at(0.5),
            each(cost.1),
            each(cost.2)
        );
    }
    let (single, eight) = (rate(&db, all, 1), rate(&db, all, 8));
    println!(
        "commits a second: {single:.0} by one thread, {eight:.0} by eight, {:.1} times as many",
        eight / single
    );
    let [without, during] = beside_checkpoints(&db, all);
    for (name, times) in [("without a checkpoint", &without), ("beside one", &during)] {
        println!(
            "{name:20} {:8.0} / {:8.0}, of {} commits",
            times.at(0.5),
            times.at(0.99),
            times.0.len()
        );
    }
    db.close().unwrap();
}
