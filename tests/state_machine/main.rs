//! The whole public interface against a model: any number of databases, forks, snapshots, watches, sets of them and followers, in any order.
//!
//! What is asked of each is in `world`; what can happen in `transition`; when it can, in `shape`. All chance is in the transitions, so a failure shrinks
//! to a few of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

mod set;
mod shape;
#[path = "../support/mod.rs"]
mod support;
mod transition;
mod world;

use shape::Shape;
use transition::Transition;
use world::World;

struct Machine;

impl StateMachineTest for Machine {
    type SystemUnderTest = World;
    type Reference = Shape;

    fn init_test(shape: &Shape) -> World {
        World::new(shape.populated)
    }

    fn apply(mut world: World, _: &Shape, transition: Transition) -> World {
        world.apply(transition);
        world
    }

    fn check_invariants(world: &World, shape: &Shape) {
        assert_eq!(world.shape(shape.populated), *shape);
        world.check();
    }

    fn teardown(world: World, _: Shape) {
        world.end();
    }
}

fn config() -> Config {
    Config {
        // A case is long: it takes more attempts to make it short than proptest allows for so few.
        max_shrink_iters: 4000,
        max_shrink_time: 60_000,
        ..support::model::cases(48)
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    /// After each transition every database, fork and snapshot shows exactly what its model does, each watch has fired if and only if a row of its query
    /// was written between its snapshot and a published version, and each follower's replica is the result of its query, with no gap between steps; and
    /// so it is to the end, in whatever order they are closed and dropped.
    #[test]
    fn everything_agrees_with_the_model(sequential 1..60 => Machine);
}
