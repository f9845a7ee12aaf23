//! Beginning, writing, reading one's own writes, and ending.

use sapwood::{Error, Revision};

use super::fixture::{Main, filled, id, ids, open, row};

/// A snapshot needs no end: dropping and cloning it in any order is harmless, and a clone reads on. There, ending a reader did nothing, which is
/// what their test holds.
#[test]
fn read_abort_commit() {
    let db = filled([row("a", "", &[])]);
    let snapshot = db.snapshot();
    let clone = snapshot.clone();
    drop(snapshot);
    assert_eq!(clone.count(Main::ALL), 1);
    drop(clone);
    db.begin_write().unwrap();
}

/// A transaction ends once, by commit, by drop or by an error, and then the next writer can begin. That it ends twice does not compile:
/// `ui/transactions/use_after_commit.rs`.
#[test]
fn write_abort_commit() {
    let db = open();
    for end in 0..3 {
        let mut tx = db.begin_write().unwrap();
        tx.put(row("a", &end.to_string(), &[])).unwrap();
        match end {
            0 => drop(tx),
            1 => drop(tx.commit().unwrap()),
            _ => drop(tx.insert(row("a", "refused", &[])).map_err(|_| drop(tx))),
        }
        assert!(db.try_begin_write().unwrap().is_some());
    }
    assert_eq!(db.snapshot().get::<Main>("a").unwrap().foo, "1");
}

/// A row is readable by its key in the transaction that inserts it: the very one, not a copy.
#[test]
fn insert_first() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let stored = tx.insert(row("my-object", "abc", &["a"])).unwrap();
    let found = tx.get::<Main>("my-object").unwrap();
    assert!(std::ptr::eq(&raw const **found, &raw const *stored));
    assert_eq!(**found, row("my-object", "abc", &["a"]));
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    let found = snapshot.get::<Main>("my-object").unwrap();
    assert!(std::ptr::eq(&raw const **found, &raw const *stored));
}

/// A second row with the key replaces the first with `put`, which gives the old one back. `insert` refuses it: there, only `Insert` was, and it
/// could not be told whether a row was there.
#[test]
fn insert_update_first() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("my-object", "abc", &[])).unwrap();
    assert!(matches!(
        tx.insert(row("my-object", "xyz", &[])),
        Err(Error::Duplicate { .. })
    ));
    assert_eq!(tx.get::<Main>("my-object").unwrap().foo, "abc");
    let old = tx.put(row("my-object", "xyz", &[])).unwrap().unwrap();
    assert_eq!(old.foo, "abc");
    assert_eq!(tx.get::<Main>("my-object").unwrap().foo, "xyz");
    assert_eq!(tx.count(Main::ALL), 1);
}

/// After an update the new value of a shared index finds the row, and the old one finds nothing.
#[test]
fn insert_update_first_non_unique() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("my-object", "abc", &[])).unwrap();
    tx.put(row("my-object", "xyz", &[])).unwrap();
    assert_eq!(id(tx.first(Main::BY_FOO.eq("xyz"))), Some("my-object"));
    assert_eq!(tx.first(Main::BY_FOO.eq("abc")), None);
    tx.commit().unwrap();
    assert_eq!(db.snapshot().count(Main::BY_FOO.all()), 1);
}

/// After an update each new element finds the row, and all old ones are gone, also those that only changed their place in the list.
#[test]
fn insert_update_first_multi_index() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("my-object", "", &["abc1", "abc2", "kept"]))
        .unwrap();
    tx.put(row("my-object", "", &["kept", "xyz1", "xyz2"]))
        .unwrap();
    for (element, found) in [
        ("xyz1", true),
        ("xyz2", true),
        ("kept", true),
        ("abc1", false),
        ("abc2", false),
    ] {
        assert_eq!(tx.contains(Main::BY_QUX.eq(element)), found, "{element}");
    }
    assert_eq!(tx.remove_all(Main::BY_QUX.all()).unwrap(), 1);
    assert!(!tx.contains(Main::BY_QUX.all()));
}

/// Among rows with one value, the first is that with the least primary key.
#[test]
fn first_non_unique_multiple() {
    let db = filled([
        row("my-other-object", "xyz", &[]),
        row("my-object", "xyz", &[]),
        row("last", "abc", &[]),
    ]);
    let snapshot = db.snapshot();
    assert_eq!(
        id(snapshot.first(Main::BY_FOO.eq("xyz"))),
        Some("my-object")
    );
    assert_eq!(id(snapshot.first(Main::BY_FOO.eq("abc"))), Some("last"));
}

/// Among rows with one element, the first is that with the least primary key.
#[test]
fn first_multi_index_multiple() {
    let db = filled([
        row("my-other-object", "", &["both", "x"]),
        row("my-object", "", &["both", "y"]),
    ]);
    let snapshot = db.snapshot();
    assert_eq!(
        id(snapshot.first(Main::BY_QUX.eq("both"))),
        Some("my-object")
    );
    assert_eq!(
        id(snapshot.first(Main::BY_QUX.eq("x"))),
        Some("my-other-object")
    );
}

/// Among rows with one value, the last is that with the greatest primary key; a value of one row finds that one.
#[test]
fn last_non_unique_multiple() {
    let db = filled([
        row("my-other-object", "xyz", &[]),
        row("my-object", "xyz", &[]),
        row("zzz", "abc", &[]),
    ]);
    let snapshot = db.snapshot();
    assert_eq!(
        id(snapshot.last(Main::BY_FOO.eq("xyz"))),
        Some("my-other-object")
    );
    assert_eq!(id(snapshot.last(Main::BY_FOO.eq("abc"))), Some("zzz"));
}

/// Among rows with one element, the last is that with the greatest primary key; an element of one row finds that one.
#[test]
fn last_multi_index_multiple() {
    let db = filled([
        row("my-other-object", "", &["both", "x"]),
        row("my-object", "", &["both", "y"]),
    ]);
    let snapshot = db.snapshot();
    assert_eq!(
        id(snapshot.last(Main::BY_QUX.eq("both"))),
        Some("my-other-object")
    );
    assert_eq!(id(snapshot.last(Main::BY_QUX.eq("y"))), Some("my-object"));
}

/// A transaction sees its own rows while a concurrent snapshot sees none, also after the commit; a later one does.
#[test]
fn a_transaction_reads_its_own_writes() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let reader = db.snapshot();
    tx.insert(row("a", "", &[])).unwrap();
    tx.insert(row("b", "", &[])).unwrap();
    assert_eq!(ids(tx.list(Main::ALL)), ["a", "b"]);
    assert_eq!(reader.count(Main::ALL), 0);
    assert_eq!(tx.commit().unwrap(), Revision::new(1));
    assert_eq!(reader.count(Main::ALL), 0);
    assert_eq!(ids(db.snapshot().list(Main::ALL)), ["a", "b"]);
}

/// What a transaction held when it was dropped is nowhere, in no index.
#[test]
fn an_aborted_transaction_leaves_nothing() {
    let db = filled([row("kept", "k", &["k"])]);
    let before = db.revision();
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("a", "x", &["y"])).unwrap();
    tx.remove::<Main>("kept").unwrap();
    drop(tx);
    let snapshot = db.snapshot();
    assert_eq!(db.revision(), before);
    for query in [Main::ALL, Main::BY_FOO.all(), Main::BY_QUX.all()] {
        assert_eq!(ids(snapshot.list(query)), ["kept"]);
    }
}

/// Reads between writes see every write before them: to look does not cost what was written.
#[test]
fn reads_and_writes_alternate_in_one_transaction() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    for n in 0..300_usize {
        let name = format!("{n:04}");
        tx.insert(row(&name, "all", &[])).unwrap();
        assert_eq!(tx.count(Main::BY_FOO.eq("all")), n + 1);
        assert_eq!(id(tx.last(Main::ALL)), Some(name.as_str()));
    }
    assert_eq!(tx.count(Main::ALL), 300);
}

/// What is to run after a commit stands after `write`: it runs when the commit is published, and not when the transaction fails. There,
/// `Defer` queued functions, last in first out, and ran them after other commits perhaps.
#[test]
fn what_stands_after_write_runs_when_committed() {
    let db = open();
    let mut ran = Vec::new();
    let mut commit = |fails: bool| -> Result<(), Error> {
        let mut deferred: Vec<&str> = Vec::new();
        db.write(|tx| {
            tx.put(row("a", "", &[]))?;
            deferred.extend(["first", "second", "third"]);
            if fails {
                tx.insert(row("a", "", &[]))?;
            }
            Ok::<_, Error>(())
        })?;
        assert!(db.snapshot().get::<Main>("a").is_some(), "published");
        ran.extend(deferred.into_iter().rev());
        Ok(())
    };
    assert!(commit(true).is_err());
    commit(false).unwrap();
    assert_eq!(ran, ["third", "second", "first"]);
}

/// A point of a transaction can be kept and gone back to. There, a read-only copy of the running transaction was made; here what it shows is
/// read at once, and rows that were read are kept by their clones.
#[test]
fn a_state_within_a_transaction_can_be_kept() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(row("one", "", &[])).unwrap();
    let kept: Vec<_> = tx.list(Main::ALL).cloned().collect();
    let here = tx.savepoint();
    tx.insert(row("two", "", &[])).unwrap();
    assert_eq!(ids(&kept), ["one"]);
    assert_eq!(ids(tx.list(Main::ALL)), ["one", "two"]);
    tx.rollback_to(&here).unwrap();
    assert_eq!(ids(tx.list(Main::ALL)), ["one"]);
    tx.commit().unwrap();
    assert_eq!(ids(&kept), ["one"]);
}
