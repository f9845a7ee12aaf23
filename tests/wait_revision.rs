//! Whoever knows a revision can wait until it is there, in every way that one waits for a watch, and misses it never.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::watch::WatchSet;
use sapwood::{Database, Error, Revision, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "items")]
struct Item {
    #[key]
    id: u64,
}

const LONG: Duration = Duration::from_secs(600);

fn open() -> Database {
    Database::builder().table::<Item>().in_memory().unwrap()
}

fn commit(db: &Database) -> Revision {
    db.write(|tx| tx.put(Item { id: 1 })).unwrap();
    db.revision()
}

fn rev(number: u64) -> Revision {
    Revision::new(number)
}

/// What is there already is given at once; what is not, not before its time.
#[test]
fn a_revision_that_is_there_is_not_waited_for() {
    let db = open();
    assert_eq!(
        db.wait_for(Revision::ZERO).unwrap().revision(),
        Revision::ZERO
    );
    assert!(db.watch_revision(Revision::ZERO).is_fired());
    commit(&db);
    commit(&db);
    for number in 0..3 {
        assert_eq!(db.wait_for(rev(number)).unwrap().revision(), rev(2));
        let snapshot = db.snapshot_at_least(rev(number), Duration::ZERO).unwrap();
        assert_eq!(snapshot.unwrap().revision(), rev(2));
        assert!(db.watch_revision(rev(number)).is_fired());
    }
    for timeout in [Duration::ZERO, Duration::from_millis(2)] {
        assert!(db.snapshot_at_least(rev(3), timeout).unwrap().is_none());
    }
}

/// A commit wakes exactly those whose revision it reaches, also where it leaves numbers out; a transaction that changes nothing or is given up wakes nobody.
#[test]
fn a_commit_wakes_exactly_those_whose_revision_it_reaches() {
    let db = open();
    let watches: Vec<_> = (1..12)
        .map(|number| db.watch_revision(rev(number)))
        .collect();
    let twice = db.watch_revision(rev(3));
    let fired = || watches.iter().filter(|watch| watch.is_fired()).count();
    assert_eq!(fired(), 0);
    db.write(|_| Ok::<_, Error>(())).unwrap();
    drop(db.write(|tx| {
        tx.insert(Item { id: 1 })?;
        Err::<(), _>(Error::Closed)
    }));
    assert_eq!(fired(), 0);
    commit(&db);
    assert_eq!(fired(), 1);
    assert!(watches[0].is_fired());
    let mut tx = db.begin_write().unwrap();
    tx.put(Item { id: 2 }).unwrap();
    let staged = tx.stage().unwrap();
    assert_eq!(fired(), 1);
    staged.publish_at(rev(7)).unwrap();
    assert_eq!(fired(), 7);
    assert!(twice.is_fired());
    commit(&db);
    assert_eq!(fired(), 8);
}

/// In a set with watches of rows, in a `select!`, and with a limit.
#[test]
fn it_is_a_watch_like_any_other() {
    let db = open();
    let mut set = WatchSet::new();
    let rows = set.add(db.snapshot().watch(Item::BY_ID.eq(9)));
    let revision = set.add(db.watch_revision(rev(2)));
    commit(&db);
    assert!(set.wait_timeout(Duration::ZERO).unwrap().is_empty());
    commit(&db);
    assert_eq!(set.wait_timeout(LONG).unwrap(), [revision]);
    assert_ne!(rows, revision);
    let watch = db.watch_revision(rev(3));
    assert!(!watch.wait_timeout(Duration::ZERO).unwrap());
    commit(&db);
    crossbeam_channel::select! {
        recv(watch.receiver()) -> _ => assert!(!watch.is_closed()),
        default(LONG) => panic!("it has fired"),
    }
}

/// No wake-up is lost: many threads wait for the next revision again and again, while commits come as fast as they can.
#[test]
fn no_revision_is_missed() {
    let db = open();
    let last = 2_000u64;
    thread::scope(|scope| {
        for first in 1..4 {
            let db = &db;
            scope.spawn(move || {
                let mut next = first;
                while next <= last {
                    let snapshot = if next % 2 == 0 {
                        db.wait_for(rev(next)).unwrap()
                    } else {
                        db.snapshot_at_least(rev(next), LONG).unwrap().unwrap()
                    };
                    assert!(snapshot.revision() >= rev(next));
                    next = snapshot.revision().get() + 1;
                }
            });
        }
        for _ in 0..last {
            commit(&db);
        }
    });
}

/// When the database is closed, who waits learns it, unless what they wait for is there.
#[test]
fn closing_wakes_who_waits() {
    let db = open();
    commit(&db);
    let watch = db.watch_revision(rev(5));
    let (ready, waits) = mpsc::channel();
    let waiting = {
        let db = db.clone();
        thread::spawn(move || {
            ready.send(()).unwrap();
            db.wait_for(rev(5)).map(|snapshot| snapshot.revision())
        })
    };
    waits.recv().unwrap();
    db.close().unwrap();
    assert!(matches!(waiting.join().unwrap(), Err(Error::Closed)));
    assert!(watch.is_closed());
    assert!(matches!(db.wait_for(rev(2)), Err(Error::Closed)));
    assert!(matches!(
        db.snapshot_at_least(rev(2), LONG),
        Err(Error::Closed)
    ));
    assert_eq!(db.wait_for(rev(1)).unwrap().revision(), rev(1));
}

/// What is applied from another node is waited for in the same way, and the snapshot shows it.
#[test]
fn an_applied_revision_is_reached() {
    let (here, there) = (open(), open());
    let mut tx = here.begin_write().unwrap();
    tx.insert(Item { id: 4 }).unwrap();
    let changes = tx.stage().unwrap().changes().unwrap().clone();
    let waiting = {
        let there = there.clone();
        thread::spawn(move || there.wait_for(rev(30)).unwrap().count(Item::ALL))
    };
    there.apply(&changes, rev(31)).unwrap();
    assert_eq!(waiting.join().unwrap(), 1);
}
