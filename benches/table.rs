//! A table with three indexes (by id; by node, phase; by job), beside the same rows in maps with indexes kept by hand.
//!
//! The maps are what one would write without a database: one for the rows, and for each index one from (index key, id) to the row. The
//! `BTreeMap`s are changed in place, so that nobody can read while they are; the `OrdMap`s are cloned for a snapshot before each update.
//!
//! `cargo bench --bench table -- [--rows N] [--rounds N] [--json]`

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use im::OrdMap;
use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};
use support::{Figures, Random, option, resident, time};

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

/// The three maps, of either kind.
macro_rules! maps {
    ($name:ident, $map:ident) => {
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
        }
    };
}

maps!(OrdMaps, OrdMap);
maps!(BTreeMaps, BTreeMap);

fn main() {
    let rows = option("--rows", 1_000_000);
    let rounds = option("--rounds", 5);
    let mut random = Random(11);
    let ids: Vec<String> = (0..rows).map(|_| random.id()).collect();
    let mut figures = Figures::new(
        "table with three indexes",
        &["sapwood", "imbl::OrdMap", "BTreeMap"],
    );

    let before = resident();
    let db = Database::builder()
        .table::<Task>()
        .in_memory()
        .expect("a database");
    let mut seed = random.clone();
    let insert = "insert, one transaction";
    figures.add(
        insert,
        "ns",
        "sapwood",
        time(rows, || {
            db.write(|tx| {
                ids.iter()
                    .try_for_each(|id| tx.insert(Task::new(id, &mut seed)).map(drop))
            })
            .expect("inserted");
        }),
    );
    let sapwood = resident() - before;
    let before = resident();
    let mut ord = OrdMaps::default();
    let mut seed = random.clone();
    figures.add(
        insert,
        "ns",
        "imbl::OrdMap",
        time(rows, || {
            ids.iter().for_each(|id| ord.put(Task::new(id, &mut seed)));
        }),
    );
    let imbl = resident() - before;
    let before = resident();
    let mut tree = BTreeMaps::default();
    let mut seed = random.clone();
    figures.add(
        insert,
        "ns",
        "BTreeMap",
        time(rows, || {
            ids.iter().for_each(|id| tree.put(Task::new(id, &mut seed)));
        }),
    );
    let btree = resident() - before;
    for (structure, bytes) in [
        ("sapwood", sapwood),
        ("imbl::OrdMap", imbl),
        ("BTreeMap", btree),
    ] {
        figures.add(
            "memory a row, with the row",
            "B",
            structure,
            bytes as f64 / rows as f64,
        );
    }

    for _ in 0..rounds {
        let picks: Vec<String> = (0..20_000)
            .map(|_| ids[random.below(rows)].clone())
            .collect();
        let seed = random.clone();
        let mut update = |structure, run: &mut dyn FnMut(Task)| {
            let mut seed = seed.clone();
            let figure = time(picks.len(), || {
                picks.iter().for_each(|id| run(Task::new(id, &mut seed)))
            });
            figures.add("snapshot and update of a row", "ns", structure, figure);
        };
        update("sapwood", &mut |task| {
            let snapshot = db.snapshot();
            db.write(|tx| tx.put(task)).expect("written");
            drop(snapshot);
        });
        update("imbl::OrdMap", &mut |task| {
            let snapshot = ord.clone();
            ord.put(task);
            drop(snapshot);
        });
        update("BTreeMap", &mut |task| tree.put(task));

        let nodes: Vec<(String, u8)> = (0..5_000)
            .map(|_| (node(&mut random), random.below(4) as u8))
            .collect();
        let snapshot = db.snapshot();
        let mut list = |structure, run: &mut dyn FnMut(&str, u8) -> u64| {
            let figure = time(nodes.len(), || {
                for (node, phase) in &nodes {
                    black_box(run(node, *phase));
                }
            });
            figures.add("list of a node's rows in a phase", "ns", structure, figure);
        };
        list("sapwood", &mut |node, phase| {
            snapshot
                .list(Task::BY_NODE_PHASE.eq((node, phase)))
                .map(|task| task.job)
                .sum()
        });
        list("imbl::OrdMap", &mut |node, phase| ord.of_node(node, phase));
        list("BTreeMap", &mut |node, phase| tree.of_node(node, phase));

        let jobs: Vec<u64> = (0..5_000).map(|_| random.below(10_000) as u64).collect();
        let mut count = |structure, run: &mut dyn FnMut(u64) -> usize| {
            let figure = time(jobs.len(), || {
                for job in &jobs {
                    black_box(run(*job));
                }
            });
            figures.add("count of a job's rows", "ns", structure, figure);
        };
        count("sapwood", &mut |job| snapshot.count(Task::BY_JOB.eq(job)));
        count("imbl::OrdMap", &mut |job| ord.count_of_job(job));
        count("BTreeMap", &mut |job| tree.count_of_job(job));

        figures.add(
            "scan by job, reading every row",
            "ns",
            "sapwood",
            time(rows, || {
                black_box(
                    snapshot
                        .list(Task::BY_JOB.all())
                        .map(|task| task.job)
                        .sum::<u64>(),
                );
            }),
        );
        figures.add(
            "scan by job, reading every row",
            "ns",
            "imbl::OrdMap",
            time(rows, || {
                black_box(ord.by_job.values().map(|task| task.job).sum::<u64>());
            }),
        );
        figures.add(
            "scan by job, reading every row",
            "ns",
            "BTreeMap",
            time(rows, || {
                black_box(tree.by_job.values().map(|task| task.job).sum::<u64>());
            }),
        );
    }
    figures.print();
}
