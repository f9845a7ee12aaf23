//! Waiting for a revision.

use std::time::Duration;

use super::super::{Database, Snapshot};
use super::durable::from;
use crate::watch::Watch;
use crate::{Error, Revision};

impl Database {
    /// Waits until a commit has this revision or a later one, and gives a snapshot that shows it: to read what somebody else is known to have written, here or
    /// on another node. At once where it is published.
    ///
    /// # Errors
    /// [`Error::Closed`] if the database is closed before.
    pub fn wait_for(&self, revision: Revision) -> Result<Snapshot, Error> {
        loop {
            if let Some(snapshot) = self.at_least(revision) {
                return Ok(snapshot);
            }
            if self.watch_revision(revision).wait().is_err() {
                return self.at_least(revision).ok_or(Error::Closed);
            }
        }
    }

    /// As [`wait_for`](Self::wait_for), for no longer than `timeout`; `None` after that. With [`Duration::ZERO`] it does not wait.
    ///
    /// # Errors
    /// [`Error::Closed`] if the database is closed before.
    pub fn snapshot_at_least(
        &self,
        revision: Revision,
        timeout: Duration,
    ) -> Result<Option<Snapshot>, Error> {
        if let Some(snapshot) = self.at_least(revision) {
            return Ok(Some(snapshot));
        }
        let waited = self.watch_revision(revision).wait_timeout(timeout);
        match (self.at_least(revision), waited) {
            (None, Err(_)) => Err(Error::Closed),
            (snapshot, _) => Ok(snapshot),
        }
    }

    /// A watch that fires when a commit has this revision or a later one; at once, if one has. It can be waited for in all the ways of a [`Watch`], with others in
    /// a [`WatchSet`](crate::watch::WatchSet).
    ///
    /// Commits pay one load where nobody waits for a revision, and wake only those whose revision they reach. O(log of the revisions that are waited for).
    pub fn watch_revision(&self, revision: Revision) -> Watch {
        let watch = self.core().revisions.register(from(revision), 0);
        // Registered first, compared then: what is published between the two is seen by one of them.
        if self.revision() >= revision {
            return watch.into_fired();
        }
        watch
    }

    fn at_least(&self, revision: Revision) -> Option<Snapshot> {
        let snapshot = self.snapshot();
        (snapshot.revision() >= revision).then_some(snapshot)
    }
}
