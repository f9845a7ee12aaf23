//! An in-memory, MVCC, indexed database for Rust structs, durable in one copy-on-write file.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod key;
pub mod pagefile;
pub mod watch;

mod radix;
mod table;
