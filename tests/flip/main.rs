//! Damage of every byte and every page: a page file gives right data or a typed error, never a wrong answer, a panic, an endless loop or a great deal of
//! memory.
//!
//! `cargo test --test flip -- --nocapture` tells what became of how many flipped bytes. One in a free page, or behind what a page holds, does no harm
//! and is `right`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../pagefile_faults/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod faults;
#[path = "../pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

mod bytes;
mod hostile;
mod lengths;
mod pages;
mod seal;
mod specimen;
mod structure;
mod told;
mod use_all;
mod verdict;
