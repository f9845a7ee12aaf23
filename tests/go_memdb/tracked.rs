//! What a running transaction has changed: as their tracked changes, before the commit, in the order of the keys and not of the last writes.

use sapwood::{Change, Database, Error, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, filled, open, row, three};

/// Each change as `+`, `~` or `-`, the id, and the word before and after.
fn told(tx: &WriteTxn) -> Vec<String> {
    let changes = tx.changes::<Main>().into_iter();
    let told = changes.map(|change| match change {
        Change::Inserted(row) => format!("+{} {}", row.id, row.foo),
        Change::Updated { old, new } => format!("~{} {}>{}", new.id, old.foo, new.foo),
        Change::Removed(row) => format!("-{} {}", row.id, row.foo),
    });
    told.collect()
}

/// What a transaction of its own tells, asked twice; it is then committed.
fn of(db: &Database, change: impl FnOnce(&mut WriteTxn) -> Result<(), Error>) -> Vec<String> {
    db.write(|tx| {
        change(tx)?;
        let first = told(tx);
        assert_eq!(told(tx), first, "asked twice");
        Ok::<_, Error>(first)
    })
    .unwrap()
}

/// Nothing has to be switched on, and what was written before the question is told too: there, tracking missed what was written before it began.
#[test]
fn tracked_without_asking() {
    let db = three();
    let mut tx = db.begin_write().unwrap();
    assert_eq!(told(&tx), [""; 0]);
    tx.insert(row("x", "1", &[])).unwrap();
    assert_eq!(told(&tx), ["+x 1"]);
    tx.insert(row("y", "2", &[])).unwrap();
    assert_eq!(told(&tx), ["+x 1", "+y 2"]);
}

/// Rows that came in two tables are told for each, by type.
#[test]
fn tracked_inserts_in_two_tables() {
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
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("b", "", &[])).unwrap();
    tx.insert(Other { id: 7 }).unwrap();
    tx.insert(row("a", "", &[])).unwrap();
    assert_eq!(told(&tx), ["+a ", "+b "]);
    assert!(matches!(&tx.changes::<Other>()[..], [Change::Inserted(row)] if row.id == 7));
}

/// What is gone back from is not told; the next transaction begins with nothing.
#[test]
fn tracked_abort() {
    let db = three();
    let mut tx = db.begin_write().unwrap();
    let here = tx.savepoint();
    tx.remove_all(Main::ALL).unwrap();
    assert_eq!(told(&tx).len(), 3);
    tx.rollback_to(&here).unwrap();
    assert_eq!(told(&tx), [""; 0]);
    tx.remove::<Main>("object1").unwrap();
    drop(tx);
    assert_eq!(told(&db.begin_write().unwrap()), [""; 0]);
}

/// Insert, update and removal mixed; three writes of one row; update and then removal; insert and then removal; a write without a difference.
#[test]
fn tracked_mixed_changes() {
    let told = of(&three(), |tx| {
        tx.insert(row("object4", "new", &[]))?;
        tx.update::<Main>("object1", |row| row.foo = "changed".to_owned())?;
        tx.remove::<Main>("object2").map(drop)
    });
    assert_eq!(
        told,
        ["~object1 foo>changed", "-object2 foo", "+object4 new"]
    );
    let told = of(&open(), |tx| {
        let mut words = ["1", "2", "3"].into_iter();
        words.try_for_each(|foo| tx.put(row("one", foo, &[])).map(drop))
    });
    assert_eq!(told, ["+one 3"]);
    let db = filled([row("one", "original", &[])]);
    let told = of(&db, |tx| {
        tx.put(row("one", "changed", &[]))?;
        tx.remove::<Main>("one").map(drop)
    });
    assert_eq!(told, ["-one original"]);
    let told = of(&db, |tx| {
        tx.insert(row("one", "", &[]))?;
        tx.remove::<Main>("one").map(drop)
    });
    assert_eq!(told, [""; 0]);
    let db = filled([row("one", "same", &[])]);
    let told = of(&db, |tx| tx.put(row("one", "same", &[])).map(drop));
    assert_eq!(told, ["~one same>same"]);
}

/// What a prefix, a value, or an element removes is told row by row, each once.
#[test]
fn tracked_removals() {
    for (query, expected) in [
        (
            Main::BY_ID.starts_with("object"),
            &["-object1 foo", "-object2 foo", "-object3 bar"][..],
        ),
        (Main::BY_FOO.eq("foo"), &["-object1 foo", "-object2 foo"]),
        (Main::BY_QUX.eq("shared"), &["-object2 foo", "-object3 bar"]),
        (
            Main::BY_QUX.starts_with("b"),
            &["-object1 foo", "-object2 foo"],
        ),
    ] {
        let told = of(&three(), |tx| tx.remove_all(query).map(drop));
        assert_eq!(told, expected);
    }
}

/// What runs before the commit can refuse it, and sees its changes. There, deferred functions ran after it and could not fail; who wanted to publish with the commit
/// computed events before it, by hand.
#[test]
fn a_commit_can_be_refused_at_its_end() {
    let db = Database::builder()
        .validate(|change: &Change<Main>, _| match change {
            Change::Removed(row) if row.foo == "kept" => Err("it is to be kept"),
            _ => Ok(()),
        })
        .in_memory()
        .unwrap();
    db.write(|tx| tx.insert(row("one", "kept", &[]))).unwrap();
    let watch = db.snapshot().watch(Main::ALL);
    let refused = db.write(|tx| tx.remove::<Main>("one")).unwrap_err();
    assert!(matches!(refused, Error::Invalid { table: "main", .. }));
    assert!(!watch.is_fired());
    let staged = {
        let mut tx = db.begin_write().unwrap();
        tx.insert(row("two", "", &[])).unwrap();
        tx.stage().unwrap()
    };
    assert!(!watch.is_fired());
    assert_eq!(staged.publish().unwrap(), db.revision());
    assert!(watch.is_fired());
}

/// The newest commit of a table is a number that the database keeps, which does not go back when rows go. There, users kept a table of such numbers beside
/// all others, and tombstones.
#[test]
fn a_table_knows_its_newest_commit() {
    let db = three();
    let revision = || db.snapshot().table_revision::<Main>().get();
    assert_eq!(revision(), 1);
    db.write(|tx| tx.remove_all(Main::ALL)).unwrap();
    assert_eq!((revision(), db.snapshot().count(Main::ALL)), (2, 0));
    // And a reader can wait until a commit is there.
    let seen = db.wait_for(db.revision()).unwrap();
    assert_eq!(seen.revision().get(), 2);
}
