//! Numbers about a database: what it holds, who holds what, and how writing goes.
//!
//! [`Database::counters`](crate::Database::counters) is cheap, for a dashboard that asks every second: O(indexes + versions held).
//! [`Database::stats`](crate::Database::stats) also walks all nodes of all trees, on a snapshot, while writers go on: O(nodes).
//!
//! Everything here can be serialised, and `Display` writes it for people. More numbers may come in any release.
//!
//! ```
//! use sapwood::{Database, Table};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Table, Clone, Serialize, Deserialize)]
//! #[table(name = "nodes")]
//! struct Node {
//!     #[key]
//!     name: String,
//!     #[index]
//!     zone: String,
//! }
//!
//! # fn main() -> Result<(), sapwood::Error> {
//! let db = Database::builder().table::<Node>().in_memory()?;
//! db.write(|tx| tx.insert(Node { name: "n1".into(), zone: "east".into() }))?;
//! let forgotten = db.snapshot();
//! db.write(|tx| tx.update::<Node>("n1", |node| node.zone = "west".into()))?;
//!
//! let counters = db.counters();
//! assert_eq!(counters.commits.count, 2);
//! let oldest = counters.versions.oldest.expect("a snapshot is held");
//! assert_eq!((oldest.revision, oldest.pins.rows), (forgotten.revision(), 1));
//!
//! let stats = db.stats();
//! assert_eq!(stats.tables[0].indexes[1].entries, 1);
//! println!("{stats}");
//! # Ok(())
//! # }
//! ```

mod gather;
mod show;

use std::time::Duration;

use serde::Serialize;

use crate::Revision;

/// All numbers about a database: [`Database::stats`](crate::Database::stats).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// What is cheap to know, by itself from [`Database::counters`](crate::Database::counters).
    pub counters: Counters,
    /// The memory of each table, in the order in which they were added to the builder.
    pub tables: Vec<TableStats>,
}

/// What is cheap to know about a database: [`Database::counters`](crate::Database::counters).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// The newest published commit.
    pub revision: Revision,
    /// The size of the file in bytes; zero in memory.
    pub file_bytes: u64,
    /// What its file has done since it was opened; `None` in memory.
    pub disk: Option<Disk>,
    /// Commits since it was opened.
    pub commits: Commits,
    /// The one writer's seat.
    pub seat: Seat,
    /// What is held besides the published version.
    pub versions: Versions,
    /// Watches on all tables.
    pub watches: Watches,
    /// Each table, in the order in which they were added to the builder.
    pub tables: Vec<TableCounters>,
}

/// Commits since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Commits {
    /// Published ones, that is those that changed something.
    pub count: u64,
    /// Rows that they wrote or removed; a source that is added or [done](crate::Initializer) counts as one.
    pub rows: u64,
    /// Transactions that ended without a commit.
    pub aborted: u64,
    /// Commits that the disk refused, or that came when the database was closed.
    pub refused: u64,
}

/// The file of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Disk {
    /// The newest durable commit.
    pub durable: Revision,
    /// The newest commit in the trees of the file, as far as a crash would leave them: the journal has the durable ones behind it.
    pub checkpointed: Revision,
    /// How often trees were written.
    pub checkpoints: u64,
    /// Groups of commits that were written to the journal, each with one sync.
    pub groups: u64,
    /// The bytes of the journal that are not in the trees yet.
    pub journal_bytes: u64,
    /// Syncs of the file.
    pub syncs: u64,
    /// Bytes written to the file.
    pub bytes_written: u64,
}

/// The seat of the one writer, since the database was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Seat {
    /// How long transactions held it, those that changed nothing included, and [`reclaim`](crate::Database::reclaim).
    pub held: Timing,
    /// How long others waited for it. Who got it at once is not in it; who gave up is.
    pub waited: Timing,
    /// How many wait now.
    pub waiting: usize,
    /// How many held it for longer than [`Builder::warn_after`](crate::Builder::warn_after).
    pub slow: u64,
    /// Who has it now.
    pub now: Option<Sitting>,
}

/// How often something took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timing {
    /// How often.
    pub count: u64,
    /// All together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Timing {
    pub(super) fn add(&mut self, took: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(took);
        self.longest = self.longest.max(took);
    }
}

/// The transaction that has the writer's seat now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sitting {
    /// For how long it has it.
    pub held: Duration,
    /// The name of its thread.
    pub thread: Option<String>,
    /// Where it began in the program, as `file:line:column`.
    pub began: String,
}

/// Versions that are held besides the published one: by snapshots, followers and forks, and by a file that is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Versions {
    /// How many. All snapshots of one revision hold one version.
    pub held: usize,
    /// The oldest of them.
    pub oldest: Option<OldestVersion>,
    /// Everything that the published version does not show any more and is not freed yet: because something held shows it, or because no
    /// write came since it was let go of. Without the rows, fifteen at most, that wait to be let
    /// go of together.
    pub unlinked: Memory,
}

/// The oldest version that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OldestVersion {
    /// The commit that it shows.
    pub revision: Revision,
    /// For how long it has been out of date: since the transaction began that made the next version.
    pub age: Duration,
    /// What would be freed if it were let go of: what no later version shows. What versions between showed, and were let go of, is added by
    /// the writes that follow, or at once by [`reclaim`](crate::Database::reclaim).
    pub pins: Memory,
}

/// An amount of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// Nodes of trees.
    pub nodes: usize,
    /// Rows.
    pub rows: usize,
    /// Of the nodes, and of the rows' own blocks; what a row points at (strings, lists) is not known.
    pub bytes: usize,
}

/// Watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Watches {
    /// Set now: neither fired, closed nor dropped.
    pub set: usize,
    /// Fired by commits since the database was opened.
    pub fired: u64,
}

/// What is cheap to know about a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableCounters {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Watches on its indexes.
    pub watches: Watches,
}

/// The memory of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableStats {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Bytes of the rows' own blocks, each `size_of` the struct and 24 for what the database knows of it, rounded up to a multiple of 32 where
    /// that is at most 2 KiB. What a row points at (strings, lists) is not known.
    pub row_bytes: usize,
    /// Its indexes, each at the place of its number: first the primary one.
    pub indexes: Vec<IndexStats>,
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IndexStats {
    /// Its name.
    pub name: String,
    /// Its entries.
    pub entries: usize,
    /// Bytes of its nodes.
    pub bytes: usize,
    /// Nodes that lead to others.
    pub inner: usize,
    /// Nodes that hold entries.
    pub buckets: usize,
    /// Nodes on the longest way from the root to an entry.
    pub depth: usize,
    /// Watches on it.
    pub watches: Watches,
}
