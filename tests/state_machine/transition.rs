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

/// Those that can happen now.
pub(crate) fn transition(shape: &Shape) -> BoxedStrategy<Transition> {
    let asks = || vec(any_pick(), 1..8);
    let from = || proptest::option::of(which());
    let asking = prop_oneof![Just(Asking::Try), Just(Asking::Wait)];
    let all = [
        (30, writing()),
        (
            4,
            (which(), staged_txn(), asks())
                .prop_map(|(db, txn, asks)| Transition::Replicate { db, txn, asks })
                .boxed(),
        ),
        (
            3,
            (which(), 0..6u8)
                .prop_map(|(db, later)| Transition::Await { db, later })
                .boxed(),
        ),
        (2, which().prop_map(|db| Transition::Reclaim { db }).boxed()),
        (1, which().prop_map(|db| Transition::Close { db }).boxed()),
        (3, which().prop_map(|db| Transition::Drop { db }).boxed()),
        (6, which().prop_map(|db| Transition::Hold { db }).boxed()),
        (
            1,
            which()
                .prop_map(|snapshot| Transition::Copy { snapshot })
                .boxed(),
        ),
        (
            4,
            (which(), asks())
                .prop_map(|(snapshot, asks)| Transition::Read { snapshot, asks })
                .boxed(),
        ),
        (
            4,
            which()
                .prop_map(|snapshot| Transition::Release { snapshot })
                .boxed(),
        ),
        (
            5,
            which()
                .prop_map(|snapshot| Transition::Fork { snapshot })
                .boxed(),
        ),
        (
            8,
            (which(), from(), asks(), proptest::bool::weighted(0.2))
                .prop_map(|(db, from, asks, crowd)| Transition::Watch {
                    db,
                    from,
                    asks,
                    crowd,
                })
                .boxed(),
        ),
        (
            3,
            which()
                .prop_map(|watch| Transition::Unwatch { watch })
                .boxed(),
        ),
        (2, Just(Transition::Gather).boxed()),
        (
            6,
            (which(), which(), from(), asks())
                .prop_map(|(set, db, from, asks)| Transition::Join {
                    set,
                    db,
                    from,
                    asks,
                })
                .boxed(),
        ),
        (
            6,
            (which(), asking)
                .prop_map(|(set, how)| Transition::Tell { set, how })
                .boxed(),
        ),
        (
            2,
            (which(), which())
                .prop_map(|(set, watch)| Transition::Leave { set, watch })
                .boxed(),
        ),
        (
            1,
            which().prop_map(|set| Transition::Scatter { set }).boxed(),
        ),
        (
            3,
            (which(), any_pick())
                .prop_map(|(snapshot, ask)| Transition::WaitChanged { snapshot, ask })
                .boxed(),
        ),
        (
            5,
            (which(), any_pick())
                .prop_map(|(db, ask)| Transition::Follow { db, ask })
                .boxed(),
        ),
        (
            12,
            (which(), any::<bool>())
                .prop_map(|(follower, waiting)| Transition::Step { follower, waiting })
                .boxed(),
        ),
        (
            2,
            which()
                .prop_map(|follower| Transition::Unfollow { follower })
                .boxed(),
        ),
    ];
    let shape = shape.clone();
    Union::new_weighted(all.to_vec())
        .prop_filter("what is not there", move |transition| {
            Shape::preconditions(&shape, transition)
        })
        .boxed()
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
