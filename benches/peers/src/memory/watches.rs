//! Watches and followers: of sapwood; the peers in Go do the same, those in Rust have none, but for `native_db`'s channels.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use sapwood::watch::{Watch, WatchSet};
use sapwood::{Follow, Snapshot};

use super::rounds::Round;
use super::stores::{Sapwood, Store};
use crate::data::Random;
use crate::figures::{OURS, median};
use crate::samples::{Measure, Samples, nanoseconds};
use crate::task::{Change, Task};

/// Updates under so many watches.
pub(super) const WATCHES: [usize; 4] = [0, 1, 1_000, 100_000];
/// Watches in the set.
const SET: usize = 10_000;
pub(super) const FOLLOWERS: [usize; 3] = [1, 10, 100];

fn watch(snapshot: &Snapshot, id: &str) -> Watch {
    snapshot.watch(Task::BY_ID.eq(id))
}

/// Rows at even places are written, those at odd ones watched.
fn written(ids: &[String], random: &mut Random) -> usize {
    2 * random.below(ids.len() / 2)
}

/// All of it, on one database.
pub(super) fn round(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    under_watches(store, round, samples);
    one_thread(store, round, samples);
    two_threads(store, round, samples);
    set(store, round, samples);
    followers(store, round, samples);
}

/// The change with this number, of a row.
fn update(store: &Sapwood, id: &String, number: usize) {
    let change = Change::Cpu(number as u32);
    store.update(std::slice::from_ref(id), change);
}

fn under_watches(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    let ids = round.ids;
    for count in WATCHES {
        let snapshot = store.view();
        let watches = (0..count).map(|number| watch(&snapshot, &ids[(2 * number + 1) % ids.len()]));
        let watches: Vec<Watch> = watches.collect();
        drop(snapshot);
        let mut random = Random(3_000 + round.number as u64);
        let numbers: Vec<usize> = (0..round.scale.updates).collect();
        let measure = Measure::new(
            "update under watches on other rows",
            format!("{count} watches"),
            "ns",
        );
        samples.run(OURS, measure, &numbers, |number| {
            update(store, &ids[written(ids, &mut random)], *number);
        });
        assert!(watches.iter().all(|watch| !watch.is_fired()));
    }
}

fn one_thread(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    let measure = Measure::ns("watch a row, update it, wake", "on one thread");
    let ids = &round.picks.ids;
    let mut number = 0;
    samples.run(OURS, measure, ids, |id| {
        let watch = watch(&store.view(), id);
        number += 1;
        update(store, id, number);
        watch.wait().expect("open");
    });
}

/// The time from before an update to the return of a wait on another thread, which is asleep by then.
fn two_threads(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    let ids = &round.picks.ids[..round.scale.updates / 10];
    let (ready, is_ready) = mpsc::channel();
    let (woken, wakes) = mpsc::channel();
    let mut times = Vec::with_capacity(ids.len());
    thread::scope(|scope| {
        scope.spawn(move || {
            for id in ids {
                let watch = watch(&store.view(), id);
                ready.send(()).expect("somebody waits");
                watch.wait().expect("open");
                woken.send(Instant::now()).expect("somebody waits");
            }
        });
        for (number, id) in ids.iter().enumerate() {
            is_ready.recv().expect("a waiter");
            thread::sleep(Duration::from_micros(100));
            let start = Instant::now();
            update(store, id, number);
            let end = wakes.recv().expect("a waiter");
            times.push(nanoseconds(end - start, 1));
        }
    });
    let workload = "update to wake on another thread";
    let middle = median(&mut times);
    samples.add(OURS, Measure::ns(workload, "p50"), middle);
    let late = times[times.len() * 99 / 100];
    samples.add(OURS, Measure::ns(workload, "p99"), late);
}

/// One of many watches in a set fires, is told, and is taken anew.
fn set(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    let ids = &round.ids[..SET.min(round.ids.len())];
    let snapshot = store.view();
    let mut set = WatchSet::new();
    for id in ids {
        set.add(watch(&snapshot, id));
    }
    drop(snapshot);
    let mut random = Random(4_000 + round.number as u64);
    let mut times = Vec::new();
    for number in 0..round.scale.updates / 20 {
        let id = &ids[random.below(ids.len())];
        let start = Instant::now();
        update(store, id, number);
        let fired = set.wait().expect("open");
        times.push(nanoseconds(start.elapsed(), 1));
        assert_eq!(fired.len(), 1);
        set.add(watch(&store.view(), id));
    }
    let measure = Measure::ns("10,000 watches in one set, one fires", "update and wake");
    samples.add(OURS, measure, median(&mut times));
}

/// Each update is taken by every follower before the next.
fn followers(store: &Sapwood, round: &Round<'_>, samples: &mut Samples) {
    for count in FOLLOWERS {
        let follow = || {
            let mut follow = store.db.follow(Task::ALL).expect("a table");
            drop(follow.try_next());
            follow
        };
        let mut followers: Vec<Follow<Task>> = (0..count).map(|_| follow()).collect();
        let measure = Measure::new(
            "update, taken by change streams",
            format!("{count} streams"),
            "ns",
        );
        let mut number = 0;
        let ids = &round.picks.ids;
        samples.run(OURS, measure, ids, |id| {
            number += 1;
            update(store, id, number);
            for follower in &mut followers {
                let batch = follower.try_next().expect("a change");
                assert_eq!(batch.len(), 1);
            }
        });
    }
}
