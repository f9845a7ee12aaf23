//! Snapshots.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Database;
use super::commit::core::Core;
use super::live_index::{self, KeysOf, LiveIndex};
use super::observe::Observe;
use super::read::groups::Groups;
use super::read::prefixes::Prefixes;
use super::read::rows::Rows;
use super::read::verbs::{Only, read_verbs};
use crate::key::{Key, KeyBuf, KeyOf};
use crate::radix::{Changed, Tree, Version, Writer};
use crate::table::{ExtendsLast, Grouping, Index, Query, Table};
use crate::watch::Watch;
use crate::{Error, Revision, Row};

/// All tables as one commit left them.
///
/// Taking one is O(1), and so is cloning it. It waits for no writer's work and no writer waits for it: at most for a lock that is
/// held while a pointer is swapped or a count raised. It may go to any thread, and shows the same for as long as it is
/// held, even after the [`Database`](super::Database) is gone. What it shows stays in memory.
#[derive(Clone)]
pub struct Snapshot {
    version: Version,
    pub(super) core: Arc<Core>,
}

impl Snapshot {
    pub(super) fn new(version: Version, core: Arc<Core>) -> Self {
        Self { version, core }
    }

    #[inline]
    fn tree<T: Table>(&self, index: usize) -> Tree<'_, T> {
        self.version.tree(self.core.family::<T>(), index)
    }

    #[inline]
    fn find<T: Table>(&self, index: usize) -> Option<Tree<'_, T>> {
        self.version.find(self.core.family::<T>(), index)
    }

    fn keys_of<T: Table>(&self, index: usize) -> KeysOf {
        KeysOf::index(self.version.added(), self.core.family::<T>(), index)
    }

    read_verbs!();

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// Refuses a query of an index that was added at run time, and that this state does not have.
    pub(crate) fn has_index<T: Table>(&self, query: &Query<T>) -> Result<(), Error> {
        let tree = self.find::<T>(query.index());
        tree.map(drop).ok_or_else(|| live_index::unknown(query))
    }

    /// The commit that it shows.
    pub fn revision(&self) -> Revision {
        self.version.revision()
    }

    /// The newest commit up to this snapshot that changed a row of the table, or wrote one as it was. It never goes back, not by removing rows either. O(1).
    ///
    /// After a file was opened it is at first the file's revision, for every table that has been in it.
    pub fn table_revision<T: Table>(&self) -> Revision {
        self.version.family_revision(self.core.family::<T>())
    }

    /// A watch that fires when a row of the query comes, goes or is written after this snapshot; at once, if that has happened already.
    ///
    /// It fires for nothing else: not for rows beside the query, however close. O(key length) where nothing has changed yet. On an index that was
    /// added at run time, it is closed when the index is dropped.
    ///
    /// # Panics
    /// As the reads do.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Table, Serialize, Deserialize)]
    /// struct Node {
    ///     #[key]
    ///     name: String,
    ///     #[index]
    ///     zone: String,
    /// }
    ///
    /// # fn main() -> Result<(), sapwood::Error> {
    /// let db = Database::builder().table::<Node>().in_memory()?;
    /// let watch = db.snapshot().watch(Node::BY_ZONE.eq("east"));
    ///
    /// db.write(|tx| tx.insert(Node { name: "n1".into(), zone: "west".into() }))?;
    /// assert!(!watch.is_fired());
    ///
    /// db.write(|tx| tx.insert(Node { name: "n2".into(), zone: "east".into() }))?;
    /// watch.wait().expect("the database is open");
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch<T: Table>(&self, query: Query<T>) -> Watch {
        let (family, index) = (self.core.family::<T>(), query.index());
        let old = self.queried(&query);
        let declared = self.core.catalog.entry(family).watches.get(index);
        let live = live_index::get(self.version.added(), family, index).map(|live| &live.watches);
        let Some(watches) = declared.or(live) else {
            unreachable!("every tree of a family has watches")
        };
        let watch = watches.register(query.range().clone(), self.revision().get());
        // Registered first, compared then: what is published between the two is seen by one of them.
        let now = self.core.current();
        if now.revision() <= self.revision() {
            return watch;
        }
        let Some(new) = now.find(family, index) else {
            // The index was dropped: whoever committed that does the same.
            watches.close_dropped();
            return watch;
        };
        if old
            .diff(new, query.range(), |_| ControlFlow::Break(()))
            .is_break()
        {
            return watch.into_fired();
        }
        watch
    }

    /// A database in memory that begins with what this snapshot shows, and goes its own way: to try out what a change would lead to.
    ///
    /// O(number of indexes): it shares the snapshot's memory, which stays pinned. What it commits is never seen in the original, nor the other way round.
    pub fn fork(&self) -> Database {
        let catalog = Arc::new(self.core.catalog.fork());
        let (writer, version) = Writer::fork(&self.version, LiveIndex::fork);
        Database::from_core(Core::new(catalog, writer, version, None, Observe::silent()))
    }

    /// The newest published state of the same database.
    pub(crate) fn newest(&self) -> Self {
        Self::new(self.core.current(), Arc::clone(&self.core))
    }

    /// Whether a query has other rows in `other`. O(changes).
    pub(super) fn differs<T: Table>(&self, other: &Self, query: &Query<T>) -> bool {
        self.diff(other, query, |_| ControlFlow::Break(()))
            .is_break()
    }

    /// Calls `found` for each entry of the query that is not the same in `newer`.
    pub(crate) fn diff<'a, T: Table, B>(
        &'a self,
        newer: &'a Self,
        query: &Query<T>,
        found: impl FnMut(Changed<'_, 'a, T>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.queried(query)
            .diff(newer.queried(query), query.range(), found)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
