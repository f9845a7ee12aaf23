//! The database: snapshots to read, transactions to write, and the pipeline by which a commit becomes visible.
//!
//! A commit goes *stage → persist → publish → notify* ([`core`]): the draft becomes a version that nobody sees, the disk takes it as far as the mode
//! asks, it becomes the current one in one swap, and then the watches fire. If the disk refuses, the version is discarded; readers never saw it.
//!
//! | file | what |
//! |---|---|
//! | `builder`, `database`, `snapshot`, `write_txn`, `staged` | what a user holds |
//! | `read` | the read verbs of the two that read |
//! | `rows`, `prefixes`, `groups` | what they give |
//! | `change`, `change_list`, `apply` | what a transaction changed: typed, as bytes, and written on another node |
//! | `validate`, `refusal` | what a program demands of its rows; why one is not written |
//! | `wait` | waiting for a revision |
//! | `core` | what the handles share, and the pipeline |
//! | `live_index` | indexes that are added at run time |
//! | `turnstile`, `current` | the writer's seat, the published version |
//! | `catalog`, `stored` | the tables, and what is done with rows where their type is not known |
//! | `initializers` | what tables wait for |
//! | `persist` | what the pipeline asks of a disk |
//! | `stats`, `hold` | numbers about all of it; one hold of the seat, and their sum |
//! | `observe`, `slow_write` | who is told of what happens |
//!
//! The room imports `table`, `radix`, `watch` and `key`. It knows no file: `durable` implements its [`Persist`] and adds
//! [`Builder::open`].

mod apply;
mod builder;
mod catalog;
mod change;
mod change_list;
mod core;
mod current;
mod database;
mod groups;
mod hold;
mod initializers;
mod live_index;
mod observe;
mod persist;
mod prefixes;
mod read;
mod refusal;
mod rows;
mod slow_write;
mod snapshot;
mod staged;
pub mod stats;
mod stored;
mod turnstile;
mod validate;
mod wait;
mod write_txn;

pub use builder::{Builder, Durability};
pub(crate) use catalog::Catalog;
pub use change::Change;
pub use change_list::{ChangeList, ChangeListError, RowChange};
pub(crate) use core::Core;
pub use database::Database;
pub use groups::Groups;
pub use initializers::Initializer;
pub(crate) use observe::{Stopwatch, unwritten};
pub(crate) use persist::Persist;
pub use read::Only;
pub use rows::Rows;
pub use slow_write::SlowWrite;
pub use snapshot::Snapshot;
pub use staged::Staged;
pub(crate) use stored::Record;
pub use write_txn::{Savepoint, WriteTxn};
