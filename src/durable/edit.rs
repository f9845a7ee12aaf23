//! A database's file changed without its program.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use super::replay::Replay;
use super::unique::{Uniques, value_of};
use crate::db::{hex, revisions};
use crate::pagefile::{BucketMut, Error as FileError, Journal, PageFile, WriteTxn};
use crate::table::{FormedRow, RowForm, TableSchema};
use crate::{Error, Revision};

/// A database's file, changed without the structs of its program.
///
/// What the journal of a file that was not closed has goes into the trees with the first commit, and the journal is given up: so a commit of nothing is a checkpoint.
/// Until a commit is done, the file is as it was.
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
/// # Database::builder().table::<Pod>().open(&path)?.close()?;
/// use sapwood::pagefile::PageFile;
/// use sapwood::table::RowForm;
/// use sapwood::Edit;
///
/// let mut edit = Edit::of(&path, PageFile::open(&path)?)?;
/// let pods = edit.table("pods").expect("the program has it").clone();
/// let form = RowForm::new(&pods);
/// let row = form.read(&mut serde_json::Deserializer::from_str(r#"{"name":"web","node":null}"#))?;
/// edit.put(&form, &form.form(row)?)?;
/// let revision = edit.commit()?;
/// edit.close()?;
///
/// let db = Database::builder().table::<Pod>().open(&path)?;
/// assert_eq!(db.revision(), revision);
/// assert!(db.snapshot().get::<Pod>("web").is_some());
/// # Ok(())
/// # }
/// ```
pub struct Edit {
    path: Arc<str>,
    file: PageFile,
    tables: Vec<TableSchema>,
    /// Whether the file says that it is a database's.
    is_begun: bool,
    /// What the journal says, until it is in the trees.
    journal: Option<(Journal, Replay)>,
    txn: Option<WriteTxn>,
    /// Of the newest commit.
    revision: u64,
    /// Whether anything was put since then.
    is_changed: bool,
    uniques: BTreeMap<String, Uniques>,
}

impl Edit {
    /// Takes a file that is open to write; `path` is for errors. One without any bucket becomes that of a database, with the first commit.
    ///
    /// # Errors
    /// [`Error::File`] where it can't be read; [`Error::Foreign`] where it is not that of a database.
    pub fn of(path: impl AsRef<Path>, file: PageFile) -> Result<Self, Error> {
        let path: Arc<str> = path.as_ref().display().to_string().into();
        let snapshot = file.begin_read();
        let found = catalogue::read(&snapshot).map_err(|error| unreadable(&path, error))?;
        drop(snapshot);
        let is_begun = found.is_some();
        let Catalogue { revision, tables } = found.unwrap_or(Catalogue {
            revision: 0,
            tables: Vec::new(),
        });
        let mut replay = Replay::new(revision);
        let journal = file.open_journal(|record| replay.take(record));
        let journal = journal.map_err(|error| unreadable(&path, error))?;
        Ok(Self {
            path,
            file,
            tables,
            is_begun,
            revision: replay.revision,
            journal: Some((journal, replay)),
            txn: None,
            is_changed: false,
            uniques: BTreeMap::new(),
        })
    }

    /// The newest commit.
    pub fn revision(&self) -> Revision {
        Revision::new(self.revision)
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.definition.name == name)
    }

    /// Whether rows that the trees have of the form's table have the keys that it computes: some of them are looked at.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn agrees(&self, form: &RowForm<'_>) -> Result<bool, Error> {
        const SOME: usize = 16;
        let path = &self.path;
        let snapshot = self.file.begin_read();
        let bucket = snapshot.bucket(rows_of(&form.schema().definition.name));
        let Some(bucket) = bucket.map_err(|error| failed(path, error))? else {
            return Ok(true);
        };
        for entry in bucket.iter().take(SOME) {
            let (key, record) = entry.map_err(|error| failed(path, error))?;
            let value = value_of(form, &record);
            let computed = value.and_then(|value| form.key_of(&value));
            if computed.is_some_and(|computed| *computed != *key) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds a table as another file has it. One of that name that is there stays as it is.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn add_table(&mut self, table: &TableSchema) -> Result<(), Error> {
        if self.table(&table.definition.name).is_some() {
            return Ok(());
        }
        let path = Arc::clone(&self.path);
        let txn = self.txn()?;
        catalogue::set_table(txn, table).map_err(|error| unreadable(&path, error))?;
        self.tables.push(table.clone());
        self.is_changed = true;
        Ok(())
    }

    /// Puts a row in the place of the one with its primary key, and says whether there was one. The program sees it as written by the next [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::NoTable`]; [`Error::File`].
    pub fn put(&mut self, form: &RowForm<'_>, row: &FormedRow<'_>) -> Result<bool, Error> {
        let schema = form.schema();
        let name = schema.definition.name.as_str();
        if self.table(name).is_none() {
            return Err(Error::NoTable {
                path: Arc::clone(&self.path),
                table: name.to_owned(),
            });
        }
        let path = Arc::clone(&self.path);
        let failed = |error| failed(&path, error);
        let modified = self.revision + 1;
        let mut uniques = self.uniques.remove(name);
        let txn = self.txn()?;
        let mut bucket = txn.bucket_or_create(rows_of(name)).map_err(failed)?;
        if !form.uniques().is_empty() {
            let mut known = match uniques.take() {
                Some(known) => known,
                None => Uniques::read(form, &bucket).map_err(failed)?,
            };
            known.put(form, &bucket, row).map_err(failed)?;
            uniques = Some(known);
        }
        let before = bucket.get(&row.key).map_err(failed)?;
        let created = before.as_deref().and_then(revisions);
        let created = created.map_or(modified, |(created, ..)| created.get());
        let is_there = before.is_some();
        drop(before);
        let mut record = Vec::with_capacity(16 + row.bytes.len());
        record.extend_from_slice(&created.to_le_bytes());
        record.extend_from_slice(&modified.to_le_bytes());
        record.extend_from_slice(&row.bytes);
        bucket.put(&row.key, &record).map_err(failed)?;
        if let Some(uniques) = uniques {
            self.uniques.insert(name.to_owned(), uniques);
        }
        self.is_changed = true;
        Ok(is_there)
    }

    /// Commits what was put as one revision, durably, with what the journal had. Where nothing was put, the revision stays.
    ///
    /// # Errors
    /// [`Error::StoredDuplicate`] where two rows have one key in a unique index, and the program could not open the file; [`Error::RevisionOrder`]; [`Error::File`]. The file is as
    /// it was before, and nothing of this is to be committed any more.
    pub fn commit(&mut self) -> Result<Revision, Error> {
        let revision = if self.is_changed {
            self.revision + 1
        } else {
            self.revision
        };
        if revision > Revision::MAX.get() {
            return Err(Error::RevisionOrder {
                revision: Revision::new(revision),
                published: self.revision(),
            });
        }
        self.txn()?;
        let path = Arc::clone(&self.path);
        let failed = |error| failed(&path, error);
        let Some(mut txn) = self.txn.take() else {
            return Ok(self.revision());
        };
        for (table, uniques) in &mut self.uniques {
            let bucket = txn.bucket_or_create(rows_of(table)).map_err(failed)?;
            let schema = self.tables.iter();
            let mut schema = schema.filter(|schema| schema.definition.name == *table);
            let Some(schema) = schema.next() else {
                continue;
            };
            let twice = uniques.settle(&RowForm::new(schema), &bucket);
            if let Some(twice) = twice.map_err(failed)? {
                return Err(Error::StoredDuplicate {
                    table: table.clone(),
                    index: twice.index,
                    first: hex(&twice.first),
                    second: hex(&twice.second),
                });
            }
        }
        catalogue::set_revision(&mut txn, revision).map_err(failed)?;
        match &self.journal {
            // Nothing in it is newer than this.
            Some((journal, replay)) => journal.commit(txn, replay.revision, 0),
            None => txn.commit(),
        }
        .map_err(failed)?;
        self.journal = None;
        self.revision = revision;
        self.is_changed = false;
        Ok(self.revision())
    }

    /// Lets go of what was not committed, and gives the file.
    pub fn into_file(self) -> PageFile {
        self.file
    }

    /// Lets go of what was not committed, and closes the file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn close(self) -> Result<(), Error> {
        let Self {
            path,
            file,
            journal,
            txn,
            ..
        } = self;
        drop((journal, txn));
        file.close().map_err(|error| failed(&path, error))
    }

    /// The transaction that runs; the first one has what the journal says.
    fn txn(&mut self) -> Result<&mut WriteTxn, Error> {
        if self.txn.is_none() {
            let path = Arc::clone(&self.path);
            let failed = |error| failed(&path, error);
            let mut txn = self.file.begin_write().map_err(failed)?;
            if !self.is_begun {
                catalogue::begin(&mut txn).map_err(failed)?;
                self.is_begun = true;
            }
            if let Some((_, replay)) = &self.journal {
                apply(&mut txn, replay).map_err(failed)?;
            }
            self.txn = Some(txn);
        }
        match &mut self.txn {
            Some(txn) => Ok(txn),
            None => Err(Error::Closed),
        }
    }
}

/// Writes what a journal says into the trees that it adds to.
pub(super) fn apply(txn: &mut WriteTxn, replay: &Replay) -> Result<(), FileError> {
    for (table, rows) in &replay.tables {
        let mut bucket: BucketMut<'_> = txn.bucket_or_create(rows_of(table))?;
        for (key, row) in rows {
            if row.is_empty() {
                bucket.delete(key)?;
            } else {
                bucket.put(key, row)?;
            }
        }
    }
    Ok(())
}

pub(super) fn failed(path: &Arc<str>, error: FileError) -> Error {
    Error::File {
        path: Arc::clone(path),
        source: Arc::new(error),
    }
}

pub(super) fn unreadable(path: &Arc<str>, error: Unreadable) -> Error {
    match error {
        Unreadable::File(error) => failed(path, error),
        Unreadable::Foreign(what) => Error::Foreign {
            path: Arc::clone(path),
            what,
        },
    }
}
