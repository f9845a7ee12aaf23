//! Watches against a model: one fires if and only if a row of its query came, went or was written after its snapshot.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::Snapshot;
use sapwood::watch::{Watch, WatchId, WatchSet};

mod support;

use support::ask::{Ask, Pick, pick};
use support::change::{Txn, populate, txn};
use support::model::{Model, cases, in_memory};

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    hold: bool,
    /// Watches to take: of what, and from how long ago.
    watch: Vec<(Pick, prop::sample::Index)>,
    /// Whether the same is watched many times, on all snapshots that are held.
    crowd: bool,
    drop: Option<prop::sample::Index>,
}

fn step() -> impl Strategy<Value = Step> {
    (
        txn(),
        any::<bool>(),
        vec((pick(), any::<prop::sample::Index>()), 0..6),
        proptest::bool::weighted(0.1),
        proptest::option::weighted(0.3, any::<prop::sample::Index>()),
    )
        .prop_map(|(txn, hold, watch, crowd, drop)| Step {
            txn,
            hold,
            watch,
            crowd,
            drop,
        })
}

/// Whether the rows of a query differ between two states: another row, or another write of the same one.
///
/// For an index with several entries for a row, it counts where the row stands: the answer is what `rows` and their entries are.
fn differ(old: &Model, new: &Model, ask: &Ask) -> bool {
    old.find(ask) != new.find(ask)
}

/// A watch, what it watches, and the state that its snapshot showed until it fired.
struct Watched {
    ask: Ask,
    seen: Model,
    fired: bool,
}

impl Watched {
    /// The database went from one state to another, or was there when the watch was taken.
    fn pass(&mut self, before: &Model, after: &Model) {
        self.fired |= differ(before, after, &self.ask);
    }
}

fn take(snapshot: &Snapshot, seen: &Model, now: &Model, ask: Ask) -> (Watch, Watched) {
    let watch = snapshot.watch(ask.query.clone());
    let mut watched = Watched {
        ask,
        seen: seen.clone(),
        fired: false,
    };
    watched.pass(seen, now);
    (watch, watched)
}

fn check(watch: &Watch, watched: &Watched) {
    let Watched { ask, seen, fired } = watched;
    assert_eq!(
        watch.is_fired(),
        *fired,
        "{ask:?} since revision {}",
        seen.revision
    );
    assert!(!watch.is_closed());
}

proptest! {
    #![proptest_config(cases(32))]

    /// Watches of any query, taken from new and from old snapshots, alone and among many: each has fired exactly when the model says, after every
    /// transaction; one that is dropped disturbs no other; closing the database closes those that have not fired, and only those.
    #[test]
    fn a_watch_fires_exactly_for_its_rows(populated: bool, steps in vec(step(), 1..24)) {
        let db = in_memory();
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        let mut held = vec![(db.snapshot(), model.clone())];
        let mut watches: Vec<(Watch, Watched)> = Vec::new();
        for step in &steps {
            let before = model.clone();
            step.txn.run(&db, &mut model);
            for (watch, watched) in &mut watches {
                watched.pass(&before, &model);
                check(watch, watched);
            }
            if step.hold {
                held.push((db.snapshot(), model.clone()));
            }
            for (i, (pick, age)) in step.watch.iter().enumerate() {
                let ask = pick.ask();
                let (snapshot, seen) = &held[age.index(held.len())];
                watches.push(take(snapshot, seen, &model, ask.clone()));
                if step.crowd && i == 0 {
                    for (snapshot, seen) in &held {
                        for _ in 0..20 {
                            watches.push(take(snapshot, seen, &model, ask.clone()));
                        }
                    }
                }
            }
            for (watch, watched) in &watches {
                check(watch, watched);
            }
            if let Some(which) = step.drop && !watches.is_empty() {
                drop(watches.swap_remove(which.index(watches.len())));
            }
        }
        db.close().unwrap();
        for (watch, watched) in &watches {
            prop_assert_eq!(watch.is_fired(), watched.fired);
            prop_assert_eq!(watch.is_closed(), !watched.fired);
            prop_assert_eq!(watch.wait().is_ok(), watched.fired);
        }
    }

    /// A set tells each of its watches once, when it has fired and not before, and no watch of which none of its rows changed.
    #[test]
    fn a_set_tells_exactly_what_fired(populated: bool, steps in vec(step(), 1..24)) {
        let db = in_memory();
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        let mut held = vec![(db.snapshot(), model.clone())];
        let mut set = WatchSet::new();
        let mut watched: BTreeMap<WatchId, Watched> = BTreeMap::new();
        for step in &steps {
            let before = model.clone();
            step.txn.run(&db, &mut model);
            for watched in watched.values_mut() {
                watched.pass(&before, &model);
            }
            if step.hold {
                held.push((db.snapshot(), model.clone()));
            }
            for (pick, age) in &step.watch {
                let (snapshot, seen) = &held[age.index(held.len())];
                let (watch, about) = take(snapshot, seen, &model, pick.ask());
                watched.insert(set.add(watch), about);
            }
            // Left to pile up now and then.
            if !step.crowd {
                let mut told = set.try_fired().unwrap();
                told.sort_unstable();
                let fired: Vec<_> = watched
                    .iter()
                    .filter(|(_, watched)| watched.fired)
                    .map(|(id, _)| *id)
                    .collect();
                prop_assert_eq!(told, fired);
                watched.retain(|_, watched| !watched.fired);
            }
            if let Some(which) = step.drop && !watched.is_empty() {
                let id = *watched.keys().nth(which.index(watched.len())).unwrap();
                let fired = watched.remove(&id).unwrap().fired;
                prop_assert_eq!(set.remove(id).unwrap().is_fired(), fired);
            }
            prop_assert_eq!(set.len(), watched.len());
        }
        db.close().unwrap();
        let fired = watched.values().filter(|watched| watched.fired).count();
        if fired > 0 {
            prop_assert_eq!(set.try_fired().unwrap().len(), fired);
        }
        watched.retain(|_, watched| !watched.fired);
        prop_assert_eq!(set.try_fired().is_err(), !watched.is_empty());
        prop_assert!(set.remove_closed().iter().eq(watched.keys()));
        prop_assert!(set.is_empty());
    }
}
