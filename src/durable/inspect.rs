//! A database's file without its program: which tables it has, what their rows are made of, and the rows.

use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
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

    pub(super) fn in_file(name: &str, file: Result<PageFile, FileError>) -> Result<Self, Error> {
        let path: Arc<str> = name.into();
        let file = file.map_err(|error| failed(&path, error))?;
        let snapshot = file.begin_read();
        let catalogue = match catalogue::read(&snapshot) {
            Ok(found) => found.unwrap_or(Catalogue {
                revision: 0,
                tables: Vec::new(),
            }),
            Err(Unreadable::File(error)) => return Err(failed(&path, error)),
            Err(Unreadable::Foreign(what)) => return Err(Error::Foreign { path, what }),
        };
        let mut replay = Replay::new(catalogue.revision);
        if let Err(error) = file.open_journal(|record| replay.take(record)) {
            return Err(match error {
                Unreadable::File(error) => failed(&path, error),
                Unreadable::Foreign(what) => Error::Foreign { path, what },
            });
        }
        Ok(Self {
            path,
            file,
            snapshot,
            catalogue,
            replay,
        })
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

fn failed(path: &Arc<str>, error: FileError) -> Error {
    Error::File {
        path: Arc::clone(path),
        source: Arc::new(error),
    }
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

/// A row in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow<'i> {
    key: Box<[u8]>,
    created: Revision,
    modified: Revision,
    value: Value<'i>,
}

impl<'i> StoredRow<'i> {
    fn read(schema: &'i TableSchema, key: &[u8], record: &[u8]) -> Result<Self, Error> {
        let not_a_row = |source| Error::StoredRow {
            table: schema.definition.name.clone(),
            key: hex(key),
            source,
        };
        let Some((created, modified, row)) = revisions(record) else {
            let reason = format!("{} bytes are too few", record.len());
            return Err(not_a_row(CodecError::Decode { reason }));
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
