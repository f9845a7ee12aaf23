//! A staged commit on a disk that fails, fills up or crashes: published, it is as safe as any commit; refused, it is gone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::thread;

use sapwood::{Database, Durability, Error, Revision, Staged};

mod fault_bank;

use fault_bank::sim::{CRASHES, Crash, Failure, SimDisk};
use fault_bank::{Entry, State, change, empty, open, state};

/// Numbers with gaps.
fn at(number: u64) -> Revision {
    Revision::new(number * 3)
}

fn stage(db: &Database, number: u64) -> Result<Staged, Error> {
    let mut tx = db.begin_write()?;
    change(&mut tx, number)?;
    tx.stage()
}

/// What must be there after each commit.
fn states(commits: u64) -> Vec<State> {
    let db = open(SimDisk::of(empty().image()), Durability::Immediate).unwrap();
    let mut states = vec![state(&db.snapshot())];
    for number in 1..=commits {
        stage(&db, number).unwrap().publish_at(at(number)).unwrap();
        states.push(state(&db.snapshot()));
        assert_eq!(states[number as usize].revision, at(number));
    }
    states
}

/// Whichever operation of the disk fails, here or on another thread: the staged commit says so and is discarded; readers and watches never saw it, and the file holds the
/// state before it or, if its bytes arrived all the same, after it, with the numbers that were decided.
#[test]
fn a_staged_commit_that_the_disk_refuses_is_discarded() {
    let commits = 6;
    let (states, image) = (states(commits), empty().image());
    for failing in 0.. {
        let disk = SimDisk::of(image.clone());
        let db = open(disk.clone(), Durability::Immediate).unwrap();
        disk.fail(Some(Failure {
            at: disk.ops() + failing,
            forever: false,
        }));
        let failed = (1..=commits).find_map(|number| {
            let staged = stage(&db, number).unwrap();
            let waits = db.watch_revision(at(number));
            let watch = db.snapshot().watch(Entry::ALL);
            let publish = move || staged.publish_at(at(number));
            let result = if number % 2 == 0 {
                thread::spawn(publish).join().unwrap()
            } else {
                publish()
            };
            result.err().map(|error| (number, error, watch, waits))
        });
        let Some((number, error, watch, waits)) = failed else {
            assert!(failing as u64 > commits, "every commit has an operation");
            break;
        };
        let what = format!("operation {failing}, commit {number}: {error}");
        let before = &states[number as usize - 1];
        assert!(matches!(error, Error::File { .. }), "{what}");
        assert_eq!(state(&db.snapshot()), *before, "{what}");
        assert!(!watch.is_fired() && !waits.is_fired(), "{what}");
        assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
        drop(db);
        for (seed, crash) in (0..).zip(CRASHES) {
            let left = disk.crash(crash, seed + 1000 * failing as u64);
            let db = open(left, Durability::Immediate).unwrap();
            let found = state(&db.snapshot());
            assert!(
                found == *before || found == states[number as usize],
                "{what}, {crash:?}: {found:?}"
            );
        }
    }
}

/// What is only staged is on no disk: the machine can stop, and the file has what was published.
#[test]
fn what_is_only_staged_is_on_no_disk() {
    let disk = SimDisk::of(empty().image());
    let db = open(disk.clone(), Durability::Immediate).unwrap();
    stage(&db, 1).unwrap().publish_at(at(1)).unwrap();
    let (published, ops) = (state(&db.snapshot()), disk.ops());
    let staged = stage(&db, 2).unwrap();
    staged.changes().unwrap();
    assert_eq!(disk.ops(), ops);
    let left = disk.crash(Crash::None, 1);
    assert_eq!(
        state(&open(left, Durability::Immediate).unwrap().snapshot()),
        published
    );
    staged.discard();
    assert_eq!(disk.ops(), ops);
    assert_eq!(state(&db.snapshot()), published);
    stage(&db, 2).unwrap().publish_at(at(5)).unwrap();
    let left = disk.crash(Crash::None, 1);
    let again = open(left, Durability::Immediate).unwrap();
    assert_eq!(state(&again.snapshot()), state(&db.snapshot()));
    assert_eq!(again.revision(), at(5));
}
