//! What is fuzzed, as plain functions: `tests/fuzz_targets.rs` calls them too.

pub mod key;
pub mod page_file;
pub mod row;
