//! The difference of two versions into the page trees, in slices of bounded memory.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{rows_of, set_revision};
use super::replay::{Replay, Rows};
use crate::Error;
use crate::db::Catalog;
use crate::pagefile::{Error as FileError, Journal, PageFile, WriteTxn};
use crate::radix::Version;

/// The rows of the first slice; then as many as write about as much as the pace says.
const FIRST_SLICE: usize = 64;
const LEAST_SLICE: usize = 16;

/// How large the slices are of what is written, in bytes.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// One slice: all or nothing.
    Whole,
    /// Large ones, for who waits.
    Quick,
    /// Small ones, each synced by itself, so that a commit whose sync comes behind one does not wait for much.
    Gentle,
}

impl Pace {
    fn bytes(self) -> u64 {
        match self {
            Self::Whole => u64::MAX,
            Self::Quick => 8 << 20,
            Self::Gentle => 128 << 10,
        }
    }
}

/// The page trees, and what is known of what they hold.
pub(super) struct Trees {
    /// Gone once the store is closed, so that the file is free for others while snapshots still live.
    pub(super) file: Option<PageFile>,
    /// The revision that the newest durable meta says.
    pub(super) revision: u64,
    /// What they hold but for the following.
    pub(super) version: Version,
    /// Where a full disk ended a transfer after some of its slices: the versions that some rows may be of. A crash loses these slices.
    pub(super) begun: Vec<Version>,
    /// Rows that the journal had when the file was opened: `version` has them.
    pub(super) replayed: BTreeMap<String, BTreeSet<Box<[u8]>>>,
    /// As these, of tables that the program does not have.
    pub(super) foreign: BTreeMap<String, Rows>,
    /// Whether there are tables that the program does not have.
    pub(super) has_unknown: bool,
}

impl Trees {
    /// Those of a file that was loaded, with what the journal added.
    pub(super) fn new(file: PageFile, catalog: &Catalog, version: Version, replay: Replay) -> Self {
        let mut trees = Self {
            file: Some(file),
            revision: replay.begun,
            version,
            begun: Vec::new(),
            replayed: BTreeMap::new(),
            foreign: BTreeMap::new(),
            has_unknown: false,
        };
        for (name, rows) in replay.tables {
            let mut tables = catalog.durable();
            if tables.any(|(_, table)| table.definition.name == name) {
                trees.replayed.insert(name, rows.into_keys().collect());
            } else {
                trees.foreign.insert(name, rows);
            }
        }
        trees
    }

    /// A transaction on them; none once they are closed.
    pub(super) fn begin(&self) -> Result<Option<WriteTxn>, FileError> {
        self.file.as_ref().map(PageFile::begin_write).transpose()
    }

    /// Commits a transaction, with which the trees hold the newest version, whatever the journal has.
    pub(super) fn settle(
        &mut self,
        txn: WriteTxn,
        catalog: &Catalog,
        journal: &Journal,
        journal_size: u64,
    ) -> Result<(), Failed> {
        let Some(file) = &self.file else {
            return Err(Error::Closed.into());
        };
        let revision = self.version.revision().get();
        let mut slices = Slices::new(file, Pace::Whole);
        slices.txn = Some(txn);
        write(self, catalog, &mut slices, &self.version)?;
        let mut txn = slices.take()?;
        set_revision(&mut txn, revision)?;
        journal.commit(txn, revision, journal_size)?;
        self.revision = revision;
        self.replayed.clear();
        self.foreign.clear();
        Ok(())
    }

    /// Takes note of a version that has nothing for the trees but its number, which goes there with the next one that has, or with the last. Gives the version before.
    pub(super) fn pass(&mut self, catalog: &Catalog, version: &Version) -> Option<Version> {
        let nothing = self.begun.is_empty()
            && self.replayed.is_empty()
            && self.foreign.is_empty()
            && (self.version.revision() == version.revision()
                || catalog.changes_nothing_durable(&self.version, version));
        nothing.then(|| std::mem::replace(&mut self.version, version.clone()))
    }

    /// Whether a crash now would need no journal to come to this state.
    pub(super) fn hold(&self, version: &Version) -> bool {
        self.revision >= version.revision().get()
    }
}

/// Why a transfer ended. Rows' own errors are not the file's.
pub(super) enum Failed {
    File(FileError),
    Row(Error),
}

impl From<FileError> for Failed {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Row(error)
    }
}

/// Makes the trees hold `to`, which is not older than what they hold, moves the beginning of the journal behind it, and leaves `journal_size` bytes of journal ahead at least; 0
/// gives it up. Gives versions that are to be let go of under no lock.
pub(super) fn transfer(
    trees: &mut Trees,
    catalog: &Catalog,
    journal: &Journal,
    to: &Version,
    pace: Pace,
    journal_size: u64,
) -> Result<Vec<Version>, Failed> {
    let Some(file) = &trees.file else {
        return Err(Error::Closed.into());
    };
    let mut slices = Slices::new(file, pace);
    let done = write(trees, catalog, &mut slices, to).and_then(|()| {
        let mut txn = slices.take()?;
        set_revision(&mut txn, to.revision().get())?;
        journal.commit(txn, to.revision().get(), journal_size)?;
        Ok(())
    });
    if let Err(error) = done {
        if slices.is_cut {
            trees.begun.push(to.clone());
        }
        return Err(error);
    }
    let mut passed = std::mem::take(&mut trees.begun);
    passed.push(std::mem::replace(&mut trees.version, to.clone()));
    trees.revision = to.revision().get();
    trees.replayed.clear();
    trees.foreign.clear();
    Ok(passed)
}

fn write(
    trees: &Trees,
    catalog: &Catalog,
    slices: &mut Slices<'_>,
    to: &Version,
) -> Result<(), Failed> {
    for (family, table) in catalog.durable() {
        let name = &table.definition.name;
        let bucket = rows_of(name);
        for from in trees.begun.iter().chain([&trees.version]) {
            if from.shares(to, family, 0) {
                continue;
            }
            let mut failed = None;
            let walked = table.rows.changes(from, to, &mut |(key, row)| {
                slices.put(&bucket, key, row).map_err(|error| {
                    failed = Some(error);
                    Error::Closed
                })
            });
            match failed {
                Some(error) => return Err(error.into()),
                None => walked?,
            }
        }
        let mut row = Vec::new();
        for key in trees.replayed.get(name).into_iter().flatten() {
            let there = table.rows.row(to, key, &mut row)?;
            slices.put(&bucket, key, there.then_some(&row))?;
        }
    }
    for (name, rows) in &trees.foreign {
        let bucket = rows_of(name);
        for (key, row) in rows {
            slices.put(&bucket, key, (!row.is_empty()).then_some(row))?;
        }
    }
    Ok(())
}

/// A transfer on its way. Slices before the last one are commits of the page file that a crash loses; so it is still all or nothing.
struct Slices<'f> {
    file: &'f PageFile,
    txn: Option<WriteTxn>,
    pace: Pace,
    rows: usize,
    most: usize,
    /// What the file had written when the slice began.
    written: u64,
    is_cut: bool,
}

impl<'f> Slices<'f> {
    fn new(file: &'f PageFile, pace: Pace) -> Self {
        Self {
            file,
            txn: None,
            pace,
            rows: 0,
            most: match pace {
                Pace::Whole => usize::MAX,
                Pace::Quick | Pace::Gentle => FIRST_SLICE,
            },
            written: file.stats().bytes_written,
            is_cut: false,
        }
    }

    fn put(&mut self, bucket: &str, key: &[u8], row: Option<&[u8]>) -> Result<(), FileError> {
        if self.rows == self.most {
            self.cut()?;
        }
        self.rows += 1;
        let mut txn = self.take()?;
        let mut bucket = txn.bucket_or_create(bucket)?;
        match row {
            Some(row) => bucket.put(key, row)?,
            None => bucket.delete(key)?,
        };
        self.txn = Some(txn);
        Ok(())
    }

    /// The transaction of the slice.
    fn take(&mut self) -> Result<WriteTxn, FileError> {
        match self.txn.take() {
            Some(txn) => Ok(txn),
            None => self.file.begin_write(),
        }
    }

    fn cut(&mut self) -> Result<(), FileError> {
        self.take()?.commit_unsynced()?;
        self.is_cut = true;
        if matches!(self.pace, Pace::Gentle) {
            self.file.flush()?;
        }
        let written = self.file.stats().bytes_written;
        let wrote = written - self.written;
        self.written = written;
        self.rows = 0;
        if wrote < self.pace.bytes() / 2 {
            self.most *= 2;
        } else if wrote > self.pace.bytes() {
            self.most = (self.most / 2).max(LEAST_SLICE);
        }
        Ok(())
    }
}
