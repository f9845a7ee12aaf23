//! Databases and maps in memory: a table of tasks with three indexes, in Rust and in Go.

mod bars;
mod go;
pub(crate) mod growth;
mod rounds;
pub(crate) mod stores;
mod watches;
mod weigh;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;

use crate::data::Random;
use crate::figures::{Figures, OURS};
use crate::samples::{Measure, Samples, nanoseconds};
use crate::task::{Change, Picks, Tasks};
use crate::{Failure, wants};
use rounds::{Bench, Loaded, Round, Scale, tenth_of_jobs};
use stores::{Sapwood, Store, each_store};
pub(crate) use weigh::{Stage, weigh};

/// How much is measured, of whom.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// So many rows, instead of 100,000 and (unless quick) 1,000,000.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<usize>,
    /// Rounds, of which the medians count; 7, or 3 if quick.
    #[arg(long)]
    rounds: Option<usize>,
    /// These stores only, as in `sapwood,imbl,statedb`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

/// What no peer can do, and why; printed under the table.
const NOTES: [&str; 9] = [
    "go-memdb: no change streams (a transaction can tell its own changes, but nobody else learns of them)",
    "statedb: no reverse iteration; no fork; its WatchSet.Wait always waits out the settle time that it is given, so there is no wake to measure",
    "statedb and the maps count by iteration; go-memdb and native_db also read each row for it",
    "imbl, rpds, BTreeMap, rart: no watches and no change streams",
    "rart: no reverse iteration",
    "BTreeMap: no snapshots, so none can be held; its fork copies everything; readers wait for the writer, and it for them",
    "native_db: no fork; it has watches as channels without an order to snapshots, which are not measured; a row is deserialised whenever it is read",
    "mvcc-core: asks for Rust 1.96 and is measured with `--features mvcc-core` only; no compound index, no fork, no watches",
    "memory: Rust by what the system counts for the process, Go by its live heap after a collection, which leaves out the collector's headroom",
];

/// The workload of one row's update as the table grows, with its metrics.
const GROWN: (&str, &str, &str) = (
    "update as the table grows",
    "100,000 rows",
    "10,000,000 rows",
);

/// Runs the workloads on each store, at each size.
pub(crate) fn run(options: &Options, quick: bool, bars: bool) -> Result<Vec<Figures>, Failure> {
    let sizes: &[usize] = match (&options.rows[..], quick) {
        ([], true) => &[100_000],
        ([], false) => &[100_000, 1_000_000],
        (rows, _) => rows,
    };
    let folder = tempfile::tempdir()?;
    let only = &options.only;
    let in_go = go::STORES.into_iter().filter(|store| wants(only, store));
    let in_go: Vec<&str> = in_go.collect();
    let go = if in_go.is_empty() {
        None
    } else {
        crate::go::build(folder.path())?
    };
    let go = go.as_deref().map(|program| (program, &*in_go));
    let mut all = Vec::new();
    for &rows in sizes {
        let mut figures = Figures::new("memory", rows);
        let rounds = options.rounds.unwrap_or(if quick { 3 } else { 7 });
        let updates = if quick { 4_000 } else { 20_000 };
        let enough = Duration::from_millis(if quick { 100 } else { 300 });
        let scale = Scale {
            rows,
            picks: rows,
            updates,
            enough,
            bulk_inserts: rounds.min(3),
        };
        let mut samples = Samples::new(enough);
        measure(scale, rounds, only, go, folder.path(), &mut samples)?;
        if all.is_empty() && !quick && options.rows.is_empty() {
            grow(&mut samples);
        }
        samples.settle(&mut figures);
        figures.print();
        all.push(figures);
    }
    for note in NOTES {
        println!("- {note}");
    }
    if bars {
        crate::bars::print(&bars::BARS, &all);
    }
    Ok(all)
}

fn load<S: Store + 'static>(rows: usize, benches: &mut Vec<Box<dyn Bench>>) {
    let store = S::new(true);
    store.load(&mut Tasks::new(rows));
    benches.push(Box::new(Loaded(store)));
}

fn measure(
    scale: Scale,
    rounds: usize,
    only: &[String],
    go: Option<(&Path, &[&'static str])>,
    folder: &Path,
    samples: &mut Samples,
) -> Result<(), Failure> {
    let rows = scale.rows;
    let ids: Vec<String> = Tasks::new(rows).map(|task| task.id.to_string()).collect();
    let mut benches = Vec::new();
    each_store!(only, load(rows, &mut benches));
    let watched = wants(only, OURS).then(|| {
        let store = Sapwood::new(true);
        store.load(&mut Tasks::new(rows));
        store
    });
    let data = folder.join(format!("tasks-{rows}"));
    let mut peers = None;
    if let Some((program, stores)) = go {
        Tasks::new(rows).write(&data)?;
        peers = Some(go::Peers::start(program, &data, scale, stores)?);
    }
    compare(&benches, peers.as_mut(), &ids, scale)?;
    for number in 0..rounds {
        eprintln!("{rows} rows, round {} of {rounds}", number + 1);
        let picks = Picks::new(&ids, scale.picks, &mut Random(1_000 + number as u64));
        let round = Round {
            number,
            scale,
            ids: &ids,
            picks,
        };
        for bench in &benches {
            bench.round(&round, samples);
        }
        if let Some(store) = &watched {
            watches::round(store, &round, samples);
        }
        if let Some(peers) = &mut peers {
            peers.round(number, samples)?;
        }
    }
    drop((benches, watched));
    if let Some(peers) = peers {
        peers.end()?;
    }
    eprintln!("{rows} rows, memory");
    each_store!(only, weigh_in_a_child(rows, samples));
    if let Some((program, stores)) = go {
        go::weigh(program, &data, stores, samples)?;
    }
    Ok(())
}

/// All stores must give the same for the same queries.
fn compare(
    benches: &[Box<dyn Bench>],
    peers: Option<&mut go::Peers>,
    ids: &[String],
    scale: Scale,
) -> Result<(), Failure> {
    let picks = Picks::new(ids, scale.picks, &mut Random(1_000));
    let begin = tenth_of_jobs(Tasks::new(ids.len()).jobs);
    let mut digests: Vec<Vec<u64>> = Vec::new();
    digests.extend(benches.iter().map(|bench| bench.digest(&picks, &begin)));
    if let Some(peers) = peers {
        digests.extend(peers.digests()?);
    }
    match digests.windows(2).find(|two| two[0] != two[1]) {
        Some(two) => Err(format!("two stores differ: {two:?} of {digests:?}").into()),
        None => Ok(()),
    }
}

fn weigh_in_a_child<S: Store>(rows: usize, samples: &mut Samples) {
    let weighed = std::env::current_exe()
        .map_err(Failure::from)
        .and_then(|program| {
            let arguments = |stage: &str| {
                let rows = rows.to_string();
                ["weigh", S::NAME, &rows, stage].map(str::to_owned).to_vec()
            };
            weigh::all(S::NAME, &program, arguments, samples)
        });
    if let Err(failure) = weighed {
        eprintln!("{failure}");
    }
}

/// One row's update in a small and in a large table, in turn.
fn grow(samples: &mut Samples) {
    eprintln!("growth");
    let (workload, small, large) = GROWN;
    let tables = [(small, 100_000), (large, 10_000_000)].map(|(metric, rows)| {
        let store = Sapwood::new(true);
        store.load(&mut Tasks::new(rows));
        // Not all ids: they would be memory that no program has beside its table.
        let ids: Vec<String> = Tasks::new(rows)
            .step_by(rows / 50_000)
            .map(|task| task.id.to_string())
            .collect();
        (metric, store, ids)
    });
    let mut random = Random(5);
    for _ in 0..7 {
        for (metric, store, ids) in &tables {
            let start = Instant::now();
            for _ in 0..10_000 {
                let id = std::slice::from_ref(&ids[random.below(ids.len())]);
                let cpu = random.below(4000) as u32;
                store.update(black_box(id), Change::Cpu(cpu));
            }
            let taken = nanoseconds(start.elapsed(), 10_000);
            samples.add(OURS, Measure::ns(workload, metric), taken);
        }
    }
}
