//! The write transaction.

use std::sync::Arc;

use super::super::{
    Bucket, BucketMut, Buckets, Error, NestedTxn, Savepoint, TxnStats,
    commit::commit_before,
    journal::Moved,
    log::{append, store},
    shared::{Shared, Snapshot, Turn},
    unsynced::make_durable,
};
use super::{
    opened::TOP,
    savepoint::Savepoints,
    work::{Work, no_such_bucket},
};

/// The one transaction that may change the file. It reads its own changes; nobody else sees them before [`commit`](Self::commit). Dropping it
/// aborts. An operation that fails leaves the transaction as it was.
///
/// Changes are kept in memory until the commit: about the pages that they touch.
///
/// ```
/// use sapwood::pagefile::PageFile;
///
/// let file = PageFile::in_memory()?;
/// let mut tx = file.begin_write()?;
/// tx.create_bucket("pods")?.put("web-1", "running")?;
/// tx.commit()?;
/// let mut tx = file.begin_write()?;
/// tx.delete_bucket("pods")?;
/// drop(tx); // aborts
/// assert!(file.begin_read().bucket("pods")?.is_some());
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
pub struct WriteTxn {
    pub(in crate::pagefile) shared: Arc<Shared>,
    /// The state that the transaction began with.
    pub(in crate::pagefile) base: Arc<Snapshot>,
    turn: Arc<Turn>,
    pub(in crate::pagefile) work: Work,
    pub(in crate::pagefile) savepoints: Savepoints,
    /// What the commit does with the journal.
    pub(in crate::pagefile) moved: Option<Moved>,
}

impl WriteTxn {
    pub(in crate::pagefile) fn begin(shared: Arc<Shared>) -> Result<Self, Error> {
        let turn = Arc::new(shared.turn());
        Self::with_turn(shared, turn)
    }

    pub(in crate::pagefile) fn with_turn(
        shared: Arc<Shared>,
        turn: Arc<Turn>,
    ) -> Result<Self, Error> {
        shared.refuse_poisoned()?;
        let base = shared.snapshot();
        let mut writer = turn.writer();
        let recorded = writer.log.largest();
        // A commit into the log takes no page.
        if recorded == 0 {
            writer.find_free(&shared, &Snapshot::stored(&base))?;
        }
        drop(writer);
        Ok(Self {
            work: Work::begin(&base, recorded)?,
            savepoints: Savepoints::default(),
            moved: None,
            shared,
            base,
            turn,
        })
    }

    /// The bucket of this name, to read; `None` where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>, Error> {
        self.root().bucket(name)
    }

    /// The bucket that a path of names leads to, to read, as [`Bucket::bucket_at`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_at(
        &self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<Bucket<'_>>, Error> {
        self.root().bucket_at(path)
    }

    /// The bucket that all others lie in, to read. It has no name and holds nothing else.
    pub fn root(&self) -> Bucket<'_> {
        self.work.bucket(&self.base.source, TOP)
    }

    /// The bucket of this name, to change; `None` where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_mut(&mut self, name: impl AsRef<[u8]>) -> Result<Option<BucketMut<'_>>, Error> {
        self.bucket_mut_at([name])
    }

    /// The bucket that a path of names leads to, to change: in its first name the second, and so on; `None` where it leads to none, or has no name.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_mut_at(
        &mut self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<BucketMut<'_>>, Error> {
        let at = self.work.open_path(&self.base.source, TOP, path)?;
        Ok(at.filter(|&at| at != TOP).map(|at| self.bucket_in(at)))
    }

    /// Makes an empty bucket. O(log buckets).
    ///
    /// # Errors
    /// [`Error::BucketExists`]; [`Error::NameTooLong`] past [`MAX_NAME_LEN`](crate::pagefile::MAX_NAME_LEN); [`Error::Corrupted`], [`Error::Io`].
    pub fn create_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        let at = self.work.create(&self.base.source, TOP, name.as_ref())?;
        Ok(self.bucket_in(at))
    }

    /// The bucket of this name, to change; made where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::NameTooLong`] past [`MAX_NAME_LEN`](crate::pagefile::MAX_NAME_LEN); [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_or_create(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        self.bucket_or_create_at([name])
    }

    /// The bucket that a path of names leads to, to change; what is missing of the path is made.
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`] for a path without a name; [`Error::NotABucket`] where a key is on the way; [`Error::NameTooLong`] past
    /// [`MAX_NAME_LEN`](crate::pagefile::MAX_NAME_LEN); [`Error::Corrupted`], [`Error::Io`]. What was made until then stays.
    pub fn bucket_or_create_at(
        &mut self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<BucketMut<'_>, Error> {
        let mut at = TOP;
        for name in path {
            let source = &self.base.source;
            at = self.work.open_or_create(source, at, name.as_ref())?;
        }
        if at == TOP {
            return Err(no_such_bucket(&[]));
        }
        Ok(self.bucket_in(at))
    }

    /// Deletes the bucket of this name with all that is in it, and tells whether there was one. O(pages of the bucket).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn delete_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<bool, Error> {
        let source = &self.base.source;
        self.work.delete_bucket(source, TOP, name.as_ref())
    }

    /// Gives the bucket `name` the name `to`. O(log buckets).
    ///
    /// # Errors
    /// As [`move_bucket`](Self::move_bucket).
    pub fn rename_bucket(
        &mut self,
        name: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let (name, to) = (name.as_ref(), to.as_ref());
        let source = &self.base.source;
        self.work.move_bucket(source, (TOP, name), (TOP, to))
    }

    /// Moves the bucket that one path leads to, with all that is in it and was done to it, to where the other one leads; the last name of that is
    /// its new name. No page of it is read or written for that: O(length of the paths · log rows).
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| {
    ///     tx.bucket_or_create_at(["new", "web"])?.put("web-1", "running")?;
    ///     tx.create_bucket("old")?;
    ///     tx.move_bucket(["new", "web"], ["old", "web-2026"])?;
    ///     let moved = tx.bucket_at(["old", "web-2026"])?.expect("moved here");
    ///     assert_eq!(moved.len(), 1);
    ///     Ok::<_, Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSuchBucket`], for the bucket itself or the one that it shall lie in, and for a path without a name; [`Error::NotABucket`] where a
    /// key is at the one place or the other; [`Error::BucketExists`] where there is a bucket, itself too; [`Error::MoveIntoItself`];
    /// [`Error::NameTooLong`]; [`Error::Corrupted`], [`Error::Io`]. Nothing was then changed.
    pub fn move_bucket(
        &mut self,
        from: impl IntoIterator<Item = impl AsRef<[u8]>>,
        to: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<(), Error> {
        let from: Vec<_> = from.into_iter().collect();
        let to: Vec<_> = to.into_iter().collect();
        let (Some((name, parents)), Some((to_name, to_parents))) =
            (from.split_last(), to.split_last())
        else {
            return Err(no_such_bucket(&[]));
        };
        let starts = from.iter().zip(&to);
        if to.len() > from.len()
            && starts.fold(true, |same, (a, b)| same && a.as_ref() == b.as_ref())
        {
            let name = name.as_ref().to_vec();
            return Err(Error::MoveIntoItself { name });
        }
        let at = self.parent(parents)?;
        let to = self.parent(to_parents)?;
        let source = &self.base.source;
        let (name, to_name) = (name.as_ref(), to_name.as_ref());
        self.work.move_bucket(source, (at, name), (to, to_name))
    }

    /// How many buckets there are, not counting those that lie in others. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.root().bucket_count()
    }

    /// The names of all buckets, in byte order, but of those that lie in others.
    pub fn buckets(&self) -> Buckets<'_> {
        self.root().buckets()
    }

    /// Marks this point of the transaction, to [go back](Self::rollback_to) to. O(buckets opened to change them); what they hold is not copied, but
    /// while the savepoint is kept, each page that is changed for the first time after it is.
    pub fn savepoint(&mut self) -> Savepoint {
        self.savepoints.mark(&self.work)
    }

    /// Undoes everything since a savepoint. It can be gone back to again; those that were made after it are gone.
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| {
    ///     tx.create_bucket("pods")?.put("a", "1")?;
    ///     let savepoint = tx.savepoint();
    ///     tx.delete_bucket("pods")?;
    ///     tx.rollback_to(&savepoint)
    /// })?;
    /// assert!(file.begin_read().bucket("pods")?.is_some());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoSavepoint`] if it is gone, or of another transaction.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<(), Error> {
        self.savepoints.restore(savepoint, &mut self.work)
    }

    /// Begins a transaction within this one: it sees and changes what this one does, and ends before it. To commit it is to keep its changes in this
    /// one, to drop it is to undo them. Costs what [`savepoint`](Self::savepoint) costs; such transactions may lie in one another.
    pub fn begin_nested(&mut self) -> NestedTxn<'_> {
        NestedTxn::begin(self)
    }

    /// Figures about what the transaction has changed so far. O(changed pages).
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| {
    ///     tx.create_bucket("pods")?.put("a", "1")?;
    ///     let stats = tx.stats()?;
    ///     assert_eq!(stats.changed_buckets, 1);
    ///     assert!(stats.pages_to_write >= 1);
    ///     Ok::<_, Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn stats(&self) -> Result<TxnStats, Error> {
        TxnStats::gather(&self.base.source, self.work.clone())
    }

    /// Makes the changes durable, all of them, and then visible to new read transactions; with them commits before that were not
    /// [synced](Self::commit_unsynced). Gives the number of the commit; where nothing was changed, it is the number of the commit before. O(changed pages · fan-out); what goes into
    /// the [log](crate::pagefile::Options::log_size) costs as many bytes as its keys and values have, until that is full.
    ///
    /// # Errors
    /// [`Error::StorageFull`]: nothing was committed, and the next transaction may try again. [`Error::Io`]: the commit is not visible, but
    /// could be there when the file is opened again, wholly; writes are refused until then ([`Error::Poisoned`]). [`Error::Corrupted`]: nothing was
    /// committed.
    pub fn commit(self) -> Result<u64, Error> {
        self.finish(true)
    }

    pub(in crate::pagefile) fn finish(mut self, durable: bool) -> Result<u64, Error> {
        let turn = Arc::clone(&self.turn);
        let mut writer = turn.writer();
        if !self.work.is_changed && self.moved.is_none() {
            if durable {
                make_durable(&self.shared, &mut writer)?;
            }
            return Ok(self.base.commit);
        }
        if durable && let Some(commit) = append(&mut self, &mut writer)? {
            return Ok(commit);
        }
        store(&mut self, &mut writer, durable)
    }

    /// Brings all that is in the log into the trees, with what this transaction has done.
    pub(in crate::pagefile) fn store(mut self) -> Result<u64, Error> {
        let turn = Arc::clone(&self.turn);
        store(&mut self, &mut turn.writer(), true)
    }

    /// Commits into free pages before page `end`; `None` where there is not enough of them, and nothing was done.
    pub(in crate::pagefile) fn commit_before(mut self, end: u64) -> Result<Option<u64>, Error> {
        let turn = Arc::clone(&self.turn);
        commit_before(&mut self, &mut turn.writer(), end)
    }

    /// Lets the commit move the beginning of the journal.
    pub(in crate::pagefile) fn move_journal(&mut self, moved: Moved) {
        self.moved = Some(moved);
    }

    fn bucket_in(&mut self, at: usize) -> BucketMut<'_> {
        BucketMut::new(&self.base.source, &mut self.work, at)
    }

    /// The bucket that holds what a path leads to.
    fn parent(&mut self, path: &[impl AsRef<[u8]>]) -> Result<usize, Error> {
        let at = self.work.open_path(&self.base.source, TOP, path)?;
        at.ok_or_else(|| no_such_bucket(path.last().map_or(&[], AsRef::as_ref)))
    }
}

impl std::fmt::Debug for WriteTxn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteTxn")
            .field("base", &self.base.commit)
            .field("is_changed", &self.work.is_changed)
            .finish_non_exhaustive()
    }
}
