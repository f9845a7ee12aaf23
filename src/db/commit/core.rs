//! What the handles of one database share, and the commit pipeline.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::catalog::Catalog;
use super::super::live_index;
use super::super::observe::{Observe, Stopwatch};
use super::super::stats::Disk;
use super::current::Current;
use super::durable::Durable;
use super::group::{Group, Groups, Waiting};
use super::hold::{End, Hold, Ledger};
use super::persist::{Persist, UnknownTables};
use super::staged::Prepared;
use super::ticket::Ticket;
use super::turnstile::{Carried, Seated, Sitter, Turnstile};
use crate::radix::{Draft, Garbage, Version, Writer};
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
    groups: Groups,
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
            groups: Groups::default(),
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

    pub(in crate::db) fn poisoned(&self) -> Result<(), Error> {
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
        if self.persist.is_some() && self.groups.is_led_here() {
            return Err(Error::NestedWrite);
        }
        let mut seated = self.writer.enter(timeout)?;
        if let Some(writer) = &mut seated {
            writer.thing.begin(writer.since);
        }
        Ok(seated)
    }

    pub(in crate::db) fn leave(&self, writer: impl Into<Carried<Writer>>) {
        let (hold, garbage) = self.step_down(writer);
        self.left(&hold);
        drop(garbage);
    }

    /// Gives the seat up, with the books in order.
    fn step_down(&self, writer: impl Into<Carried<Writer>>) -> (Hold, Vec<Garbage>) {
        let mut writer = writer.into();
        let garbage = self.groups.settle(&mut writer.thing);
        (self.writer.leave(writer), garbage)
    }

    fn left(&self, hold: &Hold) {
        self.observe.left(hold, || {
            (self.current().holdings().versions, self.file_bytes())
        });
    }

    /// What a transaction begins with: the newest version that is staged or published.
    pub(in crate::db) fn base(&self) -> Version {
        match &self.persist {
            Some(persist) if persist.is_first() => self.groups.base(|| self.current()),
            _ => self.current(),
        }
    }

    /// Waits until what a transaction stood on is published, which changed nothing, but has read what is perhaps only staged.
    fn await_base(base: Option<Ticket>) -> Result<(), Error> {
        base.map_or(Ok(()), |ticket| Groups::look_on(&ticket).map(drop))
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
            let base = self.ticket(draft.base());
            let garbage = draft.abort(&mut writer.thing);
            writer.end = End::Unchanged;
            self.leave(writer);
            drop(garbage);
            return Self::await_base(base).map(|()| before);
        }
        self.publish(Prepared::new(writer.into(), draft))
    }

    /// The commit from where it is staged.
    #[inline]
    pub(in crate::db) fn publish(&self, prepared: Prepared) -> Result<Revision, Error> {
        match &self.persist {
            Some(persist) if persist.is_first() => {
                self.publish_durable(prepared, &**persist, &self.groups)
            }
            _ => self.publish_now(prepared),
        }
    }

    /// *Publish* and *notify*, where the disk has it later, or never.
    fn publish_now(&self, prepared: Prepared) -> Result<Revision, Error> {
        let Prepared {
            mut writer,
            staged,
            old_rows,
            before,
            written,
            ..
        } = prepared;
        let poisoned = self.poisoned();
        let closed = self.closed();
        // The file was closed with the version before it.
        let refused = if *closed {
            Err(Error::Closed)
        } else {
            poisoned
        };
        if let Err(error) = refused {
            drop(closed);
            let garbage = writer.thing.discard(staged);
            writer.end = End::Refused;
            self.leave(writer);
            self.observe.refused(&error, self.poisoned().is_err());
            drop((garbage, old_rows));
            return Err(error);
        }
        // From here on every new snapshot sees it.
        let (version, passed) = writer.thing.publish(staged);
        let revision = version.revision();
        let last = self.current.swap(version.clone());
        drop(closed);
        drop(last);
        if let Some(persist) = &self.persist {
            persist.published(&version);
        }
        // In the order of commits, so still on the seat.
        let fired = self.notify(&before, &version, written);
        writer.end = End::Committed {
            revision,
            rows: written,
            fired,
            persist: None,
        };
        self.leave(writer);
        // Rows are dropped where no lock is held: their own `Drop` may do anything.
        drop((old_rows, passed, before, version));
        Ok(revision)
    }

    /// *Persist*, *publish* and *notify*, off the seat and together with others: nobody sees it until the disk has it.
    fn publish_durable(
        &self,
        prepared: Prepared,
        persist: &dyn Persist,
        groups: &Groups,
    ) -> Result<Revision, Error> {
        let Prepared {
            mut writer,
            staged,
            old_rows,
            before,
            written,
            ..
        } = prepared;

        let revision = staged.version().revision();
        // This runs the rows' own code, whose panic must not take the seat with it.
        let recorded = catch_unwind(AssertUnwindSafe(|| {
            self.poisoned()?;
            persist.record(&before, &staged)
        }));
        let joined = match recorded {
            Ok(Ok(record)) => {
                let waiting = Waiting {
                    staged,
                    before,
                    written,
                    record,
                };
                let joined = groups.join(waiting, || self.current());
                joined.map_err(|refused| {
                    let (waiting, error) = *refused;
                    (waiting.staged, waiting.before, Ok(error))
                })
            }
            Ok(Err(error)) => Err((staged, before, Ok(error))),
            Err(panic) => Err((staged, before, Err(panic))),
        };
        let ticket = match joined {
            Ok(ticket) => ticket,
            Err((staged, before, why)) => {
                // What it stands on may have been refused, and be undone when the seat is left.
                drop(before);
                let garbage = writer.thing.discard(staged);
                writer.end = End::Refused;
                self.leave(writer);
                drop((garbage, old_rows));
                return match why {
                    Ok(error) => {
                        self.observe.refused(&error, self.poisoned().is_err());
                        Err(error)
                    }
                    Err(panic) => resume_unwind(panic),
                };
            }
        };
        // The next one stands on this from here on.
        writer.end = End::Staged;
        let persisting = Stopwatch::start();
        // Nothing of a user runs from here until the group has its end.
        let (mut hold, garbage) = self.step_down(writer);
        let mut panicked = None;
        let outcome = groups.wait(&ticket, |group| {
            panicked = self.lead(group, persist, groups).err();
        });
        hold.end = match &outcome {
            Ok(fired) => End::Committed {
                revision,
                rows: written,
                fired: *fired,
                persist: persisting.elapsed(),
            },
            Err(_) => End::Refused,
        };
        self.writer.count(hold.end);
        self.left(&hold);
        drop((old_rows, garbage));
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
        match outcome {
            Ok(_) => Ok(revision),
            Err(error) => {
                self.observe.refused(&error, self.poisoned().is_err());
                Err(error)
            }
        }
    }

    /// Lets the disk have a group, and publishes it. On a panic, of the disk or of who is told, everybody else knows what became of it.
    fn lead(
        &self,
        mut group: Group,
        persist: &dyn Persist,
        groups: &Groups,
    ) -> Result<(), Box<dyn Any + Send>> {
        let begun = Instant::now();
        let commits = group.commits.iter_mut();
        let mut records: Vec<_> = commits.map(|commit| commit.record.take()).collect();
        let newest = group.commits.last().map(|commit| commit.staged.version());
        let Some(version) = newest.cloned() else {
            groups.published(group, &[], Duration::ZERO);
            return Ok(());
        };
        let written = catch_unwind(AssertUnwindSafe(|| {
            self.poisoned()?;
            persist.write(&mut records, &version)
        }));
        let took = begun.elapsed();
        drop(records);
        let refused = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some((error, Ok(()))),
            Err(panic) => {
                let reason = "a write to the file panicked".into();
                Some((Error::Poisoned { reason }, Err(panic)))
            }
        };
        if let Some((error, panic)) = refused {
            drop(version);
            groups.refused(group, &error);
            return panic;
        }
        // Publish: from here on every new snapshot sees it.
        let last = self.current.swap(version.clone());
        drop(last);
        // Notify: of each commit, in their order, before the next group.
        let mut fired = vec![0; group.commits.len()];
        let told = catch_unwind(AssertUnwindSafe(|| {
            persist.published(&version);
            for (commit, fired) in group.commits.iter().zip(&mut fired) {
                let version = commit.staged.version();
                *fired = self.notify(&commit.before, version, commit.written);
            }
        }));
        groups.published(group, &fired, took);
        told
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

    /// Ends a staged commit that changed nothing: there is no such revision.
    pub(in crate::db) fn publish_nothing(&self, mut prepared: Prepared) -> Result<Revision, Error> {
        prepared.writer.end = End::Unchanged;
        let before = prepared.before.revision();
        let base = self.ticket(&prepared.before);
        self.discard(prepared);
        Self::await_base(base).map(|()| before)
    }

    /// The ticket of a version, if it is only staged.
    fn ticket(&self, version: &Version) -> Option<Ticket> {
        match &self.persist {
            Some(persist) if persist.is_first() => self.groups.ticket(version),
            _ => None,
        }
    }

    /// Ends a staged commit as if it had never been.
    pub(in crate::db) fn discard(&self, prepared: Prepared) {
        let Prepared {
            mut writer,
            staged,
            old_rows,
            before,
            ..
        } = prepared;
        // It may have been refused, and be undone when the seat is left.
        drop(before);
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
        self.make_durable(|persist, version| persist.sync(version))
    }

    pub(in crate::db) fn checkpoint(&self) -> Result<(), Error> {
        self.make_durable(|persist, version| persist.checkpoint(version))
    }

    fn make_durable(
        &self,
        how: impl FnOnce(&dyn Persist, &Version) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.poisoned()?;
        let synced = match &self.persist {
            Some(persist) => how(&**persist, &self.current()),
            None => Ok(()),
        };
        if let Err(error) = &synced {
            self.observe.unwritten(error, self.poisoned().is_err());
        }
        synced
    }

    /// What is durable; `None` in memory.
    pub(in crate::db) fn durable(&self) -> Option<&Durable> {
        self.persist.as_ref().map(|persist| &**persist.durable())
    }

    /// The tables that the database keeps in its file and does not have itself.
    pub(crate) fn unknown_tables(&self) -> Result<Option<Box<dyn UnknownTables>>, Error> {
        let persist = self.persist.as_ref();
        persist.map_or(Ok(None), |persist| persist.unknown_tables())
    }

    pub(in crate::db) fn disk(&self) -> Option<Disk> {
        self.persist.as_ref().map(|persist| persist.disk())
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
            let settled = self.groups.settle(&mut writer.thing);
            let garbage = writer.thing.reclaim();
            self.leave(writer);
            drop((settled, garbage));
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
        let mut writer = self.writer.close();
        // What is staged gets to its end.
        self.groups.close();
        let garbage = writer.as_mut().map(|writer| self.groups.settle(writer));
        self.catalog.close_watches();
        for (_, index) in live_index::all(self.current().added()) {
            index.watches.close();
        }
        self.revisions.close();
        let closed = match &self.persist {
            Some(persist) => persist.close(&self.current()),
            None => Ok(()),
        };
        drop((garbage, writer));
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
