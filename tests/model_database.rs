//! The database against a model: a map of rows, and every query answered by going through all of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::collection::vec;
use proptest::prelude::*;

mod support;

use support::ask::{Pick, pick};
use support::change::{Txn, populate, txn};
use support::model::{Model, cases, in_memory};

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    asks: Vec<Pick>,
    /// What becomes of the snapshots that are held: one more, one less.
    hold: bool,
    release: Option<prop::sample::Index>,
    /// What happens in a fork, and whether it is a new one.
    fork: Option<(prop::sample::Index, Txn, bool)>,
}

fn step() -> impl Strategy<Value = Step> {
    (
        txn(),
        vec(pick(), 1..8),
        any::<bool>(),
        proptest::option::weighted(0.3, any::<prop::sample::Index>()),
        proptest::option::weighted(0.5, (any::<prop::sample::Index>(), txn(), any::<bool>())),
    )
        .prop_map(|(txn, asks, hold, release, fork)| Step {
            txn,
            asks,
            hold,
            release,
            fork,
        })
}

proptest! {
    #![proptest_config(cases(32))]

    /// After every transaction, however it ends, each query in each kind of index gives what the model finds; a refused operation has left no
    /// trace and told why; every snapshot still shows the state from which it was taken; and forks go their own ways.
    #[test]
    fn every_query_agrees_with_the_model(populated: bool, steps in vec(step(), 1..30)) {
        let db = in_memory();
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        let mut held = vec![(db.snapshot(), model.clone())];
        let mut forks = Vec::new();
        for step in &steps {
            step.txn.run(&db, &mut model);
            let now = db.snapshot();
            model.check_all(&now);
            for pick in &step.asks {
                model.check(&now, &pick.ask());
                for (snapshot, then) in &held {
                    then.check(snapshot, &pick.ask());
                }
            }
            if step.hold {
                held.push((now, model.clone()));
            }
            if let Some((which, txn, new)) = &step.fork {
                if (*new || forks.is_empty()) && !held.is_empty() {
                    // Of the database, or of another fork.
                    let (snapshot, then) = &held[which.index(held.len())];
                    forks.push((snapshot.fork(), then.clone()));
                }
                if !forks.is_empty() {
                    let which = which.index(forks.len());
                    let (fork, model) = &mut forks[which];
                    let before = (fork.snapshot(), model.clone());
                    txn.run(fork, model);
                    model.check_all(&fork.snapshot());
                    if step.hold {
                        held.extend([before, (fork.snapshot(), model.clone())]);
                    } else if !*new {
                        forks.swap_remove(which);
                    }
                }
            }
            if let Some(which) = step.release && !held.is_empty() {
                held.remove(which.index(held.len()));
            }
        }
        // The last of them outlive the database.
        drop(db);
        for (snapshot, then) in &held {
            then.check_all(snapshot);
        }
        for (fork, then) in &forks {
            then.check_all(&fork.snapshot());
        }
    }
}
