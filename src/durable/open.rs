//! Opening a database on a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use super::period::Keeper;
use super::record::{Replay, Rows};
use super::store::{FIRST_JOURNAL, Store};
use super::transfer::Trees;
use crate::db::{Builder, Catalog, Core, Durability, Persist, Record, Stopwatch};
use crate::pagefile::{Bucket, Error as FileError, Journal, Options, PageFile, ReadTxn, Storage};
use crate::radix::{Draft, Version, Writer};
use crate::table::TableDefinition;
use crate::{Database, Error, Revision};

/// A commit that may wait longer than this was meant for [`Durability::Checkpoint`].
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Builder {
    /// Opens the database in the file at `path`, or creates it: mode 0600, whole or not at all. The file is locked for as long as the
    /// database is open.
    ///
    /// All rows are read, every page is verified, and the indexes are built: O(rows).
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Table, Serialize, Deserialize)]
    /// struct Node {
    ///     #[key]
    ///     name: String,
    /// }
    ///
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state.sap");
    /// let db = Database::builder().table::<Node>().open(&path)?;
    /// db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// db.close()?;
    ///
    /// let db = Database::builder().table::<Node>().open(&path)?;
    /// assert!(db.snapshot().get::<Node>("n1").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] where the file can't be opened or is damaged, or another process has it; [`Error::Schema`] and [`Error::ForeignTable`] where it holds
    /// other tables, [`Error::Foreign`] and [`Error::Row`] where it holds something else; [`Error::Duplicate`] and [`Error::KeyTooLong`] where the function of an
    /// index is not the one that the rows were stored with; [`Error::SameName`]; [`Error::Period`]. The file is then as it was.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Database, Error> {
        let path = path.as_ref();
        self.open_file(&path.display().to_string(), || PageFile::open(path))
    }

    /// As [`open`](Self::open), on something that is not a file: an encrypted medium, a block device, a simulated disk. Errors call it `storage`.
    ///
    /// Nobody locks it, and a crash while the database is created in an empty storage can leave what is refused from then on.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// use sapwood::pagefile::MemStorage;
    ///
    /// let db = Database::builder().table::<Node>().open_storage(Box::new(MemStorage::default()))?;
    /// db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// # Ok::<(), sapwood::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open), but for the lock.
    pub fn open_storage(self, storage: Box<dyn Storage>) -> Result<Database, Error> {
        self.open_file("storage", || Options::new().open_storage(storage))
    }

    fn open_file(
        mut self,
        name: &str,
        open: impl FnOnce() -> Result<PageFile, FileError>,
    ) -> Result<Database, Error> {
        let loading = Stopwatch::start();
        let observe = self.observe(name);
        let catalog = self.catalog?.complete();
        if let Durability::Eventual { within } = self.durability
            && (within.is_zero() || within > LONGEST)
        {
            return Err(Error::Period { within });
        }
        let opened = Opened {
            path: name.into(),
            catalog: &catalog,
        };
        let file = open().map_err(|error| opened.file(error))?;
        let snapshot = file.begin_read();
        let found = catalogue::read(&snapshot).map_err(|error| opened.unreadable(error))?;
        let stored = found.as_ref().map_or(&[][..], |found| &found.tables);
        opened.compare(stored)?;
        let in_trees = found.as_ref().map_or(0, |found| found.revision);
        let mut replay = Replay::new(in_trees);
        let journal = file
            .open_journal(|record| replay.take(record))
            .map_err(|error| opened.unreadable(error))?;
        let (writer, version) = opened.load(&snapshot, &replay)?;
        drop(snapshot);
        journal.sync().map_err(|error| opened.file(error))?;
        let size = match self.durability {
            Durability::Checkpoint => 0,
            _ => FIRST_JOURNAL.min(self.journal_size),
        };
        opened.complete(&file, &journal, size, found.as_ref())?;
        let named = Arc::clone(&opened.path);
        let (replayed, foreign) = opened.replayed(replay);
        let trees = Trees {
            file: Some(file),
            revision: in_trees,
            version: version.clone(),
            begun: Vec::new(),
            replayed,
            foreign,
        };
        let catalog = Arc::new(catalog);
        let store = Store::new(
            Arc::clone(&named),
            Arc::clone(&catalog),
            self.durability,
            self.journal_size,
            trees,
            journal,
        );
        let keeper = Keeper::new(store, self.checkpoint_within).map_err(|source| Error::File {
            path: named,
            source: Arc::new(FileError::Io {
                action: "start a thread for",
                source,
            }),
        })?;
        observe.opened(version.revision(), keeper.file_bytes(), loading);
        Ok(Database::from_core(Core::new(
            catalog,
            writer,
            version,
            Some(Box::new(keeper)),
            observe,
        )))
    }
}

/// A file that is being opened, for its tables.
struct Opened<'a> {
    path: Arc<str>,
    catalog: &'a Catalog,
}

impl Opened<'_> {
    fn file(&self, error: FileError) -> Error {
        Error::File {
            path: Arc::clone(&self.path),
            source: Arc::new(error),
        }
    }

    fn unreadable(&self, error: Unreadable) -> Error {
        match error {
            Unreadable::File(error) => self.file(error),
            Unreadable::Foreign(what) => Error::Foreign {
                path: Arc::clone(&self.path),
                what,
            },
        }
    }

    /// Refuses a file whose tables are not the program's. Tables that it does not have yet are no difference.
    fn compare(&self, stored: &[TableDefinition]) -> Result<(), Error> {
        for table in stored {
            let declared = self
                .catalog
                .tables
                .iter()
                .find(|declared| declared.definition.name == table.name);
            let Some(declared) = declared else {
                return Err(Error::ForeignTable {
                    path: Arc::clone(&self.path),
                    table: table.name.clone(),
                });
            };
            if let Some(difference) = table.difference(&declared.definition) {
                return Err(Error::Schema {
                    path: Arc::clone(&self.path),
                    difference: Box::new(difference),
                });
            }
        }
        Ok(())
    }

    /// Reads all rows, as the journal says that they are, and builds all trees.
    fn load(&self, snapshot: &ReadTxn, replay: &Replay) -> Result<(Writer, Version), Error> {
        let (mut writer, empty) = Writer::new(self.catalog.layout.clone(), Revision::ZERO);
        if replay.revision == 0 {
            return Ok((writer, empty));
        }
        let mut draft = Draft::new(&mut writer, empty, Revision::new(replay.revision));
        for table in &self.catalog.tables {
            let name = &table.definition.name;
            let bucket = snapshot.bucket(rows_of(name));
            let bucket = bucket.map_err(|error| self.file(error))?;
            let stored = bucket.iter().flat_map(Bucket::iter);
            let stored = stored.map(|entry| -> Result<Record, Error> {
                let (key, bytes) = entry.map_err(|error| self.file(error))?;
                Ok((Box::from(&*key), bytes.to_vec()))
            });
            let none = Rows::new();
            let newer = replay.tables.get(name).unwrap_or(&none);
            if let Err(error) = table.rows.load(&mut draft, &mut overlaid(stored, newer)) {
                drop(draft.abort(&mut writer));
                return Err(error);
            }
        }
        let (staged, none) = draft.stage(&mut writer);
        let (version, passed) = writer.publish(staged);
        drop((none, passed));
        Ok((writer, version))
    }

    /// Which rows the trees have not as they are, by tables that the program has, and all of the others.
    #[allow(clippy::type_complexity, reason = "keys by table, and rows by table")]
    fn replayed(
        &self,
        replay: Replay,
    ) -> (
        BTreeMap<String, BTreeSet<Box<[u8]>>>,
        BTreeMap<String, Rows>,
    ) {
        let mut known = BTreeMap::new();
        let mut foreign = BTreeMap::new();
        for (name, rows) in replay.tables {
            let mut tables = self.catalog.tables.iter();
            if tables.any(|table| table.definition.name == name) {
                known.insert(name, rows.into_keys().collect());
            } else {
                foreign.insert(name, rows);
            }
        }
        (known, foreign)
    }

    /// Adds to the file what it does not say yet: in a new one everything, with a journal of this size, else tables that came to the program.
    fn complete(
        &self,
        file: &PageFile,
        journal: &Journal,
        size: u64,
        found: Option<&Catalogue>,
    ) -> Result<(), Error> {
        let known = |name: &str| {
            found.is_some_and(|found| found.tables.iter().any(|table| table.name == name))
        };
        let missing: Vec<_> = self
            .catalog
            .tables
            .iter()
            .filter(|table| !known(&table.definition.name))
            .collect();
        if found.is_some() && missing.is_empty() {
            return Ok(());
        }
        let mut tx = file.begin_write().map_err(|error| self.file(error))?;
        if found.is_none() {
            catalogue::begin(&mut tx).map_err(|error| self.file(error))?;
        }
        for table in missing {
            catalogue::add_table(&mut tx, &table.definition)
                .map_err(|error| self.unreadable(error))?;
        }
        let done = match found {
            None => journal.commit(tx, 0, size),
            Some(_) => tx.commit(),
        };
        done.map(drop).map_err(|error| self.file(error))
    }
}

/// Rows in the order of their keys, those of the journal in the place of those of the trees.
fn overlaid<'r>(
    stored: impl Iterator<Item = Result<Record, Error>> + 'r,
    newer: &'r Rows,
) -> impl Iterator<Item = Result<Record, Error>> + 'r {
    let mut stored = stored.peekable();
    let mut newer = newer.iter().peekable();
    std::iter::from_fn(move || {
        loop {
            let Some((key, _)) = newer.peek() else {
                return stored.next();
            };
            match stored.peek() {
                Some(Err(_)) => return stored.next(),
                Some(Ok((there, _))) if there < *key => return stored.next(),
                Some(Ok((there, _))) if there == *key => drop(stored.next()),
                _ => {}
            }
            if let Some((key, row)) = newer.next()
                && !row.is_empty()
            {
                return Some(Ok((key.clone(), row.clone())));
            }
        }
    })
}
