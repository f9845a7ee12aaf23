//! An in-memory, MVCC, indexed database for Rust structs, durable in one copy-on-write file.
#![cfg_attr(docsrs, feature(doc_cfg))]

// So that the code which the derive macros emit works in this crate's own tests.
#[cfg(all(test, feature = "derive"))]
extern crate self as sapwood;

pub mod key;
pub mod pagefile;
pub mod table;
pub mod watch;

mod db;
mod durable;
mod error;
mod follow;
mod radix;
mod revision;

pub use db::{Builder, Database, Durability, Only, Rows, Savepoint, Snapshot, Stats, WriteTxn};
pub use error::Error;
pub use follow::{Batch, Change, Follow};
pub use key::Key;
pub use radix::Row;
pub use revision::Revision;
pub use table::{Each, Index, Query, Table};

#[doc(hidden)]
pub mod __private {
    pub use crate::table::private::*;
}
