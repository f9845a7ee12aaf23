//! What the handle, its transactions and its snapshots share.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    Bucket, Error, FileStorage, Storage,
    journal::Stretches,
    log::Logged,
    meta::{Directory, Meta},
    opened::TOP,
    source::{Mapped, Maps, Source},
    stats::{Counters, add, set},
    tree::Root,
    writer::{Writer, is_full},
};

/// One state of the file, kept readable for as long as it is held: the writer sees whether somebody does.
pub(super) struct Snapshot {
    pub(super) commit: u64,
    pub(super) directory: Directory,
    pub(super) buckets: u64,
    pub(super) source: Source,
    pub(super) journal: Arc<Stretches>,
    /// For a state that is in the log: all of the above but the number of the commit is that of the state that the trees have.
    pub(super) logged: Option<Logged>,
}

impl Snapshot {
    /// The tree of buckets, as it is stored.
    fn root(&self) -> Root<'_> {
        match &self.directory {
            Directory::Empty => Root::Empty,
            Directory::Stored(root) => Root::Stored(*root),
            Directory::Inline(leaf) => Root::Inline(leaf),
        }
    }

    pub(super) fn new(meta: &Meta, mut source: Source) -> Self {
        source.pages = meta.pages;
        Self {
            commit: meta.commit,
            directory: meta.directory.clone(),
            buckets: meta.buckets,
            source,
            journal: Arc::clone(&meta.journal),
            logged: None,
        }
    }

    /// A state that is in the log.
    pub(super) fn logged(commit: u64, logged: Logged) -> Self {
        let stored = &logged.stored;
        Self {
            commit,
            directory: stored.directory.clone(),
            buckets: stored.buckets,
            source: stored.source.clone(),
            journal: Arc::clone(&stored.journal),
            logged: Some(logged),
        }
    }

    /// The state that the trees of the file had when this one was made: this one itself, if it is not in the log.
    pub(super) fn stored(this: &Arc<Self>) -> Arc<Self> {
        let logged = this.logged.as_ref();
        Arc::clone(logged.map_or(this, |logged| &logged.stored))
    }

    /// The bucket that all others lie in.
    pub(super) fn top(&self) -> Bucket<'_> {
        match &self.logged {
            Some(logged) => Bucket::open(&self.source, &logged.opened, TOP),
            None => Bucket::top(&self.source, self.root(), self.buckets),
        }
    }

    /// The meta of this state as one whose pages are known to be durable.
    pub(super) fn complete_meta(&self) -> Meta {
        Meta {
            page_size: self.source.page_size,
            commit: self.commit,
            pages: self.source.pages,
            directory: self.directory.clone(),
            buckets: self.buckets,
            runs: Vec::new(),
            runs_sum: 0,
            journal: Arc::clone(&self.journal),
        }
    }
}

/// What the storage is, how it is read, and how commits are made durable.
pub(super) struct Medium {
    pub(super) storage: Arc<dyn Storage>,
    /// The file to map, where reading goes through a mapping.
    pub(super) file: Option<Arc<FileStorage>>,
    pub(super) page_size: u32,
    pub(super) two_phase: bool,
    /// The bytes of the log; 0 where there is to be none.
    pub(super) log_size: u64,
    /// The least growth, in bytes.
    pub(super) grow_by: u64,
    /// The most that the file may grow to, in bytes.
    pub(super) max_size: u64,
    /// The file is not made shorter than this by itself, in bytes.
    pub(super) min_size: u64,
    pub(super) read_only: bool,
    pub(super) maps: Maps,
}

impl Medium {
    /// Reads the first `file_pages` pages, which the storage must have. What was verified through `before` is not verified again.
    pub(super) fn source(&self, file_pages: u64, before: Option<&Source>) -> Result<Source, Error> {
        let mapped = match &self.file {
            None => None,
            Some(file) => {
                let before = before.and_then(|before| before.mapped.as_deref());
                let mapped = Mapped::new(file.file(), file_pages, self.page_size, before);
                let mapped = Arc::new(mapped.map_err(Error::io("map"))?);
                self.maps.add(&mapped);
                Some(mapped)
            }
        };
        Ok(Source {
            storage: Arc::clone(&self.storage),
            mapped,
            page_size: self.page_size,
            pages: file_pages,
        })
    }
}

/// The right to write, given back when dropped, by a panic too.
pub(super) struct Turn {
    shared: Arc<Shared>,
}

impl Turn {
    /// What the writer knows. Nobody else asks for it while this turn lasts.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.shared.writer()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.shared.is_taken() = false;
        self.shared.turn_ended.notify_one();
    }
}

pub(super) struct Shared {
    pub(super) medium: Medium,
    pub(super) counters: Counters,
    /// Held for a moment only: to take a snapshot, and to publish one.
    current: RwLock<Arc<Snapshot>>,
    /// Whether somebody has the writer's turn. Not the lock of `writer` itself, whose guard could not go to another thread.
    turn_is_taken: Mutex<bool>,
    turn_ended: Condvar,
    writer: Mutex<Writer>,
    poisoned: AtomicBool,
    /// A write or sync has failed; nothing is written any more.
    failed: AtomicBool,
    /// Held while a sync runs: where two run at once, the system may tell only one of them of a failure that concerns the other.
    syncing: Mutex<()>,
}

impl Shared {
    pub(super) fn new(medium: Medium, snapshot: Snapshot, writer: Writer) -> Self {
        let counters = Counters::default();
        let file_bytes = writer.file_pages * u64::from(medium.page_size);
        set(&counters.file_bytes, file_bytes);
        set(&counters.durable_commit, writer.durable());
        Self {
            medium,
            counters,
            current: RwLock::new(Arc::new(snapshot)),
            turn_is_taken: Mutex::new(false),
            turn_ended: Condvar::new(),
            writer: Mutex::new(writer),
            poisoned: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            syncing: Mutex::default(),
        }
    }

    /// What the writer knows, for who has its turn, or while nobody else has the file.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    pub(super) fn publish(&self, snapshot: Arc<Snapshot>) {
        self.replace(snapshot);
        add(&self.counters.commits, 1);
    }

    /// Puts another snapshot in the place of the current one, and gives that.
    pub(super) fn replace(&self, snapshot: Arc<Snapshot>) -> Arc<Snapshot> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, snapshot)
    }

    /// Waits until nobody writes, and takes the writer's turn.
    pub(super) fn turn(self: &Arc<Self>) -> Turn {
        let is_taken = self.is_taken();
        let waited = self.turn_ended.wait_while(is_taken, |is_taken| *is_taken);
        *waited.unwrap_or_else(PoisonError::into_inner) = true;
        Turn {
            shared: Arc::clone(self),
        }
    }

    fn is_taken(&self) -> MutexGuard<'_, bool> {
        let is_taken = self.turn_is_taken.lock();
        is_taken.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn refuse_poisoned(&self) -> Result<(), Error> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Error::Poisoned);
        }
        self.refuse_failed()
    }

    /// As [`refuse_poisoned`](Self::refuse_poisoned), for who does not have the writer's turn: a commit that is in the midst of its writes is no failure.
    pub(super) fn refuse_failed(&self) -> Result<(), Error> {
        // A sync that panicked is no better than one that failed.
        if self.failed.load(Ordering::Acquire) || self.syncing.is_poisoned() {
            return Err(Error::Poisoned);
        }
        Ok(())
    }

    /// From now on nothing is written any more.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    pub(super) fn set_poisoned(&self, poisoned: bool) {
        self.poisoned.store(poisoned, Ordering::Release);
    }

    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        self.write_raw(offset, bytes).map_err(|error| {
            // A full disk has taken nothing that counts; whether that is a failure says who writes.
            if !is_full(&error) {
                self.fail();
            }
            Error::io("write")(error)
        })
    }

    pub(super) fn write_raw(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.medium.storage.write_at(offset, bytes)?;
        self.wrote(bytes);
        Ok(())
    }

    fn wrote(&self, bytes: &[u8]) {
        add(&self.counters.writes, 1);
        add(&self.counters.bytes_written, bytes.len() as u64);
    }

    pub(super) fn sync(&self) -> Result<(), Error> {
        let syncing = self.syncing.lock().map_err(|_| Error::Poisoned)?;
        self.refuse_failed()?;
        let start = Instant::now();
        let synced = self.medium.storage.sync();
        if synced.is_err() {
            self.fail();
        }
        drop(syncing);
        synced.map_err(Error::io("sync"))?;
        self.synced(start);
        Ok(())
    }

    fn synced(&self, start: Instant) {
        let nanos = start.elapsed().as_nanos();
        add(
            &self.counters.sync_nanos,
            u64::try_from(nanos).unwrap_or(u64::MAX),
        );
        add(&self.counters.syncs, 1);
    }

    /// Writes into pages that were written before, and returns once that is durable. What others have written is not waited for where the system can tell them apart. A failure of
    /// any kind poisons: such pages need no room.
    pub(super) fn write_durably(&self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let start = Instant::now();
        let file = self.medium.file.as_ref();
        let Some(written) = file.and_then(|file| file.write_durably(offset, bytes)) else {
            let written = self.write(offset, bytes);
            written.inspect_err(|_| self.fail())?;
            return self.sync();
        };
        written.map_err(|error| {
            self.fail();
            Error::io("write")(error)
        })?;
        self.wrote(bytes);
        self.synced(start);
        Ok(())
    }
}
