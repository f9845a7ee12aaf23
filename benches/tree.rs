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
use support::{Figures, Random, each, option, resident, time};

const OURS: &str = "sapwood";
const IMBL: &str = "imbl::OrdMap";
const STD: &str = "BTreeMap";

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Task {
    #[key]
    id: String,
    value: u64,
}

fn task(id: &str, value: u64) -> Task {
    Task {
        id: id.to_owned(),
        value,
    }
}

/// The same rows in all structures.
struct Contents {
    ids: Vec<String>,
    db: Database,
    map: OrdMap<String, Arc<Task>>,
    tree: BTreeMap<String, Arc<Task>>,
}

impl Contents {
    /// Fills them in turn, with their rows in random order, so that neighbours in the tree are strangers in memory.
    fn new(rows: usize, random: &mut Random, figures: &mut Figures) -> Self {
        let ids: Vec<String> = (0..rows).map(|_| random.id()).collect();
        let insert = "insert, one transaction";
        let before = resident();
        let db = Database::builder()
            .table::<Task>()
            .in_memory()
            .expect("a database");
        let all = || {
            db.write(|tx| {
                ids.iter()
                    .try_for_each(|id| tx.insert(task(id, 1)).map(drop))
            })
        };
        figures.add(insert, "ns", OURS, time(rows, || all().expect("inserted")));
        let ours = resident() - before;

        let before = resident();
        let mut map = OrdMap::new();
        figures.run(insert, IMBL, &ids, |id| {
            map.insert(id.clone(), Arc::new(task(id, 1)))
        });
        let imbl = resident() - before;

        let before = resident();
        let mut tree = BTreeMap::new();
        figures.run(insert, STD, &ids, |id| {
            tree.insert(id.clone(), Arc::new(task(id, 1)))
        });
        let std = resident() - before;
        for (structure, bytes) in [(OURS, ours), (IMBL, imbl), (STD, std)] {
            figures.add(
                "memory a row, with the row",
                "B",
                structure,
                each(bytes, rows),
            );
        }
        Self { ids, db, map, tree }
    }

    /// Some of the keys, copied, so that reading the keys themselves costs nobody anything.
    fn picks(&self, count: usize, random: &mut Random) -> Vec<String> {
        (0..count)
            .map(|_| self.ids[random.below(self.ids.len())].clone())
            .collect()
    }

    fn gets(&self, figures: &mut Figures, random: &mut Random) {
        let picks = self.picks(200_000, random);
        let snapshot = self.db.snapshot();
        let get = "get";
        figures.run(get, OURS, &picks, |id| snapshot.get::<Task>(id.as_str()));
        figures.run(get, IMBL, &picks, |id| self.map.get(id.as_str()));
        figures.run(get, STD, &picks, |id| self.tree.get(id.as_str()));
        let read = "get, reading the row";
        figures.run(read, OURS, &picks, |id| {
            snapshot.get::<Task>(id.as_str()).map(|row| row.value)
        });
        figures.run(read, IMBL, &picks, |id| {
            self.map.get(id.as_str()).map(|row| row.value)
        });
        figures.run(read, STD, &picks, |id| {
            self.tree.get(id.as_str()).map(|row| row.value)
        });
        let both = "snapshot and get";
        figures.run(both, OURS, &picks, |id| {
            self.db.snapshot().get::<Task>(id.as_str()).is_some()
        });
        figures.run(both, IMBL, &picks, |id| {
            self.map.clone().get(id.as_str()).is_some()
        });
    }

    /// Each update a transaction of its own, with a snapshot held meanwhile; the `BTreeMap` has none, and is changed in place.
    fn updates(&mut self, figures: &mut Figures, random: &mut Random) {
        let picks = self.picks(50_000, random);
        let update = "snapshot and update";
        figures.run(update, OURS, &picks, |id| {
            let snapshot = self.db.snapshot();
            self.db.write(|tx| tx.put(task(id, 2))).expect("written");
            drop(snapshot);
        });
        figures.run(update, IMBL, &picks, |id| {
            let snapshot = self.map.clone();
            self.map.insert(id.clone(), Arc::new(task(id, 2)));
            drop(snapshot);
        });
        figures.run(update, STD, &picks, |id| {
            self.tree.insert(id.clone(), Arc::new(task(id, 2)))
        });
    }

    fn scans(&self, figures: &mut Figures) {
        let (rows, snapshot) = (self.ids.len(), self.db.snapshot());
        let mut scan = |name, structure, run: &dyn Fn() -> u64| {
            figures.add(name, "ns", structure, time(rows, run));
        };
        let forth = "scan, reading every row";
        scan(forth, OURS, &|| {
            snapshot.list(Task::ALL).map(|task| task.value).sum()
        });
        scan(forth, IMBL, &|| {
            self.map.values().map(|task| task.value).sum()
        });
        scan(forth, STD, &|| {
            self.tree.values().map(|task| task.value).sum()
        });
        let back = "scan backwards";
        scan(back, OURS, &|| {
            snapshot.list(Task::ALL).rev().map(|task| task.value).sum()
        });
        scan(back, IMBL, &|| {
            self.map.iter().rev().map(|(_, task)| task.value).sum()
        });
        scan(back, STD, &|| {
            self.tree.values().rev().map(|task| task.value).sum()
        });
    }

    fn ranges(&self, figures: &mut Figures, random: &mut Random) {
        let picks = self.picks(20_000, random);
        let snapshot = self.db.snapshot();
        let sum = |rows: &mut dyn Iterator<Item = u64>| rows.take(16).sum::<u64>();
        let range = "range of 16 rows";
        figures.run(range, OURS, &picks, |id| {
            let rows = snapshot.list(Task::BY_ID.range(id.as_str()..));
            sum(&mut rows.map(|task| task.value))
        });
        figures.run(range, IMBL, &picks, |id| {
            let rows = self
                .map
                .range::<_, str>((Bound::Included(id.as_str()), Bound::Unbounded));
            sum(&mut rows.map(|(_, task)| task.value))
        });
        figures.run(range, STD, &picks, |id| {
            let rows = self
                .tree
                .range::<str, _>((Bound::Included(id.as_str()), Bound::Unbounded));
            sum(&mut rows.map(|(_, task)| task.value))
        });
        // Its cost must not follow the number of rows counted.
        for (name, query) in [
            ("count, all but a sixteenth", Task::BY_ID.range("1"..)),
            ("count, a 256th", Task::BY_ID.starts_with("7a")),
            ("count, a 65,536th", Task::BY_ID.starts_with("7a31")),
        ] {
            figures.run(name, OURS, &[(); 20_000], |()| {
                snapshot.count(black_box(query.clone()))
            });
        }
    }

    /// A follower's step over 1,000 changed rows: the difference and a change for each.
    fn differences(&mut self, figures: &mut Figures, random: &mut Random) {
        let picks = self.picks(1_000, random);
        let mut follower = self.db.follow(Task::ALL).expect("a table");
        drop(follower.try_next());
        let old = self.map.clone();
        let all = |tx: &mut sapwood::WriteTxn| {
            picks
                .iter()
                .try_for_each(|id| tx.put(task(id, 3)).map(drop))
        };
        self.db.write(all).expect("written");
        for id in &picks {
            self.map.insert(id.clone(), Arc::new(task(id, 3)));
        }
        let name = "diff of 1,000 changes, a change";
        figures.add(name, "ns", OURS, time(picks.len(), || follower.try_next()));
        figures.add(
            name,
            "ns",
            IMBL,
            time(picks.len(), || old.diff(&self.map).count()),
        );
    }
}

fn main() {
    let rows = option("--rows", 1_000_000);
    let rounds = option("--rounds", 5);
    let mut random = Random(7);
    let mut figures = Figures::new("tree", &[OURS, IMBL, STD]);
    let mut contents = Contents::new(rows, &mut random, &mut figures);
    for _ in 0..rounds {
        contents.gets(&mut figures, &mut random);
        contents.updates(&mut figures, &mut random);
        contents.scans(&mut figures);
        contents.ranges(&mut figures, &mut random);
        contents.differences(&mut figures, &mut random);
    }
    figures.print();
}
