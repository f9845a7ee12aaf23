//! The database: what a program opens once and shares.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Builder;
use super::commit::core::Core;
use super::snapshot::Snapshot;
use super::write_txn::WriteTxn;
use crate::table::{Query, Table};
use crate::{Error, Revision};

/// An in-memory, indexed database of Rust structs, with free snapshots and exact watches; durable where it was opened on a file.
///
/// A handle: cloning it costs a count. When the last clone goes, the database is closed, as by [`close`](Self::close) but without a word about errors.
///
/// ```
/// use sapwood::{Database, Table};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Table, Clone, Debug, Serialize, Deserialize)]
/// #[table(name = "nodes")]
/// struct Node {
///     #[key]
///     name: String,
///     #[index]
///     zone: String,
///     cpus: u32,
/// }
///
/// # fn main() -> Result<(), sapwood::Error> {
/// let db = Database::builder().table::<Node>().in_memory()?;
/// db.write(|tx| {
///     tx.insert(Node { name: "n1".into(), zone: "east".into(), cpus: 8 })?;
///     tx.insert(Node { name: "n2".into(), zone: "east".into(), cpus: 4 })?;
///     tx.update::<Node>("n1", |node| node.cpus = 16)?;
///     Ok::<_, sapwood::Error>(())
/// })?;
///
/// let snapshot = db.snapshot();
/// assert_eq!(snapshot.count(Node::BY_ZONE.eq("east")), 2);
/// let cpus: u32 = snapshot.list(Node::BY_ZONE.eq("east")).map(|node| node.cpus).sum();
/// assert_eq!(cpus, 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    owner: Arc<Owner>,
}

/// Closes the database when the last handle goes; snapshots hold only the core.
struct Owner {
    core: Arc<Core>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // A drop can't tell; who wants to know calls `close`.
        let _ = self.core.close();
    }
}

impl Database {
    /// Begins to describe a database: its tables, and how durable it is.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn from_core(core: Core) -> Self {
        Self {
            owner: Arc::new(Owner {
                core: Arc::new(core),
            }),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.owner.core
    }

    /// The newest published state, to read for as long as it is held. O(1); it waits for no transaction.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.core().current(), Arc::clone(self.core()))
    }

    /// The number of the newest published commit.
    pub fn revision(&self) -> Revision {
        self.core().current().revision()
    }

    /// Runs a write transaction: commits if `change` returns `Ok`, else leaves everything as it was, also if it panics.
    ///
    /// Waits for its turn: one writer at a time. What `change` returns is given on.
    ///
    /// # Errors
    /// What `change` returns; [`Error::NestedWrite`] inside of another write transaction of this thread; [`Error::Poisoned`] and
    /// [`Error::File`] where the disk refuses; [`Error::Closed`].
    #[track_caller]
    pub fn write<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut WriteTxn) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut tx = self.begin_write()?;
        let result = change(&mut tx)?;
        tx.commit()?;
        Ok(result)
    }

    /// Begins a write transaction, waiting for its turn. Dropped without [`commit`](WriteTxn::commit), it changes nothing.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn begin_write(&self) -> Result<WriteTxn, Error> {
        loop {
            if let Some(writer) = self.core().enter(None)? {
                return Ok(WriteTxn::new(writer, Arc::clone(self.core())));
            }
        }
    }

    /// Begins a write transaction if nobody else has one; `None` else.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn try_begin_write(&self) -> Result<Option<WriteTxn>, Error> {
        self.begin_write_timeout(Duration::ZERO)
    }

    /// Begins a write transaction, waiting for its turn for as long as `timeout`; `None` after that.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn begin_write_timeout(&self, timeout: Duration) -> Result<Option<WriteTxn>, Error> {
        let writer = self.core().enter(Some(timeout))?;
        Ok(writer.map(|writer| WriteTxn::new(writer, Arc::clone(self.core()))))
    }

    /// Waits until the result of `query` differs from what `snapshot` shows, and returns a snapshot that shows it.
    ///
    /// A [watch](Snapshot::watch) also fires for a change that was undone meanwhile; this does not return for it.
    ///
    /// # Errors
    /// [`Error::Closed`] when the database is; [`Error::UnknownIndex`] when the index was added at run time and is dropped.
    pub fn wait_changed<T: Table>(
        &self,
        snapshot: &Snapshot,
        query: Query<T>,
    ) -> Result<Snapshot, Error> {
        let mut seen = snapshot.clone();
        loop {
            seen.has_index(&query)?;
            let changed = seen.watch(query.clone()).wait();
            seen = self.snapshot();
            seen.has_index(&query)?;
            changed.map_err(|_| Error::Closed)?;
            if snapshot.differs(&seen, &query) {
                return Ok(seen);
            }
        }
    }

    /// Refuses a table that the database was built without.
    pub(crate) fn has_table<T: Table>(&self) -> Result<(), Error> {
        self.core().catalog.family::<T>().map(drop)
    }

    /// Makes every commit durable that was published when it is called. In memory it does nothing.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Poisoned`] where the disk refuses.
    pub fn sync(&self) -> Result<(), Error> {
        self.core().sync()
    }

    /// As [`sync`](Self::sync), and brings all that is in the file's journal into its trees, so that opening it has nothing to repeat. Writers go on meanwhile; the trees
    /// hold at least what was published when it was called. O(changes since the last checkpoint); where there are none, nothing is written. There are
    /// checkpoints without it, too, but for [`Durability::Checkpoint`](super::Durability::Checkpoint), where this and [`sync`](Self::sync) do the same.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn checkpoint(&self) -> Result<(), Error> {
        self.core().checkpoint()
    }

    /// Frees the memory of all rows that no snapshot shows any more, at once, and gives what lies together back to the system. Else later write
    /// transactions free it, step by step, and use it for other rows.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[track_caller]
    pub fn reclaim(&self) -> Result<(), Error> {
        self.core().reclaim()
    }

    /// Ends the database for all its handles: makes every commit durable, closes the file and all watches. Snapshots stay readable. Once is enough;
    /// the last handle does so too when it goes, but can't tell of errors.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Poisoned`] where the disk refuses.
    pub fn close(&self) -> Result<(), Error> {
        self.core().close()
    }

    /// Whether the database was closed, by this handle or another.
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self
            .core()
            .catalog
            .tables
            .iter()
            .map(|table| &table.definition.name);
        f.debug_struct("Database")
            .field("revision", &self.revision())
            .field("tables", &tables.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
