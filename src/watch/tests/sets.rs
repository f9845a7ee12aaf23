use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{assert_bare, registry, watch};
use crate::watch::{Closed, WatchSet};

/// A set tells each watch that fired once, in the order of firing, and it is out then.
#[test]
fn a_set_tells_which_watches_fired() {
    let registry = registry();
    let mut set = WatchSet::new();
    let ids = [b"a", b"b", b"c"].map(|bytes| set.add(watch(&registry, bytes)));
    assert_eq!(set.try_fired(), Ok(vec![]));
    assert_eq!(set.wait_timeout(Duration::ZERO), Ok(vec![]));
    assert_eq!(set.wait_timeout(Duration::from_millis(1)), Ok(vec![]));

    registry.fire_key(b"c", 1);
    registry.fire_key(b"a", 1);
    assert_eq!(set.len(), 3, "not told yet");
    assert_eq!(set.wait(), Ok(vec![ids[2], ids[0]]));
    assert_eq!(set.len(), 1);
    assert!(set.contains(ids[1]) && !set.contains(ids[0]));
    assert_eq!(set.try_fired(), Ok(vec![]));

    registry.fire_key(b"b", 1);
    assert_eq!(set.wait_timeout(Duration::MAX), Ok(vec![ids[1]]));
    assert!(set.is_empty());
    assert_bare(&registry);
}

/// For every size up to 95 and every watch in it, the one that fires is the one that is told.
#[test]
fn every_watch_of_every_size_is_told() {
    for size in 1..=95 {
        let registry = registry();
        let mut set = WatchSet::new();
        let mut ids: Vec<_> = (0..size)
            .map(|key| set.add(watch(&registry, &[key])))
            .collect();
        for at in (0..size).rev() {
            registry.fire_key(&[at], 1);
            assert_eq!(set.wait(), Ok(vec![ids.remove(at.into())]));
        }
        assert!(set.is_empty());
    }
}

/// An empty set returns at once, however one waits.
#[test]
fn an_empty_set_has_nothing_to_wait_for() {
    let mut set = WatchSet::new();
    assert_eq!(set.wait(), Ok(vec![]));
    assert_eq!(set.wait_timeout(Duration::MAX), Ok(vec![]));
    assert_eq!(set.try_fired(), Ok(vec![]));
    assert_eq!(set.remove_closed(), vec![]);
}

/// A watch that fired or was closed before it came into the set is told like any other.
#[test]
fn what_settled_before_is_seen() {
    let registry = registry();
    let (fired, closed) = (watch(&registry, b"a"), watch(&registry, b"b"));
    registry.fire_key(b"a", 1);
    registry.close();
    let mut set = WatchSet::new();
    let closed = set.add(closed);
    let fired = set.add(fired);
    assert_eq!(set.wait(), Ok(vec![fired]), "what fired comes first");
    assert_eq!(set.wait(), Err(Closed::Database));
    assert_eq!(set.remove_closed(), vec![closed]);
    assert_eq!(set.wait(), Ok(vec![]));
}

/// The end of one database is told for as long as its watches are in the set, and those of another go on when they are out.
#[test]
fn a_closed_database_is_told_until_its_watches_are_out() {
    let (gone, there) = (registry(), registry());
    let mut set = WatchSet::new();
    let mine = [b"a", b"b", b"c"].map(|bytes| set.add(watch(&gone, bytes)));
    let other = set.add(watch(&there, b"a"));
    gone.close();
    for _ in 0..2 {
        assert_eq!(set.wait(), Err(Closed::Database));
        assert_eq!(set.wait_timeout(Duration::MAX), Err(Closed::Database));
        assert_eq!(set.try_fired(), Err(Closed::Database));
    }
    there.fire_key(b"a", 1);
    assert_eq!(set.wait(), Ok(vec![other]), "what fired comes first");
    let out = set.remove(mine[1]).expect("it is in the set");
    assert!(out.is_closed());
    assert_eq!(set.remove_closed(), vec![mine[0], mine[2]]);

    let other = set.add(watch(&there, b"a"));
    assert_eq!(set.try_fired(), Ok(vec![]));
    there.fire_key(b"a", 1);
    assert_eq!(set.wait(), Ok(vec![other]));
}

/// A watch that was taken out is told no more, fired or not, and goes on as a watch of its own.
#[test]
fn a_removed_watch_is_told_no_more() {
    let registry = registry();
    let mut set = WatchSet::new();
    let ids = [b"a", b"b", b"c"].map(|bytes| set.add(watch(&registry, bytes)));
    let a = set.remove(ids[0]).expect("it is in the set");
    assert!(set.remove(ids[0]).is_none());
    registry.fire_key(b"a", 1);
    registry.fire_key(b"b", 1);
    assert!(a.is_fired());
    let b = set.remove(ids[1]).expect("fired, and not told");
    assert!(b.is_fired());
    assert_eq!(set.try_fired(), Ok(vec![]));

    // Into another set, and from there into the first one again.
    let mut second = WatchSet::new();
    let c = set.remove(ids[2]).expect("it is in the set");
    let in_second = second.add(c);
    let c = second.remove(in_second).expect("it is in the set");
    let again = set.add(c);
    registry.fire_key(b"c", 1);
    assert_eq!(set.wait(), Ok(vec![again]));
    assert!(second.is_empty());
}

/// Tens of thousands of watches in one set: one wave is told in one go, and what is left is freed with the set.
#[test]
fn a_large_set_is_cheap_and_freed() {
    let registry = registry();
    let mut set = WatchSet::new();
    let ids: Vec<_> = (0..50_000_u32)
        .map(|key| set.add(watch(&registry, &key.to_be_bytes())))
        .collect();
    registry.fire_where(1, |range| range.start()[3] == 7);
    let told = set.wait().expect("the registry is open");
    assert_eq!(told.len(), ids.iter().skip(7).step_by(256).count());
    assert_eq!(registry.len(), ids.len() - told.len());
    assert_eq!(set.len(), registry.len());
    drop(set);
    assert_bare(&registry);
}

/// A thread that sleeps on a set is woken by whichever watch fires, again and again, and by the end.
#[test]
fn a_sleeping_set_is_woken_by_any_watch() {
    let registry = registry();
    let (told, hear) = crossbeam_channel::unbounded();
    let watched = Arc::clone(&registry);
    let mut set = WatchSet::new();
    let ids: Vec<_> = (0..100_u8)
        .map(|key| set.add(watch(&watched, &[key])))
        .collect();
    let waiter = thread::spawn(move || {
        loop {
            match set.wait() {
                Ok(ids) => ids
                    .into_iter()
                    .for_each(|id| told.send(id).expect("the test listens")),
                Err(closed) => return (closed, set.len()),
            }
        }
    });
    for key in [3, 99, 0] {
        registry.fire_key(&[key], 1);
        assert_eq!(hear.recv(), Ok(ids[usize::from(key)]));
    }
    registry.close();
    let (ended, left) = waiter.join().expect("the thread waits in peace");
    assert_eq!(ended, Closed::Database);
    assert_eq!(left, 97);
}
