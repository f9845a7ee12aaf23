//! A database's file: its journal, and the page trees behind it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::record::{chain, record, staged};
use super::transfer::{Failed, Pace, Trees, transfer};
use super::unknown::Unknown;
use crate::db::{Catalog, CommitRecord, Disk, Durability, Durable, unwritten};
use crate::pagefile::{Error as FileError, Journal};
use crate::radix::{Staged, Version};
use crate::{Error, Revision};

/// The journal's size at first, in bytes; it doubles whenever it was half full before a checkpoint was due for another reason.
pub(super) const FIRST_JOURNAL: u64 = 256 << 10;

/// A database's file.
///
/// Locks are taken in the order of the fields.
pub(super) struct Store {
    /// Held while a checkpoint goes on.
    trees: Mutex<Trees>,
    /// Held while somebody writes to the journal.
    log: Mutex<Log>,
    path: Arc<str>,
    catalog: Arc<Catalog>,
    /// Whether the file has tables that the catalogue has not.
    has_unknown: bool,
    durability: Durability,
    durable: Arc<Durable>,
    poisoned: OnceLock<Error>,
    /// How large the journal may be, and how large it is to be now, in bytes.
    most: u64,
    size: AtomicU64,
    figures: Figures,
    /// Memory of records that were written, for those to come. Taken for a moment, and nothing with it.
    spare: Mutex<Vec<Vec<u8>>>,
}

/// So many pieces of memory are kept for records, of no more than so many bytes.
const SPARE: (usize, usize) = (16, 256 << 10);

/// What is durable.
pub(super) struct Log {
    /// Gone once the store is closed.
    pub(super) journal: Option<Arc<Journal>>,
    /// The newest version that is, by the journal or by the trees; but for what is in no file.
    pub(super) version: Version,
    /// The newest commit of which there is a record, or that the trees have.
    recorded: u64,
}

/// Apart, so that to ask for them waits for no write.
#[derive(Default)]
struct Figures {
    file_bytes: AtomicU64,
    checkpointed: AtomicU64,
    checkpoints: AtomicU64,
    groups: AtomicU64,
    journal_bytes: AtomicU64,
    syncs: AtomicU64,
    bytes_written: AtomicU64,
}

impl Store {
    pub(super) fn new(
        path: Arc<str>,
        catalog: Arc<Catalog>,
        durability: Durability,
        most: u64,
        trees: Trees,
        journal: Journal,
    ) -> Self {
        let version = trees.version.clone();
        let store = Self {
            path,
            catalog,
            has_unknown: trees.has_unknown,
            durability,
            durable: Arc::new(Durable::new(version.revision())),
            poisoned: OnceLock::new(),
            most,
            size: AtomicU64::new(FIRST_JOURNAL.min(most)),
            figures: Figures::default(),
            spare: Mutex::default(),
            log: Mutex::new(Log {
                journal: Some(Arc::new(journal)),
                recorded: version.revision().get(),
                version,
            }),
            trees: Mutex::new(trees),
        };
        store.look(&store.trees());
        store
    }

    /// A panic of a row's own code leaves a page transaction that was dropped, and so everything as it was.
    fn trees(&self) -> MutexGuard<'_, Trees> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    pub(super) fn durable(&self) -> &Arc<Durable> {
        &self.durable
    }

    pub(super) fn poisoned(&self) -> Option<Error> {
        self.poisoned.get().cloned()
    }

    fn refuse(&self) -> Result<(), Error> {
        self.poisoned().map_or(Ok(()), Err)
    }

    /// Tells of a failure that no caller hears of. Not under the lock: who listens is a stranger.
    pub(super) fn tell(&self, error: &Error) {
        unwritten(&self.path, error, self.poisoned().is_some());
    }

    /// From now on nothing is written any more. Under no lock, for those who wait for something to be durable are told.
    pub(super) fn poison(&self, reason: &str) {
        self.poisoned.get_or_init(|| Error::Poisoned {
            reason: reason.into(),
        });
        self.durable.close();
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.figures.file_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn disk(&self) -> Disk {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Disk {
            durable: self.durable.revision(),
            checkpointed: Revision::new(get(&self.figures.checkpointed)),
            checkpoints: get(&self.figures.checkpoints),
            groups: get(&self.figures.groups),
            journal_bytes: get(&self.figures.journal_bytes),
            syncs: get(&self.figures.syncs),
            bytes_written: get(&self.figures.bytes_written),
        }
    }

    /// The tables that the file has and the program does not declare. Waits for a checkpoint that runs.
    pub(super) fn unknown_tables(&self) -> Result<Option<Unknown>, Error> {
        if !self.has_unknown {
            return Ok(None);
        }
        let trees = self.trees();
        let Some(file) = &trees.file else {
            return Err(Error::Closed);
        };
        let (snapshot, newer) = (file.begin_read(), trees.foreign.clone());
        drop(trees);
        Unknown::new(&self.path, snapshot, newer, &self.catalog).map(Some)
    }

    /// Notes what the file says of itself.
    fn look(&self, trees: &Trees) {
        let set = |figure: &AtomicU64, value| figure.store(value, Ordering::Relaxed);
        set(&self.figures.checkpointed, trees.revision);
        if let Some(file) = &trees.file {
            set(&self.figures.file_bytes, file.stats().file_bytes);
        }
        self.look_at_journal(&self.log());
    }

    fn look_at_journal(&self, log: &Log) {
        let set = |figure: &AtomicU64, value| figure.store(value, Ordering::Relaxed);
        if let Some(journal) = &log.journal {
            let stats = journal.file_stats();
            set(&self.figures.journal_bytes, journal.bytes());
            set(&self.figures.syncs, stats.syncs);
            set(&self.figures.bytes_written, stats.bytes_written);
        }
    }

    /// How many bytes of journal a checkpoint leaves ahead.
    fn size(&self) -> u64 {
        match self.durability {
            Durability::Checkpoint => 0,
            _ => self.size.load(Ordering::Relaxed),
        }
    }

    /// The bytes of a commit, for the journal.
    pub(super) fn record(&self, from: &Version, to: &Staged) -> Result<CommitRecord, Error> {
        let spare = self.spare().pop().unwrap_or_default();
        staged(&self.catalog, from, to, self.most_bytes(), spare)
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the memory of records that were written.
    fn keep(&self, records: &mut [CommitRecord]) {
        let mut spare = self.spare();
        for record in records.iter_mut().filter_map(Option::take) {
            if record.capacity() <= SPARE.1 && spare.len() < SPARE.0 {
                spare.push(record);
            }
        }
    }

    fn most_bytes(&self) -> usize {
        usize::try_from(self.most).unwrap_or(usize::MAX)
    }

    /// Makes commits durable that lead from the newest durable version to `to`: in the journal, with one write and one sync; where that has no room, in the trees.
    ///
    /// A full disk is an error like any other one and leaves the file as it is. After a failed write or sync nobody knows what the disk holds, and the store is
    /// poisoned.
    ///
    /// Commits of which there is nothing to keep are not written.
    pub(super) fn write(&self, records: &mut [CommitRecord], to: &Version) -> Result<(), Error> {
        self.refuse()?;
        let mut log = self.log();
        match self.append(&mut log, records, to) {
            Ok(Some(before)) => {
                drop(log);
                drop(before);
                self.keep(records);
                return Ok(());
            }
            Ok(None) => drop(log),
            Err(error) => {
                drop(log);
                return Err(self.failed(error));
            }
        }
        // A checkpoint that runs makes room. So who writes more than checkpoints take in waits for one here.
        let mut trees = self.trees();
        let mut log = self.log();
        let written = match self.append(&mut log, records, to) {
            Ok(Some(before)) => Ok(vec![before]),
            Ok(None) => self.write_through(&mut trees, &mut log, to),
            Err(error) => Err(error),
        };
        drop(log);
        self.look(&trees);
        drop(trees);
        written.map(drop).map_err(|error| self.failed(error))
    }

    /// Appends to the journal, if it has room, and gives the version that was the newest durable one.
    fn append(
        &self,
        log: &mut Log,
        records: &mut [CommitRecord],
        to: &Version,
    ) -> Result<Option<Version>, Failed> {
        let Some(journal) = &log.journal else {
            return Err(Error::Closed.into());
        };
        let mut recorded = log.recorded;
        let mut kept: Vec<&[u8]> = Vec::with_capacity(records.len());
        for record in records {
            let Some(record) = record else {
                return Ok(None);
            };
            if let Some(revision) = chain(record, recorded) {
                recorded = revision;
                kept.push(record);
            }
        }
        if !kept.is_empty() {
            if !journal.append(&kept, to.revision().get())? {
                return Ok(None);
            }
            log.recorded = recorded;
            self.figures.groups.fetch_add(1, Ordering::Relaxed);
            self.look_at_journal(log);
        }
        Ok(Some(std::mem::replace(&mut log.version, to.clone())))
    }

    /// Makes the trees hold `to`, with nothing in the journal behind it. What was durable before goes first, in slices; what is not, all or nothing.
    fn write_through(
        &self,
        trees: &mut Trees,
        log: &mut Log,
        to: &Version,
    ) -> Result<Vec<Version>, Failed> {
        let durable = log.version.clone();
        let mut passed = Vec::new();
        if !trees.hold(&durable) || !trees.begun.is_empty() {
            passed.extend(self.transfer(trees, log, &durable, Pace::Quick, self.size())?);
        }
        passed.push(durable);
        passed.extend(self.transfer(trees, log, to, Pace::Whole, self.size())?);
        log.recorded = to.revision().get();
        passed.push(std::mem::replace(&mut log.version, to.clone()));
        Ok(passed)
    }

    fn transfer(
        &self,
        trees: &mut Trees,
        log: &Log,
        to: &Version,
        pace: Pace,
        size: u64,
    ) -> Result<Vec<Version>, Failed> {
        let Some(journal) = &log.journal else {
            return Err(Error::Closed.into());
        };
        let passed = transfer(trees, &self.catalog, journal, to, pace, size)?;
        self.figures.checkpoints.fetch_add(1, Ordering::Relaxed);
        Ok(passed)
    }

    /// The error of an operation on the file; poisons where the file is not what it was. Under no lock.
    fn failed(&self, failed: Failed) -> Error {
        let error = match failed {
            Failed::Row(error) => return error,
            Failed::File(error) => error,
        };
        let full = matches!(
            error,
            FileError::StorageFull { .. } | FileError::MaxSize { .. }
        );
        let error = Error::File {
            path: Arc::clone(&self.path),
            source: Arc::new(error),
        };
        if !full {
            self.poison(&error.to_string());
        }
        error
    }

    /// Makes all up to `version`, which is published, durable: as one record, or in the trees where commits are not kept in the journal.
    pub(super) fn sync(&self, version: &Version) -> Result<(), Error> {
        self.refuse()?;
        if self.durability == Durability::Checkpoint {
            return self.checkpoint(version);
        }
        let mut log = self.log();
        if log.version.revision() < version.revision() {
            let before = log.version.clone();
            let most = self.most_bytes();
            let mut record = record(&self.catalog, &before, version, most, Vec::new())?;
            let appended = self.append(&mut log, std::slice::from_mut(&mut record), version);
            drop(log);
            drop(before);
            match appended {
                Ok(Some(before)) => drop(before),
                Ok(None) => self.sync_through(version)?,
                Err(error) => return Err(self.failed(error)),
            }
        } else {
            drop(log);
        }
        self.durable.advance(version.revision());
        Ok(())
    }

    /// As [`sync`](Self::sync), into the trees.
    fn sync_through(&self, version: &Version) -> Result<(), Error> {
        let mut trees = self.trees();
        let mut log = self.log();
        // Somebody else may have been here with a newer one.
        let to = if log.version.revision() < version.revision() {
            version.clone()
        } else {
            log.version.clone()
        };
        let written = if trees.hold(&to) {
            Ok(Vec::new())
        } else if let Some(before) = trees.pass(&self.catalog, &to) {
            Ok(vec![
                before,
                std::mem::replace(&mut log.version, to.clone()),
            ])
        } else {
            let passed = self.transfer(&mut trees, &log, &to, Pace::Quick, self.size());
            passed.map(|mut passed| {
                log.recorded = to.revision().get();
                passed.push(std::mem::replace(&mut log.version, to.clone()));
                passed
            })
        };
        drop(log);
        self.look(&trees);
        drop(trees);
        written.map(drop).map_err(|error| self.failed(error))
    }

    /// Makes all up to `version`, which is published, durable in the trees.
    pub(super) fn checkpoint(&self, version: &Version) -> Result<(), Error> {
        self.refuse()?;
        if self.durability == Durability::Checkpoint {
            self.sync_through(version)?;
            self.durable.advance(version.revision());
            return Ok(());
        }
        self.sync(version)?;
        self.catch_up().map(drop)
    }

    /// Makes the trees hold what the journal has, while others write to it. Says whether there was anything.
    pub(super) fn catch_up(&self) -> Result<bool, Error> {
        self.refuse()?;
        let mut trees = self.trees();
        let (version, journal) = {
            let log = self.log();
            (log.version.clone(), log.journal.clone())
        };
        let Some(journal) = journal else {
            return Err(Error::Closed);
        };
        if trees.hold(&version) && trees.begun.is_empty() {
            return Ok(false);
        }
        if let Some(before) = trees.pass(&self.catalog, &version) {
            drop(trees);
            drop(before);
            return Ok(false);
        }
        let moved = transfer(
            &mut trees,
            &self.catalog,
            &journal,
            &version,
            Pace::Gentle,
            self.size(),
        );
        self.figures.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.look(&trees);
        drop(trees);
        drop(version);
        moved.map(drop).map_err(|error| self.failed(error))?;
        Ok(true)
    }

    /// Whether the journal is so full that it is time for a checkpoint. The next journal will be larger.
    pub(super) fn is_due(&self) -> bool {
        let size = self.size();
        let ahead = self.log().journal.as_ref().map(|journal| journal.ahead());
        ahead.is_some_and(|ahead| ahead < size / 2)
    }

    /// The journal was half full before its time: the next stretch is twice as long.
    pub(super) fn lengthen(&self) {
        let size = self.size.load(Ordering::Relaxed);
        let longer = (size * 2).min(self.most);
        self.size.store(longer, Ordering::Relaxed);
    }

    fn last(
        &self,
        trees: &mut Trees,
        log: &mut Log,
        version: &Version,
    ) -> Result<Vec<Version>, Failed> {
        let Some(journal) = &log.journal else {
            return Ok(Vec::new());
        };
        if trees.hold(version) && trees.begun.is_empty() && !journal.is_there() {
            return Ok(Vec::new());
        }
        let mut passed = self.transfer(trees, log, version, Pace::Quick, 0)?;
        passed.push(std::mem::replace(&mut log.version, version.clone()));
        Ok(passed)
    }

    /// Writes `version` into the trees, gives the journal up, marks the file as complete and lets go of it.
    pub(super) fn close(&self, version: &Version) -> Result<(), Error> {
        let mut trees = self.trees();
        let mut log = self.log();
        let last = match self.poisoned() {
            Some(error) => Err(error.into()),
            None => self.last(&mut trees, &mut log, version),
        };
        let journal = log.journal.take();
        let file = trees.file.take();
        let begun = std::mem::take(&mut trees.begun);
        drop(log);
        drop(trees);
        drop((journal, begun));
        let passed = match last {
            Ok(passed) => passed,
            Err(error) => {
                // It stays as a crash would leave it.
                drop(file);
                self.durable.close();
                return Err(self.failed(error));
            }
        };
        drop(passed);
        let closed = match file {
            Some(file) => file.close().map_err(|error| self.failed(error.into())),
            None => Ok(()),
        };
        if closed.is_ok() {
            self.durable.advance(version.revision());
        }
        self.durable.close();
        closed
    }
}
