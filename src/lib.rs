//! An in-memory, MVCC, indexed database for Rust structs, durable in one copy-on-write file.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod key;
pub mod pagefile;
pub mod watch;

mod radix;
mod revision;
mod table;

pub use radix::Row;
pub use revision::Revision;
