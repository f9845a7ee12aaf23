//! A database's file without its program: which tables it has, what their rows are made of, and the rows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use super::replay::Replay;
use crate::db::{hex, revisions};
use crate::pagefile::{Bucket, Error as FileError, Options, PageFile, Range, ReadTxn, Storage};
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
    path: Arc<str>,
    file: PageFile,
    snapshot: ReadTxn,
    catalogue: Catalogue,
    /// What the journal adds.
    replay: Replay,
}

impl Inspect {
    /// Opens the file at `path`. O(tables).
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

    fn in_file(name: &str, file: Result<PageFile, FileError>) -> Result<Self, Error> {
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
        let read = file.open_journal(|record| replay.take(record));
        match read {
            Ok(_) => {}
            Err(Unreadable::File(error)) => return Err(failed(&path, error)),
            Err(Unreadable::Foreign(what)) => return Err(Error::Foreign { path, what }),
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

    /// How many rows a table has. O(1) in a file that was closed; else O(rows that commits since the last checkpoint wrote).
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
            count += u64::from(!row.is_empty());
            count -= u64::from(there.flatten().is_some());
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
            stored: Ends::new(bucket.map(|bucket| bucket.iter())),
            newer: Ends::new(self.replay.tables.get(table).map(BTreeMap::iter)),
        })
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
    stored: Ends<Range<'i>>,
    /// What the journal says, in the place of what is stored.
    newer: Ends<btree_map::Iter<'i, Box<[u8]>, Vec<u8>>>,
}

/// An iterator that can be looked into at both ends.
struct Ends<I: Iterator> {
    rest: Option<I>,
    front: Option<I::Item>,
    back: Option<I::Item>,
}

impl<I: DoubleEndedIterator> Ends<I> {
    fn new(rest: Option<I>) -> Self {
        Self {
            rest,
            front: None,
            back: None,
        }
    }

    /// The next one from this end, which stays there.
    fn look(&mut self, forward: bool) -> Option<&I::Item> {
        let rest = self.rest.as_mut();
        if forward {
            if self.front.is_none() {
                self.front = rest.and_then(Iterator::next).or_else(|| self.back.take());
            }
            self.front.as_ref()
        } else {
            if self.back.is_none() {
                let back = rest.and_then(DoubleEndedIterator::next_back);
                self.back = back.or_else(|| self.front.take());
            }
            self.back.as_ref()
        }
    }

    fn take(&mut self, forward: bool) -> Option<I::Item> {
        self.look(forward);
        if forward {
            self.front.take()
        } else {
            self.back.take()
        }
    }
}

impl<'i> StoredRows<'i> {
    fn step(&mut self, forward: bool) -> Option<Result<StoredRow<'i>, Error>> {
        loop {
            let newer = self.newer.look(forward).map(|(key, _)| &key[..]);
            let order = match (self.stored.look(forward), newer) {
                (None, None) => return None,
                (Some(Err(_)) | Some(Ok(_)), None) | (Some(Err(_)), Some(_)) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok((stored, _))), Some(newer)) if forward => (**stored).cmp(newer),
                (Some(Ok((stored, _))), Some(newer)) => newer.cmp(&**stored),
            };
            if order.is_le() {
                let entry = self.stored.take(forward)?;
                if order.is_lt() {
                    return Some(entry.map_or_else(
                        |error| Err(failed(self.path, error)),
                        |(key, record)| StoredRow::read(self.schema, &key, &record),
                    ));
                }
            }
            let (key, record) = self.newer.take(forward)?;
            if !record.is_empty() {
                return Some(StoredRow::read(self.schema, key, record));
            }
        }
    }
}

impl<'i> Iterator for StoredRows<'i> {
    type Item = Result<StoredRow<'i>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(true)
    }
}

impl DoubleEndedIterator for StoredRows<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(false)
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
