//! The commands, a file for each.

pub mod backup;
pub mod bench;
pub mod buckets;
pub mod check;
pub mod checkpoint;
pub mod compact;
pub mod delete;
pub mod diff;
pub mod dump;
pub mod export;
pub mod get;
pub mod import;
pub mod info;
pub mod keys;
pub mod page;
pub mod pages;
pub mod put;
pub mod recover;
pub mod restore;
pub mod rows;
pub mod schema;
pub mod shrink;
pub mod stats;
pub mod tables;
pub mod tail;
