//! Writers, readers, planners, watchers and followers at once, on many threads over three tables: what each sees is one commit, nobody misses anything, and no
//! row leaks or is dropped twice.
//!
//! `soak` goes on for `SAPWOOD_SOAK_SECONDS`, a few seconds without it; `scripts/soak.sh` lets it run for longer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sapwood::{Database, Durability};

mod bank;
mod follower;
mod memory;
mod pace;
mod planner;
#[path = "../support/random.rs"]
mod random;
mod reader;
mod tally;
mod watcher;
mod writer;

use bank::{ACCOUNTS, Account, Entry, Hold, MOST_ROWS, Numbered, check, open, transfer};
use follower::{Replica, keep, same};
use memory::resident_kib;
use pace::{Counts, Pace, Party};
use random::{Random, seed};
use reader::{Exchange, Held, read, release};
use tally::Tally;
use watcher::{AnyLook, look};

/// Who goes on until the database is closed, and has then seen all of it.
struct Audience {
    looks: Vec<JoinHandle<Vec<Box<dyn AnyLook>>>>,
    holds: JoinHandle<Replica<Hold>>,
    entries: JoinHandle<Replica<Entry>>,
    accounts: JoinHandle<Replica<Account>>,
}

fn follow<T: Numbered>(party: &Party, query: sapwood::Query<T>) -> JoinHandle<Replica<T>> {
    let follower = party.db.follow(query.clone()).unwrap();
    let counts = Arc::clone(&party.counts);
    thread::spawn(move || keep(follower, &query, &counts))
}

impl Audience {
    /// How many of them hold a snapshot at most.
    const SNAPSHOTS: usize = 8;

    fn gather(party: &Party) -> Self {
        let wait = |look: Box<dyn AnyLook>| {
            let Party { db, counts, .. } = party.clone();
            thread::spawn(move || vec![watcher::wait(&db, look, &counts)])
        };
        let changed = {
            let Party { db, counts, .. } = party.clone();
            let query = Hold::BY_NAME.starts_with("hold-");
            thread::spawn(move || vec![watcher::wait_changed(&db, &query, &counts)])
        };
        let all = {
            let Party { db, counts, .. } = party.clone();
            thread::spawn(move || watcher::wait_for_all(&db, &counts))
        };
        let looks = vec![
            wait(look(Account::BY_ID.range(..10), true)),
            wait(look(Account::BY_BRANCH.eq(3), false)),
            wait(look(Entry::ALL, false)),
            changed,
            all,
        ];
        Self {
            looks,
            holds: follow(party, Hold::BY_NAME.all()),
            entries: follow(party, Entry::BY_ACCOUNTS.range(..ACCOUNTS)),
            accounts: follow(party, Account::BY_BRANCH.range(1..4)),
        }
    }

    /// The database is closed. What each has seen last is its end.
    fn leave(self, last: &sapwood::Snapshot) {
        for looks in self.looks {
            for look in looks.join().unwrap() {
                assert!(look.is_of(last), "a watcher missed the end");
            }
        }
        let holds = self.holds.join().unwrap();
        assert!(same(&holds, last, &Hold::ALL));
        let entries = self.entries.join().unwrap();
        assert!(same(&entries, last, &Entry::BY_ACCOUNTS.range(..ACCOUNTS)));
        let accounts = self.accounts.join().unwrap();
        assert!(same(&accounts, last, &Account::BY_BRANCH.range(1..4)));
    }
}

/// Everybody at once. What the readers still hold at the end is given back, with the database.
fn run(
    storage: Option<Durability>,
    tally: &Arc<Tally>,
    pace: Pace,
    counts: &Arc<Counts>,
) -> (Database, Vec<Held>) {
    let party = Party {
        db: open(tally, storage),
        tally: Arc::clone(tally),
        counts: Arc::clone(counts),
        pace,
        seed: seed(),
    };
    let audience = Audience::gather(&party);
    let with_pace = |factor| Party {
        pace: pace.times(factor),
        ..party.clone()
    };
    let (to, from) = sync_channel(30);
    let from = Arc::new(Mutex::new(from));
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|number| {
            let (party, to, from) = (with_pace(2), to.clone(), Arc::clone(&from));
            thread::spawn(move || {
                let (to, from) = (&to, &*from);
                read(party, number, &Exchange { to, from })
            })
        })
        .collect();
    let planner = {
        let party = party.clone();
        let pace = match pace {
            Pace::Rounds(rounds) => Pace::Rounds(rounds / 10),
            until @ Pace::Until(_) => until,
        };
        thread::spawn(move || planner::plan(Party { pace, ..party }, 7))
    };
    let watchers: Vec<_> = (0..2)
        .map(|number| {
            let (party, done) = (with_pace(2), Arc::clone(&done));
            thread::spawn(move || watcher::ask(party, number, &done))
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|number| {
            let party = party.clone();
            thread::spawn(move || writer::write(party, number << 32))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    done.store(true, Ordering::Release);
    let mut held: Vec<Held> = readers
        .into_iter()
        .flat_map(|reader| reader.join().unwrap())
        .collect();
    for watcher in watchers {
        watcher.join().unwrap();
    }
    planner.join().unwrap();
    held.extend(from.lock().unwrap().try_iter());
    let db = party.db.clone();
    drop(party);
    let last = db.snapshot();
    check(&last);
    if matches!(pace, Pace::Until(_)) {
        // Only the audience still holds old states, one each; all else is freed.
        held.drain(..);
        db.reclaim().unwrap();
        let most = (Audience::SNAPSHOTS + 2) * MOST_ROWS;
        assert!(
            tally.alive() <= i64::try_from(most).unwrap(),
            "{} rows",
            tally.alive()
        );
    }
    // A clone, so that the handle stays.
    db.clone().close().unwrap();
    audience.leave(&last);
    (db, held)
}

fn rounds(storage: Option<Durability>, tally: &Arc<Tally>, rounds: usize) -> (Database, Vec<Held>) {
    run(storage, tally, Pace::Rounds(rounds), &Arc::default())
}

/// In memory, with the snapshots gone before the database.
#[test]
fn every_snapshot_is_one_commit_and_no_row_leaks() {
    let tally = Arc::default();
    let (db, held) = rounds(None, &tally, 800);
    release(held, Random::new(seed()));
    drop(db);
    tally.all_gone();
}

/// In memory, with the database gone before the snapshots.
#[test]
fn snapshots_outlive_the_database_and_no_row_leaks() {
    let tally = Arc::default();
    let (db, held) = rounds(None, &tally, 800);
    drop(db);
    release(held, Random::new(seed()));
    tally.all_gone();
}

/// Where commits go to a file, by the thread that commits or by one of its own.
#[test]
fn a_durable_database_leaks_no_row() {
    let eventual = Durability::Eventual {
        within: Duration::from_millis(1),
    };
    for durability in [Durability::Immediate, eventual, Durability::Checkpoint] {
        let tally = Arc::default();
        let (db, held) = rounds(Some(durability), &tally, 200);
        drop(db);
        release(held, Random::new(seed()));
        tally.all_gone();
    }
}

/// Once nobody holds a snapshot, reclaiming leaves the rows that the database shows and no other.
#[test]
fn reclaiming_leaves_what_the_database_shows() {
    let tally = Arc::default();
    let db = open(&tally, None);
    let mut random = Random::new(seed());
    let mut held = Vec::new();
    let mut next = 0;
    for number in 0..400 {
        held.push(db.snapshot());
        db.write(|tx| transfer(tx, &mut random, &tally, &mut next))
            .unwrap();
        if number % 3 == 0 {
            held.swap_remove(random.below(held.len()));
        }
        if number % 40 == 39 {
            for snapshot in &held {
                check(snapshot);
            }
            held.clear();
            db.reclaim().unwrap();
            let snapshot = db.snapshot();
            let shown = snapshot.count(Account::ALL)
                + snapshot.count(Hold::ALL)
                + snapshot.count(Entry::ALL);
            assert_eq!(tally.alive(), i64::try_from(shown).unwrap());
        }
    }
    drop((db, held));
    tally.all_gone();
}

/// How much more resident memory than after the warm-up there may be when all is dropped. The allocator does not give all back that it was given: it keeps an
/// arena for each thread that ran at once, and how full each was at its fullest is a matter of chance. A leak of one row of a hundred bytes in each of the
/// thousands of commits of a second would pass it within seconds.
const TOLERANCE_KIB: u64 = 12 * 1024;

/// Everybody at once, for as long as is asked for, in one database after another. When one is dropped with all that came from it, no row is left, and the
/// process has no more memory than after the first, which warms up.
#[test]
fn soak() {
    let seconds = std::env::var("SAPWOOD_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(4.0, |seconds| seconds.parse().expect("seconds"));
    let begun = Instant::now();
    let counts = Arc::default();
    let mut warm = None;
    // The warm-up, one that is short, and one for the rest of the time.
    for part in [0.2, 0.4, 1.0] {
        let end = begun + Duration::from_secs_f64(seconds * part);
        let over = Arc::new(AtomicBool::new(false));
        let reporter = report(begun, &counts, &over);
        let tally = Arc::default();
        drop(run(None, &tally, Pace::Until(end), &counts));
        tally.all_gone();
        over.store(true, Ordering::Release);
        reporter.thread().unpark();
        reporter.join().unwrap();
        let Some(resident) = resident_kib() else {
            continue;
        };
        let warm = *warm.get_or_insert(resident);
        println!("  {resident} KiB when all is dropped");
        assert!(
            resident <= warm + TOLERANCE_KIB,
            "{resident} KiB, and {warm} KiB after the warm-up"
        );
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("soak: {seconds:.0} s, {counts}");
}

/// Prints each five seconds what was done so far.
fn report(begun: Instant, counts: &Arc<Counts>, over: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (counts, over) = (Arc::clone(counts), Arc::clone(over));
    thread::spawn(move || {
        let mut last = Instant::now();
        while !over.load(Ordering::Acquire) {
            thread::park_timeout(Duration::from_secs(1));
            if last.elapsed() >= Duration::from_secs(5) {
                last = Instant::now();
                let resident = resident_kib().map_or(0, |kib| kib / 1024);
                println!(
                    "  {:.0} s: {counts}; {resident} MiB",
                    begun.elapsed().as_secs_f64()
                );
            }
        }
    })
}
