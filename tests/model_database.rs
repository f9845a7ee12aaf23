//! The database against a model: a map of rows, and every query answered by going through all of them.

use proptest::collection::vec;
use proptest::prelude::*;

mod support;

use support::ask::{Pick, pick};
use support::change::{Txn, txn};
use support::model::{Model, cases, in_memory};

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    asks: Vec<Pick>,
    /// What becomes of the snapshots that are held: one more, one less.
    hold: bool,
    release: Option<prop::sample::Index>,
}

fn step() -> impl Strategy<Value = Step> {
    (
        txn(),
        vec(pick(), 1..8),
        any::<bool>(),
        proptest::option::weighted(0.3, any::<prop::sample::Index>()),
    )
        .prop_map(|(txn, asks, hold, release)| Step {
            txn,
            asks,
            hold,
            release,
        })
}

proptest! {
    #![proptest_config(cases(64))]

    /// After every transaction, however it ends, each query in each kind of index gives what the model finds; a refused operation has left no
    /// trace and told why; and every snapshot still shows the state from which it was taken.
    #[test]
    fn every_query_agrees_with_the_model(steps in vec(step(), 1..30)) {
        let db = in_memory();
        let mut model = Model::default();
        let mut held = vec![(db.snapshot(), model.clone())];
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
            if let Some(which) = step.release && !held.is_empty() {
                held.remove(which.index(held.len()));
            }
        }
        // The last of them outlive the database.
        drop(db);
        for (snapshot, then) in &held {
            then.check_all(snapshot);
        }
    }
}
