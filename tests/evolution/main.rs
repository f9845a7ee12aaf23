//! Structs that change: yesterday's file opens with today's program, and one that cannot be is refused and stays as it was.
//!
//! The files in `golden/` were written by the structs in `past.rs`. `SAPWOOD_WRITE_GOLDEN=1 cargo test --all-features --test evolution golden` writes them anew, which
//! only a new layout of the file asks for.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    clippy::items_after_statements,
    reason = "a test that cannot go on fails; structs stand beside what they test"
)]
#![cfg(feature = "derive")]

mod crashes;
mod fields;
mod fixture;
mod golden;
mod hostile;
mod indexes;
mod inspect;
mod model;
mod past;
mod refused;
#[allow(dead_code, reason = "the tests of the page file use more of it")]
#[path = "../pagefile_sim/mod.rs"]
mod sim;
mod tables;
mod types;
mod versions;
