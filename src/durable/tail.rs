//! Commits as they come into a file, seen from another process.
//!
//! What is read is what was written before the state that was looked at first: so commits that this state has and the journal has not were not missed by chance, but are in the trees only. Rows are
//! of the shape that the catalogue says as long as that is the same before and after they were read; where it has changed, a program has changed its structs, and what lay between is told as missing.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, Unreadable};
use super::edit::{failed, unreadable};
use super::inspect::StoredRow;
use super::recorded::Recorded;
use crate::pagefile::{Error as FileError, Position, Seen, Storage, Watched};
use crate::table::TableSchema;
use crate::{Error, Revision};

/// How many bytes of records are read, about, before it is made sure that their shape was what it seemed.
const BATCH: usize = 1 << 20;
/// How often a state is looked at that has gone before it was read.
const TRIES: u32 = 100;

/// Follows the commits of a database in a file that another process, or this one, has open to write. It takes no lock, and writes nothing.
///
/// Commits that are in the file's journal are given one by one, in order. Those that went past it, into the trees, are [missed](Tailed::Missed), and so are those that a follower
/// came too late for: it is told which. A commit is seen when it is written, which may be a moment before it is durable, and before it is acknowledged; [`synced`](Self::synced) waits for that.
///
/// ```
/// # use sapwood::{Database, Table};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Table, Serialize, Deserialize)]
/// # struct Pod {
/// #     #[key]
/// #     name: String,
/// # }
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("state.sap");
/// use sapwood::{Tail, Tailed};
///
/// let db = Database::builder().table::<Pod>().open(&path)?;
/// let mut tail = Tail::open(&path)?;
/// db.write(|tx| tx.insert(Pod { name: "web".into() }))?;
/// let seen = tail.poll()?;
/// assert!(matches!(&seen[..], [Tailed::Commit(commit)] if commit.revision == db.revision()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Tail {
    path: Arc<str>,
    file: Watched,
    tables: Arc<Vec<TableSchema>>,
    /// The commit of the file of which the tables are.
    commit: u64,
    at: Option<Position>,
    /// Of the last commit that was given, or told to be missed.
    last: u64,
    /// The first one that is to be given.
    from: u64,
    synced: bool,
    ready: VecDeque<Tailed>,
}

/// What has come: [`Tail::poll`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tailed {
    /// A commit, or what a period made of several.
    Commit(TailedCommit),
    /// Commits that are not in the journal, or not any more: the trees have what they made. Some of them may have changed nothing that is in the file.
    Missed {
        /// The first of them.
        from: Revision,
        /// The last.
        to: Revision,
    },
}

/// A commit in the journal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TailedCommit {
    /// Its number.
    pub revision: Revision,
    /// The rows that it changed, by table and key.
    pub changes: Vec<TailedChange>,
    tables: Arc<Vec<TableSchema>>,
}

/// A row that a commit changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TailedChange {
    /// The name of its table.
    pub table: String,
    /// Its primary key, encoded.
    pub key: Vec<u8>,
    /// Empty where it was removed.
    record: Vec<u8>,
}

impl TailedCommit {
    /// The table of this name, as it was at this commit.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.definition.name == name)
    }

    /// The row that the change put; `None` where it removed one.
    ///
    /// # Errors
    /// [`Error::StoredRow`] where its bytes are not a row of the table; [`Error::Foreign`] where the file does not tell of the table.
    pub fn row(&self, change: &TailedChange) -> Result<Option<StoredRow<'_>>, Error> {
        if change.record.is_empty() {
            return Ok(None);
        }
        let Some(table) = self.table(&change.table) else {
            return Err(Error::Foreign {
                path: change.table.as_str().into(),
                what: "the file does not tell what rows of this table are made of".to_owned(),
            });
        };
        StoredRow::read(table, &change.key, &change.record).map(Some)
    }
}

impl TailedChange {
    /// Whether the row was removed.
    pub fn is_removed(&self) -> bool {
        self.record.is_empty()
    }
}

impl Tail {
    /// Begins behind the newest commit of the file at `path`. O(tables + journal).
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read; [`Error::Foreign`] where it is not that of a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::begin(path.as_ref(), None)
    }

    /// Begins with the commit `from`, as far as the journal goes back.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_from(path: impl AsRef<Path>, from: Revision) -> Result<Self, Error> {
        Self::begin(path.as_ref(), Some(from))
    }

    /// As [`open_from`](Self::open_from), on something that is not a file. Errors call it `storage`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_storage(storage: Box<dyn Storage>, from: Revision) -> Result<Self, Error> {
        Self::on(
            "storage".into(),
            Watched::on(Arc::from(storage)),
            Some(from),
        )
    }

    fn begin(path: &Path, from: Option<Revision>) -> Result<Self, Error> {
        let name: Arc<str> = path.display().to_string().into();
        let file = Watched::open(path).map_err(|error| failed(&name, error))?;
        Self::on(name, file, from)
    }

    fn on(path: Arc<str>, file: Watched, from: Option<Revision>) -> Result<Self, Error> {
        let mut tail = Self {
            path,
            file,
            tables: Arc::default(),
            commit: 0,
            at: None,
            last: 0,
            from: from.map_or(0, Revision::get),
            synced: false,
            ready: VecDeque::new(),
        };
        let (seen, catalogue) = tail.see()?;
        tail.adopt(&seen, &catalogue);
        tail.last = catalogue.revision;
        if let Some(from) = from.map(Revision::get) {
            if (1..=tail.last).contains(&from) {
                tail.miss(from, catalogue.revision);
            }
        } else {
            while tail.fill()? {}
            tail.ready.clear();
            tail.from = tail.last + 1;
        }
        Ok(tail)
    }

    /// Gives a commit only when something that was written behind it shows that it is durable: the newest one comes with the next, or with a checkpoint. Off at first.
    #[must_use]
    pub fn synced(mut self, on: bool) -> Self {
        self.synced = on;
        self
    }

    /// What has come since the last call; nothing, if nothing has. It does not wait. O(what has come).
    ///
    /// # Errors
    /// As [`open`](Self::open). It can be called again.
    pub fn poll(&mut self) -> Result<Vec<Tailed>, Error> {
        while self.ready.is_empty() && self.fill()? {}
        Ok(self.ready.drain(..).collect())
    }

    /// The newest state with what it says of itself.
    fn see(&self) -> Result<(Seen, Catalogue), Error> {
        let mut tries = TRIES;
        loop {
            let seen = self.file.see();
            let seen = seen.map_err(|error| failed(&self.path, error))?;
            match catalogue::read(&seen.read) {
                Ok(found) => {
                    let nothing = Catalogue {
                        revision: 0,
                        tables: Vec::new(),
                    };
                    return Ok((seen, found.unwrap_or(nothing)));
                }
                // Its pages were used again, and so there is a newer one.
                Err(Unreadable::File(FileError::Corrupted { .. } | FileError::Io { .. }))
                    if tries > 0 =>
                {
                    tries -= 1;
                    std::thread::yield_now();
                }
                Err(error) => return Err(unreadable(&self.path, error)),
            }
        }
    }

    /// Goes on with this state, from the beginning of its journal.
    fn adopt(&mut self, seen: &Seen, catalogue: &Catalogue) {
        if *self.tables != catalogue.tables {
            self.tables = Arc::new(catalogue.tables.clone());
        }
        self.commit = seen.commit();
        self.at = seen.begin();
    }

    fn miss(&mut self, from: u64, to: u64) {
        let from = from.max(self.from);
        if from <= to {
            self.ready.push_back(Tailed::Missed {
                from: Revision::new(from),
                to: Revision::new(to),
            });
        }
    }

    /// Reads on a bit. Says whether there may be more at once.
    fn fill(&mut self) -> Result<bool, Error> {
        let (seen, catalogue) = self.see()?;
        if *self.tables != catalogue.tables {
            // A program has changed its structs. What was not read by then is of one shape or the other.
            self.adopt(&seen, &catalogue);
        }
        self.commit = seen.commit();
        if self.at.is_none() {
            self.at = seen.begin();
        }
        let (at, last) = (self.at, self.last);
        let mut batch = Vec::new();
        let more = self.read(&seen, &mut batch)?;
        let (after, then) = self.see()?;
        if *self.tables != then.tables {
            (self.at, self.last) = (at, last);
            self.adopt(&after, &then);
            return Ok(true);
        }
        self.ready.extend(batch);
        if more {
            return Ok(true);
        }
        // All that the journal had up to the state that was seen before was read, if it is still there.
        if catalogue.revision > self.last {
            self.miss(self.last + 1, catalogue.revision);
            self.last = catalogue.revision;
        }
        Ok(false)
    }

    /// Reads groups into `batch`. Says whether it ended for its length.
    fn read(&mut self, seen: &Seen, batch: &mut Vec<Tailed>) -> Result<bool, Error> {
        let mut bytes = 0;
        while let Some(at) = self.at {
            let found = self.file.group(seen, at);
            let Some((group, next)) = found.map_err(|error| failed(&self.path, error))? else {
                let begin = seen.begin();
                if seen.goes_on_at(at) || begin.is_none_or(|begin| begin == at) {
                    return Ok(false);
                }
                // The journal has gone on elsewhere.
                self.at = begin;
                continue;
            };
            if self.synced && !seen.has_passed(next) {
                let behind = self.file.group(seen, next);
                if behind.map_err(|error| failed(&self.path, error))?.is_none() {
                    return Ok(false);
                }
            }
            for record in group.records() {
                bytes += record.len();
                self.take(record, batch)?;
            }
            self.at = Some(next);
            if bytes > BATCH {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&mut self, record: &[u8], batch: &mut Vec<Tailed>) -> Result<(), Error> {
        let foreign = || Error::Foreign {
            path: Arc::clone(&self.path),
            what: "a record of its journal is none of a database's".to_owned(),
        };
        let record = Recorded::read(record).ok_or_else(foreign)?;
        if record.revision <= self.last {
            return Ok(());
        }
        let changes = record.changes().ok_or_else(foreign)?;
        if record.behind > self.last {
            let from = (self.last + 1).max(self.from);
            if from <= record.behind {
                batch.push(Tailed::Missed {
                    from: Revision::new(from),
                    to: Revision::new(record.behind),
                });
            }
        }
        self.last = record.revision;
        if record.revision < self.from {
            return Ok(());
        }
        let changes = changes.into_iter().map(|(table, key, row)| TailedChange {
            table: table.to_owned(),
            key: key.to_vec(),
            record: row.to_vec(),
        });
        batch.push(Tailed::Commit(TailedCommit {
            revision: Revision::new(record.revision),
            changes: changes.collect(),
            tables: Arc::clone(&self.tables),
        }));
        Ok(())
    }
}
