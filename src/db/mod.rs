//! The database: snapshots to read, transactions to write, and the pipeline by which a commit becomes visible.
//!
//! A commit goes *stage → persist → publish → notify* ([`commit`]): the draft becomes a version that nobody sees, the disk takes it as far as the mode
//! asks, it becomes the current one in one swap, and then the watches fire. If the disk refuses, the version is discarded; readers never saw it.
//!
//! | | what |
//! |---|---|
//! | `builder`, `database`, `snapshot`, `write_txn` | what a user holds |
//! | `read/` | the read verbs of the two that read, and what they give |
//! | `commit/` | the pipeline, the writer's seat, staged commits, the published version |
//! | `changes/` | what a transaction changed: typed, as bytes, and written on another node |
//! | `catalog`, `stored` | the tables, and what is done with rows where their type is not known |
//! | `replace` | making a table's rows those of a file |
//! | `live_index` | indexes that are added at run time |
//! | `validate`, `refusal` | what a program demands of its rows; why one is not written |
//! | `load`, `progress` | filling a table from a file, on several threads; who is told how far it is |
//! | `salvage` | filling a table with what is sound of a damaged file |
//! | `initializers` | what tables wait for |
//! | `stats/` | numbers about all of it |
//! | `observe/` | who is told of what happens, and of slow writes |
//!
//! The room imports `table`, `radix`, `watch` and `key`. It knows no file: `durable` implements its [`Persist`] and adds
//! [`Builder::open`].

mod builder;
mod catalog;
mod changes;
mod commit;
mod database;
mod initializers;
mod live_index;
mod load;
mod observe;
mod progress;
mod read;
mod refusal;
mod replace;
mod salvage;
mod snapshot;
pub mod stats;
mod stored;
mod validate;
mod write_txn;

pub use builder::{Builder, Durability};
pub(crate) use catalog::{Catalog, Entry};
pub use changes::{Change, ChangeList, ChangeListError, RowChange};
pub use commit::Staged;
pub(crate) use commit::core::Core;
pub(crate) use commit::durable::Durable;
pub(crate) use commit::persist::{CommitRecord, Persist, UnknownTables};
pub use database::Database;
pub use initializers::Initializer;
pub(crate) use load::{EachRow, Loading, Source, Stock};
pub use observe::slow_write::SlowWrite;
pub(crate) use observe::{Observe, Stopwatch, unwritten};
pub(crate) use progress::Progress;
pub use read::{Groups, Only, Rows};
pub(crate) use replace::Replaced;
pub use salvage::RefusedRow;
pub use snapshot::Snapshot;
pub(crate) use stats::Disk;
pub(crate) use stored::{Changed, Record, RowBytes, Stored, hex, revisions};
pub use write_txn::{Savepoint, WriteTxn};
