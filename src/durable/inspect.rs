//! A database's file without its program: which tables it has, what their rows are made of, and the rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, rows_of};
use super::edit::{failed, unreadable};
use super::recorded::Recorded;
use super::replay::{Overlaid, Replay};
use crate::db::{Record, hex, revisions};
use crate::pagefile::{
    Bucket, Bytes, Error as FileError, Options, PageFile, Range, ReadTxn, Storage,
};
use crate::table::{CodecError, TableSchema, Value, decode_value};
use crate::{Error, Revision};

/// A database's file, read without the structs of its program. Nothing is written, and nobody else can write meanwhile.
///
/// ```
/// # use sapwood::{Database, Table};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Table, Serialize, Deserialize)]
/// # #[table(name = "pods")]
/// # struct Pod {
/// #     #[key]
/// #     name: String,
/// #     node: Option<String>,
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("state.sap");
/// # let db = Database::builder().table::<Pod>().open(&path)?;
/// # db.write(|tx| tx.insert(Pod { name: "web".into(), node: Some("n1".into()) }))?;
/// # db.close()?;
/// use sapwood::Inspect;
///
/// let file = Inspect::open(&path)?;
/// let pods = file.table("pods").expect("the program has it");
/// assert_eq!(pods.shape.to_string(), "struct Pod { name: String, node: Option<String> }");
/// for row in file.rows("pods")? {
///     let json = serde_json::to_string(row?.value())?;
///     assert_eq!(json, r#"{"name":"web","node":"n1"}"#);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Inspect {
    pub(super) path: Arc<str>,
    pub(super) file: PageFile,
    pub(super) snapshot: ReadTxn,
    pub(super) catalogue: Catalogue,
    /// What its journal says otherwise.
    pub(super) replay: Replay,
    journal: JournalStats,
    /// The commits that the journal has, each for itself, from the oldest.
    recorded: Vec<u64>,
}

/// What the journal of a file has that the trees have not: [`Inspect::journal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalStats {
    /// How many commits, or periods of several.
    pub revisions: u64,
    /// How many rows these changed, each counted once.
    pub rows: u64,
    /// Of which revision the trees are.
    pub trees: Revision,
    /// The bytes of the file that are kept for it.
    pub file_bytes: u64,
}

impl Inspect {
    /// Opens the file at `path`. What is in the journal of one that was not closed is read, too: O(tables + journal).
    ///
    /// # Errors
    /// [`Error::File`] where it can't be opened, is damaged, or is being written by somebody; [`Error::Foreign`] where it is not that of a database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        Self::in_file(&name, Options::new().read_only(true).open(path))
    }

    /// As [`open`](Self::open), on something that is not a file. Errors call it `storage`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_storage(storage: Box<dyn Storage>) -> Result<Self, Error> {
        let options = Options::new().read_only(true);
        Self::in_file("storage", options.open_storage(storage))
    }

    /// As [`open`](Self::open), in a page file that is open already, with options of its own; `path` is for errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of(path: impl AsRef<Path>, file: PageFile) -> Result<Self, Error> {
        Self::in_file(&path.as_ref().display().to_string(), Ok(file))
    }

    /// As [`of`](Self::of), but the file as it was at a [revision](Self::revisions) that it still has.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::NoRevision`].
    pub fn at(path: impl AsRef<Path>, file: PageFile, revision: Revision) -> Result<Self, Error> {
        let name = path.as_ref().display().to_string();
        Self::in_file_at(&name, Ok(file), Some(revision.get()))
    }

    pub(super) fn in_file(name: &str, file: Result<PageFile, FileError>) -> Result<Self, Error> {
        Self::in_file_at(name, file, None)
    }

    fn in_file_at(
        name: &str,
        file: Result<PageFile, FileError>,
        at: Option<u64>,
    ) -> Result<Self, Error> {
        let path: Arc<str> = name.into();
        let file = file.map_err(|error| failed(&path, error))?;
        let snapshot = file.begin_read();
        let catalogue = read_catalogue(&path, &snapshot)?;
        let mut replay = Replay::new(catalogue.revision);
        let mut recorded = Vec::new();
        let journal = file.open_journal(|record| {
            let revision = Recorded::read(record).map_or(0, |record| record.revision);
            if at.is_some_and(|at| revision > at) {
                recorded.push(revision);
                return Ok(revision);
            }
            let before = replay.revision;
            let revision = replay.take(record)?;
            if revision > before {
                recorded.push(revision);
            }
            Ok(revision)
        });
        if let Err(error) = journal {
            return Err(unreadable(&path, error));
        }
        let rows = replay.tables.values().map(BTreeMap::len);
        let journal = JournalStats {
            revisions: recorded.len() as u64,
            rows: rows.sum::<usize>() as u64,
            trees: Revision::new(catalogue.revision),
            file_bytes: file.journal_bytes(),
        };
        let mut inspect = Self {
            path,
            file,
            snapshot,
            catalogue,
            replay,
            journal,
            recorded,
        };
        match at {
            Some(at) if at < inspect.catalogue.revision => inspect.go_back(at)?,
            Some(at) if at > inspect.replay.revision => return Err(inspect.no_revision(at)?),
            _ => {}
        }
        Ok(inspect)
    }

    /// Goes to the state before, whose meta is still there.
    fn go_back(&mut self, at: u64) -> Result<(), Error> {
        let older = self.file.older_state();
        let Some(older) = older.map_err(|error| failed(&self.path, error))? else {
            return Err(self.no_revision(at)?);
        };
        let catalogue = read_catalogue(&self.path, &older)?;
        if catalogue.revision != at {
            return Err(self.no_revision(at)?);
        }
        self.replay = Replay::new(catalogue.revision);
        self.catalogue = catalogue;
        self.snapshot = older;
        Ok(())
    }

    fn no_revision(&self, revision: u64) -> Result<Error, Error> {
        Ok(Error::NoRevision {
            path: Arc::clone(&self.path),
            revision: Revision::new(revision),
            found: self.revisions()?,
        })
    }

    /// The revisions of which the file has a state, from the oldest: that which the meta before the newest one leads to, where it does; that of the trees; and each that its
    /// journal has.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn revisions(&self) -> Result<Vec<Revision>, Error> {
        let mut found: Vec<u64> = Vec::new();
        let older = self.file.older_state();
        if let Some(older) = older.map_err(|error| failed(&self.path, error))? {
            // One that cannot be read is none that the file has.
            let catalogue = catalogue::read(&older).ok().flatten();
            found.extend(catalogue.map(|catalogue| catalogue.revision));
        }
        found.push(self.journal.trees.get());
        found.extend(&self.recorded);
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(Revision::new).collect())
    }

    /// What its journal has that the trees have not.
    pub fn journal(&self) -> JournalStats {
        self.journal
    }

    /// The newest commit in the file.
    pub fn revision(&self) -> Revision {
        Revision::new(self.replay.revision)
    }

    /// The length of the file, in bytes.
    pub fn file_bytes(&self) -> u64 {
        self.file.stats().file_bytes
    }

    /// All tables, by their names.
    pub fn tables(&self) -> &[TableSchema] {
        &self.catalogue.tables
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.catalogue.table(name)
    }

    /// How many rows a table has. O(1), and O(rows in the journal · log rows) where that holds some of it.
    ///
    /// # Errors
    /// [`Error::NoTable`] where the file has no such table; [`Error::File`] where it is damaged.
    pub fn count(&self, table: &str) -> Result<u64, Error> {
        self.known(table)?;
        let bucket = self.snapshot.bucket(rows_of(table));
        let bucket = bucket.map_err(|error| failed(&self.path, error))?;
        let mut count = bucket.as_ref().map_or(0, Bucket::len);
        for (key, row) in self.replay.tables.get(table).into_iter().flatten() {
            let there = bucket.as_ref().map(|bucket| bucket.get(key)).transpose();
            let there = there.map_err(|error| failed(&self.path, error))?;
            count -= u64::from(there.flatten().is_some());
            count += u64::from(!row.is_empty());
        }
        Ok(count)
    }

    /// The rows of a table, in the order of their primary keys.
    ///
    /// # Errors
    /// [`Error::NoTable`] where the file has no such table; [`Error::File`] where it is damaged. Each row: [`Error::File`], and [`Error::StoredRow`] where its bytes are not
    /// a row of the table's shape.
    pub fn rows(&self, table: &str) -> Result<StoredRows<'_>, Error> {
        let schema = self.known(table)?;
        let bucket = self.snapshot.bucket(rows_of(table));
        let bucket = bucket.map_err(|error| failed(&self.path, error))?;
        Ok(StoredRows {
            path: &self.path,
            schema,
            entries: self
                .replay
                .over(table, Stored(bucket.map(|bucket| bucket.iter()))),
        })
    }

    /// As [`rows`](Self::rows), without making values of their bytes.
    ///
    /// # Errors
    /// As [`rows`](Self::rows), but for what the bytes of a row are.
    pub fn entries(&self, table: &str) -> Result<StoredEntries<'_>, Error> {
        self.rows(table).map(StoredEntries)
    }

    /// The rows of a table as they lie there.
    pub(super) fn records(
        &self,
        table: &str,
    ) -> Result<impl Iterator<Item = Result<Record, Error>>, Error> {
        let rows = self.rows(table)?;
        let entries = rows.entries;
        Ok(entries.map(|entry| entry.map_err(|error| failed(&self.path, error))))
    }

    fn known(&self, table: &str) -> Result<&TableSchema, Error> {
        self.table(table).ok_or_else(|| Error::NoTable {
            path: Arc::clone(&self.path),
            table: table.to_owned(),
        })
    }
}

fn read_catalogue(path: &Arc<str>, snapshot: &ReadTxn) -> Result<Catalogue, Error> {
    let found = catalogue::read(snapshot).map_err(|error| unreadable(path, error))?;
    Ok(found.unwrap_or(Catalogue {
        revision: 0,
        tables: Vec::new(),
    }))
}

/// The rows of a table in a file: [`Inspect::rows`].
pub struct StoredRows<'i> {
    path: &'i Arc<str>,
    schema: &'i TableSchema,
    entries: Overlaid<'i, Stored<'i>>,
}

/// The rows in the trees.
struct Stored<'i>(Option<Range<'i>>);

impl Iterator for Stored<'_> {
    type Item = Result<Record, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.as_mut()?.next().map(record)
    }
}

impl DoubleEndedIterator for Stored<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.as_mut()?.next_back().map(record)
    }
}

fn record(entry: Result<(Bytes<'_>, Bytes<'_>), FileError>) -> Result<Record, FileError> {
    entry.map(|(key, record)| (Box::from(&*key), record.to_vec()))
}

impl<'i> Iterator for StoredRows<'i> {
    type Item = Result<StoredRow<'i>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.map_or_else(
            |error| Err(failed(self.path, error)),
            |(key, record)| StoredRow::read(self.schema, &key, &record),
        ))
    }
}

impl DoubleEndedIterator for StoredRows<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next_back()?;
        Some(entry.map_or_else(
            |error| Err(failed(self.path, error)),
            |(key, record)| StoredRow::read(self.schema, &key, &record),
        ))
    }
}

/// The rows of a table in a file, as bytes: [`Inspect::entries`].
pub struct StoredEntries<'i>(StoredRows<'i>);

/// A row in a file, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredEntry {
    /// Its primary key, encoded.
    pub key: Box<[u8]>,
    /// The commits that created and last wrote it, and the row.
    record: Vec<u8>,
}

impl StoredEntry {
    /// The row's own bytes.
    ///
    /// # Errors
    /// [`Error::StoredRow`] where there are too few to be any.
    pub fn bytes(&self, schema: &TableSchema) -> Result<&[u8], Error> {
        let found = revisions(&self.record).map(|(.., row)| row);
        found.ok_or_else(|| too_short(schema, &self.key, &self.record))
    }

    /// The row, as a table of this schema has it.
    ///
    /// # Errors
    /// [`Error::StoredRow`] where its bytes are no such row.
    pub fn row<'s>(&self, schema: &'s TableSchema) -> Result<StoredRow<'s>, Error> {
        StoredRow::read(schema, &self.key, &self.record)
    }
}

impl Iterator for StoredEntries<'_> {
    type Item = Result<StoredEntry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.0.entries.next()?;
        let path = self.0.path;
        Some(
            entry
                .map(|(key, record)| StoredEntry { key, record })
                .map_err(|error| failed(path, error)),
        )
    }
}

fn too_short(schema: &TableSchema, key: &[u8], record: &[u8]) -> Error {
    let reason = format!("{} bytes are too few", record.len());
    Error::StoredRow {
        table: schema.definition.name.clone(),
        key: hex(key),
        source: CodecError::Decode { reason },
    }
}

/// A row in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow<'i> {
    key: Box<[u8]>,
    created: Revision,
    modified: Revision,
    value: Value<'i>,
}

impl<'i> StoredRow<'i> {
    pub(super) fn read(schema: &'i TableSchema, key: &[u8], record: &[u8]) -> Result<Self, Error> {
        let not_a_row = |source| Error::StoredRow {
            table: schema.definition.name.clone(),
            key: hex(key),
            source,
        };
        let Some((created, modified, row)) = revisions(record) else {
            return Err(too_short(schema, key, record));
        };
        Ok(Self {
            key: key.into(),
            created,
            modified,
            value: decode_value(row, &schema.shape).map_err(not_a_row)?,
        })
    }

    /// Its primary key, encoded.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The commit that created it.
    pub fn created(&self) -> Revision {
        self.created
    }

    /// The commit that last wrote it.
    pub fn modified(&self) -> Revision {
        self.modified
    }

    /// The row itself, to be written by serde.
    pub fn value(&self) -> &Value<'i> {
        &self.value
    }
}
