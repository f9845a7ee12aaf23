//! Write transactions.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::commit::core::Core;
use super::commit::staged::{Prepared, Staged};
use super::commit::turnstile::Seated;
use super::live_index::{self, KeysOf};
use super::read::groups::Groups;
use super::read::prefixes::Prefixes;
use super::read::rows::Rows;
use super::read::verbs::{Only, read_verbs};
use super::refusal::{Refusal, expect};
use crate::key::{Key, KeyBuf, KeyOf};
use crate::radix::{self, Draft, Tree, Version, Writer};
use crate::table::{ExtendsLast, Grouping, Index, KeySet, Query, Table};
use crate::{Error, Revision, Row};

/// Changes to the database that nobody else sees until they are [committed](Self::commit), all at once.
///
/// It reads what it wrote. Every operation is atomic: a refused one leaves the transaction as it was, and usable. Dropped without a
/// commit, by a panic too, it changes nothing. It belongs to the thread that began it.
pub struct WriteTxn {
    pub(super) core: Arc<Core>,
    /// Taken when the transaction ends.
    running: Option<(Seated<Writer>, Draft)>,
    keys: Scratch,
}

/// A point of a write transaction to go back to: [`WriteTxn::savepoint`].
pub struct Savepoint(radix::Savepoint);

impl fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Savepoint").finish_non_exhaustive()
    }
}

/// The keys of a row before and after, in each index but the primary one. One transaction leaves them to the next one of its thread, for their memory.
#[derive(Default)]
struct Scratch {
    primary: KeyBuf,
    old: Vec<KeySet>,
    new: Vec<KeySet>,
}

thread_local! {
    static SCRATCH: Cell<Scratch> = const { Cell::new(Scratch::new()) };
}

impl Scratch {
    /// What a thread keeps is small: keys that are as long as most are, of a table with not too many indexes.
    const KEPT: usize = 4096;

    const fn new() -> Self {
        Self {
            primary: KeyBuf::new_const(),
            old: Vec::new(),
            new: Vec::new(),
        }
    }

    /// That of the thread; a new one where its end has begun.
    fn take() -> Self {
        SCRATCH.try_with(Cell::take).unwrap_or_default()
    }

    fn give_back(self) {
        let keys = self.old.iter().chain(&self.new);
        let bytes = keys.map(KeySet::memory).sum::<usize>() + self.primary.capacity();
        if bytes <= Self::KEPT {
            // Where there is none any more, the thread ends.
            let _gone = SCRATCH.try_with(|scratch| scratch.set(self));
        }
    }
}

impl WriteTxn {
    pub(super) fn new(writer: Seated<Writer>, core: Arc<Core>) -> Self {
        let base = core.base();
        let revision = Revision::new(base.revision().get() + 1);
        Self::begin(writer, core, base, revision)
    }

    /// A transaction whose commit has this number, which can follow the published one.
    pub(super) fn at(writer: Seated<Writer>, core: Arc<Core>, revision: Revision) -> Self {
        let base = core.base();
        Self::begin(writer, core, base, revision)
    }

    fn begin(
        mut writer: Seated<Writer>,
        core: Arc<Core>,
        base: Version,
        revision: Revision,
    ) -> Self {
        let draft = Draft::new(&mut writer.thing, base, revision);
        Self {
            core,
            running: Some((writer, draft)),
            keys: Scratch::take(),
        }
    }

    pub(super) fn draft(&self) -> &Draft {
        match &self.running {
            Some((_, draft)) => draft,
            None => unreachable!("a transaction that has ended is gone"),
        }
    }

    #[inline]
    fn tree<T: Table>(&self, index: usize) -> Tree<'_, T> {
        self.draft().tree(self.core.family::<T>(), index)
    }

    #[inline]
    fn find<T: Table>(&self, index: usize) -> Option<Tree<'_, T>> {
        self.draft().find(self.core.family::<T>(), index)
    }

    fn keys_of<T: Table>(&self, index: usize) -> KeysOf {
        KeysOf::index(self.draft().added(), self.core.family::<T>(), index)
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    read_verbs!();

    /// The number that its commit will have, if it changes anything.
    pub fn revision(&self) -> Revision {
        self.draft().revision()
    }

    /// The newest commit that wrote or removed a row of this table: this transaction's number if it has. O(1).
    pub fn table_revision<T: Table>(&self) -> Revision {
        self.draft().family_revision(self.core.family::<T>())
    }

    /// Adds a row, and gives it back as it is stored.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if a row has its primary key or one of its keys in a unique index; [`Error::KeyTooLong`]; [`Error::UnknownTable`].
    pub fn insert<T: Table>(&mut self, row: T) -> Result<Row<T>, Error> {
        let family = self.core.catalog.family::<T>()?;
        self.encode_key(&row);
        if let Some(existing) = self.look::<T>(family) {
            let key = row.format_key(0);
            return Err(Error::Duplicate {
                table: T::NAME,
                index: self.core.catalog.index_name(family, 0),
                existing: existing.format_key(0),
                refused: key.clone(),
                key,
            });
        }
        self.store(family, row, None, None)?;
        self.stored(family)
    }

    /// Adds a row or replaces the one with its primary key, which it gives back.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if another row has one of its keys in a unique index; [`Error::KeyTooLong`]; [`Error::UnknownTable`].
    pub fn put<T: Table>(&mut self, row: T) -> Result<Option<Row<T>>, Error> {
        let family = self.core.catalog.family::<T>()?;
        self.encode_key(&row);
        let previous = self.look::<T>(family);
        self.store(family, row, None, previous.as_ref())?;
        Ok(previous)
    }

    /// As [`put`](Self::put), if the row with this primary key was last written by `expected`; [`Revision::ZERO`] means that there must be none.
    ///
    /// # Errors
    /// [`Error::WrongRevision`], and those of [`put`](Self::put).
    pub fn put_if<T: Table>(
        &mut self,
        row: T,
        expected: Revision,
    ) -> Result<Option<Row<T>>, Error> {
        let family = self.core.catalog.family::<T>()?;
        self.encode_key(&row);
        let previous = self.look::<T>(family);
        expect(previous.as_ref(), expected, || row.format_key(0))?;
        self.store(family, row, None, previous.as_ref())?;
        Ok(previous)
    }

    /// Changes a copy of the row with this primary key, stores it, and gives the row before it back.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none; [`Error::KeyChanged`] if the change touches the primary key; those of [`put`](Self::put).
    pub fn update<T: Table + Clone>(
        &mut self,
        key: impl KeyOf<T::Key>,
        change: impl FnOnce(&mut T),
    ) -> Result<Row<T>, Error> {
        self.change(&key, None, change)
    }

    /// As [`update`](Self::update), if the row was last written by `expected`.
    ///
    /// # Errors
    /// [`Error::WrongRevision`], and those of [`update`](Self::update).
    pub fn update_if<T: Table + Clone>(
        &mut self,
        key: impl KeyOf<T::Key>,
        expected: Revision,
        change: impl FnOnce(&mut T),
    ) -> Result<Row<T>, Error> {
        self.change(&key, Some(expected), change)
    }

    fn change<T: Table + Clone>(
        &mut self,
        key: &impl KeyOf<T::Key>,
        expected: Option<Revision>,
        change: impl FnOnce(&mut T),
    ) -> Result<Row<T>, Error> {
        let family = self.core.catalog.family::<T>()?;
        let mut bytes = KeyBuf::new();
        key.encode(&mut bytes);
        let previous = self.draft_mut().look::<T>(family, &bytes);
        if let Some(expected) = expected {
            expect(previous.as_ref(), expected, || format!("{key:?}"))?;
        }
        let Some(previous) = previous else {
            return Err(Error::Missing {
                table: T::NAME,
                key: format!("{key:?}"),
            });
        };
        let mut row = T::clone(&previous);
        change(&mut row);
        self.encode_key(&row);
        if self.keys.primary != bytes {
            return Err(Error::KeyChanged {
                table: T::NAME,
                key: previous.format_key(0),
                changed: row.format_key(0),
            });
        }
        self.store(family, row, None, Some(&previous))?;
        Ok(previous)
    }

    /// Removes the row with this primary key and gives it back, if there is one.
    ///
    /// # Errors
    /// [`Error::UnknownTable`]; [`Error::UnstableIndex`].
    pub fn remove<T: Table>(&mut self, key: impl KeyOf<T::Key>) -> Result<Option<Row<T>>, Error> {
        let family = self.core.catalog.family::<T>()?;
        let mut bytes = KeyBuf::new();
        key.encode(&mut bytes);
        let previous = self.draft_mut().look::<T>(family, &bytes);
        match &previous {
            Some(row) => self.erase(family, row)?,
            None => return Ok(None),
        }
        Ok(previous)
    }

    /// As [`remove`](Self::remove), if the row was last written by `expected`; [`Revision::ZERO`] means that there must be none.
    ///
    /// # Errors
    /// [`Error::WrongRevision`], and those of [`remove`](Self::remove).
    pub fn remove_if<T: Table>(
        &mut self,
        key: impl KeyOf<T::Key>,
        expected: Revision,
    ) -> Result<Option<Row<T>>, Error> {
        let found = self.get::<T>(&key);
        expect(found, expected, || format!("{key:?}"))?;
        self.remove::<T>(key)
    }

    /// Removes all rows of a query, and says how many. All or none.
    ///
    /// # Errors
    /// [`Error::UnknownTable`]; [`Error::UnknownIndex`]; [`Error::UnstableIndex`].
    pub fn remove_all<T: Table>(&mut self, query: Query<T>) -> Result<usize, Error> {
        self.remove_rows(&query, None)
    }

    /// As [`remove_all`](Self::remove_all), if none of the rows was written after `seen`.
    ///
    /// # Errors
    /// [`Error::WrongRevision`] for the first one that was, and those of [`remove_all`](Self::remove_all).
    pub fn remove_all_if<T: Table>(
        &mut self,
        query: Query<T>,
        seen: Revision,
    ) -> Result<usize, Error> {
        self.remove_rows(&query, Some(seen))
    }

    fn remove_rows<T: Table>(
        &mut self,
        query: &Query<T>,
        seen: Option<Revision>,
    ) -> Result<usize, Error> {
        let family = self.core.catalog.family::<T>()?;
        let tree = self
            .find::<T>(query.index())
            .ok_or_else(|| live_index::unknown(query))?;
        let keys = || self.keys_of::<T>(query.index());
        let rows: Vec<Row<T>> = Rows::new(tree, query, keys).cloned().collect();
        if let Some(seen) = seen
            && let Some(newer) = rows.iter().find(|row| row.modified() > seen)
        {
            return Err(Error::WrongRevision {
                table: T::NAME,
                key: newer.format_key(0),
                expected: seen,
                found: newer.modified(),
            });
        }
        let savepoint = self.draft_mut().savepoint();
        for row in &rows {
            if let Err(error) = self.erase(family, row) {
                self.draft_mut().rollback(&savepoint);
                return Err(error);
            }
        }
        Ok(rows.len())
    }

    /// Marks this point of the transaction, to [go back](Self::rollback_to) to. O(number of indexes in the database).
    pub fn savepoint(&mut self) -> Savepoint {
        Savepoint(self.draft_mut().savepoint())
    }

    /// Undoes everything since a savepoint. It can be gone back to again; those that were made after it are gone.
    ///
    /// # Errors
    /// [`Error::NoSavepoint`] if it is gone, or of another transaction.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<(), Error> {
        if self.draft_mut().rollback(&savepoint.0) {
            return Ok(());
        }
        Err(Error::NoSavepoint)
    }

    /// Makes all changes visible at once, and as durable as the database was opened for. Gives the number of the commit; that of the one before if
    /// nothing was changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a [validator](crate::Builder::validate) refuses; [`Error::File`], [`Error::Row`] and [`Error::Poisoned`] where the disk
    /// does; [`Error::Closed`] if the database was closed meanwhile. The changes are then gone.
    pub fn commit(mut self) -> Result<Revision, Error> {
        self.core.catalog.validate(&self)?;
        match self.running.take() {
            Some((writer, draft)) => self.core.commit(writer, draft),
            None => Err(Error::Closed),
        }
    }

    /// Ends the transaction without publishing it: nobody sees it, no disk has it, and it waits to be published or discarded, perhaps on another thread.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a [validator](crate::Builder::validate) refuses.
    pub fn stage(mut self) -> Result<Staged, Error> {
        self.core.catalog.validate(&self)?;
        match self.running.take() {
            Some((writer, draft)) => Ok(Staged::new(&self.core, writer, draft)),
            None => Err(Error::Closed),
        }
    }

    /// Commits what another node decided, with the number that it decided on: even where nothing was changed.
    pub(super) fn follow_suit(mut self) -> Result<Revision, Error> {
        match self.running.take() {
            Some((writer, draft)) => self.core.publish(Prepared::new(writer.into(), draft)),
            None => Err(Error::Closed),
        }
    }

    /// Writes a row that was created in that commit, whatever is there.
    pub(super) fn replay<T: Table>(
        &mut self,
        family: usize,
        row: T,
        created: Revision,
    ) -> Result<(), Error> {
        self.encode_key(&row);
        let previous = self.look::<T>(family);
        self.store(family, row, Some(created), previous.as_ref())
    }

    /// Removes the row under an encoded key; `false` if there is none.
    pub(super) fn replay_removal<T: Table>(
        &mut self,
        family: usize,
        key: &[u8],
    ) -> Result<bool, Error> {
        let row = self.draft().tree::<T>(family, 0).get(key).cloned();
        row.map_or(Ok(false), |row| self.erase(family, &row).map(|()| true))
    }

    pub(super) fn draft_mut(&mut self) -> &mut Draft {
        match &mut self.running {
            Some((_, draft)) => draft,
            None => unreachable!("a transaction that has ended is gone"),
        }
    }

    /// The row under the encoded key, to be written or removed.
    fn look<T: Table>(&mut self, family: usize) -> Option<Row<T>> {
        let Some((_, draft)) = &mut self.running else {
            return None;
        };
        draft.look(family, &self.keys.primary)
    }

    fn encode_key<T: Table>(&mut self, row: &T) {
        self.keys.primary.clear();
        row.encode_key(&mut self.keys.primary);
    }

    /// Writes `row`, whose primary key is encoded, in the place of `previous`. It was created where that was, or in this transaction, unless it is said.
    fn store<T: Table>(
        &mut self,
        family: usize,
        row: T,
        created: Option<Revision>,
        previous: Option<&Row<T>>,
    ) -> Result<(), Error> {
        let Self {
            running: Some((_, draft)),
            keys,
            core,
        } = self
        else {
            return Err(Error::Closed);
        };
        let indexes = core.catalog.entry(family).watches.len() - 1;
        let Scratch { primary, old, new } = keys;
        match previous {
            Some(previous) => {
                live_index::index_keys::<T>(draft.added(), family, previous, primary, indexes, old);
            }
            None => old.iter_mut().for_each(KeySet::clear),
        }
        live_index::index_keys(draft.added(), family, &row, primary, indexes, new);
        match draft.put(family, primary, row, created, previous, old, new) {
            Ok(()) => Ok(()),
            Err((refused, row)) => Err(Refusal::<T> {
                catalog: &core.catalog,
                draft,
                family,
                row: &row,
                primary,
                old,
                new,
            }
            .error(refused)),
        }
    }

    /// The row that was just stored.
    fn stored<T: Table>(&self, family: usize) -> Result<Row<T>, Error> {
        let row = self
            .draft()
            .tree::<T>(family, 0)
            .get(&self.keys.primary)
            .cloned();
        row.ok_or(Error::Closed)
    }

    fn erase<T: Table>(&mut self, family: usize, row: &Row<T>) -> Result<(), Error> {
        self.encode_key::<T>(row);
        let Self {
            running: Some((_, draft)),
            keys: Scratch { primary, old, .. },
            core,
        } = self
        else {
            return Err(Error::Closed);
        };
        let indexes = core.catalog.entry(family).watches.len() - 1;
        live_index::index_keys::<T>(draft.added(), family, row, primary, indexes, old);
        match draft.remove(family, primary, row, old) {
            Ok(()) => Ok(()),
            Err(refused) => Err(Refusal::<T> {
                catalog: &core.catalog,
                draft,
                family,
                row,
                primary,
                old,
                new: &[],
            }
            .error(refused)),
        }
    }
}

impl Drop for WriteTxn {
    fn drop(&mut self) {
        std::mem::take(&mut self.keys).give_back();
        if let Some((mut writer, draft)) = self.running.take() {
            let garbage = draft.abort(&mut writer.thing);
            self.core.leave(writer);
            drop(garbage);
        }
    }
}

impl fmt::Debug for WriteTxn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTxn")
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
