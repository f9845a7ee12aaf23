//! Files that are refused, and disks that refuse.

use std::error::Error as _;
use std::sync::atomic::{AtomicU64, Ordering};

use sapwood::pagefile::{Options, PageFile};
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Job, open as open_pods, refused, says};
use super::sim::{Failure, SimDisk};

/// A file whose table has another key, or rows that the program's struct cannot take in: the file, the table, the field, and both types.
#[test]
fn schema() {
    mod declared {
        use super::{Deserialize, Serialize, Table};

        #[derive(Table, Serialize, Deserialize)]
        #[table(name = "jobs")]
        pub(super) struct Type {
            #[key]
            id: u32,
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
    let db = db.open_storage(Box::new(disk.clone())).unwrap();
    db.write(|tx| tx.insert(Job { id: 7 })).unwrap();
    db.close().unwrap();
    let error_of_type = error::<declared::Type>(&disk);
    assert!(matches!(error_of_type, Error::Schema { .. }));
    says(
        &error_of_type,
        "storage: table `jobs`: field `id` of the primary key is `u64` in the file and `u32` in the program, and a key cannot change",
    );
    says(
        &error::<declared::More>(&disk),
        "storage: table `jobs`: field `queue`, `String`, is in the program, but not in the file; the row 0000000000000007 cannot be read: \
         missing field `queue`",
    );
    says(
        &error::<declared::Key>(&disk),
        "storage: table `jobs`: the primary key is `on(id)` in the file and `on(desc(id))` in the program",
    );
}

/// A table whose rows bytes without names cannot hold: the table, and the field that would have to be told what comes next.
#[test]
fn shape() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u64),
    }
    #[derive(Table, Serialize, Deserialize)]
    struct Untagged {
        #[key]
        id: u64,
        any: Any,
    }
    let builder = Database::builder().table::<Untagged>();
    let opened = builder.open_storage(Box::new(SimDisk::default()));
    let error = opened.map(drop).unwrap_err();
    assert!(matches!(&error, Error::Shape { field, .. } if field == "any"));
    says(
        &error,
        "table `untagged`: field `any` cannot be kept in a file: its type must be told what comes next, as with `#[serde(flatten)]`, \
         `#[serde(untagged)]` and `#[serde(tag = \"..\")]`",
    );
}

/// Rows that get one key when a file is opened, because a unique index's function is not what it was: the index, the key and both rows.
#[test]
fn duplicate_in_a_file() {
    static WIDTH: AtomicU64 = AtomicU64::new(1);
    fn slot(job: &Slotted) -> u64 {
        job.id / WIDTH.load(Ordering::SeqCst)
    }
    #[derive(Table, Serialize, Deserialize)]
    #[table(index(by_slot, with(slot) -> u64, unique))]
    struct Slotted {
        #[key]
        id: u64,
    }

    let disk = SimDisk::default();
    let open = || {
        let builder = Database::builder().table::<Slotted>();
        builder.open_storage(Box::new(disk.clone()))
    };
    let db = open().unwrap();
    db.write(|tx| (1..6).try_for_each(|id| tx.insert(Slotted { id }).map(drop)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    db.close().unwrap();
    WIDTH.store(4, Ordering::SeqCst);
    let error = open().map(drop).unwrap_err();
    assert!(matches!(&error, Error::Duplicate { index, .. } if index == "by_slot"));
    says(
        &error,
        "table `slotted`: index `by_slot` has 0 already, for the row 1; the row 2 was refused",
    );
    // Nothing was changed: with the function that it was, the file opens.
    WIDTH.store(1, Ordering::SeqCst);
    assert_eq!(open().unwrap().snapshot().count(Slotted::ALL), 5);
}

/// A file with a row that a later commit wrote than its newest, and with bytes that are no row: the key of each.
#[test]
fn damaged_row() {
    let disk = SimDisk::default();
    let open = || {
        let builder = Database::builder().table::<Job>();
        builder.open_storage(Box::new(disk.clone()))
    };
    let db = open().unwrap();
    db.write(|tx| (1..4).try_for_each(|id| tx.insert(Job { id }).map(drop)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    db.close().unwrap();
    let key = 2u64.to_be_bytes();
    let write = |record: &[u8]| {
        let file = Options::new().open_storage(Box::new(disk.clone())).unwrap();
        let mut tx = file.begin_write().unwrap();
        let mut rows = tx.bucket_mut("rows:jobs").unwrap().unwrap();
        let before = rows.get(key).unwrap().unwrap().to_vec();
        rows.put(key, record).unwrap();
        tx.commit().unwrap();
        before
    };
    let good = write(&[]);
    says(
        &open().map(drop).unwrap_err(),
        "table `jobs`: row 0000000000000002: bytes are not a row of the table: 0 bytes are too few",
    );
    let mut late = good.clone();
    late[8] = 9;
    write(&late);
    let error = open().map(drop).unwrap_err();
    assert!(matches!(&error, Error::Row { table: "jobs", key, .. } if key == "2"));
    says(
        &error,
        "table `jobs`: row 2: bytes are not a row of the table: it says that a later commit wrote it than the file's newest",
    );
    write(&good);
    assert_eq!(open().unwrap().snapshot().count(Job::ALL), 3);
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

/// A backup with rows of a table that the database does not have, and would lose.
#[test]
fn foreign_table() {
    let from = Database::builder().table::<Job>().in_memory().unwrap();
    from.write(|tx| tx.insert(Job { id: 1 })).unwrap();
    let mut copy = Vec::new();
    from.backup(&mut copy).unwrap();
    let error = open_pods().restore(&copy[..]).unwrap_err();
    assert!(matches!(&error, Error::ForeignTable { table, .. } if table == "jobs"));
    says(
        &error,
        "backup: it has rows of a table `jobs` that is not part of this database; add it to the builder with `.table::<…>()`, or ignore it",
    );
}

/// A row that gives other bytes each time, in a backup that needs them twice.
#[test]
fn unstable_row() {
    static TIMES: AtomicU64 = AtomicU64::new(0);
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    #[table(name = "clocks")]
    struct Clock {
        #[key]
        id: u64,
        #[serde(serialize_with = "now")]
        at: u64,
    }
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn now<S: serde::Serializer>(_: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(TIMES.fetch_add(1, Ordering::SeqCst))
    }
    let db = Database::builder().table::<Clock>().in_memory().unwrap();
    db.write(|tx| tx.insert(Clock { id: 1, at: 0 })).unwrap();
    let error = db.backup(std::io::sink()).unwrap_err();
    assert!(matches!(&error, Error::UnstableRow { table } if table == "clocks"));
    says(
        &error,
        "table `clocks`: a row gave other bytes when it was written a second time; they must depend on the row alone",
    );
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
