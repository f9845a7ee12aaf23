//! What can happen.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::shape::Shape;
use super::support::change::{Txn, staged_txn, txn_of};
use super::support::question::{AnyPick, any_pick};

/// One of those that there are: a number, of which the remainder counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which(u8);

impl Which {
    pub(crate) fn of(self, len: usize) -> usize {
        usize::from(self.0) % len
    }
}

fn which() -> impl Strategy<Value = Which> {
    any::<u8>().prop_map(Which)
}

/// How a set is asked what has fired.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asking {
    Try,
    Wait,
}

#[derive(Clone, Debug)]
pub(crate) enum Transition {
    Write {
        db: Which,
        txn: Txn,
        /// What is asked behind it.
        asks: Vec<AnyPick>,
    },
    /// Another database is written while a transaction of this one is open, which lets no second one in.
    WriteInside {
        db: Which,
        other: Which,
        txn: Txn,
    },
    /// A second database, which begins with the same rows, is told what a transaction staged.
    Replicate {
        db: Which,
        txn: Txn,
        asks: Vec<AnyPick>,
    },
    /// Waits for a revision so many after the newest.
    Await {
        db: Which,
        later: u8,
    },
    Reclaim {
        db: Which,
    },
    Close {
        db: Which,
    },
    /// The last handle goes.
    Drop {
        db: Which,
    },
    Hold {
        db: Which,
    },
    Copy {
        snapshot: Which,
    },
    Read {
        snapshot: Which,
        asks: Vec<AnyPick>,
    },
    Release {
        snapshot: Which,
    },
    Fork {
        snapshot: Which,
    },
    /// From a snapshot that is held, or a new one of a database.
    Watch {
        db: Which,
        from: Option<Which>,
        asks: Vec<AnyPick>,
        /// The first question many times, on all snapshots.
        crowd: bool,
    },
    Unwatch {
        watch: Which,
    },
    /// A new set of watches.
    Gather,
    Join {
        set: Which,
        db: Which,
        from: Option<Which>,
        asks: Vec<AnyPick>,
    },
    Tell {
        set: Which,
        how: Asking,
    },
    /// One watch leaves its set.
    Leave {
        set: Which,
        watch: Which,
    },
    Scatter {
        set: Which,
    },
    WaitChanged {
        snapshot: Which,
        ask: AnyPick,
    },
    Follow {
        db: Which,
        ask: AnyPick,
    },
    Step {
        follower: Which,
        waiting: bool,
    },
    Unfollow {
        follower: Which,
    },
}

type Weighted = (u32, BoxedStrategy<Transition>);

/// A transition that is made of some numbers.
fn of<S: Strategy + 'static>(
    weight: u32,
    numbers: S,
    make: impl Fn(S::Value) -> Transition + 'static,
) -> Weighted {
    (weight, numbers.prop_map(make).boxed())
}

/// Those that can happen now.
pub(crate) fn transition(shape: &Shape) -> BoxedStrategy<Transition> {
    let shape = shape.clone();
    let all = to_databases().into_iter().chain(to_watchers());
    Union::new_weighted(all.collect())
        .prop_filter("what is not there", move |transition| {
            Shape::preconditions(&shape, transition)
        })
        .boxed()
}

fn asks() -> impl Strategy<Value = Vec<AnyPick>> {
    vec(any_pick(), 1..8)
}

fn to_databases() -> Vec<Weighted> {
    vec![
        (30, writing()),
        of(4, (which(), staged_txn(), asks()), |(db, txn, asks)| {
            Transition::Replicate { db, txn, asks }
        }),
        of(2, which(), |db| Transition::Reclaim { db }),
        of(1, which(), |db| Transition::Close { db }),
        of(3, which(), |db| Transition::Drop { db }),
        of(6, which(), |db| Transition::Hold { db }),
        of(1, which(), |snapshot| Transition::Copy { snapshot }),
        of(4, (which(), asks()), |(snapshot, asks)| Transition::Read {
            snapshot,
            asks,
        }),
        of(4, which(), |snapshot| Transition::Release { snapshot }),
        of(5, which(), |snapshot| Transition::Fork { snapshot }),
    ]
}

fn to_watchers() -> Vec<Weighted> {
    let from = || proptest::option::of(which());
    let crowd = proptest::bool::weighted(0.2);
    let asking = prop_oneof![Just(Asking::Try), Just(Asking::Wait)];
    vec![
        of(
            8,
            (which(), from(), asks(), crowd),
            |(db, from, asks, crowd)| Transition::Watch {
                db,
                from,
                asks,
                crowd,
            },
        ),
        of(3, which(), |watch| Transition::Unwatch { watch }),
        (2, Just(Transition::Gather).boxed()),
        of(
            6,
            (which(), which(), from(), asks()),
            |(set, db, from, asks)| Transition::Join {
                set,
                db,
                from,
                asks,
            },
        ),
        of(6, (which(), asking), |(set, how)| Transition::Tell {
            set,
            how,
        }),
        of(2, (which(), which()), |(set, watch)| Transition::Leave {
            set,
            watch,
        }),
        of(1, which(), |set| Transition::Scatter { set }),
        of(3, (which(), any_pick()), |(snapshot, ask)| {
            Transition::WaitChanged { snapshot, ask }
        }),
        of(3, (which(), 0..6u8), |(db, later)| Transition::Await {
            db,
            later,
        }),
        of(5, (which(), any_pick()), |(db, ask)| Transition::Follow {
            db,
            ask,
        }),
        of(12, (which(), any::<bool>()), |(follower, waiting)| {
            Transition::Step { follower, waiting }
        }),
        of(2, which(), |follower| Transition::Unfollow { follower }),
    ]
}

/// Of one or two operations as often as of more: watches are told in another way where more is written than is watched.
fn writing() -> BoxedStrategy<Transition> {
    let txn = || prop_oneof![txn_of(1..3), txn_of(0..10)];
    prop_oneof![
        9 => (which(), txn(), vec(any_pick(), 0..4))
            .prop_map(|(db, txn, asks)| Transition::Write { db, txn, asks }),
        1 => (which(), which(), txn())
            .prop_map(|(db, other, txn)| Transition::WriteInside { db, other, txn }),
    ]
    .boxed()
}
