//! What a watch that was taken with a query waits for, verb by verb.

use std::time::Duration;

use sapwood::{Error, Revision};

use super::rows::{Object, Service, ids, object, open, put, remove, service, with_objects};

/// A watch of a row that was just written is open over the commit that wrote it, and fires at the next one that touches the row: their insert that returns a
/// watch.
#[test]
fn a_watch_of_a_new_row_fires_at_its_next_change() {
    let db = open();
    put(&db, 1, &[]);
    let watch = db.snapshot().watch(Object::BY_ID.eq(1));
    assert!(!watch.is_fired());
    put(&db, 2, &[]);
    assert!(!watch.is_fired());
    put(&db, 1, &["a"]);
    assert!(watch.is_fired());
}

/// A watch of a prefix of tags stays open for a tag outside, and fires for one inside; the query then has it.
#[test]
fn a_watch_of_a_beginning() {
    let db = with_objects(&[(1, &["foo"])]);
    let snap = db.snapshot();
    let query = Object::BY_TAGS.starts_with("ba");
    let watch = snap.watch(query.clone());
    put(&db, 2, &["quux"]);
    assert!(!watch.is_fired());
    put(&db, 3, &["baz"]);
    assert!(watch.is_fired());
    assert_eq!(ids(db.snapshot().list(query)), [3]);
}

/// Watches of exact keys, hit and miss, unique and not, are open before and fired after a change of theirs; through the transaction they stay open.
#[test]
fn watches_of_exact_keys() {
    let db = open();
    db.write(|tx| tx.insert(service("a", "z1", Some(1))))
        .unwrap();
    let snap = db.snapshot();
    let hits = [
        snap.watch(Service::BY_NAME.eq("a")),
        snap.watch(Service::BY_PORT.eq(1)),
        snap.watch(Service::BY_ZONE.eq("z1")),
    ];
    let misses = [
        snap.watch(Service::BY_NAME.eq("b")),
        snap.watch(Service::BY_PORT.eq(2)),
        snap.watch(Service::BY_ZONE.eq("z2")),
    ];
    let mut tx = db.begin_write().unwrap();
    tx.insert(service("b", "z2", Some(2))).unwrap();
    assert!(misses.iter().all(|watch| !watch.is_fired()));
    tx.commit().unwrap();
    assert!(misses.iter().all(sapwood::watch::Watch::is_fired));
    assert!(hits.iter().all(|watch| !watch.is_fired()));
    db.write(|tx| tx.remove::<Service>("a")).unwrap();
    assert!(hits.iter().all(sapwood::watch::Watch::is_fired));
}

/// A watch of all rows fires for an insert, a change and a removal, and not for another table.
#[test]
fn a_watch_of_a_table() {
    let db = with_objects(&[(1, &[])]);
    for change in [
        |db: &sapwood::Database| put(db, 2, &[]),
        |db: &sapwood::Database| put(db, 2, &["a"]),
        |db: &sapwood::Database| assert!(remove(db, 2)),
    ] {
        let watch = db.snapshot().watch(Object::ALL);
        db.write(|tx| tx.put(service("a", "z", None))).unwrap();
        assert!(!watch.is_fired());
        change(&db);
        assert!(watch.is_fired());
    }
}

/// A watch of everything from a key on fires for what lies there, and for nothing below; theirs fires for any change in the index.
#[test]
fn a_watch_of_a_bound() {
    let db = with_objects(&[(10, &[])]);
    let watch = db.snapshot().watch(Object::BY_ID.range(100..));
    put(&db, 99, &[]);
    put(&db, 10, &["a"]);
    assert!(!watch.is_fired());
    put(&db, 100, &[]);
    assert!(watch.is_fired());
}

/// A compare-and-set that is refused wakes nobody, though its transaction commits, with other changes or without. Theirs wakes the row, its neighbours and the
/// table (D3).
#[test]
fn a_refused_compare_and_set_wakes_nobody() {
    let db = with_objects(&[(1, &["a"]), (2, &["b"])]);
    let snap = db.snapshot();
    let row = snap.watch(Object::BY_ID.eq(1));
    let tag = snap.watch(Object::BY_TAGS.starts_with("a"));
    let table = snap.watch(Object::ALL);
    let mut tx = db.begin_write().unwrap();
    let stale = Revision::new(77);
    assert!(matches!(
        tx.put_if(object(1, &["c"]), stale),
        Err(Error::WrongRevision { .. })
    ));
    assert!(matches!(
        tx.remove_if::<Object>(1, stale),
        Err(Error::WrongRevision { .. })
    ));
    assert_eq!(tx.commit().unwrap(), snap.revision());
    assert!(!row.is_fired() && !tag.is_fired() && !table.is_fired());
    db.write(|tx| {
        assert!(tx.put_if(object(1, &["c"]), stale).is_err());
        tx.put(object(2, &["d"]))
    })
    .unwrap();
    assert!(!row.is_fired() && !tag.is_fired() && table.is_fired());
}

/// What a transaction does and undoes, by hand or by a savepoint, wakes nobody if nothing of it is left; nor does one that is dropped.
#[test]
fn what_was_undone_wakes_nobody() {
    let db = with_objects(&[(1, &[])]);
    let watch = db.snapshot().watch(Object::ALL);
    let mut tx = db.begin_write().unwrap();
    tx.insert(object(2, &[])).unwrap();
    drop(tx);
    db.write(|tx| {
        tx.insert(object(2, &[]))?;
        tx.remove::<Object>(2)
    })
    .unwrap();
    db.write(|tx| {
        let before = tx.savepoint();
        tx.put(object(1, &["a"]))?;
        tx.rollback_to(&before)
    })
    .unwrap();
    assert!(!watch.is_fired());
}

/// A watch that is taken from an old snapshot has fired if its rows changed since, and is open if only others did: nothing is missed between reading and waiting.
#[test]
fn a_watch_from_an_old_snapshot_has_fired() {
    let db = with_objects(&[(1, &[]), (2, &[])]);
    let old = db.snapshot();
    put(&db, 1, &["a"]);
    assert!(old.watch(Object::BY_ID.eq(1)).is_fired());
    assert!(!old.watch(Object::BY_ID.eq(2)).is_fired());
    // The rows are the same again, and the snapshot is old still: what was written in between counts.
    assert!(old.watch(Object::ALL).is_fired());
    assert!(!db.snapshot().watch(Object::ALL).is_fired());
}

/// A watch ends with its database, and says so to who waits.
#[test]
fn watches_end_with_the_database() {
    let db = open();
    let watch = db.snapshot().watch(Object::ALL);
    assert!(!watch.wait_timeout(Duration::ZERO).unwrap());
    db.close().unwrap();
    assert!(watch.wait().is_err() && watch.is_closed() && !watch.is_fired());
}
