//! What go-memdb and go-immutable-radix promise by their own tests, kept here: one module for each of their themes, one test for each behaviour.
//!
//! Where sapwood does otherwise on purpose, the test holds our form, and says why. `docs/parity.md` lists every behaviour with its test.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]
#![cfg(feature = "derive")]

mod bounds;
mod changes;
mod filters;
mod fixture;
mod indexers;
mod integration;
mod isolation;
mod keys;
mod longest_prefix;
mod reads;
mod removals;
mod schema;
mod tracked;
mod transactions;
mod tree;
mod tree_versions;
mod tree_watches;
mod watches;
