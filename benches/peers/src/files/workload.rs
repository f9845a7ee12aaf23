//! What is done with each store. The rows are those of redb's own published benchmark, and what it leaves out: bytes, syncs, kills, churn.

use std::hint::black_box;
use std::marker::PhantomData;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use super::Store;
use crate::Failure;
use crate::data::{Key, Random};
use crate::figures::{Figures, median};
use crate::written::written;

/// What is measured, and where it is noted.
struct Bench<'f, S> {
    keys: Vec<Key>,
    random: Random,
    figures: &'f mut Figures,
    store: PhantomData<fn() -> S>,
}

/// Runs all workloads on a new store: `rows` rows, and `commits` single ones.
pub(super) fn run<S: Store>(
    rows: usize,
    commits: usize,
    folder: &Path,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut random = Random(3);
    let keys: Vec<Key> = (0..rows).map(|_| random.key()).collect();
    let mut bench = Bench {
        keys,
        random,
        figures,
        store: PhantomData,
    };
    let store = S::open(folder)?;
    bench.load(&store, rows)?;
    bench.size("after the load", folder)?;
    bench.commits(&store, "one row", 1, commits)?;
    bench.commits(&store, "100 rows", 100, commits / 5)?;
    bench.size("after commits of 100", folder)?;
    bench.commits(&store, "1,000 rows", 1000, commits / 20)?;
    bench.size("after commits of 1,000", folder)?;
    bench.reads(&store, rows)?;
    let store = bench.reopen(store, folder)?;
    bench.churn(&store, folder, commits * 2)?;
    bench.removals(store, folder)
}

fn seconds(run: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}

/// What commits cost beside time, so far.
#[derive(Clone, Copy)]
struct Cost {
    bytes: u64,
    writes: Option<u64>,
    syncs: Option<u64>,
}

impl Cost {
    fn of(store: &impl Store) -> Self {
        Self {
            bytes: written(),
            writes: store.writes(),
            syncs: store.syncs(),
        }
    }
}

/// The size of all files in a folder, in MB.
fn megabytes(folder: &Path) -> Result<f64, Failure> {
    let mut bytes = 0;
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                // Gone meanwhile.
                Err(_) => {}
            }
        }
    }
    Ok(bytes as f64 / 1e6)
}

impl<S: Store> Bench<'_, S> {
    fn figure(&mut self, workload: &'static str, metric: (&'static str, &'static str), value: f64) {
        self.figures.add(S::NAME, workload, metric, value);
    }

    fn size(&mut self, when: &'static str, folder: &Path) -> Result<(), Failure> {
        self.figure("size", (when, "MB"), megabytes(folder)?);
        Ok(())
    }

    fn load(&mut self, store: &S, rows: usize) -> Result<(), Failure> {
        let mut random = self.random.clone();
        let keys = &self.keys;
        let loaded = seconds(|| {
            let mut rows = keys.iter().map(|key| (*key, random.value()));
            store.put(&mut rows)
        })?;
        self.figure("bulk load, random order", ("time", "s"), loaded);
        let mut len = 0;
        let counted = seconds(|| {
            len = store.len()?;
            Ok(())
        })?;
        if len != rows as u64 {
            return Err(format!("{}: {len} rows of {rows}", S::NAME).into());
        }
        self.figure("len", ("time", "ms"), counted * 1e3);
        Ok(())
    }

    /// Durable commits of rows under random keys, all of which are there.
    fn commits(
        &mut self,
        store: &S,
        workload: &'static str,
        rows: usize,
        commits: usize,
    ) -> Result<(), Failure> {
        let mut times = Vec::with_capacity(commits);
        let mut syncs = Vec::with_capacity(commits);
        let before = Cost::of(store);
        for _ in 0..commits.max(1) {
            let (keys, random) = (&self.keys, &mut self.random);
            let mut rows = (0..rows).map(|_| (keys[random.below(keys.len())], random.value()));
            let synced = store.syncs();
            times.push(seconds(|| store.put(&mut rows))? * 1e6);
            let each = store
                .syncs()
                .zip(synced)
                .map(|(after, before)| after - before);
            syncs.extend(each.map(|syncs| syncs as f64));
        }
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        self.figure(workload, ("mean", "us"), mean);
        if !syncs.is_empty() {
            self.figure(workload, ("syncs, median", ""), median(&mut syncs));
        }
        self.figure(workload, ("durable commit", "us"), median(&mut times));
        self.figure(workload, ("p99", "us"), times[times.len() * 99 / 100]);
        self.costs(store, workload, before, commits.max(1));
        Ok(())
    }

    /// What each of so many commits has cost beside time.
    fn costs(&mut self, store: &S, workload: &'static str, before: Cost, commits: usize) {
        let after = Cost::of(store);
        let each = |before: u64, after: u64| (after - before) as f64 / commits as f64;
        let kib = each(before.bytes, after.bytes) / 1024.0;
        self.figure(workload, ("written", "KiB"), kib);
        if let Some((before, after)) = before.writes.zip(after.writes) {
            self.figure(workload, ("writes", ""), each(before, after));
        }
        if let Some((before, after)) = before.syncs.zip(after.syncs) {
            self.figure(workload, ("syncs", ""), each(before, after));
        }
    }

    fn reads(&mut self, store: &S, rows: usize) -> Result<(), Failure> {
        let reads = rows.min(1_000_000);
        for pass in ["random reads, first pass", "random reads, second pass"] {
            let taken = self.random_reads(store, reads, 5)?;
            self.figure(pass, ("each", "ns"), taken * 1e9 / reads as f64);
        }
        let seeks = reads / 20;
        let mut random = Random(6);
        let keys = &self.keys;
        let taken = seconds(|| {
            store.read(&mut |reader| {
                for _ in 0..seeks {
                    black_box(reader.sum_from(&keys[random.below(keys.len())], 10)?);
                }
                Ok(())
            })
        })?;
        self.figure(
            "random ranges of 10",
            ("each", "ns"),
            taken * 1e9 / seeks as f64,
        );
        let this = &*self;
        let taken = seconds(|| {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..2)
                    .map(|seed| scope.spawn(move || this.random_reads(store, reads / 2, 10 + seed)))
                    .collect();
                for thread in threads {
                    thread.join().map_err(|_| "a reader panicked")??;
                }
                Ok(())
            })
        })?;
        self.figure(
            "random reads, 2 threads",
            ("each", "ns"),
            taken * 1e9 / reads as f64,
        );
        Ok(())
    }

    fn random_reads(&self, store: &S, reads: usize, seed: u64) -> Result<f64, Failure> {
        let mut random = Random(seed);
        seconds(|| {
            store.read(&mut |reader| {
                for _ in 0..reads {
                    black_box(reader.get(&self.keys[random.below(self.keys.len())])?);
                }
                Ok(())
            })
        })
    }

    /// Opens what was closed, and what a process left that died after a commit.
    fn reopen(&mut self, store: S, folder: &Path) -> Result<S, Failure> {
        store.close()?;
        let (store, taken) = open::<S>(folder)?;
        self.figure("open", ("after a close", "ms"), taken * 1e3);
        drop(store);
        let status = Command::new(std::env::current_exe()?)
            .args(["die".as_ref(), S::NAME.as_ref(), folder.as_os_str()])
            .stderr(Stdio::null())
            .status()?;
        if status.code().is_some() {
            return Err(format!("{}: the child should have died, {status}", S::NAME).into());
        }
        let (store, taken) = open::<S>(folder)?;
        self.figure("open", ("after a kill", "ms"), taken * 1e3);
        let first = seconds(|| store.put(&mut std::iter::once(([9; 24], [9; 150]))))?;
        self.figure("open", ("first commit after it", "ms"), first * 1e3);
        Ok(store)
    }

    /// Overwrites of 100 random rows each, and what they cost at the end.
    fn churn(&mut self, store: &S, folder: &Path, commits: usize) -> Result<(), Failure> {
        let mut times = Vec::with_capacity(commits);
        let mut before = Cost::of(store);
        for i in 0..commits {
            if i == commits - commits / 4 {
                before = Cost::of(store);
            }
            let (keys, random) = (&self.keys, &mut self.random);
            let mut rows = (0..100).map(|_| (keys[random.below(keys.len())], random.value()));
            times.push(seconds(|| store.put(&mut rows))? * 1e6);
        }
        let last = times.len() - times.len() / 4;
        let late = median(&mut times[last..]);
        self.figure("100 rows, after churn", ("durable commit", "us"), late);
        self.costs(store, "100 rows, after churn", before, commits / 4);
        self.size("after churn", folder)?;
        let live = self.keys.len() as f64 * (24.0 + 150.0) / 1e6;
        self.figure("size", ("live data", "MB"), live);
        Ok(())
    }

    /// Half of the rows in one transaction, and the size before and after the store's own compaction.
    fn removals(&mut self, mut store: S, folder: &Path) -> Result<(), Failure> {
        let keys = &self.keys[..self.keys.len() / 2];
        let removed = seconds(|| store.remove(&mut keys.iter().copied()))?;
        self.figure("removal of half", ("time", "s"), removed);
        self.size("after removal", folder)?;
        if store.compact()? {
            self.size("after compaction", folder)?;
        }
        store.close()
    }
}

fn open<S: Store>(folder: &Path) -> Result<(S, f64), Failure> {
    let start = Instant::now();
    let store = S::open(folder)?;
    Ok((store, start.elapsed().as_secs_f64()))
}
