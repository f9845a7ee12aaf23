//! Transactions: what they see, what they leave, and who waits for whom.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::{Database, Error, Revision, Table};
use serde::{Deserialize, Serialize};

use super::rows::{Object, Service, ids, object, open, put, remove, service, with_objects};

/// A table can be written from two places of one transaction, and it commits once. Tables are not named at the beginning, so none can be named twice.
#[test]
fn a_transaction_names_no_tables() {
    let db = open();
    let revision = db
        .begin_write()
        .and_then(|mut tx| {
            tx.insert(object(1, &[]))?;
            tx.insert(service("a", "z", None))?;
            tx.insert(object(2, &[]))?;
            tx.commit()
        })
        .unwrap();
    assert_eq!(revision, Revision::new(1));
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Object::ALL)), [1, 2]);
    assert_eq!(snap.count(Service::ALL), 1);
}

/// What a transaction wrote in several tables is seen in all of them or in none, whatever a reader holds.
#[test]
fn a_snapshot_shows_all_tables_as_of_one_commit() {
    let db = open();
    let empty = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    tx.insert(object(1, &[])).unwrap();
    tx.insert(service("a", "z", None)).unwrap();
    let during = db.snapshot();
    tx.commit().unwrap();
    let after = db.snapshot();
    for (snap, rows) in [(&empty, 0), (&during, 0), (&after, 1)] {
        assert_eq!(snap.count(Object::ALL), rows);
        assert_eq!(snap.count(Service::ALL), rows);
    }
}

/// An insert and a removal show at once in every verb of the transaction that made them, between any two of them.
#[test]
fn a_transaction_reads_its_own_writes() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    for id in 0..40 {
        tx.insert(object(id, &["t"])).unwrap();
        assert!(ids(tx.list(Object::ALL)).into_iter().eq(0..=id));
        assert_eq!(tx.count(Object::BY_TAGS.eq("t")) as u64, id + 1);
    }
    for id in 0..40 {
        tx.remove::<Object>(id).unwrap();
        assert!(tx.get::<Object>(id).is_none());
        assert!(
            ids(tx.list(Object::BY_TAGS.eq("t")))
                .into_iter()
                .eq(id + 1..40)
        );
    }
}

/// The number of rows follows what is not committed inside of the transaction; older snapshots keep theirs, new ones have the new.
#[test]
fn the_number_of_rows_follows_the_transaction() {
    let db = with_objects(&[(1, &[])]);
    let before = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    tx.insert(object(2, &[])).unwrap();
    tx.put(object(1, &["t"])).unwrap();
    assert_eq!(tx.count(Object::ALL), 2);
    tx.remove::<Object>(1).unwrap();
    tx.insert(object(3, &[])).unwrap();
    tx.insert(object(4, &[])).unwrap();
    assert_eq!(tx.count(Object::ALL), 3);
    tx.commit().unwrap();
    assert_eq!(before.count(Object::ALL), 1);
    assert_eq!(db.snapshot().count(Object::ALL), 3);
}

/// The revision is a commit's: one that is dropped leaves it, one that writes or removes raises it by one, one that changes nothing does not, such as the
/// removal of what is absent.
#[test]
fn only_a_commit_that_changes_something_raises_the_revision() {
    let db = open();
    assert_eq!(db.revision(), Revision::ZERO);
    let mut tx = db.begin_write().unwrap();
    tx.insert(object(1, &[])).unwrap();
    drop(tx);
    assert_eq!(db.revision(), Revision::ZERO);
    put(&db, 1, &[]);
    assert_eq!(db.revision(), Revision::new(1));
    assert!(!remove(&db, 2));
    assert_eq!(db.revision(), Revision::new(1));
    assert_eq!(db.begin_write().unwrap().commit().unwrap(), db.revision());
    assert!(remove(&db, 1));
    assert_eq!(db.revision(), Revision::new(2));
}

/// A transaction that is dropped, by hand, by an error or by a panic, leaves nothing behind, and the next one begins at once. One that has ended cannot be
/// used: `commit` takes it.
#[test]
fn a_transaction_that_does_not_commit_changes_nothing() {
    let db = with_objects(&[(1, &["t"])]);
    let change = |tx: &mut sapwood::WriteTxn| {
        tx.put(object(1, &["u"]))?;
        tx.insert(object(2, &["t"])).map(drop)
    };
    let mut tx = db.begin_write().unwrap();
    change(&mut tx).unwrap();
    drop(tx);
    let failed = db.write(|tx| {
        change(tx)?;
        Err::<(), _>(Error::Closed)
    });
    assert!(matches!(failed, Err(Error::Closed)));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.write(|tx| {
            change(tx)?;
            assert!(tx.get::<Object>(1).is_none(), "on purpose");
            Ok::<_, Error>(())
        })
    }));
    assert!(panicked.is_err());
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Object::ALL)), [1]);
    assert_eq!(ids(snap.list(Object::BY_TAGS.eq("t"))), [1]);
    assert_eq!(snap.revision(), Revision::new(1));
    assert_eq!(
        db.write(|tx| tx.put(object(1, &[])))
            .unwrap()
            .unwrap()
            .tags
            .len(),
        1
    );
}

/// A second writer may look whether it is its turn, or wait for so long and no longer. Theirs can only wait (D9).
#[test]
fn a_writer_may_try_and_may_give_up() {
    let db = open();
    let tx = db.begin_write().unwrap();
    let other = db.clone();
    thread::spawn(move || {
        assert!(other.try_begin_write().unwrap().is_none());
        let waited = other.begin_write_timeout(Duration::from_millis(1));
        assert!(waited.unwrap().is_none());
    })
    .join()
    .unwrap();
    // Whoever has the turn and asks again would wait for itself.
    assert!(matches!(db.begin_write(), Err(Error::NestedWrite)));
    drop(tx);
    assert!(db.try_begin_write().unwrap().is_some());
}

/// Writers of whatever tables, on many threads, all get their turn, and none is lost: there is one lock, so no order of locks to keep.
#[test]
fn writers_of_any_tables_do_not_deadlock() {
    let db = open();
    let writers = (0..8_u64).map(|writer| {
        let db = db.clone();
        thread::spawn(move || {
            for turn in 0..25 {
                db.write(|tx| {
                    if (writer + turn) % 3 != 0 {
                        tx.insert(object(writer * 100 + turn, &[]))?;
                    }
                    if (writer + turn) % 2 == 0 {
                        tx.insert(service(&format!("{writer}-{turn}"), "z", None))?;
                    }
                    Ok::<_, Error>(())
                })
                .unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.join().unwrap();
    }
    let expected = |keep: fn(u64) -> bool| {
        (0..8)
            .flat_map(|w| (0..25).filter(move |t| keep(w + t)))
            .count()
    };
    let snap = db.snapshot();
    assert_eq!(snap.count(Object::ALL), expected(|n| n % 3 != 0));
    assert_eq!(snap.count(Service::ALL), expected(|n| n % 2 == 0));
}

/// Who is woken by a watch finds the change in a new snapshot, and who committed finds it too: publishing comes first.
#[test]
fn whoever_is_woken_sees_the_commit() {
    let db = open();
    let (send, receive) = mpsc::channel();
    let reader = {
        let db = db.clone();
        thread::spawn(move || {
            for id in 0..200 {
                let watch = db.snapshot().watch(Object::BY_ID.eq(id));
                send.send(()).unwrap();
                watch.wait().unwrap();
                assert!(db.snapshot().get::<Object>(id).is_some());
            }
        })
    };
    for id in 0..200 {
        receive.recv().unwrap();
        let mut tx = db.begin_write().unwrap();
        tx.insert(object(id, &[])).unwrap();
        let revision = tx.commit().unwrap();
        assert!(db.snapshot().revision() >= revision);
    }
    reader.join().unwrap();
}

/// A snapshot goes on when the database is gone; nobody has to close it.
#[test]
fn a_snapshot_needs_no_closing_and_outlives_the_database() {
    let db = with_objects(&[(1, &[]), (2, &[])]);
    let snap = db.snapshot();
    drop(db);
    assert_eq!(ids(snap.list(Object::ALL)), [1, 2]);
}

/// A table of which the database knows nothing is refused with a typed error where something is written or followed, and where it would only be read, it
/// panics, lest it seem to be empty. Theirs panics in both places.
#[test]
fn a_table_that_was_not_registered_is_refused() {
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Stranger {
        #[key]
        id: u8,
    }
    let db = open();
    let refused = db.write(|tx| tx.insert(Stranger { id: 1 }));
    assert!(matches!(
        refused,
        Err(Error::UnknownTable { table: "stranger" })
    ));
    assert!(matches!(
        db.follow(Stranger::ALL),
        Err(Error::UnknownTable { table: "stranger" })
    ));
    let snap = db.snapshot();
    assert!(catch_unwind(AssertUnwindSafe(|| snap.count(Stranger::ALL))).is_err());
}

/// Two tables of one name are refused when the database is built; the same table twice is one table.
#[test]
fn two_tables_of_one_name_are_refused() {
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    #[table(name = "objects")]
    struct Other {
        #[key]
        id: u8,
    }
    let twice = Database::builder().table::<Object>().table::<Object>();
    assert!(twice.in_memory().is_ok());
    let two = Database::builder().table::<Object>().table::<Other>();
    assert!(matches!(
        two.in_memory(),
        Err(Error::SameName { table: "objects" })
    ));
}
