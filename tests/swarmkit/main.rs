//! What SwarmKit's object store is asked by its own tests, and what its manager needs of it, asked of this library: its tables with their indexes, its selectors,
//! versions, batches, events and restores. `docs/parity.md` has the list.
#![cfg(feature = "derive")]
#![allow(
    clippy::unwrap_used,
    clippy::items_after_statements,
    clippy::doc_markdown,
    reason = "a test that cannot go on fails; what only one test needs stands in it; SwarmKit is a name"
)]

mod batches;
mod events;
mod names;
mod proposals;
mod restore;
mod selectors;
mod tables;
mod versions;
