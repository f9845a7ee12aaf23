//! Indexes that come and go while a database runs, which theirs cannot.

use sapwood::{Error, NewIndex};

use super::rows::{Object, ids, object, put, with_objects};

/// An index that is added to a table with rows has them all, keeps up with every write, and can be watched and followed; older snapshots have none, and dropped it is
/// gone from new ones, but not from those that had it.
#[test]
fn an_index_is_added_to_rows_that_are_there() {
    let db = with_objects(&[(1, &["a"]), (2, &["a", "b"]), (3, &[])]);
    let before = db.snapshot();
    let by_number = NewIndex::new("by_number", |object: &Object| object.tags.len() as u64);
    let by_number = db.write(|tx| tx.add_index(by_number)).unwrap();
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(by_number.all())), [3, 1, 2]);
    assert!(before.index::<Object, u64>("by_number").is_none());
    let watch = snap.watch(by_number.eq(2));
    let mut follower = db.follow(by_number.range(1..)).unwrap();
    assert_eq!(follower.next().unwrap().len(), 2);
    put(&db, 3, &["x"]);
    assert!(!watch.is_fired());
    put(&db, 1, &["x", "y"]);
    assert!(watch.is_fired());
    assert_eq!(follower.next().unwrap().len(), 2);
    let last = db.snapshot();
    assert_eq!(ids(last.list(by_number.eq(2))), [1, 2]);
    db.write(|tx| tx.drop_index(by_number)).unwrap();
    assert!(db.snapshot().index::<Object, u64>("by_number").is_none());
    assert_eq!(ids(last.list(by_number.eq(2))), [1, 2]);
}

/// A unique index is added only where it is so already; then it holds. What refuses it leaves everything as it was.
#[test]
fn a_unique_index_is_refused_where_rows_conflict() {
    let db = with_objects(&[(1, &["a"]), (2, &["a"])]);
    let first =
        || NewIndex::sparse("by_first", |object: &Object| object.tags.first().cloned()).unique();
    let refused = db.write(|tx| tx.add_index(first()));
    assert!(matches!(refused, Err(Error::Duplicate { .. })));
    put(&db, 2, &["b"]);
    let by_first = db.write(|tx| tx.add_index(first())).unwrap();
    let taken = db.write(|tx| tx.insert(object(3, &["b"])));
    assert!(matches!(taken, Err(Error::Duplicate { .. })));
    assert_eq!(ids(db.snapshot().list(by_first.eq("b"))), [2]);
    // It is part of its transaction.
    let mut tx = db.begin_write().unwrap();
    tx.drop_index(by_first).unwrap();
    tx.insert(object(3, &["b"])).unwrap();
    drop(tx);
    assert!(db.snapshot().index::<Object, String>("by_first").is_some());
}
