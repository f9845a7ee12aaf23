//! Waiting: for one of many watches, for a time, and for nothing that is not there any more.

use std::thread;
use std::time::Duration;

use sapwood::watch::{Closed, WatchSet};
use sapwood::{Database, Query, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, filled, open, row, three};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    #[key]
    id: u32,
    #[index]
    group: u32,
}

fn cells() -> Database {
    Database::builder().table::<Cell>().in_memory().unwrap()
}

fn touch(db: &Database, id: u32) {
    db.write(|tx| {
        tx.put(Cell {
            id,
            group: id / 100,
        })
    })
    .unwrap();
}

/// In a set of every size, whichever watch fires is the one that is told; where none fires, the time that was given ends the waiting. The sizes
/// are those around 32, 64 and 96, where theirs went from one goroutine to the next.
#[test]
fn watch_of_every_size() {
    let db = cells();
    for size in [
        0, 1, 2, 3, 30, 31, 32, 33, 34, 62, 63, 64, 65, 66, 94, 95, 96,
    ] {
        for fired in 0..size {
            let snapshot = db.snapshot();
            let mut set = WatchSet::new();
            let ids: Vec<_> = (0..size)
                .map(|id| set.add(snapshot.watch(Cell::BY_ID.eq(id))))
                .collect();
            touch(&db, fired);
            assert_eq!(set.wait().unwrap(), [ids[fired as usize]]);
            assert_eq!(set.len(), size as usize - 1);
        }
        let snapshot = db.snapshot();
        let mut set = WatchSet::new();
        for id in 0..size {
            set.add(snapshot.watch(Cell::BY_ID.eq(id)));
        }
        touch(&db, 1000);
        assert_eq!(set.wait_timeout(Duration::from_millis(1)), Ok(vec![]));
        assert_eq!(set.try_fired(), Ok(vec![]));
    }
}

/// A watch is a channel too, for a `select!` with others: it hangs up when it fires.
#[test]
fn watch_chan() {
    let db = cells();
    let snapshot = db.snapshot();
    let watches: Vec<_> = (0..40)
        .map(|id| snapshot.watch(Cell::BY_ID.eq(id)))
        .collect();
    let mut select = crossbeam_channel::Select::new();
    for watch in &watches {
        select.recv(watch.receiver());
    }
    assert!(select.try_ready().is_err());
    touch(&db, 33);
    assert_eq!(select.ready(), 33);
    assert!(watches[33].is_fired());
    assert!(watches.iter().filter(|watch| watch.is_fired()).count() == 1);
}

/// Past any number, each watch is still its own: a set of ten thousand tells the one row that changed. There, past a limit a
/// coarser channel was watched instead, which fired for more.
#[test]
fn add_without_limit() {
    let db = cells();
    let snapshot = db.snapshot();
    let mut set = WatchSet::new();
    let ids: Vec<_> = (0..10_000)
        .map(|id| set.add(snapshot.watch(Cell::BY_ID.eq(id))))
        .collect();
    let coarse = snapshot.watch(Cell::ALL);
    touch(&db, 9_000);
    assert_eq!(set.wait(), Ok(vec![ids[9_000]]));
    assert!(coarse.is_fired());
    touch(&db, 10_001);
    assert_eq!(set.try_fired(), Ok(vec![]));
}

/// A set that nothing is in does not wait. There, a nil set was at once, and an empty one waited for ever.
#[test]
fn an_empty_set_does_not_wait() {
    let mut set = WatchSet::new();
    assert_eq!(set.wait(), Ok(vec![]));
    assert_eq!(set.wait_timeout(Duration::MAX), Ok(vec![]));
}

/// A watch that fired is told once and leaves the set; so a loop that waits again does wait. There, a set that fired was ready for ever.
#[test]
fn a_fired_watch_leaves_its_set() {
    let db = cells();
    let snapshot = db.snapshot();
    let mut set = WatchSet::new();
    let one = set.add(snapshot.watch(Cell::BY_ID.eq(1)));
    let two = set.add(snapshot.watch(Cell::BY_ID.eq(2)));
    touch(&db, 1);
    assert_eq!(set.wait(), Ok(vec![one]));
    assert_eq!(set.wait_timeout(Duration::from_millis(1)), Ok(vec![]));
    touch(&db, 2);
    assert_eq!(set.wait(), Ok(vec![two]));
    assert!(set.is_empty());
}

/// A waiter is woken by the commit, and finds it: who sees a watch fired sees the change in a new snapshot, always.
#[test]
fn published_before_notified() {
    let db = cells();
    let other = db.clone();
    let mut watch = db.snapshot().watch(Cell::ALL);
    let writer = thread::spawn(move || (0..200).for_each(|id| touch(&other, id)));
    let mut seen = 0;
    while seen < 200 {
        watch.wait().unwrap();
        let snapshot = db.snapshot();
        assert!(snapshot.count(Cell::ALL) > seen);
        seen = snapshot.count(Cell::ALL);
        watch = snapshot.watch(Cell::ALL);
    }
    writer.join().unwrap();
}

/// The end of the database wakes all who wait, and tells them. There, a store that was replaced needed a channel of its own for it.
#[test]
fn the_end_wakes_everybody() {
    let db = cells();
    let watch = db.snapshot().watch(Cell::ALL);
    let waiting = thread::spawn(move || watch.wait());
    db.close().unwrap();
    let ended: Result<(), Closed> = waiting.join().unwrap();
    assert!(ended.is_err());
}

/// What a watch on each kind of query is not woken by: what is beside it. There, a miss, a list and a prefix fired for whatever shared a node.
#[test]
fn every_verb_can_be_watched_exactly() {
    let queries: [Query<Main>; 7] = [
        Main::BY_ID.eq("object2"),
        Main::BY_ID.eq("object20"),
        Main::BY_FOO.eq("foo"),
        Main::BY_FOO.starts_with("fo"),
        Main::BY_ID.range("object2"..="object3"),
        Main::BY_ID.range("object3"..),
        Main::BY_QUX.eq("shared"),
    ];
    let db = three();
    let snapshot = db.snapshot();
    let watches = queries.map(|query| snapshot.watch(query));
    let fired = || watches.each_ref().map(sapwood::watch::Watch::is_fired);
    // Neighbours on all sides: of the row, of the missing one, of the value, of the range, of the element.
    db.write(|tx| {
        tx.insert(row("object", "fnord", &["share"]))?;
        tx.insert(row("object1/x", "fp", &["shared1"]))?;
        tx.insert(row("object10", "f", &["b"]))?;
        tx.update::<Main>("object1", |row| row.qux.clear())
    })
    .unwrap();
    // A row of `foo` was written, and nothing else that is watched.
    assert_eq!(fired(), [false, false, true, true, false, false, false]);
    db.write(|tx| tx.insert(row("object20", "x", &["shared"])))
        .unwrap();
    assert_eq!(fired(), [false, true, true, true, true, false, true]);
    db.write(|tx| tx.insert(row("object4", "x", &[]))).unwrap();
    assert_eq!(fired(), [false, true, true, true, true, true, true]);
    db.write(|tx| tx.remove::<Main>("object2")).unwrap();
    assert_eq!(fired(), [true; 7]);
}

/// A row that is written as it was fires its watches, as there. Who wants to know of another result only has `wait_changed`, which
/// goes by what was stored, not by what is equal.
#[test]
fn a_rewritten_row_fires() {
    let db = filled([row("a", "same", &[])]);
    let watch = db.snapshot().watch(Main::BY_ID.eq("a"));
    db.write(|tx| tx.put(row("a", "same", &[]))).unwrap();
    assert!(watch.is_fired());
}

/// An update fires the watches of the row's own entries, and none elsewhere in the index: also where the index's key did not change, because the row did.
#[test]
fn an_update_fires_its_own_entries_only() {
    let db = three();
    let snapshot = db.snapshot();
    let own = [Main::BY_FOO.eq("bar"), Main::BY_QUX.eq("c")].map(|query| snapshot.watch(query));
    let beside = [Main::BY_FOO.eq("foo"), Main::BY_QUX.eq("b2")].map(|query| snapshot.watch(query));
    db.write(|tx| tx.update::<Main>("object3", |row| row.qux.reverse()))
        .unwrap();
    assert!(own.iter().all(sapwood::watch::Watch::is_fired));
    assert!(!beside.iter().any(sapwood::watch::Watch::is_fired));
}

/// Nothing fires before the commit, and nothing at all for a transaction that is dropped, or that changed nothing.
#[test]
fn only_a_commit_fires() {
    let db = open();
    let watch = db.snapshot().watch(Main::ALL);
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("a", "", &[])).unwrap();
    assert!(!watch.is_fired());
    drop(tx);
    db.begin_write().unwrap().commit().unwrap();
    assert!(!watch.is_fired());
    db.write(|tx| tx.insert(row("a", "", &[]))).unwrap();
    assert!(watch.is_fired());
}

/// A set of ten thousand watches of which one fires holds nothing afterwards: dropped watches leave their indexes, and no thread waits for them.
#[test]
fn watch_ctx_leak() {
    let db = cells();
    let snapshot = db.snapshot();
    let mut set = WatchSet::new();
    for id in 0..10_000 {
        set.add(snapshot.watch(Cell::BY_GROUP.eq(id)));
    }
    touch(&db, 5);
    assert_eq!(set.wait().map(|fired| fired.len()), Ok(1));
    // Helpers would be threads: one for each 32 watches makes more than 300. Other tests run beside this one.
    if let Ok(threads) = std::fs::read_dir("/proc/self/task") {
        assert!(threads.count() < 250);
    }
    drop(set);
    touch(&db, 6);
    assert!(!snapshot.watch(Cell::BY_GROUP.eq(1)).is_fired());
}
