//! Every refusal has a variant of its own, which names the table, the index and the keys; and words, which are held here to the letter.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

mod databases;
mod decided;
mod files;
mod fixture;
mod indexes;
mod initializers;
#[path = "../pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "the page file's tests use the rest of it")]
mod sim;
mod writes;
