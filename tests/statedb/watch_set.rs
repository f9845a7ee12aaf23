//! One waiter for many watches.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use sapwood::Error;
use sapwood::watch::{WatchId, WatchSet};

use super::rows::{Object, Service, object, open, put, service};

/// An empty set has nothing to wait for and returns at once. Theirs waits until it is cancelled, for nothing.
#[test]
fn an_empty_set_waits_for_nothing() {
    let mut set = WatchSet::new();
    assert!(set.is_empty());
    assert_eq!(set.wait(), Ok(vec![]));
    assert_eq!(set.wait_timeout(Duration::from_secs(60)), Ok(vec![]));
}

/// Of 2 to 1024 watches, a wait tells exactly those that fired, and takes them out; the rest stay, and are told when they fire.
#[test]
fn a_set_tells_exactly_what_fired() {
    for size in [2_u64, 16, 128, 1024] {
        let db = open();
        let snap = db.snapshot();
        let mut set = WatchSet::new();
        let watches: Vec<WatchId> = (0..size)
            .map(|id| set.add(snap.watch(Object::BY_ID.eq(id))))
            .collect();
        let mut left = size as usize;
        for chosen in [[1, size - 1], [0, size / 2]] {
            // Some of them have been told: they are not told again.
            let expected: BTreeSet<WatchId> = chosen
                .iter()
                .map(|id| watches[*id as usize])
                .filter(|id| set.contains(*id))
                .collect();
            db.write(|tx| {
                for id in chosen {
                    tx.put(object(id, &[]))?;
                }
                Ok::<_, Error>(())
            })
            .unwrap();
            left -= expected.len();
            if !set.is_empty() {
                let told: BTreeSet<_> = set.wait().unwrap().into_iter().collect();
                assert_eq!(told, expected);
            }
            assert_eq!(set.len(), left);
        }
    }
}

/// A wait that runs out tells nothing, and the watches stay.
#[test]
fn a_wait_that_runs_out_loses_nothing() {
    let db = open();
    let mut set = WatchSet::new();
    let id = set.add(db.snapshot().watch(Object::ALL));
    assert_eq!(set.wait_timeout(Duration::from_millis(1)), Ok(vec![]));
    assert!(set.contains(id));
    put(&db, 1, &[]);
    assert_eq!(set.wait(), Ok(vec![id]));
    assert!(set.is_empty());
}

/// A watch that fired before it was added is told; one that is taken out is not; and taken out it still works by itself.
#[test]
fn watches_come_and_go() {
    let db = open();
    let snap = db.snapshot();
    put(&db, 1, &[]);
    let mut set = WatchSet::new();
    let fired = set.add(snap.watch(Object::ALL));
    let other = set.add(snap.watch(Service::ALL));
    assert_eq!(set.len(), 2);
    let watch = set.remove(other).unwrap();
    db.write(|tx| tx.insert(service("a", "z", None))).unwrap();
    assert!(watch.is_fired());
    assert_eq!(set.wait(), Ok(vec![fired]));
    assert!(set.remove(fired).is_none() && set.is_empty());
}

/// Two sets can be made one: each id is in the set that its watch is in. Theirs merges; here a watch is moved.
#[test]
fn a_set_can_be_moved_into_another() {
    let db = open();
    let snap = db.snapshot();
    let (mut left, mut right) = (WatchSet::new(), WatchSet::new());
    let stays = left.add(snap.watch(Object::BY_ID.eq(1)));
    let other = right.add(snap.watch(Object::BY_ID.eq(2)));
    let moved = left.add(right.remove(other).unwrap());
    put(&db, 2, &[]);
    assert_eq!(left.wait(), Ok(vec![moved]));
    assert!(left.contains(stays) && right.is_empty());
}

/// To collect what fires soon after the first, look again: a second look tells what has fired since, and does not wait. Their settle time is a sleep between the two.
#[test]
fn what_settles_is_told_by_a_second_look() {
    let db = open();
    let snap = db.snapshot();
    let mut set = WatchSet::new();
    let ids: Vec<_> = (0..3)
        .map(|id| set.add(snap.watch(Object::BY_ID.eq(id))))
        .collect();
    put(&db, 1, &[]);
    let mut told = set.wait().unwrap();
    put(&db, 0, &[]);
    told.extend(set.try_fired().unwrap());
    assert_eq!(told, [ids[1], ids[0]]);
    assert_eq!(set.try_fired(), Ok(vec![]));
    assert_eq!(set.len(), 1);
}

/// A wait is woken from another thread, by whichever watch fires; and it ends with the database, after everything that fired was told.
#[test]
fn a_wait_is_woken_and_ends() {
    let db = open();
    let snap = db.snapshot();
    let mut set = WatchSet::new();
    let ids: Vec<_> = (0..4)
        .map(|id| set.add(snap.watch(Object::BY_ID.eq(id))))
        .collect();
    let writer = {
        let db = db.clone();
        thread::spawn(move || {
            put(&db, 3, &[]);
            put(&db, 0, &[]);
            db.close().unwrap();
        })
    };
    let mut told = Vec::new();
    while let Ok(fired) = set.wait() {
        told.extend(fired);
    }
    writer.join().unwrap();
    assert_eq!(told, [ids[3], ids[0]]);
    assert_eq!(set.remove_closed(), [ids[1], ids[2]]);
    assert_eq!(set.wait(), Ok(vec![]));
}
