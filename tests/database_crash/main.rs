//! Whole databases on a disk that crashes: threads commit in groups, checkpoints run, and whatever part of the unsynced writes has arrived, the file opens to exactly one
//! committed state, none that was acknowledged is lost, all indexes agree with the rows, and watches and followers go on from there.
//!
//! `cargo test --test database_crash -- --nocapture` tells how many images of disks were tried. `SAPWOOD_CRASH_IMAGES` asks for more of them than 50,000.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that cannot go on fails"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use sapwood::Durability;

mod damage;
mod killed;
#[path = "../pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;
mod tables;
mod workload;

use sim::Crash;
use tables::{State, goes_on, indexes_agree};
use workload::{Crashed, Workload, open};

/// So many images at least.
const IMAGES: u64 = 50_000;

const EVENTUAL: Durability = Durability::Eventual {
    within: Duration::from_micros(500),
};

/// Databases as different as they can be: with a journal of a few pages and of many, in each durability, with one writer and more.
fn workload(number: u64) -> Workload {
    let durability = match number % 6 {
        4 => EVENTUAL,
        5 => Durability::Checkpoint,
        _ => Durability::Immediate,
    };
    Workload {
        durability,
        threads: [4, 1, 2, 6][number as usize % 4],
        commits: 40,
        journal: [4, 16, 48][number as usize % 3] << 10,
        seed: number * 1000 + 7,
    }
}

/// Opens what a crash left; every so often it goes on from there, and crashes again. Gives how many further images it tried.
fn verify(crashed: &Crashed, number: u64) -> u64 {
    let db = open(crashed.disk.clone(), Durability::Immediate, 8 << 10).unwrap();
    let snapshot = db.snapshot();
    let revision = snapshot.revision();
    assert!(
        (crashed.acknowledged..=crashed.started).contains(&revision.get()),
        "found {revision}, not from {} to {}",
        crashed.acknowledged,
        crashed.started
    );
    let expected = crashed.history.state(revision);
    assert_eq!(State::of(&snapshot), expected);
    if number.is_multiple_of(4) {
        indexes_agree(&snapshot);
    }
    if number.is_multiple_of(8) {
        goes_on(&db);
        let now = State::of(&db.snapshot());
        let again = crashed.disk.crash(Crash::None, number);
        let again = open(again, EVENTUAL, 8 << 10).unwrap().snapshot();
        assert_eq!(State::of(&again), now);
        indexes_agree(&again);
    }
    if crashed.is_killed && number.is_multiple_of(3) {
        return killed::verify(crashed);
    }
    0
}

#[derive(Default)]
struct Tally {
    images: AtomicU64,
    failures: Mutex<Vec<String>>,
}

fn verify_all(found: &Mutex<Receiver<Crashed>>, tally: &Tally) {
    loop {
        let crashed = found.lock().unwrap().recv();
        let Ok(crashed) = crashed else { return };
        let number = tally.images.fetch_add(1, Ordering::Relaxed);
        let verified = catch_unwind(AssertUnwindSafe(|| verify(&crashed, number)));
        match verified {
            Ok(further) => drop(tally.images.fetch_add(further, Ordering::Relaxed)),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = format!("{}: {}", crashed.what, text.unwrap_or_default());
                tally.failures.lock().unwrap().push(text);
            }
        }
    }
}

#[test]
fn every_crash_leaves_a_committed_state() {
    let wanted = std::env::var("SAPWOOD_CRASH_IMAGES");
    let wanted = wanted.map_or(IMAGES, |wanted| wanted.parse().unwrap());
    let tally = Tally::default();
    let threads = thread::available_parallelism().map_or(2, usize::from);
    for number in 0.. {
        if tally.images.load(Ordering::Relaxed) >= wanted
            || tally.failures.lock().unwrap().len() > 5
        {
            break;
        }
        let (crashes, found) = sync_channel(64);
        let found = Mutex::new(found);
        thread::scope(|scope| {
            scope.spawn(|| workload(number).run(crashes));
            for _ in 0..threads {
                scope.spawn(|| verify_all(&found, &tally));
            }
        });
    }
    let failures = tally.failures.into_inner().unwrap();
    for failure in failures.iter().take(10) {
        eprintln!("{failure}");
    }
    let images = tally.images.into_inner();
    println!("crash images: {images}, failures: {}", failures.len());
    assert!(failures.is_empty());
}
