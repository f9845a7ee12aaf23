//! The handle of an open page file.

use std::{path::Path, sync::Arc};

use super::{
    Error, Options, ReadTxn, Report, Stats, WriteTxn,
    batch::Batches,
    check::check,
    shared::Shared,
    stats::add,
    tail::{give_back_closing, seal},
    unsynced::make_durable,
};

/// An open page file: one writer and any number of readers at a time, on any threads.
///
/// ```
/// use sapwood::pagefile::{Error, PageFile};
///
/// let dir = tempfile::tempdir()?;
/// let file = PageFile::open(dir.path().join("state.sap"))?;
/// file.update(|tx| tx.bucket_or_create("pods")?.put("web-1", "running"))?;
///
/// let value = file.view(|tx| match tx.bucket("pods")? {
///     Some(pods) => Ok::<_, Error>(pods.get("web-1")?.map(|value| value.to_vec())),
///     None => Ok(None),
/// })?;
/// assert_eq!(value.as_deref(), Some(&b"running"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PageFile {
    pub(super) shared: Arc<Shared>,
    pub(super) batches: Batches,
}

impl PageFile {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            batches: Batches::default(),
        }
    }

    /// Opens the file at `path` with the default [`Options`], and creates it where there is none.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Options::new().open(path)
    }

    /// A page file in memory, gone when dropped.
    ///
    /// # Errors
    /// None with the default options.
    pub fn in_memory() -> Result<Self, Error> {
        Options::new().in_memory()
    }

    /// The newest committed state. O(1); waits for nobody.
    pub fn begin_read(&self) -> ReadTxn {
        add(&self.shared.counters.read_txns, 1);
        ReadTxn::new(self.shared.snapshot())
    }

    /// Begins the write transaction. Waits while there is another one: a thread that holds one and begins a second waits for ever.
    ///
    /// # Errors
    /// [`Error::Poisoned`]; [`Error::ReadOnly`]. The first one after opening walks all trees, O(pages), and gives [`Error::Corrupted`] where they are not sound; in a file with a
    /// [log](super::Options::log_size) the first commit does that which does not go there.
    pub fn begin_write(&self) -> Result<WriteTxn, Error> {
        if self.shared.medium.read_only {
            return Err(Error::ReadOnly);
        }
        let txn = WriteTxn::begin(Arc::clone(&self.shared))?;
        add(&self.shared.counters.write_txns, 1);
        Ok(txn)
    }

    /// Runs `read` on the newest committed state.
    ///
    /// # Errors
    /// What `read` gives.
    pub fn view<R, E>(&self, read: impl FnOnce(&ReadTxn) -> Result<R, E>) -> Result<R, E> {
        read(&self.begin_read())
    }

    /// Runs `change` in a write transaction and commits; an error or a panic of `change` aborts.
    ///
    /// # Errors
    /// What `change` gives; as [`begin_write`](Self::begin_write) and [`WriteTxn::commit`].
    pub fn update<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut WriteTxn) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut txn = self.begin_write()?;
        let result = change(&mut txn)?;
        txn.commit()?;
        Ok(result)
    }

    /// Reads every page of the newest state and verifies it: checksums, order of keys, numbers of rows, and that each page of the file is either
    /// reached once or free. Waits for the writer and holds others off. O(file).
    ///
    /// # Errors
    /// [`Error::Io`]. What is wrong with the file is in the report.
    pub fn check(&self) -> Result<Report, Error> {
        self.check_told(&mut |_, _| {})
    }

    /// As [`check`](Self::check), and tells on the way how many pages were read, and how many the file has: more than are read, where some are free.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_told(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, Error> {
        let turn = self.shared.turn();
        check(&self.shared, &mut turn.writer(), progress)
    }

    /// Brings the log into the trees and does without one from now on. Where the file is open to read only, it stays as it is. Gives the size that it had.
    pub(super) fn give_up_log(&self) -> Result<u64, Error> {
        let turn = Arc::new(self.shared.turn());
        let size = turn.writer().log.resize(0);
        if !self.shared.medium.read_only && turn.writer().log.is_there() {
            WriteTxn::with_turn(Arc::clone(&self.shared), Arc::clone(&turn))?.store()?;
        }
        Ok(size)
    }

    /// From now on there may be a log of this size again.
    pub(super) fn resume_log(&self, size: u64) {
        self.shared.turn().writer().log.resize(size);
    }

    /// Figures about the file. O(1).
    pub fn stats(&self) -> Stats {
        let commit = self.shared.snapshot().commit;
        let page_size = self.shared.medium.page_size;
        self.shared.counters.stats(page_size, commit)
    }

    /// Closes the file and marks its newest state as complete, in both meta slots. Gives back the end of the file where much of it is
    /// [free](Stats::free_tail_pages). Waits for the writer. Costs one sync, where anything was committed, one more where the file gets shorter, and two more
    /// where commits were not durable.
    ///
    /// What is in the [log](super::Options::log_size) comes into the trees; where the disk has no room for that, it stays there. A handle that is just dropped loses nothing but commits that were not
    /// [synced](WriteTxn::commit_unsynced). But in a file that was closed, damage in the last commit is known to be damage, and is
    /// reported; in one that was not, it looks like a crash in the midst of that commit, and opening falls back to the one before.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`]. Nothing is lost.
    pub fn close(self) -> Result<(), Error> {
        let turn = Arc::new(self.shared.turn());
        if turn.writer().sealed || self.shared.medium.read_only {
            return Ok(());
        }
        self.shared.refuse_poisoned()?;
        if self.shared.snapshot().logged.is_some() {
            let txn = WriteTxn::with_turn(Arc::clone(&self.shared), Arc::clone(&turn))?;
            match txn.store() {
                // It is in the log, and will be when the file is opened again.
                Err(Error::StorageFull { .. } | Error::MaxSize { .. }) => return Ok(()),
                stored => drop(stored?),
            }
        }
        let mut writer = turn.writer();
        make_durable(&self.shared, &mut writer)?;
        seal(&self.shared, &mut writer)?;
        give_back_closing(&self.shared, &mut writer)
    }
}

impl std::fmt::Debug for PageFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageFile")
            .field("stats", &self.stats())
            .finish()
    }
}
