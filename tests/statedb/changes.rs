//! Their change iterator, which is a follower here.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::{Batch, Change, Database, Error, Follow, Revision};

use super::rows::{Object, Service, object, open, put, remove, service, with_objects};

/// What a step says, in short: `+1` inserted, `~1` updated, `-1` removed.
fn told(step: Option<Batch<Object>>) -> Vec<String> {
    let told = |change: &Change<Object>| match change {
        Change::Inserted(row) => format!("+{}", row.id),
        Change::Updated { old, new } => {
            assert_eq!(old.id, new.id);
            format!("~{}", new.id)
        }
        Change::Removed(row) => format!("-{}", row.id),
    };
    step.iter().flatten().map(told).collect()
}

fn follow(db: &Database) -> Follow<Object> {
    db.follow(Object::ALL).unwrap()
}

/// The first step has the rows that there are, the next ones what changed; each follower goes by itself.
#[test]
fn a_follower_begins_with_the_rows_there_are() {
    let db = with_objects(&[(1, &[]), (2, &[])]);
    let mut first = follow(&db);
    assert_eq!(told(first.try_next()), ["+1", "+2"]);
    assert!(first.try_next().is_none());
    put(&db, 3, &[]);
    remove(&db, 1);
    let mut second = follow(&db);
    assert_eq!(told(second.try_next()), ["+2", "+3"]);
    assert_eq!(told(first.try_next()), ["-1", "+3"]);
    assert!(first.try_next().is_none() && second.try_next().is_none());
}

/// A follower can be waited for before its first step: that one is there. Theirs hands out a closed channel for it.
#[test]
fn the_first_step_is_there_at_once() {
    let db = open();
    let mut follower = follow(&db);
    let first = follower.next().unwrap();
    assert!(first.is_empty() && first.from().is_none());
}

/// One row is told once, as the difference between what was told and what is: many updates are one; what came and went is nothing, where theirs tells a removal
/// of what it has never told; what went and came again is an update, and carries what was there.
#[test]
fn steps_are_merged_row_by_row() {
    let db = with_objects(&[(1, &["a"]), (2, &[])]);
    let mut follower = follow(&db);
    follower.try_next();
    put(&db, 1, &["b"]);
    put(&db, 1, &["c"]);
    put(&db, 3, &[]);
    remove(&db, 3);
    remove(&db, 2);
    put(&db, 2, &["d"]);
    put(&db, 4, &[]);
    remove(&db, 4);
    put(&db, 4, &[]);
    let step = follower.try_next().unwrap();
    assert_eq!(
        (step.from(), step.to()),
        (Some(Revision::new(1)), db.revision())
    );
    match step.changes() {
        [
            Change::Updated { old: a, new: c },
            Change::Updated { old: none, new: d },
            Change::Inserted(four),
        ] => {
            assert_eq!(**a, object(1, &["a"]));
            assert_eq!(**c, object(1, &["c"]));
            assert_eq!(**none, object(2, &[]));
            assert_eq!(**d, object(2, &["d"]));
            assert_eq!(four.id, 4);
        }
        other => panic!("{other:?}"),
    }
}

/// An insert, its removal, another insert and removal, none of them seen: nothing is told. A row that was told and is removed so is told as removed once.
#[test]
fn what_was_never_seen_is_not_told_as_removed() {
    let db = with_objects(&[(1, &[])]);
    let mut follower = follow(&db);
    follower.try_next();
    for _ in 0..2 {
        put(&db, 2, &[]);
        remove(&db, 2);
        remove(&db, 1);
        put(&db, 1, &[]);
    }
    remove(&db, 1);
    assert_eq!(told(follower.try_next()), ["-1"]);
}

/// A step that was read in part, or dropped, is still the follower's last one: a step owns its changes, and they can be kept. Theirs resumes a sequence.
#[test]
fn a_step_is_whole_and_can_be_read_in_parts() {
    let db = with_objects(&[(1, &[]), (2, &[]), (3, &[])]);
    let mut follower = follow(&db);
    let step = follower.try_next().unwrap();
    put(&db, 1, &["a"]);
    let next = follower.try_next().unwrap();
    let mut changes = step.into_iter();
    assert!(
        matches!(changes.next(), Some(Change::Inserted(row)) if row.id == 1 && row.tags.is_empty())
    );
    assert_eq!(changes.count(), 2);
    assert_eq!(told(Some(next)), ["~1"]);
}

/// Without a commit there is nothing new; nor with one that changes other tables or rows outside of the query.
#[test]
fn the_same_state_twice_tells_nothing() {
    let db = with_objects(&[(1, &["a"])]);
    let mut follower = db.follow(Object::BY_TAGS.eq("a")).unwrap();
    assert_eq!(told(follower.try_next()), ["+1"]);
    assert!(follower.try_next().is_none());
    db.write(|tx| tx.insert(service("s", "z", None))).unwrap();
    put(&db, 2, &["b"]);
    assert!(follower.try_next().is_none());
    assert!(follower.next_timeout(Duration::ZERO).is_none());
    put(&db, 2, &["a", "b"]);
    assert_eq!(told(follower.try_next()), ["+2"]);
    put(&db, 1, &[]);
    assert_eq!(told(follower.try_next()), ["-1"]);
}

/// The watch of a follower has fired while there is something to tell, and is open once all is told. (statedb's regression in the channel of Changes.)
#[test]
fn the_watch_of_a_follower_is_open_when_all_is_told() {
    let db = with_objects(&[(1, &[]), (2, &[])]);
    let mut follower = follow(&db);
    follower.try_next();
    let watch = follower.watch();
    assert!(!watch.is_fired());
    put(&db, 3, &[]);
    assert!(watch.is_fired() && follower.watch().is_fired());
    put(&db, 4, &[]);
    assert_eq!(told(follower.try_next()), ["+3", "+4"]);
    assert!(!follower.watch().is_fired());
}

/// What is not committed is told to nobody, and what is dropped never; the number of a dropped transaction is used again, and the removal that then has it is
/// told. Theirs loses that removal for ever (D4).
#[test]
fn only_commits_are_told_and_none_is_lost() {
    let db = with_objects(&[(1, &[]), (2, &[])]);
    let mut follower = follow(&db);
    follower.try_next();
    let mut tx = db.begin_write().unwrap();
    tx.remove::<Object>(1).unwrap();
    let revision = tx.revision();
    assert!(follower.try_next().is_none());
    drop(tx);
    assert!(follower.try_next().is_none());
    let mut tx = db.begin_write().unwrap();
    tx.remove::<Object>(2).unwrap();
    assert!(follower.try_next().is_none());
    assert_eq!(tx.commit().unwrap(), revision);
    assert_eq!(told(follower.try_next()), ["-2"]);
}

/// A follower needs no transaction to begin, so none that could fail: one that is begun during a transaction that is dropped is told of every removal. Theirs
/// is registered in a transaction and after its abort sees inserts only (D8).
#[test]
fn a_follower_does_not_hang_on_a_transaction() {
    let db = with_objects(&[(1, &[])]);
    let mut tx = db.begin_write().unwrap();
    tx.put(object(1, &["a"])).unwrap();
    let mut follower = follow(&db);
    drop(tx);
    assert_eq!(told(follower.try_next()), ["+1"]);
    remove(&db, 1);
    assert_eq!(told(follower.try_next()), ["-1"]);
}

/// However slow a follower is, it is told every removal, and while it stands still it keeps one state and no list of removed rows: nothing has to be collected,
/// and a dropped follower holds nothing. Their removed objects wait in a graveyard for the slowest.
#[test]
fn a_slow_follower_holds_one_state_and_a_dropped_one_nothing() {
    let db = open();
    let fresh = |id: u64| object(id, &["x"]);
    for id in 0..100 {
        db.write(|tx| tx.insert(fresh(id))).unwrap();
    }
    let mut slow = follow(&db);
    slow.try_next();
    let before = slow.snapshot().clone();
    for round in 0..10 {
        for id in 0..100 {
            remove(&db, id);
            put(&db, id, &[&round.to_string()]);
        }
    }
    db.write(|tx| tx.remove_all(Object::BY_ID.range(50..)))
        .unwrap();
    assert_eq!(slow.revision(), before.revision());
    let step = slow.try_next().unwrap();
    assert_eq!(step.len(), 100);
    assert_eq!(
        step.iter()
            .filter(|change| matches!(change, Change::Removed(_)))
            .count(),
        50
    );
    drop(step);
    let row = before.get::<Object>(0).unwrap().clone();
    drop((slow, before));
    db.reclaim().unwrap();
    // The clone is all that is left of that state, and its owner's.
    assert_eq!(*row, fresh(0));
}

/// A follower as a stream of changes on another thread: inserts and then removals come in order, and it ends with the database.
#[test]
fn a_stream_of_changes_on_another_thread() {
    let db = open();
    let follower = follow(&db);
    let (send, receive) = mpsc::channel();
    let consumer = thread::spawn(move || {
        for step in follower {
            for change in told(Some(step)) {
                send.send(change).unwrap();
            }
        }
    });
    for id in 0..20 {
        put(&db, id, &[]);
    }
    for id in 0..20 {
        assert_eq!(receive.recv().unwrap(), format!("+{id}"));
    }
    for id in 0..20 {
        remove(&db, id);
        assert_eq!(receive.recv().unwrap(), format!("-{id}"));
    }
    db.close().unwrap();
    consumer.join().unwrap();
    assert!(receive.recv().is_err());
}

/// A table that is derived from another: a loop over the changes of one that inserts, updates, removes or skips in the other, each step in one transaction.
#[test]
fn a_table_can_be_derived_from_another() {
    let db = with_objects(&[(1, &["a"]), (2, &["skip"]), (3, &["a"])]);
    let mut follower = follow(&db);
    let derive = |step: Batch<Object>| {
        db.write(|tx| {
            for change in step {
                match change {
                    Change::Removed(old) => drop(tx.remove::<Service>(old.id.to_string())?),
                    Change::Inserted(new) | Change::Updated { new, .. } => {
                        let zone = new.tags.first().map_or("", String::as_str);
                        if zone != "skip" {
                            tx.put(service(&new.id.to_string(), zone, None))?;
                        }
                    }
                }
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    };
    let zones = || -> Vec<(String, String)> {
        let snap = db.snapshot();
        let rows = snap.list(Service::ALL);
        rows.map(|row| (row.name.clone(), row.zone.clone()))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    derive(follower.try_next().unwrap());
    assert_eq!(zones(), pairs(&[("1", "a"), ("3", "a")]));
    put(&db, 1, &["b"]);
    remove(&db, 3);
    put(&db, 2, &["c"]);
    derive(follower.try_next().unwrap());
    assert_eq!(zones(), pairs(&[("1", "b"), ("2", "c")]));
    // What it wrote itself is of another table: it does not wake for it.
    assert!(follower.try_next().is_none());
}
