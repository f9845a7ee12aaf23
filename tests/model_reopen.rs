//! A database on a file against a model, closed and opened again at random moments.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Builder, Durability, Snapshot};

mod support;

use support::ask::{Pick, pick};
use support::change::{Txn, populate, txn};
use support::lookup;
use support::model::{Model, cases};

#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Sync,
    Close,
    /// The last handle goes, without a word.
    Drop,
}

#[derive(Clone, Debug)]
struct Step {
    txn: Txn,
    then: Then,
    mode: Durability,
    asks: Vec<Pick>,
    hold: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let then = prop_oneof![
        6 => Just(Then::Nothing),
        1 => Just(Then::Sync),
        2 => Just(Then::Close),
        2 => Just(Then::Drop),
    ];
    let mode = prop_oneof![
        Just(Durability::Immediate),
        (1u64..20).prop_map(|ms| Durability::Eventual {
            within: Duration::from_millis(ms)
        }),
        Just(Durability::Checkpoint),
    ];
    (txn(), then, mode, vec(pick(), 1..5), any::<bool>()).prop_map(
        |(txn, then, mode, asks, hold)| Step {
            txn,
            then,
            mode,
            asks,
            hold,
        },
    )
}

fn builder(mode: Durability) -> Builder {
    support::model::builder().durability(mode)
}

proptest! {
    #![proptest_config(cases(48))]

    /// Whatever the mode, and however it ends, the file holds exactly what was committed: rows, the revisions that made and wrote them, every
    /// index, and the number of the last commit, from which the next one counts. Snapshots of a closed database stay as they are.
    #[test]
    fn a_reopened_database_is_the_same(populated: bool, steps in vec(step(), 1..24), first in step()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sap");
        let mut model = Model::default();
        let mut held: Vec<(Snapshot, Model)> = Vec::new();
        let mut db = builder(first.mode).open(&path).unwrap();
        if populated {
            populate(&db, &mut model);
        }
        for step in &steps {
            step.txn.run(&db, &mut model);
            if step.hold {
                held.push((db.snapshot(), model.clone()));
            }
            match step.then {
                Then::Nothing => continue,
                Then::Sync => {
                    db.sync().unwrap();
                    continue;
                }
                Then::Close => db.close().unwrap(),
                Then::Drop => drop(db),
            }
            db = builder(step.mode).open(&path).unwrap();
            model.reopen();
            let now = db.snapshot();
            model.check_all(&now);
            for pick in &step.asks {
                model.check(&now, &pick.ask());
                lookup::check(&model, &now, *pick);
            }
        }
        drop(db);
        model.reopen();
        model.check_all(&builder(first.mode).open(&path).unwrap().snapshot());
        for (snapshot, then) in &held {
            then.check_all(snapshot);
        }
    }
}
