//! Opening a database on a file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use super::evolve::{Evolution, NotEvolved};
use super::period::Keeper;
use super::replay::Replay;
use super::store::{FIRST_JOURNAL, Store};
use super::transfer::{Failed, Trees};
use super::unknown::has_unknown;
use crate::db::{Builder, Catalog, Core, Durability, Persist, Record, Source, Stopwatch};
use crate::pagefile::{Error as FileError, Journal, Options, PageFile, ReadTxn, Storage};
use crate::radix::{Draft, Version, Writer};
use crate::{Database, Error, Revision};

/// A commit that may wait longer than this was meant for [`Durability::Checkpoint`].
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Builder {
    /// Opens the database in the file at `path`, or creates it: mode 0600, whole or not at all. The file is locked for as long as the
    /// database is open.
    ///
    /// All rows are read, every page is verified, and the indexes are built: O(rows). A file that was written with other structs is brought to those of the program
    /// ([changing structs](crate#changing-structs)), which writes the tables that changed.
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
    /// [`Error::File`] where the file can't be opened or is damaged, or another process has it; [`Error::Schema`] where it holds
    /// rows that the program's structs cannot take in, [`Error::Shape`] where rows of a table cannot be kept in a file, [`Error::Foreign`] and [`Error::Row`] where it holds something else; [`Error::Duplicate`] and [`Error::KeyTooLong`] where the function of an
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
        let mut replay = Replay::new(found.as_ref().map_or(0, |found| found.revision));
        let journal = file
            .open_journal(|record| replay.take(record))
            .map_err(|error| opened.unreadable(error))?;
        let loaded = opened.load(&snapshot, found.as_ref(), &replay)?;
        drop(snapshot);
        journal.sync().map_err(|error| opened.file(error))?;
        let evolution = Evolution::new(&catalog, found.as_ref(), loaded.rewritten)?;
        let LoadedFile {
            writer,
            empty,
            version,
            ..
        } = loaded;
        let size = match self.durability {
            Durability::Checkpoint => 0,
            _ => FIRST_JOURNAL.min(self.journal_size),
        };
        let mut trees = Trees::new(file, &catalog, version.clone(), replay);
        trees.has_unknown = has_unknown(found.as_ref(), &catalog);
        opened.evolve(&mut trees, &journal, &evolution, &empty, size)?;
        let named = Arc::clone(&opened.path);
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
pub(super) struct Opened<'a> {
    pub(super) path: Arc<str>,
    pub(super) catalog: &'a Catalog,
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

    /// Reads all rows, as the journal says that they are, and builds all trees.
    pub(super) fn load(
        &self,
        snapshot: &ReadTxn,
        found: Option<&Catalogue>,
        replay: &Replay,
    ) -> Result<LoadedFile, Error> {
        let (mut writer, empty) = Writer::new(self.catalog.layout.clone(), Revision::ZERO);
        let Some(found) = found else {
            return Ok(LoadedFile {
                writer,
                version: empty.clone(),
                empty,
                rewritten: Vec::new(),
            });
        };
        let mut rewritten = Vec::new();
        let revision = Revision::new(replay.revision);
        // A file without commits has no rows; that its tables are the program's is seen all the same.
        let drafted = revision.max(Revision::new(1));
        let mut draft = Draft::new(&mut writer, empty.clone(), drafted);
        for (family, table) in self.catalog.durable() {
            let Some(schema) = found.table(&table.definition.name) else {
                continue;
            };
            let bucket = snapshot
                .bucket(rows_of(&table.definition.name))
                .map_err(|error| self.file(error))?;
            let Some(bucket) = bucket else { continue };
            let stored = bucket.iter().map(|entry| -> Result<Record, Error> {
                let (key, bytes) = entry.map_err(|error| self.file(error))?;
                Ok((Box::from(&*key), bytes.to_vec()))
            });
            let mut rows = replay.over(&table.definition.name, stored);
            let from = Source {
                path: &self.path,
                schema,
            };
            match table.rows.load(&mut draft, &from, &mut rows) {
                Ok(true) => rewritten.push(family),
                Ok(false) => {}
                Err(error) => {
                    drop(draft.abort(&mut writer));
                    return Err(error);
                }
            }
        }
        let version = if revision == Revision::ZERO {
            drop(draft.abort(&mut writer));
            empty.clone()
        } else {
            let (staged, none) = draft.stage(&mut writer);
            let (version, passed) = writer.publish(staged);
            drop((none, passed));
            version
        };
        Ok(LoadedFile {
            writer,
            empty,
            version,
            rewritten,
        })
    }

    /// Makes the file say what the program declares, and leaves nothing in the journal, whose rows have the old shapes; `size` is how long it is to be.
    fn evolve(
        &self,
        trees: &mut Trees,
        journal: &Journal,
        evolution: &Evolution,
        empty: &Version,
        size: u64,
    ) -> Result<(), Error> {
        if evolution.is_none() {
            return Ok(());
        }
        let begun = trees.begin().map_err(|error| self.file(error))?;
        let Some(mut tx) = begun else {
            return Err(Error::Closed);
        };
        let written = evolution.write(&mut tx, self.catalog, empty, &trees.version);
        written.map_err(|error| match error {
            NotEvolved::Unreadable(error) => self.unreadable(error),
            NotEvolved::Row(error) => error,
        })?;
        let settled = trees.settle(tx, self.catalog, journal, size);
        settled.map_err(|error| match error {
            Failed::File(error) => self.file(error),
            Failed::Row(error) => error,
        })
    }
}

/// What was read from a file.
pub(super) struct LoadedFile {
    pub(super) writer: Writer,
    /// The version before all.
    empty: Version,
    pub(super) version: Version,
    /// The families whose rows have other bytes now.
    rewritten: Vec<usize>,
}
