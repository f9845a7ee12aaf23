//! One tree, as a table without further indexes, beside `imbl::OrdMap` and `BTreeMap`: 36-character random keys.
//!
//! `cargo bench --bench tree -- [--rows N] [--rounds N] [--json]`

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;

use im::OrdMap;
use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};
use support::{Figures, Random, option, resident, time};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Task {
    #[key]
    id: String,
    value: u64,
}

type Map = OrdMap<String, Arc<Task>>;
type Tree = BTreeMap<String, Arc<Task>>;

fn task(id: &str, value: u64) -> Task {
    Task {
        id: id.to_owned(),
        value,
    }
}

fn main() {
    let rows = option("--rows", 1_000_000);
    let rounds = option("--rounds", 5);
    let mut random = Random(7);
    // In random order, so that neighbours in the tree are strangers in memory.
    let ids: Vec<String> = (0..rows).map(|_| random.id()).collect();
    let mut figures = Figures::new("tree", &["sapwood", "imbl::OrdMap", "BTreeMap"]);

    let before = resident();
    let db = Database::builder()
        .table::<Task>()
        .in_memory()
        .expect("a database");
    figures.add(
        "insert, one transaction",
        "ns",
        "sapwood",
        time(rows, || {
            db.write(|tx| {
                ids.iter()
                    .try_for_each(|id| tx.insert(task(id, 1)).map(drop))
            })
            .expect("inserted");
        }),
    );
    let sapwood = resident() - before;
    let before = resident();
    let mut map = Map::new();
    figures.add(
        "insert, one transaction",
        "ns",
        "imbl::OrdMap",
        time(rows, || {
            for id in &ids {
                map.insert(id.clone(), Arc::new(task(id, 1)));
            }
        }),
    );
    let imbl = resident() - before;
    let before = resident();
    let mut tree = Tree::new();
    figures.add(
        "insert, one transaction",
        "ns",
        "BTreeMap",
        time(rows, || {
            for id in &ids {
                tree.insert(id.clone(), Arc::new(task(id, 1)));
            }
        }),
    );
    let btree = resident() - before;
    // A row is its struct and its id, whoever holds it; the maps hold the id once more, as their key.
    let row = size_of::<Task>() + 36;
    for (structure, bytes) in [
        ("sapwood", sapwood),
        ("imbl::OrdMap", imbl),
        ("BTreeMap", btree),
    ] {
        figures.add(
            "memory a row, without the row",
            "B",
            structure,
            (bytes / rows - row) as f64,
        );
    }

    for round in 0..rounds {
        let picks: Vec<&String> = (0..200_000).map(|_| &ids[random.below(rows)]).collect();
        let snapshot = db.snapshot();
        figures.add(
            "get",
            "ns",
            "sapwood",
            time(picks.len(), || {
                for id in &picks {
                    black_box(snapshot.get::<Task>(id.as_str()).expect("there").value);
                }
            }),
        );
        figures.add(
            "get",
            "ns",
            "imbl::OrdMap",
            time(picks.len(), || {
                for id in &picks {
                    black_box(map.get(id.as_str()).expect("there").value);
                }
            }),
        );
        figures.add(
            "get",
            "ns",
            "BTreeMap",
            time(picks.len(), || {
                for id in &picks {
                    black_box(tree.get(id.as_str()).expect("there").value);
                }
            }),
        );
        figures.add(
            "snapshot and get",
            "ns",
            "sapwood",
            time(picks.len(), || {
                for id in &picks {
                    black_box(db.snapshot().get::<Task>(id.as_str()).expect("there").value);
                }
            }),
        );
        drop(snapshot);

        let picks: Vec<&String> = (0..50_000).map(|_| &ids[random.below(rows)]).collect();
        figures.add(
            "snapshot and update",
            "ns",
            "sapwood",
            time(picks.len(), || {
                for id in &picks {
                    let snapshot = db.snapshot();
                    db.write(|tx| tx.put(task(id, round as u64)))
                        .expect("written");
                    drop(snapshot);
                }
            }),
        );
        figures.add(
            "snapshot and update",
            "ns",
            "imbl::OrdMap",
            time(picks.len(), || {
                for id in &picks {
                    let snapshot = map.clone();
                    map.insert((*id).clone(), Arc::new(task(id, round as u64)));
                    drop(snapshot);
                }
            }),
        );
        figures.add(
            "update in place",
            "ns",
            "BTreeMap",
            time(picks.len(), || {
                for id in &picks {
                    tree.insert((*id).clone(), Arc::new(task(id, round as u64)));
                }
            }),
        );

        let snapshot = db.snapshot();
        figures.add(
            "scan, reading every row",
            "ns",
            "sapwood",
            time(rows, || {
                black_box(snapshot.list(Task::ALL).map(|task| task.value).sum::<u64>());
            }),
        );
        figures.add(
            "scan, reading every row",
            "ns",
            "imbl::OrdMap",
            time(rows, || {
                black_box(map.values().map(|task| task.value).sum::<u64>());
            }),
        );
        figures.add(
            "scan, reading every row",
            "ns",
            "BTreeMap",
            time(rows, || {
                black_box(tree.values().map(|task| task.value).sum::<u64>());
            }),
        );
        figures.add(
            "scan backwards",
            "ns",
            "sapwood",
            time(rows, || {
                black_box(
                    snapshot
                        .list(Task::ALL)
                        .rev()
                        .map(|task| task.value)
                        .sum::<u64>(),
                );
            }),
        );
        figures.add(
            "scan backwards",
            "ns",
            "BTreeMap",
            time(rows, || {
                black_box(tree.values().rev().map(|task| task.value).sum::<u64>());
            }),
        );

        let picks: Vec<&String> = (0..20_000).map(|_| &ids[random.below(rows)]).collect();
        figures.add(
            "range of 16 rows",
            "ns",
            "sapwood",
            time(picks.len(), || {
                for id in &picks {
                    let range = snapshot.list(Task::BY_ID.range(id.as_str()..));
                    black_box(range.take(16).map(|task| task.value).sum::<u64>());
                }
            }),
        );
        figures.add(
            "range of 16 rows",
            "ns",
            "imbl::OrdMap",
            time(picks.len(), || {
                for id in &picks {
                    let range =
                        map.range::<_, str>((Bound::Included(id.as_str()), Bound::Unbounded));
                    black_box(range.take(16).map(|(_, task)| task.value).sum::<u64>());
                }
            }),
        );
        figures.add(
            "range of 16 rows",
            "ns",
            "BTreeMap",
            time(picks.len(), || {
                for id in &picks {
                    let range =
                        tree.range::<str, _>((Bound::Included(id.as_str()), Bound::Unbounded));
                    black_box(range.take(16).map(|(_, task)| task.value).sum::<u64>());
                }
            }),
        );

        // Its cost must not follow the number of rows counted.
        for (name, query) in [
            ("count, all but a sixteenth", Task::BY_ID.range("1"..)),
            ("count, a 256th", Task::BY_ID.starts_with("7a")),
            ("count, about 16 rows", Task::BY_ID.starts_with("7a31")),
        ] {
            figures.add(
                name,
                "ns",
                "sapwood",
                time(20_000, || {
                    for _ in 0..20_000 {
                        black_box(snapshot.count(black_box(query.clone())));
                    }
                }),
            );
        }
        drop(snapshot);

        let mut follower = db.follow(Task::ALL).expect("a table");
        drop(follower.try_next());
        let old = map.clone();
        let picks: Vec<&String> = (0..1_000).map(|_| &ids[random.below(rows)]).collect();
        db.write(|tx| {
            picks
                .iter()
                .try_for_each(|id| tx.put(task(id, 3)).map(drop))
        })
        .expect("written");
        for id in &picks {
            map.insert((*id).clone(), Arc::new(task(id, 3)));
        }
        figures.add(
            "diff of 1,000 changes, a change",
            "ns",
            "sapwood",
            time(picks.len(), || {
                black_box(follower.try_next());
            }),
        );
        figures.add(
            "diff of 1,000 changes, a change",
            "ns",
            "imbl::OrdMap",
            time(picks.len(), || {
                black_box(old.diff(&map).count());
            }),
        );
    }
    figures.print();
}
