//! Their fuzz test: writers on random subsets of several tables, readers that check what must hold in every snapshot, and followers that began at different
//! times, all at once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sapwood::{Change, Database, Error, Query, Revision, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::random::{Random, seed};

/// A table of numbers.
trait Numbers: Table + Clone {
    fn all() -> Query<Self>;
    fn id(&self) -> u64;
    fn value(&self) -> u64;
    fn put(tx: &mut WriteTxn, id: u64, value: u64) -> Result<Option<u64>, Error>;
    fn remove(tx: &mut WriteTxn, id: u64) -> Result<Option<u64>, Error>;
    fn of(snap: &Snapshot) -> Plain;
    fn with_value(snap: &Snapshot, value: u64) -> usize;
}

/// Values by id.
type Plain = BTreeMap<u64, u64>;

macro_rules! numbers {
    ($($table:ident)+) => {$(
        #[derive(Table, Clone, Debug, Serialize, Deserialize)]
        struct $table {
            #[key]
            id: u64,
            #[index]
            value: u64,
        }

        impl Numbers for $table {
            fn all() -> Query<Self> {
                Self::ALL
            }

            fn id(&self) -> u64 {
                self.id
            }

            fn value(&self) -> u64 {
                self.value
            }

            fn put(tx: &mut WriteTxn, id: u64, value: u64) -> Result<Option<u64>, Error> {
                let old = tx.put(Self { id, value })?;
                assert_eq!(tx.get::<Self>(id).map(|row| row.value), Some(value));
                Ok(old.map(|row| row.value))
            }

            fn remove(tx: &mut WriteTxn, id: u64) -> Result<Option<u64>, Error> {
                let old = tx.remove::<Self>(id)?;
                assert!(tx.get::<Self>(id).is_none());
                Ok(old.map(|row| row.value))
            }

            fn of(snap: &Snapshot) -> Plain {
                snap.list(Self::ALL).map(|row| (row.id, row.value)).collect()
            }

            fn with_value(snap: &Snapshot, value: u64) -> usize {
                snap.list(Self::BY_VALUE.eq(value)).inspect(|row| assert_eq!(row.value, value)).count()
            }
        }
    )+};
}

numbers!(First Second Third Fourth);

/// What every table must hold, written by whoever writes the table.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Total {
    #[key]
    table: u8,
    rows: u64,
    sum: u64,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Put { table: u8, id: u64, value: u64 },
    Remove { table: u8, id: u64 },
}

/// Does it to the table and to its total, and checks what it gives back against what the transaction read before.
fn act(tx: &mut WriteTxn, act: Act) -> Result<(), Error> {
    fn on<T: Numbers>(tx: &mut WriteTxn, act: Act) -> Result<(), Error> {
        let (table, old, new) = match act {
            Act::Put { table, id, value } => (table, T::put(tx, id, value)?, Some(value)),
            Act::Remove { table, id } => (table, T::remove(tx, id)?, None),
        };
        tx.update::<Total>(table, |total| {
            total.rows = total.rows + u64::from(new.is_some()) - u64::from(old.is_some());
            total.sum = total.sum + new.unwrap_or(0) - old.unwrap_or(0);
        })?;
        Ok(())
    }
    let (Act::Put { table, .. } | Act::Remove { table, .. }) = act;
    match table {
        0 => on::<First>(tx, act),
        1 => on::<Second>(tx, act),
        2 => on::<Third>(tx, act),
        _ => on::<Fourth>(tx, act),
    }
}

fn tables(snap: &Snapshot) -> [Plain; 4] {
    [
        First::of(snap),
        Second::of(snap),
        Third::of(snap),
        Fourth::of(snap),
    ]
}

/// What must hold in every snapshot: the totals are those of the tables, and the other index has the same rows.
fn check(snap: &Snapshot) {
    for (number, plain) in tables(snap).iter().enumerate() {
        let total = snap.get::<Total>(number as u8).unwrap();
        assert_eq!(total.rows, plain.len() as u64);
        assert_eq!(total.sum, plain.values().sum::<u64>());
    }
    let first = First::of(snap);
    for value in 0..VALUES {
        let rows = first.values().filter(|other| **other == value).count();
        assert_eq!(First::with_value(snap, value), rows);
    }
}

/// Follows a table into a replica, and compares both after each step.
fn replicate<T: Numbers>(db: &Database) -> Plain {
    let mut replica = Plain::new();
    let mut follower = db.follow(T::all()).unwrap();
    let mut to = None;
    while let Some(step) = follower.next() {
        assert_eq!(step.from(), to);
        assert!(step.from().is_none_or(|from| from < step.to()));
        to = Some(step.to());
        for change in &step {
            let old = match change {
                Change::Removed(row) => replica.remove(&row.id()),
                Change::Inserted(row) | Change::Updated { new: row, .. } => {
                    replica.insert(row.id(), row.value())
                }
            };
            assert_eq!(old, change.before().map(|row| row.value()));
        }
        assert_eq!(replica, T::of(follower.snapshot()));
    }
    replica
}

/// Ends the readers and, by closing the database, the followers: also when the test fails, which would wait for them else.
struct Ends<'a>(&'a Database, &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.1.store(true, Ordering::Relaxed);
        self.0.close().unwrap();
    }
}

const VALUES: u64 = 7;
const WRITERS: u64 = 6;
const TURNS: u64 = 60;

/// A random transaction; what it did, if it was committed and changed anything.
fn turn(db: &Database, random: &mut Random) -> Option<(Revision, Vec<Act>)> {
    let mut tx = db.begin_write().unwrap();
    let mut done = Vec::new();
    for _ in 0..=random.below(8) {
        let (table, id) = (random.below(4) as u8, random.below(40) as u64);
        let value = random.below(VALUES as usize) as u64;
        match random.below(12) {
            0..6 => done.push(Act::Put { table, id, value }),
            6..10 => done.push(Act::Remove { table, id }),
            kind => {
                // A third of a table, or all of it.
                let ids: Vec<u64> = tx.list(First::ALL).map(|row| row.id).collect();
                let gone = ids
                    .into_iter()
                    .filter(|other| kind == 11 || other % 3 == id % 3);
                for id in gone {
                    let remove = Act::Remove { table: 0, id };
                    act(&mut tx, remove).unwrap();
                    done.push(remove);
                }
                continue;
            }
        }
        act(&mut tx, done[done.len() - 1]).unwrap();
    }
    if random.below(10) == 0 {
        return None;
    }
    let revision = tx.revision();
    (tx.commit().unwrap() == revision).then_some((revision, done))
}

/// Every snapshot that any reader takes has totals that fit all its tables; every replica is its table after each step and at the end; and all committed
/// transactions, in the order of their revisions, make the tables: none is lost, none is seen that was dropped.
#[test]
fn writers_readers_and_followers_at_once() {
    let seed = seed();
    let db = Database::builder()
        .table::<First>()
        .table::<Second>()
        .table::<Third>()
        .table::<Fourth>()
        .table::<Total>()
        .in_memory()
        .unwrap();
    db.write(|tx| {
        (0..4).try_for_each(|table| {
            tx.insert(Total {
                table,
                rows: 0,
                sum: 0,
            })
            .map(drop)
        })
    })
    .unwrap();
    let log: Mutex<BTreeMap<Revision, Vec<Act>>> = Mutex::default();
    let done = AtomicBool::new(false);
    let replicas = thread::scope(|scope| {
        let (db, log, done) = (&db, &log, &done);
        let ends = Ends(db, done);
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snap = db.snapshot();
                    check(&snap);
                    // It shows the same a second time.
                    check(&snap.clone());
                }
            });
        }
        let mut followers = vec![
            scope.spawn(|| (0, replicate::<First>(db))),
            scope.spawn(|| (1, replicate::<Second>(db))),
        ];
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let mut random = Random::new(seed ^ writer);
                    for _ in 0..TURNS {
                        if let Some((revision, acts)) = turn(db, &mut random) {
                            assert!(log.lock().unwrap().insert(revision, acts).is_none());
                        }
                    }
                })
            })
            .collect();
        for (n, writer) in writers.into_iter().enumerate() {
            writer.join().unwrap();
            // Later ones begin in the middle.
            match n {
                0 => followers.push(scope.spawn(|| (0, replicate::<First>(db)))),
                1 => followers.push(scope.spawn(|| (2, replicate::<Third>(db)))),
                2 => followers.push(scope.spawn(|| (3, replicate::<Fourth>(db)))),
                _ => {}
            }
        }
        // A last change in every table, so that whoever began late has something to tell, and then the end.
        db.write(|tx| {
            (0..4).try_for_each(|table| {
                act(
                    tx,
                    Act::Put {
                        table,
                        id: 99,
                        value: 1,
                    },
                )
            })
        })
        .unwrap();
        drop(ends);
        followers
            .into_iter()
            .map(|follower| follower.join().unwrap())
            .collect::<Vec<_>>()
    });
    let snap = db.snapshot();
    check(&snap);
    let found = tables(&snap);
    for (table, replica) in replicas {
        assert_eq!(replica, found[table]);
    }
    let mut expected: [Plain; 4] = Default::default();
    for act in log.into_inner().unwrap().into_values().flatten() {
        match act {
            Act::Put { table, id, value } => drop(expected[usize::from(table)].insert(id, value)),
            Act::Remove { table, id } => drop(expected[usize::from(table)].remove(&id)),
        }
    }
    for plain in &mut expected {
        plain.insert(99, 1);
    }
    assert_eq!(found, expected);
}
