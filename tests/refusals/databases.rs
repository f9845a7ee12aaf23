//! What a database refuses as a whole: tables, transactions, settings.

use std::time::Duration;

use sapwood::pagefile::MemStorage;
use sapwood::{Database, Durability, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Job, Pod, open, pod, says};

/// A table that the database was built without, to write and to follow.
#[test]
fn unknown_table() {
    let db = open();
    let text =
        "table `jobs` is not part of this database; add it to the builder with `.table::<…>()`";
    let mut tx = db.begin_write().unwrap();
    for error in [
        tx.insert(Job { id: 1 }).map(drop).unwrap_err(),
        tx.put(Job { id: 1 }).map(drop).unwrap_err(),
        tx.update::<Job>(1, |_| {}).map(drop).unwrap_err(),
        tx.remove::<Job>(1).map(drop).unwrap_err(),
        tx.remove_all(Job::ALL).map(drop).unwrap_err(),
        db.follow(Job::ALL).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, Error::UnknownTable { table: "jobs" }));
        says(&error, text);
    }
}

/// Two tables of one name.
#[test]
fn same_name() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "jobs")]
    struct Other {
        #[key]
        id: u8,
    }

    let builder = Database::builder().table::<Job>().table::<Other>();
    let error = builder.in_memory().unwrap_err();
    assert!(matches!(error, Error::SameName { table: "jobs" }));
    says(
        &error,
        "two tables are called `jobs`; give one another name with `#[table(name = \"…\")]`",
    );
}

/// A transaction within another one of the same thread.
#[test]
fn nested_write() {
    let db = open();
    let tx = db.begin_write().unwrap();
    let error = db.begin_write().map(drop).unwrap_err();
    assert!(matches!(error, Error::NestedWrite));
    says(
        &error,
        "this thread has a write transaction or a staged one already; end it before beginning another",
    );
    drop(tx);
}

/// A savepoint after one that was gone back to, and one of another transaction.
#[test]
fn no_savepoint() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let first = tx.savepoint();
    tx.insert(pod("web")).unwrap();
    let second = tx.savepoint();
    tx.rollback_to(&first).unwrap();
    let gone = tx.rollback_to(&second).unwrap_err();
    drop(tx);
    let mut tx = db.begin_write().unwrap();
    for error in [gone, tx.rollback_to(&first).unwrap_err()] {
        assert!(matches!(error, Error::NoSavepoint));
        says(
            &error,
            "this savepoint is gone: an earlier one was gone back to since, or it is of another transaction",
        );
    }
}

/// A database that was closed, to write, to commit and to wait for.
#[test]
fn closed() {
    let db = open();
    let snapshot = db.snapshot();
    let other = db.clone();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod("web")).unwrap();
    std::thread::spawn(move || other.close().unwrap())
        .join()
        .unwrap();
    for error in [
        tx.commit().map(drop).unwrap_err(),
        db.begin_write().map(drop).unwrap_err(),
        db.wait_changed(&snapshot, Pod::ALL).map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Closed));
        says(&error, "the database was closed");
    }
    let ended = snapshot.watch(Pod::ALL).wait().unwrap_err();
    assert_eq!(ended.to_string(), "the database behind the watch is closed");
}

/// A time to be durable within that is none.
#[test]
fn period() {
    for (within, text) in [
        (Duration::ZERO, "0ns"),
        (Duration::from_secs(100_000), "100000s"),
    ] {
        let error = Database::builder()
            .table::<Job>()
            .durability(Durability::Eventual { within })
            .open_storage(Box::new(MemStorage::default()))
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, Error::Period { .. }));
        says(
            &error,
            &format!(
                "commits cannot be made durable within {text}; give a time of up to a day that is not zero"
            ),
        );
    }
}
