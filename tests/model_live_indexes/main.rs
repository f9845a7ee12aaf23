//! Indexes that are added and dropped while rows come and go, against a model: a map of rows, and a list of indexes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod changes;
mod kinds;
mod model;
mod told;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use sapwood::{Database, Error};

use changes::{Given, Txn, txn};
use kinds::{Pick, Pod, pick};
use model::Model;
use told::{Following, Watched};

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    picks: Vec<Pick>,
    hold: bool,
    release: Option<sample::Index>,
    /// What happens in a fork of a snapshot that is held.
    fork: Option<(sample::Index, Txn)>,
    watch: Option<(sample::Index, sample::Index, Pick)>,
    follow: Option<sample::Index>,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<sample::Index>;
    (
        txn(),
        vec(pick(), 1..4),
        any::<bool>(),
        proptest::option::weighted(0.3, index()),
        proptest::option::weighted(0.3, (index(), txn())),
        proptest::option::weighted(0.7, (index(), index(), pick())),
        proptest::option::weighted(0.3, index()),
    )
        .prop_map(|(txn, picks, hold, release, fork, watch, follow)| Step {
            txn,
            picks,
            hold,
            release,
            fork,
            watch,
            follow,
        })
}

fn cases() -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(128)
    }
}

proptest! {
    #![proptest_config(cases())]

    /// However transactions end, every state has exactly the indexes and entries of the model, and every snapshot and fork keeps those that it had; what
    /// is not there is refused. Watches fire for their rows only, and are closed when their index is dropped; followers tell all, and end then.
    #[test]
    fn indexes_come_and_go_as_in_the_model(steps in vec(step(), 1..24)) {
        let db = Database::builder().table::<Pod>().in_memory().unwrap();
        let mut model = Model::default();
        let mut given = Vec::new();
        let mut held = vec![(db.snapshot(), model.clone())];
        let mut forks: Vec<(Database, Model, Given)> = Vec::new();
        let (mut watches, mut followers): (Vec<Watched>, Vec<Following>) = Default::default();
        for step in &steps {
            step.txn.run(&db, &mut model, &mut given);
            let now = db.snapshot();
            model.check(&now, &step.picks);
            for watched in &mut watches {
                watched.check(&model);
            }
            for following in &mut followers {
                following.check(&model);
            }
            for (snapshot, then) in &held {
                then.check(snapshot, &step.picks);
            }
            if step.hold {
                held.push((now, model.clone()));
            }
            if let Some((which, txn)) = &step.fork && !held.is_empty() {
                let (snapshot, then) = &held[which.index(held.len())];
                let (fork, mut forked, mut given) = (snapshot.fork(), then.clone(), given.clone());
                txn.run(&fork, &mut forked, &mut given);
                forked.check(&fork.snapshot(), &step.picks);
                forks.push((fork, forked, given));
            }
            for (fork, forked, given) in &mut forks {
                step.txn.run(fork, forked, given);
                forked.check(&fork.snapshot(), &step.picks);
            }
            if forks.len() > 2 {
                forks.remove(0);
            }
            if let Some((which, live, pick)) = &step.watch && !held.is_empty() {
                let (snapshot, then) = &held[which.index(held.len())];
                if !then.indexes.is_empty() {
                    let live = then.indexes[live.index(then.indexes.len())];
                    let mut watched = Watched::on(snapshot, then, live, *pick);
                    watched.check(&model);
                    watches.push(watched);
                }
            }
            if let Some(which) = &step.follow && !given.is_empty() {
                let live = given[which.index(given.len())];
                match db.follow(Pick(0, 0).query(live.handle)) {
                    Ok(follower) => {
                        assert!(model.has(live));
                        let rows = BTreeMap::new();
                        followers.push(Following { follower, live, rows });
                    }
                    Err(Error::UnknownIndex { .. }) => assert!(!model.has(live)),
                    Err(other) => panic!("{other}"),
                }
            }
            if let Some(which) = step.release && !held.is_empty() {
                held.remove(which.index(held.len()));
            }
        }
        drop(db);
        for watched in &watches {
            assert!(watched.watch.is_closed() != watched.fired);
        }
        for (snapshot, then) in &held {
            then.check(snapshot, &[]);
        }
        for (fork, then, _) in &forks {
            then.check(&fork.snapshot(), &[]);
        }
    }
}
