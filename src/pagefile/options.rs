//! How a page file is opened.

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    Error, FileStorage, MemStorage, PageFile, Storage,
    create::create,
    lock::{Opened, open_locked},
    meta::is_page_size,
    open::{initialise, open},
    shared::Medium,
    source::Maps,
};

/// How to open or create a page file.
///
/// ```
/// use sapwood::pagefile::Options;
///
/// let dir = tempfile::tempdir()?;
/// let file = Options::new().page_size(16 * 1024).open(dir.path().join("state.sap"))?;
/// assert_eq!(file.stats().page_size, 16 * 1024);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct Options {
    page_size: u32,
    two_phase: bool,
    memory_map: bool,
    create: bool,
    grow_by: u64,
    initial_size: u64,
    max_size: u64,
    lock_timeout: Duration,
    read_only: bool,
    verify: bool,
    log_size: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            page_size: 4096,
            two_phase: false,
            memory_map: true,
            create: true,
            grow_by: 256 * 1024,
            initial_size: 0,
            max_size: u64::MAX,
            lock_timeout: Duration::ZERO,
            read_only: false,
            verify: false,
            log_size: 320 << 10,
        }
    }
}

impl Options {
    /// The defaults, which each method states.
    pub fn new() -> Self {
        Self::default()
    }

    /// The page size of a new file, in bytes: a power of two from 512 to 65,536, 4,096 by default. A file that there is keeps its own.
    #[must_use]
    pub fn page_size(mut self, bytes: u32) -> Self {
        self.page_size = bytes;
        self
    }

    /// Whether a commit syncs its pages before it writes its meta, and then syncs again: two syncs instead of one, and nothing to verify at
    /// open. Off by default. Commits of more than 4 MiB do so in any case.
    #[must_use]
    pub fn two_phase(mut self, on: bool) -> Self {
        self.two_phase = on;
        self
    }

    /// Whether a file is read through a memory map (the default) or with a system call for each page. A map is quicker, and demands that nobody
    /// changes or shortens the file in spite of its lock: what is read then may be anything, and reading behind the end kills the process.
    #[must_use]
    pub fn memory_map(mut self, on: bool) -> Self {
        self.memory_map = on;
        self
    }

    /// Whether a file that is not there is created. On by default.
    #[must_use]
    pub fn create(mut self, on: bool) -> Self {
        self.create = on;
        self
    }

    /// The least that the file grows by, in bytes; 256 KiB by default. Where an eighth of its length is more, it
    /// grows by that, up to 2 MiB and up to what 64 such commits need, as long as not more than a third of it would be free.
    #[must_use]
    pub fn grow_by(mut self, bytes: u64) -> Self {
        self.grow_by = bytes;
        self
    }

    /// The length of a new file, in bytes, rounded down to whole pages and to the maximum: space that the first commits do not have to make. Not more than it needs by
    /// default. A file that there is keeps its own; but commits do not [give back](super::Stats::free_tail_pages) of it what would make it shorter than this.
    #[must_use]
    pub fn initial_size(mut self, bytes: u64) -> Self {
        self.initial_size = bytes;
        self
    }

    /// The most that the file grows to, in bytes. A commit that needs more is refused with [`Error::MaxSize`], and the file is as it was. A file
    /// that is longer already is not made shorter. No limit by default.
    #[must_use]
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes;
        self
    }

    /// Whether the file is opened to read only: it is neither written nor created, and a write transaction is refused with [`Error::ReadOnly`]. Any
    /// number of processes can read at the same time, for the lock is a shared one. Off by default.
    ///
    /// While somebody has the file open to write, this waits and fails as any other opener, with [`Error::Locked`]. The writer knows the readers of its own
    /// process only: pages that a reader elsewhere needs, it would use again.
    #[must_use]
    pub fn read_only(mut self, on: bool) -> Self {
        self.read_only = on;
        self
    }

    /// Whether opening reads and verifies the whole file, as [`PageFile::check`] does, and fails with the first problem. Off by default: a page is
    /// verified when it is first read.
    #[must_use]
    pub fn verify(mut self, on: bool) -> Self {
        self.verify = on;
        self
    }

    /// The length of the log, in bytes: 320 KiB by default, none where it is 0.
    ///
    /// In a file that is 32 times as long, a commit that puts and deletes keys is made durable by one small write of what it did, whatever pages that changes. These are
    /// kept in memory and written when the log is full, when they are a sixteenth of the file, or when it is closed. Opening the file after a crash does again what is in the log. A commit that does
    /// anything else, or whose keys and values are half as long as the log, is written at once, and all that is in the log with it.
    #[must_use]
    pub fn log_size(mut self, bytes: u64) -> Self {
        self.log_size = bytes;
        self
    }

    /// How long to wait for somebody else to close the file. Not at all by default.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Opens the file at `path`, and creates it where there is none: readable by its owner only (mode 0600), whole or not at all. Holds an
    /// exclusive lock on it until the handle and all its transactions are dropped; a shared one if [`read_only`](Self::read_only).
    ///
    /// A file of length zero is refused as truncated, for this library never leaves one, and to begin anew in it could hide a loss.
    ///
    /// Costs the reading of what the last commit wrote, and after a crash doing again what is in the [log](Self::log_size). The first commit that does not go into the log walks all trees, to find the free pages.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::NotAPageFile`], [`Error::NewerFormat`], [`Error::Truncated`], [`Error::DamagedMeta`],
    /// [`Error::BadPageSize`], [`Error::Io`]; [`Error::Corrupted`] where the log is damaged, or a page that it changes, and with [`verify`](Self::verify) where anything is. The file is then as it was.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<PageFile, Error> {
        self.check()?;
        let path = path.as_ref();
        loop {
            match open_locked(path, self.lock_timeout, self.read_only)? {
                Opened::File(file) => return self.open_file(FileStorage::new(file)),
                Opened::Missing if self.create && !self.read_only => {
                    // Where somebody else was quicker, theirs is opened.
                    let made = create(path, |file| self.initialise(file))?;
                    if let Some(file) = made {
                        return self.open_file(FileStorage::new(file));
                    }
                }
                Opened::Missing => {
                    let missing = std::io::ErrorKind::NotFound.into();
                    return Err(Error::io("open")(missing));
                }
            }
        }
    }

    /// A page file in memory, gone when dropped.
    ///
    /// # Errors
    /// [`Error::BadPageSize`].
    pub fn in_memory(&self) -> Result<PageFile, Error> {
        self.open_storage(Box::new(MemStorage::default()))
    }

    /// Opens the page file on `storage`, and makes one where it is empty. A crash while it is made can leave what is then refused.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for the lock.
    pub fn open_storage(&self, storage: Box<dyn Storage>) -> Result<PageFile, Error> {
        self.check()?;
        let storage: Arc<dyn Storage> = Arc::from(storage);
        if !self.read_only && storage.is_empty().map_err(Error::io("measure"))? {
            self.initialise(&*storage)?;
        }
        self.open_medium(storage, None)
    }

    fn initialise(&self, storage: &dyn Storage) -> Result<(), Error> {
        initialise(
            storage,
            self.page_size,
            self.initial_size.min(self.max_size),
        )
    }

    fn open_file(&self, file: FileStorage) -> Result<PageFile, Error> {
        let file = Arc::new(file);
        let mapped = self.memory_map.then(|| Arc::clone(&file));
        self.open_medium(file, mapped)
    }

    fn open_medium(
        &self,
        storage: Arc<dyn Storage>,
        file: Option<Arc<FileStorage>>,
    ) -> Result<PageFile, Error> {
        let opened = open(Medium {
            storage,
            file,
            page_size: self.page_size,
            two_phase: self.two_phase,
            log_size: self.log_size,
            grow_by: self.grow_by,
            max_size: self.max_size,
            min_size: self.initial_size.min(self.max_size),
            read_only: self.read_only,
            maps: Maps::default(),
        })?;
        if self.verify
            && let Some(problem) = opened.check()?.problems.into_iter().next()
        {
            return Err(problem);
        }
        Ok(opened)
    }

    fn check(&self) -> Result<(), Error> {
        if is_page_size(self.page_size) {
            Ok(())
        } else {
            Err(Error::BadPageSize {
                size: self.page_size,
            })
        }
    }
}
