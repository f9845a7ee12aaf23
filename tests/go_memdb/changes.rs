//! What a commit changed. There it was tracked on request; here a follower's step over one commit is the difference of two versions, and needs no switch.

use sapwood::{Change, Database, Error, Follow, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, filled, open, put, row, three};

/// A follower of the table that has been told what there is.
fn follow(db: &Database) -> Follow<Main> {
    let mut follower = db.follow(Main::ALL).unwrap();
    follower.try_next().unwrap();
    follower
}

/// What one transaction changed, as `+`, `~` or `-`, the id, and the word before and after.
fn told(db: &Database, change: impl FnOnce(&mut WriteTxn) -> Result<(), Error>) -> Vec<String> {
    let mut follower = follow(db);
    db.write(change).unwrap();
    let step = follower.try_next();
    let changes = step.into_iter().flatten();
    let told = changes.map(|change| match change {
        Change::Inserted(row) => format!("+{} {}", row.id, row.foo),
        Change::Updated { old, new } => format!("~{} {}>{}", new.id, old.foo, new.foo),
        Change::Removed(row) => format!("-{} {}", row.id, row.foo),
    });
    told.collect()
}

/// Who does not follow is told nothing, and pays nothing: a commit keeps no list. There, changes were nil unless tracking was on.
#[test]
fn nobody_is_told_without_asking() {
    let db = filled([row("one", "", &[])]);
    let mut follower = follow(&db);
    assert!(follower.try_next().is_none());
    put(&db, [row("two", "", &[])]);
    // Whoever begins now sees the state, not how it came.
    let first = db.follow(Main::ALL).unwrap().try_next().unwrap();
    assert_eq!((first.from(), first.len()), (None, 2));
}

/// Rows that came in two tables are told to a follower of each, in the order of the index.
#[test]
fn inserts_in_two_tables() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Other {
        #[key]
        id: u64,
    }

    let db = Database::builder()
        .table::<Main>()
        .table::<Other>()
        .in_memory()
        .unwrap();
    let mut rows = follow(&db);
    let mut others = db.follow(Other::ALL).unwrap();
    others.try_next().unwrap();
    db.write(|tx| {
        tx.insert(row("b", "", &[]))?;
        tx.insert(Other { id: 7 })?;
        tx.insert(row("a", "", &[]))
    })
    .unwrap();
    let (rows, others) = (rows.try_next().unwrap(), others.try_next().unwrap());
    let ids: Vec<_> = rows
        .iter()
        .filter_map(Change::after)
        .map(|row| row.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b"]);
    assert!(matches!(others.changes(), [Change::Inserted(row)] if row.id == 7));
    // Both are of the one commit.
    assert_eq!((rows.from(), rows.to()), (others.from(), others.to()));
}

/// An aborted transaction tells nothing, and the next commit tells only what is its own.
#[test]
fn an_abort_is_not_told() {
    let db = three();
    let mut follower = follow(&db);
    let mut tx = db.begin_write().unwrap();
    tx.remove_all(Main::ALL).unwrap();
    drop(tx);
    assert!(follower.try_next().is_none());
    assert_eq!(
        told(&db, |tx| tx.insert(row("x", "1", &[])).map(drop)),
        ["+x 1"]
    );
}

/// Insert, update and removal are told apart, with the row before and after where there was one.
#[test]
fn mixed_changes() {
    let db = three();
    let told = told(&db, |tx| {
        tx.insert(row("object4", "new", &[]))?;
        tx.update::<Main>("object1", |row| row.foo = "changed".to_owned())?;
        tx.remove::<Main>("object2").map(drop)
    });
    assert_eq!(
        told,
        ["~object1 foo>changed", "-object2 foo", "+object4 new"]
    );
}

/// Three writes of one new row are one insert, of the last value.
#[test]
fn writes_of_one_row_are_one_change() {
    let db = open();
    let told = told(&db, |tx| {
        ["1", "2", "3"]
            .into_iter()
            .try_for_each(|foo| tx.put(row("one", foo, &[])).map(drop))
    });
    assert_eq!(told, ["+one 3"]);
}

/// An update and then a removal is one removal, of the row as it was before the transaction.
#[test]
fn an_update_and_a_removal_are_a_removal() {
    let db = filled([row("one", "original", &[])]);
    let told = told(&db, |tx| {
        tx.put(row("one", "changed", &[]))?;
        tx.remove::<Main>("one").map(drop)
    });
    assert_eq!(told, ["-one original"]);
}

/// What is removed by a prefix is told row by row.
#[test]
fn a_removed_prefix_is_told_row_by_row() {
    let db = three();
    let told = told(&db, |tx| {
        tx.remove_all(Main::BY_ID.starts_with("object")).map(drop)
    });
    assert_eq!(told, ["-object1 foo", "-object2 foo", "-object3 bar"]);
}

/// What is removed by a value is told row by row, and what was not is not told.
#[test]
fn removed_rows_of_a_value_are_told() {
    let db = three();
    let told = told(&db, |tx| tx.remove_all(Main::BY_FOO.eq("foo")).map(drop));
    assert_eq!(told, ["-object1 foo", "-object2 foo"]);
    let snapshot = db.snapshot();
    assert_eq!(super::fixture::ids(snapshot.list(Main::ALL)), ["object3"]);
}

/// A row that comes and goes in one transaction is no change. There, the list was empty and not nil; here there is no step at all.
#[test]
fn a_row_that_came_and_went_is_not_told() {
    let db = open();
    let told = told(&db, |tx| {
        tx.insert(row("one", "", &[]))?;
        tx.remove::<Main>("one").map(drop)
    });
    assert_eq!(told, [""; 0]);
}

/// A row that is written again as it was is told as an update: it has a new revision.
#[test]
fn a_write_without_a_difference_is_told() {
    let db = filled([row("one", "same", &[])]);
    let told = told(&db, |tx| tx.put(row("one", "same", &[])).map(drop));
    assert_eq!(told, ["~one same>same"]);
}

/// To look twice gives the changes once: a step is taken, and then there is none until the next commit.
#[test]
fn a_step_is_told_once() {
    let db = open();
    let mut follower = follow(&db);
    put(&db, [row("one", "", &[])]);
    assert_eq!(follower.try_next().unwrap().len(), 1);
    assert!(follower.try_next().is_none());
    // Another follower has its own place.
    assert_eq!(follow(&db).revision(), follower.revision());
}
