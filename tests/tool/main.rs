//! The tool `sapwood`: every command is run as a program on real files, and what it prints, its exit code, and what it leaves of the files are checked.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(unreachable_pub)]
#![allow(
    clippy::option_option,
    clippy::type_complexity,
    reason = "rows of all types that there can be"
)]

mod content;
mod copying;
mod damaged;
mod database;
mod differing;
mod journal;
mod keys;
mod lines;
mod program;
mod reading;
mod recovering;
mod refused;
mod tables;
mod tailing;
mod writing;
