//! Backup: one state of a running database, whole, in a file of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::pagefile::{self, MemStorage, Options};
use sapwood::{Builder, Database, Durability, Error, Inspect, Revision, Snapshot, Table};
use serde::{Deserialize, Serialize, Serializer};

mod support;

use support::change::{Txn, populate, txn};
use support::model::{Model, builder, cases};

/// Opens bytes in all the ways that there are, and proves that they are the state of the model.
fn check(copy: &[u8], model: &Model) {
    let mut model = model.clone();
    model.reopen();
    let storage = || Box::new(MemStorage::new(copy.to_vec()));
    let file = Options::new().verify(true).open_storage(storage()).unwrap();
    assert_eq!(file.stats().file_bytes, copy.len() as u64);
    assert_eq!(file.check().unwrap().free_pages, 0);
    let inspect = Inspect::open_storage(storage()).unwrap();
    assert_eq!(inspect.revision(), model.revision);
    let db = builder().open_storage(storage()).unwrap();
    model.check_all(&db.snapshot());
    let loaded = builder().load_storage(storage()).unwrap();
    model.check_all(&loaded.snapshot());
    // And it goes on from there.
    for db in [db, loaded] {
        let next = db.write(|tx| {
            tx.put(support::item::plain("new", 999))
                .map(|_| tx.revision())
        });
        assert_eq!(next.unwrap(), Revision::new(model.revision.get() + 1));
        db.close().unwrap();
    }
}

fn backup(snapshot: &Snapshot) -> Vec<u8> {
    let mut copy = Vec::new();
    let backup = snapshot.backup(&mut copy).unwrap();
    assert_eq!(backup.revision, snapshot.revision());
    assert_eq!(backup.bytes, copy.len() as u64);
    copy
}

fn opened(mode: Option<Durability>, folder: &tempfile::TempDir) -> Database {
    match mode {
        Some(mode) => builder()
            .durability(mode)
            .open(folder.path().join("state.sap"))
            .unwrap(),
        None => builder().in_memory().unwrap(),
    }
}

fn modes() -> impl Strategy<Value = Option<Durability>> {
    prop_oneof![
        Just(None),
        Just(Some(Durability::Immediate)),
        Just(Some(Durability::Checkpoint)),
        (1u64..20).prop_map(|ms| Some(Durability::Eventual {
            within: Duration::from_millis(ms)
        })),
    ]
}

proptest! {
    #![proptest_config(cases(16))]

    /// Whatever was written before, and is written by another thread meanwhile: a backup opens as exactly the state of its snapshot, with the rows, the revisions that made and
    /// wrote them, every index and the number of the commit; and the same state gives the same bytes, in memory and in a file, into a stream and into a file, during writes and after them.
    #[test]
    fn a_backup_is_its_snapshot(
        populated: bool, before in vec(txn(), 0..10), meanwhile in vec(txn(), 1..10), mode in modes(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let db = opened(mode, &folder);
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        for txn in &before {
            txn.run(&db, &mut model);
        }
        let (held, then) = (db.snapshot(), model.clone());
        let (copy, newer, states) = thread::scope(|scope| {
            let writer = scope.spawn(|| write(&db, model, &meanwhile));
            let mut newer = Vec::new();
            let copy = loop {
                let copy = backup(&held);
                let now = db.snapshot();
                newer.push((now.revision(), backup(&now)));
                if writer.is_finished() {
                    break copy;
                }
            };
            (copy, newer, writer.join().unwrap())
        });
        check(&copy, &then);
        assert_eq!(backup(&held), copy);
        let path = folder.path().join("copy.sap");
        held.backup_to(&path).unwrap();
        assert!(std::fs::read(&path).unwrap() == copy);
        for (revision, copy) in newer.iter().rev().take(3) {
            check(copy, &states[revision]);
        }
    }
}

/// Runs transactions, and gives the state at each revision.
fn write(db: &Database, mut model: Model, txns: &[Txn]) -> BTreeMap<Revision, Model> {
    let mut states = BTreeMap::from([(model.revision, model.clone())]);
    for txn in txns {
        txn.run(db, &mut model);
        states.insert(model.revision, model.clone());
    }
    states
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u32,
    #[index]
    node: String,
    data: Vec<u8>,
}

fn pod(id: u32, bytes: usize) -> Pod {
    Pod {
        id,
        node: format!("node-{}", id % 7),
        data: vec![id as u8; bytes],
    }
}

fn pods() -> Builder {
    Database::builder().table::<Pod>()
}

fn filled(rows: u32, bytes: usize) -> Database {
    let db = pods().in_memory().unwrap();
    db.write(|tx| (0..rows).try_for_each(|id| tx.insert(pod(id, bytes)).map(drop)))
        .unwrap();
    db
}

/// A writer to which something happens before each write, and before a flush, for which there is no length.
struct Tapped<'o, F>(&'o mut dyn Write, F);

impl<F: FnMut(Option<usize>) -> io::Result<()>> Write for Tapped<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.1)(Some(bytes.len()))?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (self.1)(None)
    }
}

/// Many rows, small ones and such that lie in runs of their own, in trees of several levels: they come back; a piece that goes out is not larger than a megabyte and one row, so
/// memory is bounded.
#[test]
fn large_backups_go_out_in_pieces() {
    let db = filled(6000, 600);
    db.write(|tx| (10_000..10_040).try_for_each(|id| tx.insert(pod(id, 30_000)).map(drop)))
        .unwrap();
    let (mut most, mut all) = (0, 0);
    let backup = db
        .backup(Tapped(&mut io::sink(), |len: Option<usize>| {
            let len = len.unwrap_or(0);
            most = most.max(len);
            all += len as u64;
            Ok(())
        }))
        .unwrap();
    assert_eq!((backup.rows, backup.bytes), (6040, all));
    assert!(all > 4 << 20, "{all}");
    assert!(most <= (1 << 20) + 40_000, "{most}");
    let mut copy = Vec::new();
    db.backup(&mut copy).unwrap();
    let loaded = pods()
        .load_storage(Box::new(MemStorage::new(copy)))
        .unwrap();
    let (here, there) = (db.snapshot(), loaded.snapshot());
    assert!(here.list(Pod::ALL).eq(there.list(Pod::ALL)));
}

/// The writer's seat is free while a backup goes on: who takes it in commits to the database itself, on the very same thread.
#[test]
fn a_backup_does_not_take_the_seat() {
    let db = filled(5000, 500);
    let before = db.revision();
    let mut next = 100_000;
    let mut copy = Vec::new();
    let commits = |_: Option<usize>| {
        next += 1;
        db.write(|tx| tx.insert(pod(next, 1))).unwrap();
        Ok(())
    };
    let backup = db.backup(Tapped(&mut copy, commits)).unwrap();
    assert!(db.revision().get() >= before.get() + 3);
    assert_eq!((backup.revision, backup.rows), (before, 5000));
    let copy = Inspect::open_storage(Box::new(MemStorage::new(copy))).unwrap();
    assert_eq!(copy.count("pods").unwrap(), 5000);
}

/// Wherever the writer fails: its own error comes back, by its source, and what went out until then is opened, loaded and restored by nobody. The database goes on.
#[test]
fn a_writer_that_fails_gives_its_error() {
    let db = filled(3000, 500);
    let mut writes = 0;
    let mut count = |_: Option<usize>| {
        writes += 1;
        Ok(())
    };
    db.backup(Tapped(&mut io::sink(), &mut count)).unwrap();
    assert!(writes > 3, "{writes}");
    // The last one is the flush.
    for fails_at in 0..writes {
        let (mut part, mut done) = (Vec::new(), 0);
        let fails = |_: Option<usize>| {
            done += 1;
            if done > fails_at {
                return Err(io::Error::other("the line is cut"));
            }
            Ok(())
        };
        let error = db.backup(Tapped(&mut part, fails)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "backup: could not back up the page file: the line is cut"
        );
        let cause = error.source().and_then(|error| error.source()).unwrap();
        let cause = cause.downcast_ref::<io::Error>().unwrap();
        assert_eq!(cause.kind(), io::ErrorKind::Other);
        if fails_at + 1 == writes {
            // All is there, but nobody knows where.
            continue;
        }
        let storage = || Box::new(MemStorage::new(part.clone()));
        assert!(pods().load_storage(storage()).is_err());
        assert!(db.restore(&part[..]).is_err());
        if !part.is_empty() {
            assert!(pods().open_storage(storage()).is_err());
        }
    }
    assert_eq!(db.backup(io::sink()).unwrap().rows, 3000);
}

/// A backup into a file is there whole or not at all, and replaces nothing: not a file, not a link that leads nowhere, and not when the folder is not there. No other file is left behind.
#[test]
fn a_backup_replaces_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    let db = filled(100, 50);
    let backup = db.backup_to(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, backup.bytes);
    db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    let refused = db.backup_to(&path).unwrap_err();
    let kind = |error: &Error| match error {
        Error::File { path, source } => match &**source {
            pagefile::Error::Io { source, .. } => (path.to_string(), source.kind()),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    };
    let exists = io::ErrorKind::AlreadyExists;
    assert_eq!(kind(&refused), (path.display().to_string(), exists));
    assert!(std::fs::read(&path).unwrap() == bytes);
    let nowhere = folder.path().join("no").join("copy.sap");
    assert_eq!(
        kind(&db.backup_to(&nowhere).unwrap_err()).1,
        io::ErrorKind::NotFound
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let link = folder.path().join("link.sap");
        std::os::unix::fs::symlink(folder.path().join("gone"), &link).unwrap();
        assert_eq!(kind(&db.backup_to(&link).unwrap_err()).1, exists);
    }
}

#[derive(Table, Clone, Debug, Deserialize)]
#[table(name = "moods")]
struct Mood {
    #[key]
    name: String,
    level: u32,
}

static LEVEL: AtomicU32 = AtomicU32::new(0);

/// Refuses one name, and gives another level each time where the level is 7.
impl Serialize for Mood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error as _, SerializeStruct};
        if self.name == "bad" {
            return Err(S::Error::custom("not today"));
        }
        let mut row = serializer.serialize_struct("Mood", 2)?;
        row.serialize_field("name", &self.name)?;
        let level = match self.level {
            7 => LEVEL.fetch_add(1, Ordering::Relaxed),
            level => level,
        };
        row.serialize_field("level", &level)?;
        row.end()
    }
}

/// A row that cannot be written is told with its table and key, before a byte goes out, and no file is left; one that is otherwise each time is found out.
#[test]
fn rows_that_cannot_be_written_are_named() {
    let db = Database::builder().table::<Mood>().in_memory().unwrap();
    let mood = |name: &str, level| Mood {
        name: name.to_owned(),
        level,
    };
    for name in ["a", "bad", "c"] {
        db.write(|tx| tx.insert(mood(name, 1))).unwrap();
    }
    let mut out = Vec::new();
    let error = db.backup(&mut out).unwrap_err();
    assert!(matches!(&error, Error::Row { table: "moods", key, .. } if key == "\"bad\""));
    assert!(out.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let error = db.backup_to(folder.path().join("copy.sap")).unwrap_err();
    assert!(matches!(error, Error::Row { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    db.write(|tx| {
        tx.remove::<Mood>("bad")?;
        tx.insert(mood("moody", 7))
    })
    .unwrap();
    let error = db.backup(io::sink()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `moods`: a row gave other bytes when it was written a second time; they must depend on the row alone"
    );
    // Into a file each row is written once.
    db.backup_to(folder.path().join("copy.sap")).unwrap();
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "hosts")]
struct Host {
    #[key]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "zones")]
struct Zone {
    #[key]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "beats", ephemeral)]
struct Beat {
    #[key]
    id: u32,
}

/// Tables of the file that the program does not declare are in its backups, on both sides of those that it does, with what only the journal has of them; ephemeral ones are not. Once the database is
/// closed these tables cannot be read any more, and that is an error; where there are none, a snapshot that is left is backed up as ever.
#[test]
fn tables_that_are_not_declared_are_in_backups() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sap");
    let all = || pods().table::<Host>().table::<Zone>().table::<Beat>();
    let db = all().open(&path).unwrap();
    let named = |name: &str| (Host { name: name.into() }, Zone { name: name.into() });
    db.write(|tx| {
        for name in ["a", "b"] {
            let (host, zone) = named(name);
            tx.insert(host)?;
            tx.insert(zone)?;
        }
        tx.insert(pod(1, 10))?;
        tx.insert(Beat { id: 1 })
    })
    .unwrap();
    db.checkpoint().unwrap();
    db.write(|tx| {
        tx.remove::<Host>("a")?;
        tx.insert(named("c").1)
    })
    .unwrap();
    let mut whole = Vec::new();
    let backup = db.backup(&mut whole).unwrap();
    assert_eq!(backup.rows, 1 + 3 + 1);
    // As a crash would leave it.
    let crashed = folder.path().join("crashed.sap");
    std::fs::copy(&path, &crashed).unwrap();
    db.close().unwrap();

    let db = pods().open(&crashed).unwrap();
    for checkpointed in [false, true] {
        if checkpointed {
            db.checkpoint().unwrap();
        }
        let mut copy = Vec::new();
        assert_eq!(db.backup(&mut copy).unwrap().rows, 5);
        assert!(copy == whole);
    }
    let copy = folder.path().join("copy.sap");
    db.backup_to(&copy).unwrap();
    let again = all().open(&copy).unwrap();
    let snapshot = again.snapshot();
    let zones: Vec<_> = snapshot.list(Zone::ALL).map(|zone| &zone.name).collect();
    assert_eq!(zones, ["a", "b", "c"]);
    assert_eq!(snapshot.count(Host::ALL), 1);
    assert_eq!(snapshot.count(Beat::ALL), 0);

    let left = db.snapshot();
    // A fork is in memory, and has what the program declares.
    assert_eq!(left.fork().backup(io::sink()).unwrap().rows, 1);
    db.close().unwrap();
    assert!(matches!(left.backup(io::sink()), Err(Error::Closed)));
    let left = again.snapshot();
    again.close().unwrap();
    assert_eq!(left.backup(io::sink()).unwrap().rows, 5);
}

/// A database of a file in memory: rows, revisions and indexes are there, what is written stays there, and the file is as it was; not while somebody writes to it, and not where it is not there.
#[test]
fn a_file_is_loaded_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sap");
    let db = pods().open(&path).unwrap();
    for id in 0..50 {
        db.write(|tx| tx.insert(pod(id, 20))).unwrap();
    }
    let locked = pods().load(&path).unwrap_err();
    assert!(
        matches!(locked, Error::File { source, .. } if matches!(*source, pagefile::Error::Locked { .. }))
    );
    let before = db.snapshot();
    db.close().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let loaded = pods().load(&path).unwrap();
    // Others may read it too.
    let other = pods().load(&path).unwrap();
    assert_eq!(loaded.revision(), before.revision());
    let now = loaded.snapshot();
    assert!(now.list(Pod::ALL).eq(before.list(Pod::ALL)));
    let revisions = |snapshot: &Snapshot| -> Vec<_> {
        let rows = snapshot.list(Pod::BY_NODE.eq("node-3"));
        rows.map(|row| (row.created(), row.modified())).collect()
    };
    assert_eq!(revisions(&now), revisions(&before));
    loaded.write(|tx| tx.remove::<Pod>(3)).unwrap();
    loaded.close().unwrap();
    assert_eq!(other.snapshot().count(Pod::ALL), 50);
    assert!(std::fs::read(&path).unwrap() == bytes);
    assert!(pods().load(folder.path().join("none.sap")).is_err());
    assert!(!folder.path().join("none.sap").exists());
}

/// It is told how far a backup has come: never back, and to its end.
#[test]
fn progress_is_told() {
    let db = filled(1000, 10);
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let snapshot = db.snapshot();
    let mut tell = |done, all| told.push((done, all));
    snapshot.backup_told(io::sink(), &mut tell).unwrap();
    assert_eq!(told.last(), Some(&(2000, 2000)));
    assert!(told.len() > 4 && told.is_sorted(), "{told:?}");
    told.clear();
    let mut tell = |done, all| told.push((done, all));
    let path = folder.path().join("copy.sap");
    snapshot.backup_to_told(path, &mut tell).unwrap();
    assert_eq!(told.last(), Some(&(1000, 1000)));
}
