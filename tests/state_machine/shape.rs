//! The reference: how many there are of what, from which follows what can happen next.
//!
//! What is *in* the databases is modelled beside them (`world`), because each operation's result is compared as it is done.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use super::transition::{Transition, transition};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) populated: bool,
    pub(crate) databases: usize,
    pub(crate) snapshots: usize,
    /// Watches that were taken together.
    pub(crate) watches: usize,
    pub(crate) sets: usize,
    pub(crate) followers: usize,
}

impl ReferenceStateMachine for Shape {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        let shape = |populated| Self {
            populated,
            databases: 1,
            ..Self::default()
        };
        any::<bool>().prop_map(shape).boxed()
    }

    fn transitions(shape: &Self) -> BoxedStrategy<Transition> {
        transition(shape)
    }

    fn preconditions(shape: &Self, transition: &Transition) -> bool {
        match transition {
            Transition::Write { .. }
            | Transition::WriteInside { .. }
            | Transition::Close { .. }
            | Transition::Await { .. }
            | Transition::Reclaim { .. }
            | Transition::Watch { from: None, .. } => true,
            Transition::Hold { .. } => shape.snapshots < 12,
            Transition::Copy { .. } => (1..12).contains(&shape.snapshots),
            Transition::Release { .. }
            | Transition::Read { .. }
            | Transition::WaitChanged { .. }
            | Transition::Watch { from: Some(_), .. } => shape.snapshots > 0,
            Transition::Fork { .. } => shape.snapshots > 0 && shape.databases < 5,
            Transition::Replicate { .. } => shape.databases < 5,
            Transition::Drop { .. } => shape.databases > 1,
            Transition::Unwatch { .. } => shape.watches > 0,
            Transition::Gather => shape.sets < 3,
            Transition::Join { from, .. } => {
                shape.sets > 0 && (from.is_none() || shape.snapshots > 0)
            }
            Transition::Tell { .. } | Transition::Leave { .. } | Transition::Scatter { .. } => {
                shape.sets > 0
            }
            Transition::Follow { .. } => shape.followers < 8,
            Transition::Step { .. } | Transition::Unfollow { .. } => shape.followers > 0,
        }
    }

    fn apply(mut shape: Self, transition: &Transition) -> Self {
        match transition {
            Transition::Hold { .. } | Transition::Copy { .. } => shape.snapshots += 1,
            Transition::Release { .. } => shape.snapshots -= 1,
            Transition::Fork { .. } | Transition::Replicate { .. } => shape.databases += 1,
            Transition::Drop { .. } => shape.databases -= 1,
            Transition::Watch { .. } => shape.watches += 1,
            Transition::Unwatch { .. } => shape.watches -= 1,
            Transition::Gather => shape.sets += 1,
            Transition::Scatter { .. } => shape.sets -= 1,
            Transition::Follow { .. } => shape.followers += 1,
            Transition::Unfollow { .. } => shape.followers -= 1,
            _ => {}
        }
        shape
    }
}
