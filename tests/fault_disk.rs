//! A database on a disk that fails, fills up, or brings back other bytes: what goes on meanwhile, and what is found afterwards.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use sapwood::pagefile::Error as FileError;
use sapwood::{Database, Durability, Error};

mod fault_bank;

use fault_bank::sim::{CRASHES, Crash, Failure, Random, SimDisk, filled};
use fault_bank::{Account, EVENTUAL, Entry, Progress, State, change, empty, open, state, states};

/// Whichever operation fails: the commit says so and is gone from memory, readers and watches never saw it, nothing is written any more, and
/// the file holds the state before it or, if its bytes arrived all the same, after it.
#[test]
fn a_failed_commit_is_never_seen() {
    let commits = 12;
    let (states, image) = (states(commits), empty().image());
    for forever in [false, true] {
        for at in 0.. {
            let disk = SimDisk::of(image.clone());
            let db = open(disk.clone(), Durability::Immediate).unwrap();
            let first = db.snapshot();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever,
            }));
            let failed = (1..=commits).find_map(|number| {
                let snapshot = db.snapshot();
                let watch = snapshot.watch(Entry::ALL);
                let result = db.write(|tx| change(tx, number));
                result.err().map(|error| (number, error, snapshot, watch))
            });
            let Some((number, error, snapshot, watch)) = failed else {
                assert!(at as u64 > commits, "every commit has an operation");
                break;
            };
            let what = format!("operation {at}, commit {number}: {error}");
            let before = &states[number as usize - 1];
            // Poisoned, where it was a checkpoint beside the commits that met it.
            assert!(
                matches!(error, Error::File { .. } | Error::Poisoned { .. }),
                "{what}"
            );
            assert_eq!(state(&db.snapshot()), *before, "{what}");
            assert_eq!(state(&snapshot), *before, "{what}");
            assert_eq!(state(&first), states[0], "{what}");
            assert!(!watch.is_fired(), "{what}");
            // The disk may be well again: nobody knows what it holds.
            let refused = db.write(|tx| change(tx, number)).unwrap_err();
            assert!(matches!(refused, Error::Poisoned { .. }), "{refused}");
            assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
            assert!(matches!(db.sync(), Err(Error::Poisoned { .. })));
            assert_eq!(state(&db.snapshot()), *before, "{what}");
            assert!(matches!(db.close(), Err(Error::Poisoned { .. })));
            assert!(watch.is_closed());
            assert_eq!(state(&snapshot), *before, "{what}");
            for (seed, crash) in (0..).zip(CRASHES) {
                let what = format!("{what}, {crash:?}");
                let left = disk.crash(crash, seed + 1000 * at as u64);
                let db = open(left, Durability::Immediate)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let found = state(&db.snapshot());
                assert!(
                    found == *before || found == states[number as usize],
                    "{what}: {found:?}"
                );
            }
        }
    }
}

/// Where commits are published first, a failing disk is told to whoever commits or asks later; what was published stays readable, and the
/// file holds some state that was committed, in order.
#[test]
fn a_failed_write_later_stops_writing_and_not_reading() {
    let commits = 12;
    let (states, image) = (states(commits), empty().image());
    for durability in [EVENTUAL, Durability::Checkpoint] {
        for at in 0.. {
            let disk = SimDisk::of(image.clone());
            let db = open(disk.clone(), durability).unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let mut error = None;
            for number in 1..=commits {
                let wrote = db.write(|tx| change(tx, number));
                let synced = wrote.and_then(|()| if number % 3 == 0 { db.sync() } else { Ok(()) });
                if let Err(failed) = synced {
                    error = Some(failed);
                    break;
                }
            }
            let Some(error) = error else {
                break;
            };
            let what = format!("operation {at}: {error}");
            assert!(
                matches!(error, Error::File { .. } | Error::Poisoned { .. }),
                "{what}"
            );
            let revision = db.revision().get();
            assert_eq!(state(&db.snapshot()), states[revision as usize], "{what}");
            assert!(matches!(db.sync(), Err(Error::Poisoned { .. })), "{what}");
            assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
            assert!(matches!(db.close(), Err(Error::Poisoned { .. })), "{what}");
            for (seed, crash) in (0..).zip(CRASHES) {
                let left = disk.crash(crash, seed + 1000 * at as u64);
                let db = open(left, durability)
                    .unwrap_or_else(|error| panic!("{what}, {crash:?}: {error}"));
                let found = db.revision().get();
                assert!(found <= revision, "{what}, {crash:?}");
                assert_eq!(state(&db.snapshot()), states[found as usize]);
            }
        }
    }
}

/// Rows that fill pages, one more each time.
fn grow(db: &Database, id: u32) -> Result<(), Error> {
    db.write(|tx| {
        tx.insert(Entry {
            account: id,
            number: 0,
            amount: 0,
        })?;
        tx.insert(Account {
            id,
            owner: "o".to_owned(),
            code: None,
            note: filled(20_000, id.into()),
        })
        .map(drop)
    })
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::File { source, .. } if matches!(**source, FileError::StorageFull { .. }))
}

/// A full disk refuses a commit, wholly and in its own words, and stops nothing: reading goes on, and once there is room, so does writing.
#[test]
fn a_full_disk_refuses_a_commit_and_takes_the_next_one() {
    let disk = empty();
    let db = open(disk.clone(), Durability::Immediate).unwrap();
    let mut id = 0;
    for round in 1..4 {
        disk.set_capacity(Some(disk.image().len() + round * 10_000));
        let error = loop {
            let before = state(&db.snapshot());
            match grow(&db, id) {
                Ok(()) => id += 1,
                Err(error) => {
                    assert_eq!(state(&db.snapshot()), before);
                    break error;
                }
            }
            assert!(id < 100, "the disk is never full");
        };
        assert!(is_full(&error), "{error}");
        assert!(is_full(&grow(&db, id).unwrap_err()));
        assert!(db.snapshot().get::<Account>(id).is_none());
        disk.set_capacity(None);
        grow(&db, id).unwrap();
        id += 1;
    }
    let expected = state(&db.snapshot());
    drop(db);
    let db = open(disk.crash(Crash::None, 0), Durability::Immediate).unwrap();
    assert_eq!(state(&db.snapshot()), expected);
    assert_eq!(db.snapshot().count(Account::ALL), id as usize);
}

/// Where commits are published first, a full disk is told to whoever asks for durability; the commits stay, and go out once there is room.
#[test]
fn a_full_disk_is_told_to_who_syncs() {
    for durability in [EVENTUAL, Durability::Checkpoint] {
        let disk = empty();
        let db = open(disk.clone(), durability).unwrap();
        disk.set_capacity(Some(disk.image().len() + 10_000));
        let mut id = 0;
        let error = loop {
            grow(&db, id).unwrap();
            id += 1;
            assert!(id < 100, "the disk is never full");
            if id.is_multiple_of(4)
                && let Err(error) = db.sync()
            {
                break error;
            }
        };
        assert!(is_full(&error), "{error}");
        grow(&db, id).unwrap();
        assert!(is_full(&db.sync().unwrap_err()));
        // Most likely long enough for the period to find the disk full, too.
        thread::sleep(Duration::from_millis(10));
        disk.set_capacity(None);
        let expected = state(&db.snapshot());
        let found = || {
            open(disk.crash(Crash::None, 0), durability)
                .unwrap()
                .revision()
        };
        if durability == Durability::Checkpoint {
            db.sync().unwrap();
        } else {
            // By itself, with its next period.
            let deadline = Instant::now() + Duration::from_secs(60);
            while found() < expected.revision {
                assert!(Instant::now() < deadline, "it is never tried again");
                thread::yield_now();
            }
        }
        let again = open(disk.crash(Crash::None, 0), durability).unwrap();
        assert_eq!(state(&again.snapshot()), expected);
        db.close().unwrap();
    }
}

/// A transaction that outlives its database is refused: nobody would keep what it commits.
#[test]
fn a_commit_after_the_end_is_refused() {
    let modes = [Durability::Immediate, EVENTUAL, Durability::Checkpoint];
    let disks = modes.map(|mode| Some((empty(), mode)));
    for disk in disks.into_iter().chain([None]) {
        let db = match &disk {
            Some((disk, mode)) => open(disk.clone(), *mode),
            None => Database::builder()
                .table::<Account>()
                .table::<Entry>()
                .in_memory(),
        }
        .unwrap();
        db.write(|tx| change(tx, 1)).unwrap();
        let snapshot = db.snapshot();
        let mut tx = db.begin_write().unwrap();
        change(&mut tx, 2).unwrap();
        drop(db);
        assert!(matches!(tx.commit(), Err(Error::Closed)));
        if let Some((disk, mode)) = disk {
            let db = open(SimDisk::of(disk.image()), mode).unwrap();
            assert_eq!(state(&db.snapshot()), state(&snapshot));
        }
    }
}

/// Whenever the database is closed while others write: a commit that was acknowledged is in the file.
#[test]
fn closing_loses_no_acknowledged_commit() {
    for mode in [Durability::Immediate, EVENTUAL, Durability::Checkpoint] {
        for round in 0..60 {
            let disk = empty();
            let db = open(disk.clone(), mode).unwrap();
            let (writer, progress) = (db.clone(), Arc::new(Progress::default()));
            let shared = Arc::clone(&progress);
            let thread = thread::spawn(move || {
                for number in 1.. {
                    shared.started.store(number, Ordering::Release);
                    let written = writer.write(|tx| change(tx, number % 20));
                    if let Err(error) = written {
                        assert!(matches!(error, Error::Closed), "{error}");
                        break;
                    }
                    shared.acknowledged.store(number, Ordering::Release);
                }
            });
            while progress.started.load(Ordering::Acquire) < round % 20 {
                thread::yield_now();
            }
            db.close().unwrap();
            thread.join().unwrap();
            let found = open(disk.crash(Crash::None, 0), mode).unwrap().revision();
            let acknowledged = progress.acknowledged.load(Ordering::Acquire);
            assert!(found.get() >= acknowledged, "{found}, {acknowledged}");
        }
    }
}

/// Whichever byte of the file is another one, of one that was closed or of one that was not: opening gives a typed error, or exactly a committed state.
#[test]
fn a_damaged_file_is_refused_or_right() {
    let commits = 30;
    let states = states(commits);
    let disk = empty();
    let db = open(disk.clone(), Durability::Immediate).unwrap();
    for number in 1..=commits {
        db.write(|tx| change(tx, number)).unwrap();
    }
    let crashed = disk.image();
    db.close().unwrap();
    for image in [crashed, disk.image()] {
        damage(&image, &states);
    }
}

fn damage(image: &[u8], states: &[State]) {
    // The rest is zeros that no commit has reached yet.
    let used = image.iter().rposition(|byte| *byte != 0).unwrap();
    let mut random = Random::new(1);
    let (mut refused, mut same) = (0, 0);
    for _ in 0..1500 {
        let mut damaged = image.to_vec();
        for _ in 0..=random.below(3) {
            damaged[random.below(used + 1)] ^= 1 + random.below(255) as u8;
        }
        match open(SimDisk::of(damaged), Durability::Immediate) {
            Ok(db) => {
                same += 1;
                let found = state(&db.snapshot());
                assert!(states.contains(&found), "{found:?}");
            }
            Err(error) => {
                refused += 1;
                assert!(matches!(error, Error::File { .. }), "{error}");
                assert!(error.to_string().starts_with("storage: "), "{error}");
            }
        }
    }
    // Most of the file is what the journal used to be.
    assert!(refused > 50 && same > 50, "{refused} refused, {same} not");
}
