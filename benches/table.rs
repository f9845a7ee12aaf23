//! A table with three indexes (by id; by node, phase; by job), beside the same rows in maps with indexes kept by hand.
//!
//! The maps are what one would write without a database: one for the rows, and for each index one from (index key, id) to the row. The
//! `BTreeMap`s are changed in place, so that nobody can read while they are; the `OrdMap`s are cloned for a snapshot before each update.
//!
//! `cargo bench --bench table -- [--rows N] [--rounds N] [--json]`

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use im::OrdMap;
use sapwood::{Database, Snapshot, Table};
use serde::{Deserialize, Serialize};
use support::{Figures, Random, each, option, resident, time};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_node_phase, on(node, phase)))]
struct Task {
    #[key]
    id: String,
    node: String,
    phase: u8,
    #[index]
    job: u64,
}

impl Task {
    fn new(id: &str, random: &mut Random) -> Self {
        Self {
            id: id.to_owned(),
            node: node(random),
            phase: random.below(4) as u8,
            job: random.below(10_000) as u64,
        }
    }
}

fn node(random: &mut Random) -> String {
    format!("node-{:05}", random.below(2_000))
}

/// What is measured, on each structure.
trait Store: Clone {
    /// All rows at once.
    fn fill(&mut self, tasks: impl Iterator<Item = Task>);
    /// One row, with the state before it held meanwhile where that is possible.
    fn update(&mut self, task: Task);
    fn of_node(&self, node: &str, phase: u8) -> u64;
    fn count_of_job(&self, job: u64) -> usize;
    fn scan_by_job(&self) -> u64;
}

/// The database, with the snapshot that is read.
#[derive(Clone)]
struct Sapwood(Database, Snapshot);

impl Store for Sapwood {
    fn fill(&mut self, mut tasks: impl Iterator<Item = Task>) {
        let all = |tx: &mut sapwood::WriteTxn| tasks.try_for_each(|task| tx.insert(task).map(drop));
        self.0.write(all).expect("inserted");
        self.1 = self.0.snapshot();
    }

    fn update(&mut self, task: Task) {
        self.1 = self.0.snapshot();
        self.0.write(|tx| tx.put(task)).expect("written");
    }

    fn of_node(&self, node: &str, phase: u8) -> u64 {
        self.1
            .list(Task::BY_NODE_PHASE.eq((node, phase)))
            .map(|task| task.job)
            .sum()
    }

    fn count_of_job(&self, job: u64) -> usize {
        self.1.count(Task::BY_JOB.eq(job))
    }

    fn scan_by_job(&self) -> u64 {
        self.1.list(Task::BY_JOB.all()).map(|task| task.job).sum()
    }
}

/// The three maps, of either kind.
macro_rules! maps {
    ($name:ident, $map:ident, $update:expr) => {
        #[derive(Default, Clone)]
        struct $name {
            rows: $map<String, Arc<Task>>,
            by_node_phase: $map<(String, u8, String), Arc<Task>>,
            by_job: $map<(u64, String), Arc<Task>>,
        }

        impl $name {
            fn put(&mut self, task: Task) {
                let task = Arc::new(task);
                if let Some(old) = self.rows.insert(task.id.clone(), Arc::clone(&task)) {
                    self.by_node_phase
                        .remove(&(old.node.clone(), old.phase, old.id.clone()));
                    self.by_job.remove(&(old.job, old.id.clone()));
                }
                let key = (task.node.clone(), task.phase, task.id.clone());
                self.by_node_phase.insert(key, Arc::clone(&task));
                self.by_job.insert((task.job, task.id.clone()), task);
            }
        }

        impl Store for $name {
            fn fill(&mut self, tasks: impl Iterator<Item = Task>) {
                for task in tasks {
                    self.put(task);
                }
            }

            fn update(&mut self, task: Task) {
                let update: fn(&mut Self, Task) = $update;
                update(self, task);
            }

            fn of_node(&self, node: &str, phase: u8) -> u64 {
                let range = self
                    .by_node_phase
                    .range((node.to_owned(), phase, String::new())..);
                let rows = range.take_while(|(key, _)| key.0 == node && key.1 == phase);
                rows.map(|(_, task)| task.job).sum()
            }

            fn count_of_job(&self, job: u64) -> usize {
                self.by_job
                    .range((job, String::new())..(job + 1, String::new()))
                    .count()
            }

            fn scan_by_job(&self) -> u64 {
                self.by_job.values().map(|task| task.job).sum()
            }
        }
    };
}

maps!(OrdMaps, OrdMap, |maps, task| {
    let snapshot = maps.clone();
    maps.put(task);
    drop(snapshot);
});
maps!(BTreeMaps, BTreeMap, |maps, task| maps.put(task));

/// A structure's figures, under its name.
struct Bench<S> {
    name: &'static str,
    store: S,
}

impl<S: Store> Bench<S> {
    fn new(name: &'static str, mut store: S, ids: &[String], figures: &mut Figures) -> Self {
        let before = resident();
        let mut random = Random(13);
        let tasks = ids.iter().map(|id| Task::new(id, &mut random));
        figures.add(
            "insert, one transaction",
            "ns",
            name,
            time(ids.len(), || store.fill(tasks)),
        );
        let bytes = resident() - before;
        figures.add(
            "memory a row, with the row",
            "B",
            name,
            each(bytes, ids.len()),
        );
        Self { name, store }
    }

    fn round(&mut self, ids: &[String], mut random: Random, figures: &mut Figures) {
        let Self { name, store } = self;
        let picks: Vec<String> = (0..20_000)
            .map(|_| ids[random.below(ids.len())].clone())
            .collect();
        let nodes: Vec<(String, u8)> = (0..5_000)
            .map(|_| (node(&mut random), random.below(4) as u8))
            .collect();
        let jobs: Vec<u64> = (0..5_000).map(|_| random.below(10_000) as u64).collect();
        figures.run("snapshot and update of a row", name, &picks, |id| {
            store.update(Task::new(id, &mut random));
        });
        figures.run(
            "list of a node's rows in a phase",
            name,
            &nodes,
            |(node, phase)| store.of_node(node, *phase),
        );
        figures.run("count of a job's rows", name, &jobs, |job| {
            store.count_of_job(*job)
        });
        let scan = time(ids.len(), || store.scan_by_job());
        figures.add("scan by job, reading every row", "ns", name, scan);
    }
}

fn main() {
    let rows = option("--rows", 1_000_000);
    let rounds = option("--rounds", 5);
    let mut random = Random(11);
    let ids: Vec<String> = (0..rows).map(|_| random.id()).collect();
    let names = ["sapwood", "imbl::OrdMap", "BTreeMap"];
    let mut figures = Figures::new("table with three indexes", &names);
    let db = Database::builder()
        .table::<Task>()
        .in_memory()
        .expect("a database");
    let snapshot = db.snapshot();
    let mut ours = Bench::new(names[0], Sapwood(db, snapshot), &ids, &mut figures);
    let mut imbl = Bench::new(names[1], OrdMaps::default(), &ids, &mut figures);
    let mut std = Bench::new(names[2], BTreeMaps::default(), &ids, &mut figures);
    for round in 0..rounds as u64 {
        ours.round(&ids, Random(round), &mut figures);
        imbl.round(&ids, Random(round), &mut figures);
        std.round(&ids, Random(round), &mut figures);
    }
    figures.print();
}
