//! An in-memory, MVCC, indexed database for Rust structs, durable in one copy-on-write file.
//!
//! # The problem
//!
//! A scheduler, a controller, an agent: each holds a few tables of state that it reads all the time, from many threads, by more than one key; that it
//! must act upon when it changes; and that it must find again after a crash.
//!
//! One begins with a map behind a lock, `RwLock<HashMap<Id, Pod>>`, and a file that is written anew now and then. It works, until
//!
//! - somebody asks for the pods *on a node*. There is a second map now, by node, and every place that changes a pod has to change both. One
//!   of them will forget to, and nothing tells;
//! - a report goes through all pods. Writers wait for as long as it takes, or it clones everything first;
//! - two tables must be read as of one moment, or changed both or not at all. The lock grows around both, then around everything, and an error in
//!   the middle of a change leaves half of it;
//! - somebody waits for *one* pod to run. They poll, or are woken with all others at each change, or there are channels, which fill up behind a
//!   slow reader, or drop what it needed to see;
//! - the machine dies while the file is written.
//!
//! # What this is
//!
//! Structs with [`#[derive(Table)]`](derive@Table) are rows; their indexes are declared beside their fields and kept by the database. Each index is a persistent tree: a
//! commit makes a new version that shares all that did not change with the one before. So a reader holds a version and needs no lock, a transaction that fails
//! is a version that nobody sees, and what changed between two versions can be found without looking at the rest. That last one is what watches, followers
//! and the file are made of.
//!
//! ```
//! use sapwood::{Database, Error, Table};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Table, Clone, Debug, Serialize, Deserialize)]
//! #[table(name = "pods")]
//! #[table(index(by_node_cpu, on(node, cpu_milli)))]
//! struct Pod {
//!     #[key]
//!     name: String,
//!     /// `None`: on no node yet.
//!     node: Option<String>,
//!     cpu_milli: u64,
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let db = Database::builder().table::<Pod>().in_memory()?;
//!
//! db.write(|tx| {
//!     for (name, cpu_milli) in [("web-1", 500), ("web-2", 250), ("batch", 4000)] {
//!         tx.insert(Pod { name: name.into(), node: None, cpu_milli })?;
//!     }
//!     Ok::<_, Error>(())
//! })?;
//!
//! // The greatest pod that waits for a node.
//! let snapshot = db.snapshot();
//! let waiting = snapshot.last(Pod::BY_NODE_CPU.prefix(None::<&str>)).expect("three wait");
//! assert_eq!(waiting.name, "batch");
//!
//! // Put on a node, if nobody else has touched it since.
//! let seen = waiting.modified();
//! db.write(|tx| tx.update_if::<Pod>(&waiting.name, seen, |pod| pod.node = Some("n1".into())))?;
//! assert_eq!(db.snapshot().count(Pod::BY_NODE_CPU.prefix("n1")), 1);
//! // The snapshot shows what it showed.
//! assert_eq!(snapshot.count(Pod::BY_NODE_CPU.prefix("n1")), 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Tables and indexes
//!
//! [The derive](derive@Table) tells all that an index can be: on a field or several, computed, of every element of a collection, unique, partial, descending. For each it
//! makes a typed handle, an [`Index`], such as `Pod::BY_NODE_CPU`. A handle makes a [`Query`], which every verb takes:
//!
//! | | the rows |
//! |---|---|
//! | [`eq`](Index::eq) | with this key, all columns of it |
//! | [`prefix`](Index::prefix) | with these first columns |
//! | [`starts_with`](Index::starts_with) | where a column begins so |
//! | [`range`](Index::range) | between two keys, or first columns |
//! | [`all`](Index::all) | that are in the index, in its order |
//!
//! In an index with several entries for a row, each row is given once, at its first entry in the query. Some verbs take an index instead:
//! [`longest_prefix`](Snapshot::longest_prefix) finds the rule for a path or the route for an address, [`groups`](Snapshot::groups) counts what has its first columns in common, and
//! [`join`](Snapshot::join) finds the rows of another table for those of a query.
//!
//! A query of the wrong table, type or number of columns does not compile. Keys are of the types in [`key`], and your own with `#[derive(Key)]`.
//!
//! An index can also come and go while the program runs: [`WriteTxn::add_index`] takes a [`NewIndex`] and gives such a handle, and
//! [`WriteTxn::drop_index`] takes it back. Both are changes of a transaction like any other.
//!
//! # Snapshots
//!
//! A [`Snapshot`] is all tables as one commit left them. It is free to take, to clone and to send to another thread, and it shows the same for as long as it is
//! held, which keeps that in memory. [`get`](Snapshot::get), [`list`](Snapshot::list), [`first`](Snapshot::first), [`last`](Snapshot::last),
//! [`count`](Snapshot::count), [`contains`](Snapshot::contains) and [`only`](Snapshot::only) read it. What they give is a `&`[`Row`]`<T>`, which dereferences
//! to the struct and knows the commits that made and last wrote it; its clone is one count and outlives the database.
//!
//! [`Snapshot::fork`] makes a database in memory that begins there, to try out what a change would lead to.
//!
//! # Transactions
//!
//! [`Database::write`] runs a closure on a [`WriteTxn`] and commits if it returns `Ok`. It has the verbs of a snapshot, and reads what it wrote. One writes
//! at a time; the others wait for their turn. A refused operation leaves the transaction as it was, so it can go on:
//!
//! ```
//! # use sapwood::{Database, Error, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Table, Clone, Serialize, Deserialize)]
//! # struct Pod {
//! #     #[key]
//! #     name: String,
//! #     #[index]
//! #     node: Option<String>,
//! # }
//! # fn main() -> Result<(), Error> {
//! # let db = Database::builder().table::<Pod>().in_memory()?;
//! # let pod = |name: &str| Pod { name: name.into(), node: None };
//! let inserted = db.write(|tx| {
//!     let mut inserted = 0;
//!     for name in ["web-1", "web-2", "web-1"] {
//!         match tx.insert(pod(name)) {
//!             Ok(_) => inserted += 1,
//!             Err(Error::Duplicate { .. }) => {}
//!             Err(other) => return Err(other),
//!         }
//!     }
//!     let here = tx.savepoint();
//!     tx.remove_all(Pod::ALL)?;
//!     tx.rollback_to(&here)?;
//!     Ok(inserted)
//! })?;
//! assert_eq!(inserted, 2);
//! assert_eq!(db.snapshot().count(Pod::ALL), 2);
//! # Ok(())
//! # }
//! ```
//!
//! Who has read a row and writes it later says which one it was: `put_if`, `update_if`, `remove_if` and `remove_all_if` take the revision that was seen, and
//! are refused with [`Error::WrongRevision`] if the row was written since. [`Revision::ZERO`] means that there must be none. [`Snapshot::table_revision`] is the newest
//! commit that wrote a row of a table, or removed one.
//!
//! [`Database::begin_write`] gives a transaction without a closure; `try_begin_write` and `begin_write_timeout` do not wait for their turn, or not for ever.
//!
//! [`Builder::validate`] gives a table rules that every commit is held against, and [`WriteTxn::changes`] tells what a transaction has made of a table so far.
//!
//! [`WriteTxn::stage`] ends a transaction without publishing it. A [`Staged`] commit is published or discarded later, on any thread, at its own revision or one that
//! a replicated log decided on; its [`ChangeList`] is what to send to other nodes, where [`Database::apply`] writes it. Who knows a revision from elsewhere waits for it
//! with [`Database::wait_for`].
//!
//! # Watches
//!
//! [`Snapshot::watch`] gives a [`Watch`](watch::Watch) that fires once, when a row of the query comes, goes or is written after *that snapshot*: between reading and waiting nothing can be
//! missed. It fires for nothing else. Whoever takes a snapshot, acts on it and waits for a watch of that snapshot keeps something true:
//! [a controller loop](#a-controller-loop).
//!
//! A watch can also be waited for with a timeout, in a `select!`, or with `.await` in any executor; a [`WatchSet`](watch::WatchSet) is one waiter for any number of them.
//! [`Database::wait_changed`] waits until a query's result is another one than a snapshot has.
//!
//! # Followers
//!
//! [`Database::follow`] gives the rows of a query, and then how they change, in [batches](Batch) that each lead from one revision to another. Whoever is slow gets fewer and larger ones;
//! nothing is queued, and no removal is missed. A [`Follow`] is an iterator, and with feature `async` a `Stream`.
//!
//! # Files
//!
//! [`Builder::open`] keeps the database in a file. [`Durability`] says when a commit must be there: before anybody sees it, within a time, or when asked. The file
//! is a [`pagefile`], which is a store of its own and can be used without the rest. [`Database::close`] tells whether all went well, which dropping the last handle cannot.
//!
//! A table that is `#[table(ephemeral)]` is never in the file, and empty when it is opened: heartbeats, leases, caches. In transactions, indexes, watches and followers it is as any other; a
//! commit that changes only such tables writes nothing and waits for no disk. Its revision is one like others; after a crash, commits go on from the newest one that the file has.
//!
//! [`Database::backup`] writes the newest state, or [`Snapshot::backup`] any, to whatever takes bytes, and [`backup_to`](Database::backup_to) into a new file, while writing goes on: that is a file as any other, also of a
//! database in memory. [`Database::restore`] makes the rows of a running database those of a backup, in one commit that is told as the difference, and
//! [`Builder::load`] gives a database in memory that begins with the rows of a file.
//!
//! [`Inspect`] reads such a file without the structs: its tables, what their rows are made of, and the rows, ready for JSON. [`Edit`] puts rows into one, and [`Tail`] follows its commits while
//! a program makes them.
//!
//! The command-line tool `sapwood` (feature `cli`) shows, changes, copies and checks page files; [`Builder::salvage_into`], [`pagefile::RecoverOptions`], and `sapwood recover`, get out of a damaged one
//! what is sound, and tell what is lost.
//!
//! # Changing structs
//!
//! A file remembers what its rows are made of: names and types of all fields, down to the last. So it opens with a program whose structs have changed, as long as serde can make one of the
//! other, as it would from JSON. These changes need nothing else:
//!
//! | change | how |
//! |---|---|
//! | a field is added | `#[serde(default)]`, or an `Option` |
//! | a field is removed, or stands elsewhere | |
//! | a field or a variant gets another name | `#[serde(alias = "old")]`, or `rename` to the old one |
//! | a number gets a wider type | or a narrower one that all values in the file fit into |
//! | a field becomes an `Option`, a `Box`, a newtype | |
//! | a variant is added, or moved | |
//! | structs, enums and collections in fields change likewise | |
//! | an index is added, changed or dropped | a unique one is refused where rows have one key in it |
//! | a table is added or dropped | what a program does not declare is kept, and is there when it is declared again |
//!
//! Anything else is a new version of the struct, and a `From`:
//!
//! ```
//! # use sapwood::{Database, Table};
//! # use serde::{Deserialize, Serialize};
//! /// As it was.
//! #[derive(Table, Serialize, Deserialize)]
//! #[table(name = "leases")]
//! struct LeaseV1 {
//!     #[key]
//!     id: u64,
//!     holder: String, // user@node
//! }
//!
//! #[derive(Table, Serialize, Deserialize)]
//! #[table(name = "leases", version = 2, from(LeaseV1))]
//! struct Lease {
//!     #[key]
//!     id: u64,
//!     user: String,
//!     #[serde(default)]
//!     renewed: u32,
//! }
//!
//! impl From<LeaseV1> for Lease {
//!     fn from(old: LeaseV1) -> Self {
//!         let user = old.holder.split('@').next().unwrap_or_default();
//!         Self { id: old.id, user: user.to_owned(), renewed: 0 }
//!     }
//! }
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("state.sap");
//! let db = Database::builder().table::<LeaseV1>().open(&path)?;
//! db.write(|tx| tx.insert(LeaseV1 { id: 1, holder: "ann@n1".into() }))?;
//! db.close()?;
//!
//! let db = Database::builder().table::<Lease>().open(&path)?;
//! assert_eq!(db.snapshot().get::<Lease>(1).map(|lease| lease.user.as_str()), Some("ann"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The structs of several versions are given newest first, `version = 3, from(LeaseV2, LeaseV1)`; they need not be tables, but only `Deserialize`. A change of the same version is made to
//! the struct itself, with serde's attributes.
//!
//! Opening reads all rows anyway. If every one of them can be read, tables whose rows have other bytes now are written, and the file is of the new shape, before [`open`](Builder::open)
//! returns; else it is refused with [`Error::Schema`], which names the table, the field, both types and the row, and the file is as it was. A primary key can't change.
//!
//! # Tables that are filled from outside
//!
//! A table can wait for its sources: [`WriteTxn::add_initializer`] names one, [`WriteTxn::initialized`] says that it has filled its part, and
//! [`Snapshot::is_ready`], [`Snapshot::watch_ready`] and [`Database::wait_ready`] tell when none is left. So nobody takes a half-filled table for the whole.
//!
//! # Patterns
//!
//! A controller loop, a blocking query, planning on a fork, a work queue, routing, derived state, waiting for several things: [`patterns`] has a piece of code for each.
//!
//! # What is going on
//!
//! [`Database::counters`] says, at little cost, how writing goes, who holds the writer's seat and since when, and which snapshot was forgotten and what it
//! pins; [`Database::stats`] also counts the memory of each index ([`stats`]). A write that holds the seat for longer than [`Builder::warn_after`] is a
//! [`SlowWrite`], told to [`Builder::on_slow_write`]. The library prints nothing.
//!
//! With feature `tracing`, events of the target `sapwood` go to the subscriber of the program, each with the field `database`, the path of the file or `memory`:
//!
//! | level | event | fields besides |
//! |---|---|---|
//! | info | `opened` | `revision`, `file_bytes`, `loading_us` |
//! | debug | `commit` | `revision`, `rows`, `held_us`, `waited_us`, `persist_us` |
//! | trace | `abort` | `held_us`, `waited_us` |
//! | warn | `slow write` | `revision`, `rows`, `held_us`, `waited_us`, `thread`, `began` |
//! | error | `commit refused`, `published commits could not be written` | `error`, `poisoned` |
//! | info, error | `closed`, `closed, but not everything is in the file` | `error` |
//!
//! With feature `metrics`, the recorder that is installed when a database is opened gets these, with the label `database`:
//!
//! | metric | kind | of |
//! |---|---|---|
//! | `sapwood_commits_total`, `sapwood_rows_written_total` | counter | published commits, and the rows that they wrote or removed |
//! | `sapwood_aborts_total`, `sapwood_refused_commits_total` | counter | transactions that ended without a commit; commits that the disk refused |
//! | `sapwood_slow_writes_total` | counter | slow writes |
//! | `sapwood_watches_fired_total` | counter | watches that commits fired |
//! | `sapwood_seat_held_seconds`, `sapwood_seat_waited_seconds` | histogram | each transaction on the writer's seat, and its wait for it |
//! | `sapwood_persist_seconds` | histogram | what the file took for each commit |
//! | `sapwood_versions_held`, `sapwood_file_bytes` | gauge | versions held besides the published one; the size of the file; as of the last commit |
//!
//! Without these features, nothing of it is compiled.
//!
//! # Cargo features
//!
//! | feature | default | what it gives |
//! |---|---|---|
//! | `derive` | yes | [`#[derive(Table)]`](derive@Table) and `#[derive(Key)]` |
//! | `async` | yes | watches and sets of them with `.await`, followers as `futures_core::Stream`; for any executor, brings none |
//! | `uuid` | | `uuid::Uuid` as a key |
//! | `ipnet` | | the networks of `ipnet` as keys, and longest-prefix match of addresses |
//! | `jiff` | | `jiff::Timestamp` as a key |
//! | `chrono` | | `chrono::DateTime<Utc>` as a key |
//! | `tracing` | | events, as above |
//! | `metrics` | | numbers, as above |
//!
//! # What things cost
//!
//! | | |
//! |---|---|
//! | a snapshot, its clone, its drop | O(1); once the database is gone, the last drop of a version frees what only it kept |
//! | `get`, `first`, `last`, `count`, `contains`, `only`, the beginning of a `list` | O(length of the key) |
//! | a further row of a `list`, either way | O(1), no allocation |
//! | `nth` and `skip` in a `list`, either way | O(depth of the tree) |
//! | `count` and steps where a row may have several entries: other than `eq` in an index of `each` | O(entries), with the row's keys computed for each |
//! | `longest_prefix` | O(length of the key), mostly once or twice |
//! | `groups` | O(length of the key) for each group |
//! | `join` | O(length of the key) for each row of the query, O(1) for each further pair |
//! | an operation that writes a row | O(length of its keys), in all indexes |
//! | a commit | O(rows written), and a word for each index of the database |
//! | a commit to a file | these rows in its journal, whole pages of it, and one sync with [`Durability::Immediate`], shared with those who commit meanwhile; later these rows' pages in its trees |
//! | a watch: taken, fired, dropped | O(length of the key); of a `range`, times the logarithm of such watches |
//! | a commit, for watches on other rows of an index that it changes | O(length of the key) for each key changed, or one comparison for each watch, if these are fewer |
//! | a commit, for watches on indexes that it does not change | nothing |
//! | a step of a follower | O(changes in its query); the first O(rows) |
//! | a fork, a savepoint | O(indexes) |
//! | an index added; dropped | O(rows), and sorting its keys; O(its nodes) |
//! | opening a file | O(rows), and sorting the keys of the indexes; tables whose struct has changed are written |
//! | a backup; into a stream | O(rows), each encoded once; twice |
//! | restoring | O(rows), and a write of those that differ, which are in memory meanwhile |
//! | `counters` | O(indexes and versions held) |
//! | `stats` | O(nodes of all trees), while writers go on |
//!
//! # Limits
//!
//! All rows and indexes are in memory. One process has a file, and one thread at a time writes. A key has at most 32 KiB and eight columns, an index 2³² − 2¹⁶ entries. The primary
//! keys of tables in a file cannot change their types. Rows must be such that serde can tell their shape from the type alone ([`Table`](trait@Table)). The functions of indexes must depend on the row alone; those of `each` indexes run when these are read, too. Indexes that are added
//! at run time are in no file. To read a table that the database was not built with panics, and so does a query of an index that a state does not have. What a
//! dropped snapshot kept in memory is freed by the writes that follow, or by [`Database::reclaim`].
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
#[cfg(any(doc, doctest))]
pub mod patterns;
mod radix;
mod revision;

pub use db::stats;
pub use db::{
    Builder, Change, ChangeList, ChangeListError, Database, Durability, Groups, Initializer, Only,
    RefusedRow, RowChange, Rows, Savepoint, SlowWrite, Snapshot, Staged, WriteTxn,
};
pub use durable::{
    Backup, Edit, Inspect, JournalStats, RestoreOptions, Restored, Salvage, SalvagedJournal,
    SalvagedTable, StoredEntries, StoredEntry, StoredRow, StoredRows, Tail, Tailed, TailedChange,
    TailedCommit, salvage_journal,
};
pub use error::Error;
pub use follow::{Batch, Follow};
pub use key::Key;
pub use radix::Row;
pub use revision::Revision;
pub use table::{Each, Index, NewIndex, Query, Table};

#[doc(hidden)]
pub mod __private {
    pub use crate::table::private::*;
}

/// The example in the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The Rust of the page for those who know go-memdb, as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/coming-from-go-memdb.md")]
struct ComingFromGoMemdb;
