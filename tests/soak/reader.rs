//! Who reads: takes, clones, keeps, passes on and drops snapshots, rows and forks.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;

use sapwood::{Database, Revision, Row, Snapshot};

use super::bank::{ACCOUNTS, Account, Entry, Hold, check, transfer};
use super::pace::{Party, count};
use super::random::Random;

/// What a reader keeps, and what it must still be.
pub(crate) enum Held {
    Snapshot(Snapshot, Revision),
    Account(Row<Account>, u32, i64),
    Hold(Row<Hold>, u64, i64),
    Entry(Row<Entry>, u64, i64),
    /// A database of the reader's own, and where it stands.
    Fork(Database, Revision),
}

impl Held {
    fn check(&self) {
        match self {
            Self::Snapshot(snapshot, revision) => {
                assert_eq!(snapshot.revision(), *revision);
                check(snapshot);
            }
            Self::Account(row, id, balance) => {
                assert!(row.token.is_alive());
                assert_eq!((row.id, row.balance), (*id, *balance));
            }
            Self::Hold(row, id, amount) => {
                assert!(row.token.is_alive());
                assert_eq!((row.id, row.amount), (*id, *amount));
            }
            Self::Entry(row, id, amount) => {
                assert!(row.token.is_alive());
                assert_eq!((row.id, row.amount), (*id, *amount));
            }
            Self::Fork(db, revision) => {
                assert_eq!(db.revision(), *revision);
                check(&db.snapshot());
            }
        }
    }
}

const MOST_HELD: usize = 30;

/// The readers' exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) to: &'a SyncSender<Held>,
    pub(crate) from: &'a Mutex<Receiver<Held>>,
}

/// Gives back what is left.
pub(crate) fn read(party: Party, number: u64, exchange: &Exchange<'_>) -> Vec<Held> {
    let Party {
        db,
        tally,
        counts,
        mut pace,
        seed,
    } = party;
    let mut random = Random::new(seed ^ number);
    let mut held: Vec<Held> = Vec::new();
    let mut newest = Revision::ZERO;
    while pace.goes_on() {
        while held.len() > MOST_HELD {
            drop(held.swap_remove(random.below(held.len())));
        }
        let which = random.below(held.len());
        match random.below(10) {
            0 | 1 => {
                let snapshot = db.snapshot();
                let revision = snapshot.revision();
                assert!(revision >= newest, "time goes forward");
                newest = revision;
                held.push(Held::Snapshot(snapshot, revision));
            }
            2 => {
                if let Some(Held::Snapshot(snapshot, revision)) = held.get(which) {
                    let clone = Held::Snapshot(snapshot.clone(), *revision);
                    held.push(clone);
                }
            }
            3 => {
                if let Some(Held::Snapshot(snapshot, _)) = held.get(which) {
                    let rows = some_rows(snapshot, random.below(ACCOUNTS as usize) as u32);
                    held.extend(rows);
                }
            }
            4 if !held.is_empty() => {
                // Where it is full, it is dropped.
                drop(exchange.to.try_send(held.swap_remove(which)));
            }
            5 => held.extend(exchange.from.lock().unwrap().try_recv()),
            6 => {
                let fork = match held.get(which) {
                    Some(Held::Snapshot(snapshot, _)) => snapshot.fork(),
                    Some(Held::Fork(fork, _)) => fork.snapshot().fork(),
                    _ => continue,
                };
                let mut next = random.next() >> 1;
                let wrote = fork.write(|tx| transfer(tx, &mut random, &tally, &mut next));
                wrote.unwrap();
                count(&counts.forks);
                let at = fork.revision();
                held.push(Held::Fork(fork, at));
            }
            _ => {
                if let Some(held) = held.get(which) {
                    held.check();
                    count(&counts.checks);
                }
            }
        }
    }
    held
}

fn some_rows(snapshot: &Snapshot, id: u32) -> Vec<Held> {
    let account = snapshot.get::<Account>(id).unwrap().clone();
    let balance = account.balance;
    let hold = snapshot.last(Hold::BY_ACCOUNT.eq(id)).cloned();
    let entry = snapshot.first(Entry::BY_ACCOUNTS.eq(id)).cloned();
    let mut rows = vec![Held::Account(account, id, balance)];
    rows.extend(hold.map(|row| {
        let (id, amount) = (row.id, row.amount);
        Held::Hold(row, id, amount)
    }));
    rows.extend(entry.map(|row| {
        let (id, amount) = (row.id, row.amount);
        Held::Entry(row, id, amount)
    }));
    rows
}

/// Drops all of it in random order, on two threads, checking what is left.
pub(crate) fn release(mut held: Vec<Held>, mut random: Random) {
    let mut other = Vec::new();
    while !held.is_empty() {
        let one = held.swap_remove(random.below(held.len()));
        match random.below(8) {
            0 => one.check(),
            1..4 => other.push(one),
            _ => drop(one),
        }
    }
    thread::spawn(move || {
        for one in &other {
            one.check();
        }
    })
    .join()
    .unwrap();
}
