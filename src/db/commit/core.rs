//! What the handles of one database share, and the commit pipeline.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::catalog::Catalog;
use super::super::live_index;
use super::super::observe::{Observe, Stopwatch};
use super::current::Current;
use super::hold::{End, Ledger};
use super::persist::Persist;
use super::staged::Prepared;
use super::turnstile::{Carried, Seated, Sitter, Turnstile};
use crate::radix::{Draft, Version, Writer};
use crate::table::Table;
use crate::watch::{Registry, publication_fence};
use crate::{Error, Revision};

/// A database without its handles. Snapshots hold it too, and outlive the handles.
pub(crate) struct Core {
    pub(crate) catalog: Arc<Catalog>,
    current: Current,
    /// Who waits for a revision: the keys are revisions, big-endian.
    pub(in crate::db) revisions: Arc<Registry>,
    writer: Turnstile<Writer>,
    persist: Option<Box<dyn Persist>>,
    /// Whether publishing has ended. Held to publish and to close, so that what closing writes is the last that was published.
    closed: Mutex<bool>,
    pub(in crate::db) observe: Observe,
}

impl Core {
    pub(crate) fn new(
        catalog: Arc<Catalog>,
        writer: Writer,
        version: Version,
        persist: Option<Box<dyn Persist>>,
        observe: Observe,
    ) -> Self {
        Self {
            catalog,
            current: Current::new(version),
            revisions: Arc::new(Registry::new()),
            writer: Turnstile::new(writer),
            persist,
            closed: Mutex::new(false),
            observe,
        }
    }

    /// The published version.
    pub(in crate::db) fn current(&self) -> Version {
        self.current.load()
    }

    /// The family of a table that the database must have.
    ///
    /// # Panics
    /// If it has not: reading it would seem to find an empty table.
    #[inline]
    pub(in crate::db) fn family<T: Table>(&self) -> usize {
        match self.catalog.family::<T>() {
            Ok(family) => family,
            Err(error) => panic!("{error}"),
        }
    }

    fn poisoned(&self) -> Result<(), Error> {
        self.persist
            .as_ref()
            .and_then(|persist| persist.poisoned())
            .map_or(Ok(()), Err)
    }

    /// Waits for the writer's seat.
    #[track_caller]
    pub(in crate::db) fn enter(
        &self,
        timeout: Option<Duration>,
    ) -> Result<Option<Seated<Writer>>, Error> {
        self.poisoned()?;
        let mut seated = self.writer.enter(timeout)?;
        if let Some(writer) = &mut seated {
            writer.thing.begin(writer.since);
        }
        Ok(seated)
    }

    pub(in crate::db) fn leave(&self, writer: impl Into<Carried<Writer>>) {
        let hold = self.writer.leave(writer.into());
        self.observe.left(&hold, || {
            (self.current().holdings().versions, self.file_bytes())
        });
    }

    /// What has happened on the writer's seat so far, who has it now, and how many wait.
    pub(in crate::db) fn look(&self) -> (Ledger, Option<Sitter>, usize) {
        self.writer.look()
    }

    /// Lets the writer go to other threads, with the seat still taken.
    pub(in crate::db) fn carry(&self, writer: Seated<Writer>) -> Carried<Writer> {
        self.writer.carry(writer)
    }

    /// Commits what was drafted: *stage*, *persist*, *publish*, *notify*.
    pub(in crate::db) fn commit(
        &self,
        mut writer: Seated<Writer>,
        draft: Draft,
    ) -> Result<Revision, Error> {
        if !draft.is_changed() {
            let before = draft.base().revision();
            let garbage = draft.abort(&mut writer.thing);
            writer.end = End::Unchanged;
            self.leave(writer);
            drop(garbage);
            return Ok(before);
        }
        self.publish(Prepared::new(writer.into(), draft))
    }

    /// The commit from where it is staged.
    #[inline]
    pub(in crate::db) fn publish(&self, prepared: Prepared) -> Result<Revision, Error> {
        let Prepared {
            mut writer,
            staged,
            old_rows,
            before,
            written,
            ..
        } = prepared;
        // Persist: nobody sees it until the disk has it, as far as the mode asks.
        // Writing runs the rows' own code, whose panic must not take the seat with it.
        let (persisted, persist) = match &self.persist {
            Some(persist) => {
                let persisting = Stopwatch::start();
                let persisted = catch_unwind(AssertUnwindSafe(|| {
                    self.poisoned()
                        .and_then(|()| persist.commit(&before, staged.version()))
                }));
                (persisted, persisting.elapsed())
            }
            None => (Ok(Ok(())), None),
        };
        let closed = self.closed();
        let persisted = match persisted {
            // The file was closed with the version before it.
            Ok(Ok(())) if *closed => Ok(Err(Error::Closed)),
            persisted => persisted,
        };
        if !matches!(persisted, Ok(Ok(()))) {
            drop(closed);
            let garbage = writer.thing.discard(staged);
            writer.end = End::Refused;
            self.leave(writer);
            if let Ok(Err(error)) = &persisted {
                self.observe.refused(error, self.poisoned().is_err());
            }
            drop((garbage, old_rows));
            return match persisted {
                Ok(refused) => refused.map(|()| before.revision()),
                Err(panic) => resume_unwind(panic),
            };
        }
        // Publish: from here on every new snapshot sees it.
        let (version, passed) = writer.thing.publish(staged);
        let revision = version.revision();
        let last = self.current.swap(version.clone());
        drop(closed);
        drop(last);
        if let Some(persist) = &self.persist {
            persist.published(&version);
        }
        // Notify: in the order of commits, so still on the seat.
        let fired = self.notify(&before, &version, written);
        writer.end = End::Committed {
            revision,
            rows: written,
            fired,
            persist,
        };
        self.leave(writer);
        // Rows are dropped where no lock is held: their own `Drop` may do anything.
        drop((old_rows, passed, before, version));
        Ok(revision)
    }

    /// As [`publish`](Self::publish), with the number that somebody else decided on.
    pub(in crate::db) fn publish_at(
        &self,
        mut prepared: Prepared,
        revision: Revision,
    ) -> Result<Revision, Error> {
        if let Err(error) = can_follow(prepared.before.revision(), revision) {
            self.discard(prepared);
            return Err(error);
        }
        if prepared.staged.version().revision() != revision {
            prepared
                .writer
                .thing
                .renumber(&mut prepared.staged, revision);
        }
        self.publish(prepared)
    }

    /// Ends a staged commit as if it had never been.
    pub(in crate::db) fn discard(&self, prepared: Prepared) {
        let Prepared {
            mut writer,
            staged,
            old_rows,
            ..
        } = prepared;
        let garbage = writer.thing.discard(staged);
        self.leave(writer);
        drop((garbage, old_rows));
    }

    /// No user code runs under this lock.
    fn closed(&self) -> MutexGuard<'_, bool> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fires the watches whose rows differ between two versions, the second of which was just published. Says how many.
    fn notify(&self, before: &Version, version: &Version, written: usize) -> usize {
        let mut fired = 0;
        publication_fence();
        if !self.revisions.is_empty() {
            let revision = version.revision().get();
            self.revisions.firing(revision).key(&revision.to_be_bytes());
        }
        for (family, table) in self.catalog.entries().enumerate() {
            for (tree, watches) in table.watches.iter().enumerate() {
                // One load, where nobody watches.
                if !watches.is_empty() && !before.shares(version, family, tree) {
                    let earlier = watches.fired();
                    table.rows.fire(tree, before, version, written, watches);
                    fired += watches.fired() - earlier;
                }
            }
        }
        fired + live_index::notify(&self.catalog, before, version, written)
    }

    pub(in crate::db) fn sync(&self) -> Result<(), Error> {
        self.poisoned()?;
        let synced = match &self.persist {
            Some(persist) => persist.sync(&self.current()),
            None => Ok(()),
        };
        if let Err(error) = &synced {
            self.observe.unwritten(error, self.poisoned().is_err());
        }
        synced
    }

    pub(in crate::db) fn file_bytes(&self) -> u64 {
        self.persist
            .as_ref()
            .map_or(0, |persist| persist.file_bytes())
    }

    /// Frees what no version reaches any more.
    #[track_caller]
    pub(in crate::db) fn reclaim(&self) -> Result<(), Error> {
        if let Some(mut writer) = self.enter(None)? {
            writer.end = End::Unchanged;
            let garbage = writer.thing.reclaim();
            self.leave(writer);
            drop(garbage);
        }
        // Only when the rows are gone, which is not under the seat, is their memory free.
        if let Some(mut writer) = self.enter(None)? {
            writer.end = End::Unchanged;
            writer.thing.trim();
            self.leave(writer);
        }
        Ok(())
    }

    pub(in crate::db) fn is_closed(&self) -> bool {
        *self.closed()
    }

    /// Ends writing and watching; once.
    pub(in crate::db) fn close(&self) -> Result<(), Error> {
        if std::mem::replace(&mut *self.closed(), true) {
            return Ok(());
        }
        let writer = self.writer.close();
        self.catalog.close_watches();
        for (_, index) in live_index::all(self.current().added()) {
            index.watches.close();
        }
        self.revisions.close();
        let closed = match &self.persist {
            Some(persist) => persist.close(&self.current()),
            None => Ok(()),
        };
        drop(writer);
        self.observe.closed(&closed);
        closed
    }
}

/// Refuses a number that a commit after `published` can't have.
pub(in crate::db) fn can_follow(published: Revision, revision: Revision) -> Result<(), Error> {
    if published < revision && revision <= Revision::MAX {
        return Ok(());
    }
    Err(Error::RevisionOrder {
        revision,
        published,
    })
}
