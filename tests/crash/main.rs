//! Crashes of a page file: whatever of its unsynced writes has arrived, it opens to exactly one committed state, none that was acknowledged is lost,
//! and it goes on from there.
//!
//! `cargo test --test crash -- --nocapture` tells how many images of disks were tried, each opened, read, compared, checked and written. `SAPWOOD_CRASH_IMAGES`
//! asks for more of them than 100,000, `SIM_SEED` repeats the part that is random, and `SIM_ONLY` runs the workloads with these
//! words in their names.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../pagefile_faults/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod faults;
#[path = "../pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod calls;
mod every_point;
mod failing;
mod found;
mod full;
mod image;
mod killed;
mod kinds;
mod scenario;
mod trace;
mod verify;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::SystemTime,
};

use every_point::{Tally, run};
use scenario::SCENARIOS;

/// So many images at least.
const IMAGES: usize = 100_000;
/// A workload gives no more than this, however many are asked for: then it is the turn of another seed.
const MOST_OF_ONE: usize = 20_000;

fn env<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Proves that after a crash at any operation of any workload, whatever part of the unsynced writes is there, whole, torn, garbled or in another
/// order, a file holds exactly one state that was committed, the last acknowledged one or the one that was being committed; that its check is
/// clean; that opening writes nothing; that the next commit works and gets a higher number; and all of it again where that commit crashes, too.
#[test]
fn every_crash_leaves_a_committed_state() {
    let wanted = env("SAPWOOD_CRASH_IMAGES").unwrap_or(IMAGES);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let random = env("SIM_SEED").unwrap_or(u64::from(clock.subsec_nanos()));
    println!("SIM_SEED={random}");
    let quota = (wanted / (2 * SCENARIOS.len()) + 1).min(MOST_OF_ONE);
    let only: Option<String> = env("SIM_ONLY");
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let total = Mutex::new(Tally::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            // Each workload with a seed of its own that is always the same, and then with random ones.
            let round = number / SCENARIOS.len();
            let scenario = &SCENARIOS[number % SCENARIOS.len()];
            let seed = match round {
                0 => number as u64 + 1,
                _ => random.wrapping_add(number as u64),
            };
            {
                let total = total.lock().unwrap();
                if round > 1 && (total.images >= wanted || only.is_some())
                    || !total.failures.is_empty()
                {
                    return;
                }
            }
            if only
                .as_ref()
                .is_some_and(|only| !scenario.name.contains(only))
            {
                continue;
            }
            let tally = run(scenario, seed, quota, &stop);
            let mut total = total.lock().unwrap();
            total.images += tally.images;
            total.steps += tally.steps;
            total.logged += tally.logged;
            total.failures.extend(tally.failures);
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let Tally {
        images,
        steps,
        logged,
        failures,
    } = total.into_inner().unwrap();
    for failure in failures.iter().take(10) {
        eprintln!("{failure}");
    }
    println!("crash images: {images}, failures: {}", failures.len());
    assert!(failures.is_empty(), "SIM_SEED={random} gives this again");
    // Of 2,000 that were drawn of each of these workloads, those with the least in their logs come to a fifth together.
    assert!(only.is_some() || 8 * logged >= steps, "{logged} of {steps}");
}
