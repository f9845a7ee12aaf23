//! Every refusal has a variant of its own, which names the table, the index and the keys; and words, which are held here to the letter.
//!
//! `TableFull` takes four billion rows to come by: only its words are held.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sapwood::pagefile::{MemStorage, Options, PageFile};
use sapwood::{Database, Durability, Error, Revision, Table, WriteTxn};
use serde::{Deserialize, Serialize, Serializer};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "the page file's tests use the rest of it")]
mod sim;

use sim::{Failure, SimDisk};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods", key(space, name))]
#[table(index(by_owner_slot, on(owner, slot), unique))]
#[table(index(by_drifting, with(drifting) -> u32))]
struct Pod {
    space: String,
    name: String,
    owner: Option<String>,
    slot: i16,
    #[index(each, unique)]
    ports: Vec<u16>,
    #[index]
    note: String,
    drifts: bool,
}

/// What the index function adds for rows that drift: it does not depend on the row alone, which is against the rules.
static DRIFT: AtomicU32 = AtomicU32::new(0);

fn drifting(pod: &Pod) -> u32 {
    if pod.drifts {
        DRIFT.load(Ordering::SeqCst)
    } else {
        0
    }
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    id: u64,
}

fn pod(name: &str) -> Pod {
    Pod {
        space: "prod".to_owned(),
        name: name.to_owned(),
        owner: None,
        slot: 0,
        ports: Vec::new(),
        note: String::new(),
        drifts: false,
    }
}

fn open() -> Database {
    Database::builder().table::<Pod>().in_memory().unwrap()
}

/// The error of a transaction that must be refused.
fn refused<R>(db: &Database, change: impl FnOnce(&mut WriteTxn) -> Result<R, Error>) -> Error {
    db.write(change).map(drop).unwrap_err()
}

#[track_caller]
fn says(error: &Error, text: &str) {
    assert_eq!(error.to_string(), text);
}

/// A key that is taken, in the primary index, in a unique one of two columns and in one with several keys a row: the index, the key, and both rows.
#[test]
fn duplicate() {
    let db = open();
    let mut first = pod("web");
    first.owner = Some("ann".to_owned());
    first.slot = -3;
    first.ports = vec![80, 443];
    db.write(|tx| tx.insert(first.clone())).unwrap();
    let error = refused(&db, |tx| tx.insert(pod("web")));
    says(
        &error,
        "table `pods`: index `by_space_name` has (\"prod\", \"web\") already, for the row (\"prod\", \"web\"); \
         the row (\"prod\", \"web\") was refused",
    );
    let other = Pod {
        ports: Vec::new(),
        name: "api".to_owned(),
        ..first
    };
    let error = refused(&db, |tx| tx.put(other.clone()));
    says(
        &error,
        "table `pods`: index `by_owner_slot` has (Some(\"ann\"), -3) already, for the row (\"prod\", \"web\"); \
         the row (\"prod\", \"api\") was refused",
    );
    let Error::Duplicate {
        table,
        index,
        key,
        existing,
        refused: row,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((table, index.as_str()), ("pods", "by_owner_slot"));
    assert_eq!(key, "(Some(\"ann\"), -3)");
    assert_eq!(existing, "(\"prod\", \"web\")");
    assert_eq!(row, "(\"prod\", \"api\")");
    let error = refused(&db, |tx| {
        tx.insert(Pod {
            ports: vec![443],
            ..pod("api")
        })
    });
    says(
        &error,
        "table `pods`: index `by_ports` has [443] already, for the row (\"prod\", \"web\"); the row (\"prod\", \"api\") was refused",
    );
}

/// An update of a row that is not there: its key.
#[test]
fn missing() {
    let error = refused(&open(), |tx| tx.update::<Pod>(("prod", "web"), |_| {}));
    assert!(matches!(&error, Error::Missing { table: "pods", .. }));
    says(&error, "table `pods`: no row (\"prod\", \"web\")");
}

/// A row of another revision than the one expected, absent on either side: its key, and both.
#[test]
fn wrong_revision() {
    let db = open();
    db.write(|tx| tx.insert(pod("web"))).unwrap();
    db.write(|tx| tx.put(pod("web"))).unwrap();
    let key = ("prod", "web");
    let error = refused(&db, |tx| tx.update_if::<Pod>(key, Revision::new(1), |_| {}));
    assert!(
        matches!(&error, Error::WrongRevision { table: "pods", expected, found, .. }
            if expected.get() == 1 && found.get() == 2)
    );
    says(
        &error,
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected at revision 1; read it again",
    );
    says(
        &refused(&db, |tx| tx.put_if(pod("web"), Revision::ZERO)),
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected absent; read it again",
    );
    says(
        &refused(&db, |tx| {
            tx.remove_if::<Pod>(("prod", "api"), Revision::new(2))
        }),
        "table `pods`: the row (\"prod\", \"api\") is absent, expected at revision 2; read it again",
    );
    says(
        &refused(&db, |tx| tx.remove_all_if(Pod::ALL, Revision::new(1))),
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected at revision 1; read it again",
    );
}

/// A key that is longer than 32 KiB, in the primary index and in another one: the index, and how long it is.
#[test]
fn key_too_long() {
    let db = open();
    let error = refused(&db, |tx| tx.insert(pod(&"x".repeat(40_000))));
    says(
        &error,
        "table `pods`: a key of 40008 bytes in index `by_space_name` is longer than 32768",
    );
    let error = refused(&db, |tx| {
        tx.insert(Pod {
            note: "x".repeat(32_768),
            ..pod("web")
        })
    });
    assert!(
        matches!(&error, Error::KeyTooLong { table: "pods", index, len: 32_781 } if index == "by_note"),
        "{error:?}"
    );
    says(
        &error,
        "table `pods`: a key of 32781 bytes in index `by_note` is longer than 32768",
    );
}

/// An index function that gives other keys for a stored row: the row.
#[test]
fn unstable_index() {
    let db = open();
    db.write(|tx| {
        tx.insert(Pod {
            drifts: true,
            ..pod("web")
        })
    })
    .unwrap();
    DRIFT.fetch_add(1, Ordering::SeqCst);
    for error in [
        refused(&db, |tx| tx.remove::<Pod>(("prod", "web"))),
        refused(&db, |tx| tx.put(pod("web"))),
        refused(&db, |tx| tx.remove_all(Pod::ALL)),
    ] {
        assert!(matches!(&error, Error::UnstableIndex { table: "pods", .. }));
        says(
            &error,
            "table `pods`: an index gives other keys for the row (\"prod\", \"web\") than when it was stored; \
             its function must depend on the row alone",
        );
    }
    assert_eq!(db.snapshot().count(Pod::ALL), 1);
}

/// An update that gives its row another key: both.
#[test]
fn key_changed() {
    let db = open();
    db.write(|tx| tx.insert(pod("web"))).unwrap();
    let error = refused(&db, |tx| {
        tx.update::<Pod>(("prod", "web"), |pod| pod.name = "api".to_owned())
    });
    assert!(matches!(&error, Error::KeyChanged { table: "pods", .. }));
    says(
        &error,
        "table `pods`: the update of row (\"prod\", \"web\") changed its key to (\"prod\", \"api\"); remove it and insert the other",
    );
}

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
        "this thread has a write transaction already; commit or drop it before beginning another",
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

/// A file whose table has other fields, another key or other indexes than the program's: the file, the table, and the first difference.
#[test]
fn schema() {
    mod declared {
        use super::{Deserialize, Serialize, Table};

        #[derive(Table, Serialize, Deserialize)]
        #[table(name = "jobs")]
        pub(super) struct Field {
            #[key]
            id: u32,
        }
        #[derive(Table, Serialize, Deserialize)]
        #[table(name = "jobs")]
        pub(super) struct Index {
            #[key]
            #[index(name = by_same)]
            id: u64,
        }
        #[derive(Table, Serialize, Deserialize)]
        #[table(name = "jobs", key(desc(id)))]
        pub(super) struct Key {
            id: u64,
        }
        #[derive(Table, Serialize, Deserialize)]
        #[table(name = "jobs")]
        pub(super) struct More {
            #[key]
            id: u64,
            queue: String,
        }
    }
    fn error<T: Table>(storage: &SimDisk) -> Error {
        let builder = Database::builder().table::<T>();
        let opened = builder.open_storage(Box::new(storage.clone()));
        opened.map(drop).unwrap_err()
    }

    let disk = SimDisk::default();
    let db = Database::builder().table::<Job>();
    db.open_storage(Box::new(disk.clone()))
        .unwrap()
        .close()
        .unwrap();
    let field = error::<declared::Field>(&disk);
    assert!(matches!(field, Error::Schema { .. }));
    says(
        &field,
        "storage: table `jobs`: field `id` is `u64` in the file and `u32` in the program",
    );
    says(
        &error::<declared::More>(&disk),
        "storage: table `jobs`: field `queue`, `String`, is in the program, but not in the file",
    );
    says(
        &error::<declared::Key>(&disk),
        "storage: table `jobs`: the primary key is `on(id)` in the file and `on(desc(id))` in the program",
    );
    says(
        &error::<declared::Index>(&disk),
        "storage: table `jobs`: index `by_same`, `on(id)`, is in the program, but not in the file",
    );
}

/// A file with a table that the program does not have.
#[test]
fn foreign_table() {
    let disk = SimDisk::default();
    let both = Database::builder().table::<Job>().table::<Pod>();
    both.open_storage(Box::new(disk.clone()))
        .unwrap()
        .close()
        .unwrap();
    let error = Database::builder()
        .table::<Job>()
        .open_storage(Box::new(disk))
        .map(drop)
        .unwrap_err();
    assert!(matches!(&error, Error::ForeignTable { table, .. } if table == "pods"));
    says(
        &error,
        "storage: the file has a table `pods` that the program does not declare",
    );
}

/// A page file of something else.
#[test]
fn foreign() {
    let disk = SimDisk::default();
    let file = Options::new().open_storage(Box::new(disk.clone())).unwrap();
    let mut tx = file.begin_write().unwrap();
    tx.create_bucket("mine").unwrap().put("a", "b").unwrap();
    tx.commit().unwrap();
    drop(file);
    let error = Database::builder()
        .table::<Job>()
        .open_storage(Box::new(disk))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }));
    says(&error, "storage: a page file, but not of a database");
}

/// A row that cannot be written: its table and key, and why.
#[test]
fn row() {
    fn fails<S: Serializer>(_: &u8, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("out of sorts"))
    }
    #[derive(Table, Clone, Serialize, Deserialize)]
    #[table(name = "moods")]
    struct Moody {
        #[key]
        id: u8,
        #[serde(serialize_with = "fails")]
        mood: u8,
    }

    let db = Database::builder()
        .table::<Moody>()
        .open_storage(Box::new(MemStorage::default()))
        .unwrap();
    let error = refused(&db, |tx| tx.insert(Moody { id: 7, mood: 0 }));
    assert!(matches!(&error, Error::Row { table: "moods", key, .. } if key == "7"));
    says(
        &error,
        "table `moods`: row 7: row cannot be written: out of sorts",
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "row cannot be written: out of sorts"
    );
}

/// A file that somebody has, that is none, and that is not there: its path, and the cause as the source.
#[test]
fn file() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path| Database::builder().table::<Job>().open(path);
    let path = dir.path().join("state.sap");
    let _holder = open(&path).unwrap();
    let text = path.display();
    let error = open(&path).map(drop).unwrap_err();
    assert!(matches!(error, Error::File { .. }));
    says(
        &error,
        &format!("{text}: page file {text} is open elsewhere"),
    );
    assert!(error.source().is_some());
    let other = dir.path().join("notes.txt");
    std::fs::write(&other, "x".repeat(10_000)).unwrap();
    let error = open(&other).map(drop).unwrap_err();
    says(
        &error,
        &format!("{}: the file is not a page file", other.display()),
    );
    assert!(PageFile::open(&other).is_err());
}

/// A disk that refused a commit, and every write after it.
#[test]
fn poisoned() {
    let disk = SimDisk::default();
    let db = Database::builder()
        .table::<Job>()
        .open_storage(Box::new(disk.clone()))
        .unwrap();
    db.write(|tx| tx.insert(Job { id: 1 })).unwrap();
    disk.fail(Some(Failure {
        at: disk.ops(),
        forever: true,
    }));
    let first = refused(&db, |tx| tx.insert(Job { id: 2 }));
    assert!(matches!(first, Error::File { .. }));
    let error = refused(&db, |tx| tx.insert(Job { id: 2 }));
    assert!(matches!(error, Error::Poisoned { .. }));
    says(
        &error,
        &format!(
            "writing stopped when the disk refused a commit ({first}); open the database anew"
        ),
    );
    assert!(first.to_string().starts_with("storage: could not "));
    assert_eq!(db.snapshot().count(Job::ALL), 1);
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

/// An index that is full. Its words only: it takes four billion entries.
#[test]
fn table_full() {
    says(
        &Error::TableFull { table: "pods" },
        "table `pods`: an index holds about 4294900000 entries, which is all that it can",
    );
}

/// Errors are shared between threads, cloned, and say their source where they have one.
#[test]
fn errors_are_values() {
    fn value<T: Clone + Send + Sync + std::error::Error + 'static>(_: &T) {}
    let error = Error::Poisoned {
        reason: Arc::from("no disk"),
    };
    value(&error);
    assert!(error.source().is_none());
}
