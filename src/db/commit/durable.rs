//! Which commits are durable, and who waits to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Database;
use crate::key::{KeyBuf, KeyRange};
use crate::watch::{Registry, Watch, publication_fence};
use crate::{Error, Revision};

/// The newest durable commit of a database on a file, and who waits for a later one: the keys are revisions, big-endian.
pub(crate) struct Durable {
    revision: AtomicU64,
    watches: Arc<Registry>,
}

impl Durable {
    pub(crate) fn new(revision: Revision) -> Self {
        Self {
            revision: AtomicU64::new(revision.get()),
            watches: Arc::new(Registry::new()),
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        Revision::new(self.revision.load(Ordering::Acquire))
    }

    /// All commits up to this one are durable. Wakers are strangers: to be called under no lock.
    pub(crate) fn advance(&self, revision: Revision) {
        let revision = revision.get();
        if self.revision.fetch_max(revision, Ordering::AcqRel) >= revision {
            return;
        }
        publication_fence();
        if !self.watches.is_empty() {
            self.watches.firing(revision).key(&revision.to_be_bytes());
        }
    }

    /// Nothing becomes durable any more.
    pub(crate) fn close(&self) {
        self.watches.close();
    }

    fn watch(&self, revision: Revision) -> Watch {
        let watch = self.watches.register(from(revision), 0);
        // Registered first, compared then: what becomes durable between the two is seen by one of them.
        if self.revision() >= revision {
            return watch.into_fired();
        }
        watch
    }
}

/// The keys of a revision and all later ones.
pub(super) fn from(revision: Revision) -> KeyRange {
    KeyRange::Span {
        start: KeyBuf::from_slice(&revision.get().to_be_bytes()),
        end: None,
    }
}

impl Database {
    /// The newest commit that is durable, as all before it are: with [`Durability::Immediate`](super::super::Durability::Immediate) the newest published one. In memory, where
    /// nothing is more durable than published, it is that, too.
    pub fn durable_revision(&self) -> Revision {
        let durable = self.core().durable();
        durable.map_or_else(|| self.revision(), Durable::revision)
    }

    /// Waits until the commit of this revision, or a later one, is durable. It makes none durable by itself: with
    /// [`Durability::Checkpoint`](super::super::Durability::Checkpoint) somebody has to call [`checkpoint`](Self::checkpoint).
    ///
    /// ```
    /// # use sapwood::{Database, Durability, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # use std::time::Duration;
    /// # #[derive(Table, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state.sap");
    /// let within = Duration::from_millis(5);
    /// let db = Database::builder().table::<Node>().durability(Durability::Eventual { within }).open(&path)?;
    /// let mut tx = db.begin_write()?;
    /// tx.insert(Node { name: "n1".into() })?;
    /// let revision = tx.commit()?;
    /// db.wait_durable(revision)?;
    /// assert!(db.durable_revision() >= revision);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Poisoned`] if the disk refuses before; [`Error::Closed`] if the database is closed before.
    pub fn wait_durable(&self, revision: Revision) -> Result<(), Error> {
        while self.durable_revision() < revision {
            if self.watch_durable(revision).wait().is_err() && self.durable_revision() < revision {
                self.core().poisoned()?;
                return Err(Error::Closed);
            }
        }
        Ok(())
    }

    /// A watch that fires when the commit of this revision, or a later one, is durable; at once, if it is. It is closed when the database is, and
    /// when the disk has failed.
    pub fn watch_durable(&self, revision: Revision) -> Watch {
        match self.core().durable() {
            Some(durable) => durable.watch(revision),
            None => self.watch_revision(revision),
        }
    }
}
