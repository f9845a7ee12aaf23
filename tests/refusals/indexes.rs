//! Indexes at run time that are refused, and the end of those that are dropped.

use sapwood::{Error, NewIndex};

use super::fixture::{Pod, open, pod, refused, says};

fn by_slot() -> NewIndex<Pod, i16> {
    NewIndex::new("by_slot", |pod: &Pod| pod.slot)
}

/// An index that is not there any more: its table and name.
#[test]
fn unknown_index() {
    let db = open();
    let index = db.write(|tx| tx.add_index(by_slot())).unwrap();
    db.write(|tx| tx.drop_index(index)).unwrap();
    for error in [
        refused(&db, |tx| tx.drop_index(index)),
        refused(&db, |tx| tx.remove_all(index.eq(0))),
        db.follow(index.all()).map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::UnknownIndex { table: "pods", index } if index == "by_slot")
        );
        says(
            &error,
            "table `pods`: no index `by_slot` here; it was dropped, or added later or to another database",
        );
    }
}

/// The index of a watch that is dropped while somebody waits.
#[test]
fn index_dropped() {
    let db = open();
    let index = db.write(|tx| tx.add_index(by_slot())).unwrap();
    let snapshot = db.snapshot();
    db.write(|tx| tx.drop_index(index)).unwrap();
    let ended = snapshot.watch(index.all()).wait().unwrap_err();
    assert_eq!(ended.to_string(), "the index behind the watch was dropped");
    let error = Error::from(ended);
    assert!(matches!(error, Error::IndexDropped));
    says(&error, "the index that was watched was dropped");
}

/// An index of a name that the table has, declared or added.
#[test]
fn index_exists() {
    let db = open();
    db.write(|tx| tx.add_index(by_slot())).unwrap();
    let error = refused(&db, |tx| tx.add_index(by_slot()));
    assert!(matches!(&error, Error::IndexExists { table: "pods", .. }));
    says(
        &error,
        "table `pods`: there is an index `by_slot` already; drop it first or give the new one another name",
    );
    let declared = NewIndex::new("by_note", |pod: &Pod| pod.note.clone());
    says(
        &refused(&db, |tx| tx.add_index(declared)),
        "table `pods`: there is an index `by_note` already; drop it first or give the new one another name",
    );
}

/// An index that the struct declares cannot be dropped.
#[test]
fn declared_index() {
    let error = refused(&open(), |tx| tx.drop_index(Pod::BY_NOTE));
    assert!(matches!(&error, Error::DeclaredIndex { table: "pods", .. }));
    says(
        &error,
        "table `pods`: index `by_note` is declared by the struct of its rows and stays with it",
    );
}

/// A unique index that two rows would have one key in, and a row that an added one refuses: as of a declared index.
#[test]
fn duplicate_in_an_added_index() {
    let db = open();
    db.write(|tx| {
        tx.insert(pod("api"))?;
        tx.insert(pod("web"))
    })
    .unwrap();
    let error = refused(&db, |tx| tx.add_index(by_slot().unique()));
    assert!(matches!(&error, Error::Duplicate { index, .. } if index == "by_slot"));
    says(
        &error,
        "table `pods`: index `by_slot` has 0 already, for the row (\"prod\", \"api\"); the row (\"prod\", \"web\") was refused",
    );
}
