//! What a reader sees while others write: one writer, many readers, and states that never change.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::{Database, Error};

use super::fixture::{Main, filled, id, ids, open, row};

/// Three rows whose ids leave room between them.
fn spaced() -> Database {
    filled([
        row("one", "1", &[]),
        row("three", "3", &[]),
        row("two", "2", &[]),
    ])
}

/// With a writer open, readers begin at once, and a second writer waits until the first one is gone.
#[test]
fn single_writer_multi_reader() {
    let db = open();
    let first = db.begin_write().unwrap();
    let readers: Vec<_> = (0..3).map(|_| db.snapshot()).collect();
    let other = db.clone();
    let (told, tells) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let refused = other
            .begin_write_timeout(Duration::from_millis(10))
            .unwrap();
        told.send(refused.is_none()).unwrap();
        other.begin_write().map(drop).unwrap();
        told.send(true).unwrap();
    });
    assert!(tells.recv().unwrap(), "the second writer got in");
    assert!(
        tells.recv_timeout(Duration::from_millis(10)).is_err(),
        "the second writer got in"
    );
    drop(first);
    assert!(tells.recv().unwrap());
    waiting.join().unwrap();
    assert!(readers.iter().all(|reader| reader.count(Main::ALL) == 0));
}

/// A row that is removed later stays in a snapshot, and in a database that was forked off it.
#[test]
fn a_snapshot_keeps_what_is_removed() {
    let db = spaced();
    let snapshot = db.snapshot();
    let fork = snapshot.fork();
    db.write(|tx| tx.remove::<Main>("one")).unwrap();
    assert!(db.snapshot().get::<Main>("one").is_none());
    assert!(snapshot.get::<Main>("one").is_some());
    let tx = fork.begin_write().unwrap();
    assert!(tx.get::<Main>("one").is_some());
}

/// What is not committed is in no snapshot, neither one taken before the transaction nor one taken while it runs; and in no fork of them.
#[test]
fn no_dirty_read() {
    let db = spaced();
    let before = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    tx.put(row("one", "changed", &[])).unwrap();
    tx.insert(row("four", "4", &[])).unwrap();
    let meanwhile = db.snapshot();
    for reader in [&before, &meanwhile, &meanwhile.fork().snapshot()] {
        assert_eq!(reader.get::<Main>("one").unwrap().foo, "1");
        assert!(reader.get::<Main>("four").is_none());
        assert!(!reader.contains(Main::BY_FOO.eq("changed")));
    }
    drop(tx);
    assert_eq!(db.revision(), before.revision());
}

/// A snapshot reads the same before and after a commit that changes and adds rows.
#[test]
fn no_non_repeatable_read() {
    let db = spaced();
    let before = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    tx.put(row("one", "changed", &[])).unwrap();
    tx.insert(row("four", "4", &[])).unwrap();
    let meanwhile = db.snapshot();
    tx.commit().unwrap();
    for reader in [&before, &meanwhile, &before.fork().snapshot()] {
        assert_eq!(reader.get::<Main>("one").unwrap().foo, "1");
        assert!(reader.get::<Main>("four").is_none());
    }
    assert_eq!(db.snapshot().get::<Main>("one").unwrap().foo, "changed");
}

/// An iterator that is half done does not meet a row that comes in ahead of it, and a new one of the same snapshot still meets a row that went.
#[test]
fn no_phantom_read() {
    let db = filled([row("a1", "", &[]), row("a3", "", &[]), row("b", "", &[])]);
    let snapshot = db.snapshot();
    let fork = snapshot.fork().snapshot();
    let halves = [&snapshot, &fork].map(|reader| {
        let mut rows = reader.list(Main::BY_ID.starts_with("a"));
        assert_eq!(id(rows.next()), Some("a1"));
        rows
    });
    db.write(|tx| {
        tx.insert(row("a2", "", &[]))?;
        tx.remove::<Main>("a1")
    })
    .unwrap();
    for rows in halves {
        assert_eq!(ids(rows), ["a3"]);
    }
    for reader in [&snapshot, &fork] {
        assert_eq!(ids(reader.list(Main::BY_ID.starts_with("a"))), ["a1", "a3"]);
    }
    let now = db.snapshot();
    assert_eq!(ids(now.list(Main::BY_ID.starts_with("a"))), ["a2", "a3"]);
}

/// What is committed in a database that was forked off a snapshot never shows in the one that it comes from, nor the other way round.
#[test]
fn commits_of_a_fork_are_unobservable() {
    let db = spaced();
    let fork = db.snapshot().fork();
    fork.write(|tx| {
        tx.insert(row("four", "4", &[]))?;
        tx.remove::<Main>("one")
    })
    .unwrap();
    assert_eq!(ids(db.snapshot().list(Main::ALL)), ["one", "three", "two"]);
    db.write(|tx| tx.remove::<Main>("two")).unwrap();
    let forked = fork.snapshot();
    assert_eq!(ids(forked.list(Main::ALL)), ["four", "three", "two"]);
    // A fork has a writer of its own: both can be open at once.
    let theirs = db.begin_write().unwrap();
    let ours = fork.begin_write().unwrap();
    drop((theirs, ours));
}

/// A second transaction of one thread is an error at once. There, the thread waited for itself for ever.
#[test]
fn a_second_writer_of_one_thread_is_told() {
    let db = open();
    let tx = db.begin_write().unwrap();
    assert!(matches!(db.begin_write(), Err(Error::NestedWrite)));
    assert!(matches!(
        db.write(|_| Ok::<_, Error>(())),
        Err(Error::NestedWrite)
    ));
    drop(tx);
    db.begin_write().unwrap();
}

/// A snapshot may be shared between threads as it is: it has no state to finish. There it was "not safe for concurrent use".
#[test]
fn a_snapshot_is_shared_between_threads() {
    let db = spaced();
    let snapshot = db.snapshot();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(ids(snapshot.list(Main::ALL)), ["one", "three", "two"]);
                }
            });
        }
        for n in 0..50 {
            db.write(|tx| tx.put(row("two", &n.to_string(), &[])))
                .unwrap();
        }
    });
}
