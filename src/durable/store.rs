//! Versions into the page file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::catalogue::{rows_of, set_revision};
use crate::db::{Catalog, unwritten};
use crate::pagefile::{Error as FileError, PageFile};
use crate::radix::Version;
use crate::{Error, Revision};

/// A database's page file, and the version that it holds.
pub(super) struct Store {
    path: Arc<str>,
    catalog: Arc<Catalog>,
    written: Mutex<Written>,
    poisoned: OnceLock<Error>,
    /// The size of the file; apart, so that to ask for it waits for no write.
    bytes: AtomicU64,
}

struct Written {
    /// Gone once the store is closed, so that the file is free for others while snapshots still live.
    file: Option<PageFile>,
    /// The file has what it holds, but for rows that are in no file.
    version: Version,
    /// What the file says.
    revision: Revision,
}

impl Store {
    pub(super) fn new(
        path: Arc<str>,
        catalog: Arc<Catalog>,
        file: PageFile,
        version: Version,
    ) -> Self {
        let bytes = file.stats().file_bytes;
        Self {
            path,
            catalog,
            written: Mutex::new(Written {
                file: Some(file),
                revision: version.revision(),
                version,
            }),
            poisoned: OnceLock::new(),
            bytes: AtomicU64::new(bytes),
        }
    }

    /// A panic of a row's own code leaves a page transaction that was dropped, and so everything as it was.
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn poisoned(&self) -> Option<Error> {
        self.poisoned.get().cloned()
    }

    /// Tells of a failure that no caller hears of. Not under the lock: who listens is a stranger.
    pub(super) fn tell(&self, error: &Error) {
        unwritten(&self.path, error, self.poisoned().is_some());
    }

    /// From now on nothing is written any more.
    pub(super) fn poison(&self, reason: &str) {
        self.poisoned.get_or_init(|| Error::Poisoned {
            reason: reason.into(),
        });
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Makes the file hold `version`, unless it holds a later one already. One page transaction, in proportion to what changed.
    ///
    /// A full disk is an error like any other one and leaves the file as it is; so does a row that can't be written. After a failed write or sync
    /// nobody knows what the disk holds, and the store is poisoned.
    ///
    /// Where only rows changed that are in no file, nothing is written.
    pub(super) fn write(&self, version: &Version) -> Result<(), Error> {
        let written = self.lock();
        let before = &written.version;
        if before.revision() >= version.revision()
            || self.catalog.changes_nothing_durable(before, version)
        {
            return self.pass(written, version);
        }
        self.write_all(written, version)
    }

    /// Takes note of a version that has nothing for the file.
    fn pass(&self, mut written: MutexGuard<'_, Written>, version: &Version) -> Result<(), Error> {
        if let Some(error) = self.poisoned() {
            return Err(error);
        }
        if written.file.is_none() {
            return Err(Error::Closed);
        }
        if written.version.revision() < version.revision() {
            let before = std::mem::replace(&mut written.version, version.clone());
            drop(written);
            drop(before);
        }
        Ok(())
    }

    fn write_all(
        &self,
        mut written: MutexGuard<'_, Written>,
        version: &Version,
    ) -> Result<(), Error> {
        if let Some(error) = self.poisoned() {
            return Err(error);
        }
        let Written {
            file: Some(file),
            version: before,
            revision,
        } = &mut *written
        else {
            return Err(Error::Closed);
        };
        if *revision >= version.revision() {
            return Ok(());
        }
        self.transfer(file, before, version)?;
        self.bytes.store(file.stats().file_bytes, Ordering::Relaxed);
        *revision = version.revision();
        let before = std::mem::replace(&mut written.version, version.clone());
        drop(written);
        drop(before);
        Ok(())
    }

    fn transfer(&self, file: &PageFile, before: &Version, version: &Version) -> Result<(), Error> {
        let mut tx = file.begin_write().map_err(|error| self.failed(error))?;
        for (family, table) in self.catalog.durable() {
            if before.shares(version, family, 0) {
                continue;
            }
            let bucket = tx.bucket_or_create(rows_of(&table.definition.name));
            let mut bucket = bucket.map_err(|error| self.failed(error))?;
            table.rows.changes(before, version, &mut |(key, row)| {
                let changed = match row {
                    Some(row) => bucket.put(key, row),
                    None => bucket.delete(key),
                };
                changed.map(drop).map_err(|error| self.failed(error))
            })?;
        }
        set_revision(&mut tx, version.revision().get()).map_err(|error| self.failed(error))?;
        tx.commit().map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The error of an operation on the file; poisons where the file is not what it was.
    fn failed(&self, error: FileError) -> Error {
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

    /// Writes `version`, be it only its number, marks the file as complete and lets go of it.
    pub(super) fn close(&self, version: &Version) -> Result<(), Error> {
        let last = self.write_all(self.lock(), version);
        let Some(file) = self.lock().file.take() else {
            return Ok(());
        };
        last?;
        file.close().map_err(|error| self.failed(error))
    }
}
