//! A database on a disk that crashes, at every point: what is found afterwards is a committed state, and not too old a one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use sapwood::Durability;
use sapwood::pagefile::Storage;

mod fault_bank;

use fault_bank::sim::{CRASHES, Crash, SimDisk};
use fault_bank::{EVENTUAL, Progress, change, empty, open, state, states};

/// What a crash left, and what may be found there.
struct Crashed {
    disk: SimDisk,
    what: String,
    acknowledged: u64,
    started: u64,
}

/// A disk that is looked at before every operation: what would be left if the power went now?
struct Recorder {
    disk: SimDisk,
    progress: Arc<Progress>,
    crashes: Mutex<SyncSender<Crashed>>,
    variants: u64,
}

impl Recorder {
    fn crash(&self) {
        let crashes = self.crashes.lock().unwrap();
        let op = self.disk.ops() as u64;
        for (kind, crash) in (0..).zip(CRASHES) {
            // Three of them have no chance in them.
            let chance = !matches!(
                crash,
                Crash::None | Crash::All | Crash::OnlyLast | Crash::AllButLast
            );
            for variant in 0..if chance { self.variants } else { 1 } {
                let seed = (op * 8 + kind) * 64 + variant;
                // The test that listens has failed if nobody does.
                let _ = crashes.send(Crashed {
                    disk: self.disk.crash(crash, seed),
                    what: format!("operation {op}, {crash:?}, seed {seed}"),
                    acknowledged: self.progress.acknowledged.load(Ordering::Acquire),
                    started: self.progress.started.load(Ordering::Acquire),
                });
            }
        }
    }
}

impl Storage for Recorder {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.crash();
        self.disk.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.crash();
        self.disk.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.crash();
        self.disk.sync()
    }
}

/// Runs commits, crashes before every operation on the disk in every way, and opens what is left: exactly one committed state, not before the last one
/// that was acknowledged as durable, nor after the last one begun; and from there it goes on.
fn every_crash_leaves_a_committed_state(durability: Durability, commits: u64, variants: u64) {
    let states = states(commits + 1);
    let (crashes, found) = sync_channel(8);
    let progress = Arc::new(Progress::default());
    let recorder = Recorder {
        disk: empty(),
        progress: Arc::clone(&progress),
        crashes: Mutex::new(crashes),
        variants,
    };
    let workload = thread::spawn(move || {
        let db = open(recorder, durability).unwrap();
        for number in 1..=commits {
            progress.started.store(number, Ordering::Release);
            db.write(|tx| change(tx, number)).unwrap();
            if durability != Durability::Immediate {
                if number % 5 != 0 {
                    continue;
                }
                db.sync().unwrap();
            }
            progress.acknowledged.store(number, Ordering::Release);
        }
        db.close().unwrap();
    });
    let mut seen = 0;
    for crashed in found {
        seen += 1;
        let what = &crashed.what;
        let db = open(crashed.disk.clone(), Durability::Immediate)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let revision = db.revision().get();
        assert!(
            (crashed.acknowledged..=crashed.started).contains(&revision),
            "{what}: found {revision}, not from {} to {}",
            crashed.acknowledged,
            crashed.started
        );
        assert_eq!(state(&db.snapshot()), states[revision as usize], "{what}");
        // The next commit is durable, whatever was there before.
        if seen % 4 == 0 {
            db.write(|tx| change(tx, revision + 1)).unwrap();
            let again = open(crashed.disk.crash(Crash::None, 0), Durability::Immediate)
                .unwrap_or_else(|error| panic!("{what}, again: {error}"));
            let expected = &states[revision as usize + 1];
            assert_eq!(state(&again.snapshot()), *expected, "{what}, again");
        }
    }
    workload.join().unwrap();
    assert!(seen > commits, "the disk was looked at");
}

#[test]
fn a_crash_loses_no_acknowledged_commit() {
    every_crash_leaves_a_committed_state(Durability::Immediate, 40, 4);
}

#[test]
fn a_crash_loses_only_the_newest_of_eventual_commits() {
    every_crash_leaves_a_committed_state(EVENTUAL, 60, 3);
}

#[test]
fn a_crash_loses_only_what_came_after_the_checkpoint() {
    every_crash_leaves_a_committed_state(Durability::Checkpoint, 60, 4);
}
