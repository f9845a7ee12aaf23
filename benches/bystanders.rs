//! What a commit of one row pays for those who are not concerned: watches on other tables, held snapshots, watches on other rows of its table.
//!
//! One of many tables is written. The bars: within 10 % with 100,000 watches on other tables and 1,000 snapshots held; at most 1.5 µs more with the
//! 100,000 watches on the same table, none of them on the row written.
//!
//! `cargo bench --bench bystanders -- [--rounds N] [--json]`

mod support;

use sapwood::{Database, Snapshot, Table, watch::Watch};
use serde::{Deserialize, Serialize};
use support::{Figures, Random, option, time};

const WATCHES: u64 = 100_000;
const SNAPSHOTS: usize = 1_000;
const ROWS: u64 = 200_000;
const COMMITS: usize = 20_000;

/// A number of tables of one shape.
macro_rules! tables {
    ($($table:ident)*) => {
        $(
            #[derive(Table, Clone, Debug, Serialize, Deserialize)]
            struct $table {
                #[key]
                id: u64,
                #[index]
                group: u64,
                value: u64,
            }
        )*

        fn open() -> Database {
            let builder = Database::builder()$(.table::<$table>())*;
            let db = builder.in_memory().expect("a database");
            db.write(|tx| {
                for id in 0..ROWS {
                    $(
                        tx.insert($table { id, group: id / 10, value: 0 })?;
                    )*
                }
                Ok::<_, sapwood::Error>(())
            })
            .expect("inserted");
            db
        }
    };
}

tables!(Written Watched C D E F G H I J);

/// Commits until each is like the next, and then measures: the first write to a place after a snapshot also pays for the memory that this pins.
fn commits(db: &Database, random: &mut Random) -> f64 {
    for _ in 0..5 {
        some_commits(db, random);
    }
    some_commits(db, random)
}

fn some_commits(db: &Database, random: &mut Random) -> f64 {
    time(COMMITS, || {
        for _ in 0..COMMITS {
            // Even rows are written, odd ones watched.
            let id = 2 * random.below(ROWS as usize / 2) as u64;
            db.write(|tx| tx.update::<Written>(id, |row| row.value += 1))
                .expect("written");
        }
    })
}

/// Snapshots of different versions, which the commits leave alone.
fn snapshots(db: &Database) -> Vec<Snapshot> {
    (0..SNAPSHOTS as u64)
        .map(|id| {
            db.write(|tx| tx.update::<C>(id, |row| row.value += 1))
                .expect("written");
            db.snapshot()
        })
        .collect()
}

fn main() {
    let rounds = option("--rounds", 9);
    let mut random = Random(3);
    let db = open();
    let mut figures = Figures::new(
        "a commit of one row, of ten tables",
        &["none", "elsewhere", "same table"],
    );
    for _ in 0..rounds {
        figures.add("commit", "ns", "none", commits(&db, &mut random));

        let held = snapshots(&db);
        let snapshot = db.snapshot();
        let watches: Vec<Watch> = (0..WATCHES)
            .map(|id| snapshot.watch(Watched::BY_ID.eq(id)))
            .collect();
        drop(snapshot);
        figures.add("commit", "ns", "elsewhere", commits(&db, &mut random));
        assert!(watches.iter().all(|watch| !watch.is_fired()));
        drop((watches, held));

        let snapshot = db.snapshot();
        let watches: Vec<Watch> = (0..WATCHES)
            .map(|number| snapshot.watch(Written::BY_ID.eq(2 * number + 1)))
            .collect();
        drop(snapshot);
        figures.add("commit", "ns", "same table", commits(&db, &mut random));
        assert!(watches.iter().all(|watch| !watch.is_fired()));
    }
    figures.print();
}
