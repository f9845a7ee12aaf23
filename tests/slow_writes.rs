//! A write that holds the writer's seat for longer than it should is counted and told, whatever becomes of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use sapwood::{Database, Error, Revision, SlowWrite, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
}

fn node(name: &str) -> Node {
    Node { name: name.into() }
}

/// Longer than nothing, which is the limit in these tests.
fn dawdle() {
    thread::sleep(Duration::from_millis(1));
}

/// Each end of a transaction is told once, with its commit if there is one, its rows, its thread and the line where it began.
#[test]
fn every_end_of_a_slow_write_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let db = Database::builder()
        .table::<Node>()
        .warn_after(Duration::ZERO)
        .on_slow_write(move |slow| listener.lock().unwrap().push(slow.clone()))
        .in_memory()
        .unwrap();
    let writer = db.clone();
    let lines = thread::Builder::new().name("slowcoach".into());
    let lines = lines.spawn(move || {
        let mut lines = Vec::new();
        lines.push(line!());
        writer
            .write(|tx| {
                dawdle();
                tx.insert(node("a"))?;
                tx.insert(node("b"))
            })
            .unwrap();
        lines.push(line!());
        let mut tx = writer.begin_write().unwrap();
        tx.insert(node("c")).unwrap();
        dawdle();
        drop(tx);
        lines.push(line!());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            writer.write(|_| -> Result<(), Error> {
                dawdle();
                panic!("as this test means to")
            })
        }));
        assert!(panicked.is_err());
        lines.push(line!());
        lines
    });
    let lines = lines.unwrap().join().unwrap();
    let told = told.lock().unwrap();
    let committed: Vec<_> = told
        .iter()
        .map(|slow| (slow.committed, slow.rows))
        .collect();
    assert_eq!(
        committed,
        [(Some(Revision::new(1)), 2), (None, 0), (None, 0)]
    );
    for (slow, lines) in told.iter().zip(lines.windows(2)) {
        let SlowWrite {
            held,
            began,
            thread,
            ..
        } = slow;
        assert!(!held.is_zero());
        assert_eq!(began.file(), file!());
        assert!((lines[0]..lines[1]).contains(&began.line()));
        assert_eq!(thread.as_deref(), Some("slowcoach"));
        assert!(
            slow.to_string()
                .contains("on thread slowcoach held the writer's seat for ")
        );
    }
    assert_eq!(db.counters().seat.slow, 3);
}

/// The hook is called when the seat is free: it can write. What it does wrong is its own affair.
#[test]
fn a_hook_may_write_and_may_panic() {
    let place: Arc<OnceLock<Database>> = Arc::default();
    let there = Arc::clone(&place);
    let db = Database::builder()
        .table::<Node>()
        .warn_after(Duration::ZERO)
        .on_slow_write(move |slow| {
            if slow.rows == 1 {
                let db = there.get().unwrap();
                assert!(db.counters().seat.now.is_none());
                let both = [node("of the hook"), node("another")];
                db.write(|tx| {
                    dawdle();
                    both.into_iter().try_for_each(|node| tx.put(node).map(drop))
                })
                .unwrap();
                panic!("as this test means to");
            }
        })
        .in_memory()
        .unwrap();
    place.set(db.clone()).unwrap();
    db.write(|tx| {
        dawdle();
        tx.insert(node("a"))
    })
    .unwrap();
    assert_eq!(db.snapshot().count(Node::ALL), 3);
    db.write(|tx| tx.remove_all(Node::ALL)).unwrap();
}

/// With a limit that no write reaches nothing is told, nor of a database that was forked off.
#[test]
fn who_is_not_slow_is_not_told() {
    let silent = |limit| {
        Database::builder()
            .table::<Node>()
            .warn_after(limit)
            .on_slow_write(|slow| panic!("{slow}"))
            .in_memory()
            .unwrap()
    };
    let slowly = |db: &Database| {
        db.write(|tx| {
            dawdle();
            tx.insert(node("a"))
        })
        .unwrap();
    };
    let db = silent(Duration::MAX);
    slowly(&db);
    assert_eq!(db.counters().seat.slow, 0);
    let fork = silent(Duration::ZERO).snapshot().fork();
    slowly(&fork);
    assert_eq!(fork.counters().seat.slow, 0);
}
