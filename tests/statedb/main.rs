//! What cilium/statedb's own tests ask of it, asked of this library: the same promises in our words and forms, and each of its known defects as something
//! that does not happen here. `docs/parity.md` has the list.
#![cfg(feature = "derive")]
#![allow(
    clippy::unwrap_used,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; what only one test needs stands in it"
)]

mod changes;
mod changes_replayed;
mod committed;
mod fuzz;
mod initialization;
mod keys;
mod late_indexes;
mod lpm;
mod multi_keys;
mod numbers;
mod queries;
mod quick;
#[path = "../support/random.rs"]
mod random;
mod reconcile;
mod rows;
mod transactions;
mod tree;
mod values;
mod watch_precision;
mod watch_set;
mod watches;
mod writes;
