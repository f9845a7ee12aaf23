//! Rows that cannot be written, and tables that come later.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use sapwood::{Database, Durability, Error, Revision, Table};
use serde::{Deserialize, Serialize, Serializer};

mod fault_bank;

use fault_bank::sim::{Crash, SimDisk};
use fault_bank::{EVENTUAL, Entry, open};

/// A value that some rows have and no format can hold.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Mood {
    Good,
    Fails,
    Panics,
}

impl Serialize for Mood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Good => serializer.serialize_unit_variant("Mood", 0, "Good"),
            Self::Fails => Err(serde::ser::Error::custom("out of sorts")),
            // Without the words of the panic hook.
            Self::Panics => resume_unwind(Box::new("on purpose")),
        }
    }
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "moods")]
struct Moody {
    #[key]
    id: u32,
    #[index]
    weight: u8,
    mood: Mood,
}

fn moody(id: u32, mood: Mood) -> Moody {
    Moody {
        id,
        weight: id as u8 % 3,
        mood,
    }
}

fn open_moods(disk: &SimDisk, durability: Durability) -> Database {
    Database::builder()
        .table::<Moody>()
        .durability(durability)
        .open_storage(Box::new(disk.clone()))
        .unwrap()
}

/// A row that cannot be written refuses its commit, or panics through it; nothing of the commit stays, and the writer is free.
#[test]
fn a_row_that_cannot_be_written_leaves_nothing() {
    let disk = SimDisk::default();
    let db = open_moods(&disk, Durability::Immediate);
    for id in (0..40).step_by(4) {
        db.write(|tx| tx.insert(moody(id, Mood::Good))).unwrap();
        let revision = db.revision();
        let watch = db.snapshot().watch(Moody::ALL);
        let spoilt = |mood| {
            db.write(|tx| {
                tx.insert(moody(id + 1, Mood::Good))?;
                tx.remove::<Moody>(id)?;
                tx.insert(moody(id + 2, mood))?;
                tx.insert(moody(id + 3, Mood::Good)).map(drop)
            })
        };
        let error = spoilt(Mood::Fails).unwrap_err();
        assert!(
            matches!(&error, Error::Row { table: "moods", key, .. } if *key == (id + 2).to_string()),
            "{error}"
        );
        let panicked = catch_unwind(AssertUnwindSafe(|| spoilt(Mood::Panics)));
        assert!(panicked.is_err_and(|panic| panic.is::<&str>()));
        assert_eq!(db.revision(), revision);
        assert!(!watch.is_fired());
        let snapshot = db.snapshot();
        assert_eq!(snapshot.last(Moody::ALL).map(|row| row.id), Some(id));
        assert_eq!(snapshot.count(Moody::BY_WEIGHT.all()), id as usize / 4 + 1);
        assert!(db.try_begin_write().unwrap().is_some());
    }
    let expected: Vec<_> = db.snapshot().list(Moody::ALL).cloned().collect();
    drop(db);
    let db = open_moods(&disk.crash(Crash::None, 0), Durability::Immediate);
    assert!(db.snapshot().list(Moody::ALL).eq(&expected));
}

/// Where commits are published first, the row is refused by whoever asks for durability, and by closing; once it is gone, all is well.
#[test]
fn a_row_that_cannot_be_written_is_told_to_who_checkpoints() {
    let disk = SimDisk::default();
    let db = open_moods(&disk, Durability::Checkpoint);
    db.write(|tx| {
        tx.insert(moody(1, Mood::Good))?;
        tx.insert(moody(2, Mood::Fails))
    })
    .unwrap();
    assert!(matches!(db.checkpoint(), Err(Error::Row { .. })));
    db.write(|tx| tx.put(moody(2, Mood::Panics))).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| db.checkpoint()));
    assert!(panicked.is_err());
    assert!(
        open_moods(&disk.crash(Crash::None, 0), Durability::Checkpoint)
            .snapshot()
            .list(Moody::ALL)
            .count()
            == 0
    );
    db.write(|tx| tx.remove::<Moody>(2)).unwrap();
    db.checkpoint().unwrap();
    let again = open_moods(&disk.crash(Crash::None, 0), Durability::Checkpoint);
    assert_eq!(again.snapshot().count(Moody::ALL), 1);
    assert_eq!(again.revision(), db.revision());
    db.write(|tx| tx.insert(moody(3, Mood::Fails))).unwrap();
    assert!(matches!(db.close(), Err(Error::Row { .. })));
}

/// In the eventual mode such a row stops the writing, and closing does not wait for ever.
#[test]
fn a_row_that_cannot_be_written_later_poisons() {
    for mood in [Mood::Fails, Mood::Panics] {
        let disk = SimDisk::default();
        let db = open_moods(&disk, EVENTUAL);
        db.write(|tx| tx.insert(moody(1, Mood::Good))).unwrap();
        db.sync().unwrap();
        db.write(|tx| tx.insert(moody(2, mood))).unwrap();
        // Its time comes.
        let refused = loop {
            if let Err(error) = db.begin_write() {
                break error;
            }
            thread::yield_now();
        };
        assert!(matches!(refused, Error::Poisoned { .. }), "{refused}");
        assert_eq!(db.snapshot().count(Moody::ALL), 2);
        assert!(matches!(db.close(), Err(Error::Poisoned { .. })));
        let again = open_moods(&disk.crash(Crash::None, 0), EVENTUAL);
        assert_eq!(again.snapshot().count(Moody::ALL), 1);
    }
}

/// A table that comes to the program later starts empty, and is in the file from then on.
#[test]
fn a_table_can_come_later() {
    let disk = SimDisk::default();
    let one = Database::builder()
        .table::<Moody>()
        .open_storage(Box::new(disk.clone()))
        .unwrap();
    one.write(|tx| tx.insert(moody(1, Mood::Good))).unwrap();
    one.close().unwrap();
    let both = || {
        Database::builder()
            .table::<Entry>()
            .table::<Moody>()
            .open_storage(Box::new(disk.clone()))
            .unwrap()
    };
    let db = both();
    assert_eq!(db.revision(), Revision::new(1));
    assert_eq!(db.snapshot().count(Entry::ALL), 0);
    let entry = Entry {
        account: 1,
        number: 2,
        amount: 3,
    };
    db.write(|tx| tx.insert(entry.clone())).unwrap();
    drop(db);
    let snapshot = both().snapshot();
    assert_eq!(**snapshot.first(Entry::ALL).unwrap(), entry);
    assert_eq!(snapshot.count(Moody::ALL), 1);
    // A program that does not know it leaves it alone.
    open(disk.clone(), Durability::Immediate)
        .unwrap()
        .close()
        .unwrap();
    assert_eq!(both().snapshot().count(Entry::ALL), 1);
}
