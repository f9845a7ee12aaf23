//! The persistent radix tree: versions of ordered indexes that share all that did not change.
//!
//! A tree maps byte keys to rows. It is an *adaptive radix tree* (Leis, Kemper, Neumann, ICDE 2013, for the idea of compressed paths and
//! nodes by fan-out) with two departures. Its leaves are **buckets** of up to 32 rows, so that a scan reads rows that lie side by side and
//! a tree of a million rows has 50,000 leaves. And its digits are **wide**: an inner node tells up to 64 children apart by the next 7 bytes
//! of the key, like a B-tree whose keys are one machine word. So fill is near a B-tree's, depth near a trie's, and no comparison reads
//! more than a word until the bucket is reached.
//!
//! Changing a tree copies the path to the change, once for each transaction; all else is shared between versions. Nodes are not reference-counted: each carries the
//! stamp of the transaction that made it, and the history frees it when no live version lies between its birth and its end.
//!
//! | file | what |
//! |---|---|
//! | `digit` | the integers that nodes search |
//! | `node`, `make`, `gap` | the bytes of nodes; with `pool` and `region`, their memory |
//! | `find`, `cursor`, `diff`, `census`, `check` | reading: one key, in order, two versions, all nodes, all invariants |
//! | `edit` | changing a tree: with `grow`, `divide`, `shrink`, and `unpacked` between them |
//! | `bulk` | building one |
//! | `row` | counted rows and their bare handles; with `heap`, their memory |
//! | `layout`, `version`, `history`, `dead`, `garbage` | which trees there are, states of them, what may be freed, and is |
//! | `holdings` | what held versions keep in memory |
//! | `draft`, `steps`, `load` | the running transaction, the changes of one row, and filling a table at once |
//! | `added` | trees that come while the history runs, and go |
//!
//! The room knows key bytes and nothing of tables. It is the one place where `unsafe` is allowed, besides the mapping of the page file. What makes it
//! sound: a [`Version`] or [`Draft`] lends rows only for as long as it is borrowed; only the draft writes to nodes, and only to those
//! it made; a row leaves the history only when every entry that pointed at it was taken out, which [`Draft::put`] and [`Draft::remove`] check.
//!
//! Keys may be any bytes of at most 32 KiB; they need not be prefix-free. A tree holds fewer than 2³² rows.
#![allow(unsafe_code)]

mod added;
mod bulk;
mod census;
#[cfg(test)]
mod check;
mod cursor;
mod dead;
mod diff;
mod digit;
mod divide;
mod draft;
mod edit;
mod find;
mod gap;
mod garbage;
mod grow;
mod heap;
mod history;
mod holdings;
mod layout;
mod load;
mod make;
mod node;
mod pool;
mod region;
mod row;
mod shrink;
mod steps;
mod unpacked;
mod version;
mod written;

#[cfg(test)]
mod tests;

pub(crate) use added::{About, AddedTrees, NotAdded};
pub(crate) use dead::Weight;
pub(crate) use draft::{Draft, Refused, Savepoint};
pub(crate) use garbage::Garbage;
pub(crate) use heap::RowMemory;
pub(crate) use history::{Staged, Writer};
pub(crate) use holdings::Holdings;
pub(crate) use layout::Layout;
pub(crate) use load::{Loaded, LoadedPart, NotLoaded};
pub use row::Row;
pub(crate) use steps::Keys;
pub(crate) use version::{Changed, Rows, State, Tree, Version};
pub(crate) use written::Fate;
