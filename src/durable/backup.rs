//! Backup: a state of the database as a file of its own, while writing goes on.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{describe, rows_of};
use super::transfer::Failed;
use crate::db::{Catalog, RowBytes, UnknownTables};
use crate::pagefile::{Error as FileError, NewBucket, NewFile, NotStreamed};
use crate::table::TableSchema;
use crate::{Database, Error, Revision, Snapshot};

/// What errors call something that has no path.
pub(super) const BACKUP: &str = "backup";

/// After so many rows it is told how far a copy has come.
pub(super) const TOLD_AFTER: u64 = 256;

/// What a backup has: [`Snapshot::backup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// The commit that it shows.
    pub revision: Revision,
    /// The rows of all tables.
    pub rows: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

impl Snapshot {
    /// Writes what this snapshot shows to `out`, as a file that can be [opened](crate::Builder::open), [restored](Database::restore),
    /// [looked into](crate::Inspect) and given to the tool. Readers and writers go on meanwhile; nobody waits for it, and it does not show what they do.
    ///
    /// It has the rows of all tables with their revisions, but those of ephemeral ones; of a database in a file also the tables of that file which the program does not declare. A
    /// database in memory can be backed up as well. The same state gives the same bytes, by whichever of these methods.
    ///
    /// Nothing but writing is asked of `out`: a socket will do. It is flushed and not synced, and a backup that failed leaves a part of one there, which nobody takes
    /// for a whole one. O(rows): each row is encoded twice, for a file begins with what is behind it. Memory for some pages; the snapshot keeps its state for so long.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// #     cpus: u32,
    /// # }
    /// let db = Database::builder().table::<Node>().in_memory()?;
    /// db.write(|tx| tx.insert(Node { name: "n1".into(), cpus: 8 }))?;
    ///
    /// let mut copy = Vec::new();
    /// let backup = db.snapshot().backup(&mut copy)?;
    /// assert_eq!((backup.rows, backup.bytes), (1, copy.len() as u64));
    ///
    /// db.write(|tx| tx.update::<Node>("n1", |node| node.cpus = 4))?;
    /// db.restore(&copy[..])?;
    /// assert_eq!(db.snapshot().get::<Node>("n1").map(|node| node.cpus), Some(8));
    /// # Ok::<(), sapwood::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`], called `backup`, with what `out` said; [`Error::Row`] for a row that cannot be written as bytes, and [`Error::UnstableRow`] for one that gives
    /// others the second time; [`Error::Shape`] for a table whose rows no file takes. Where the database's file has tables that the program does not declare, also what
    /// reading that gives, and [`Error::Closed`] once it is closed.
    pub fn backup(&self, out: impl Write) -> Result<Backup, Error> {
        self.backup_told(out, &mut |_, _| ())
    }

    /// As [`backup`](Self::backup), and tells on the way how many rows were encoded, and how many there are to encode: each twice.
    ///
    /// # Errors
    /// As [`backup`](Self::backup).
    pub fn backup_told(
        &self,
        mut out: impl Write,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Backup, Error> {
        let path = Arc::from(BACKUP);
        let copy = Copied::new(self, &path)?;
        let mut told = Told::new(progress, copy.count() * 2);
        let mut rows = 0;
        let streamed = NewFile::stream(&mut out, |new| {
            rows = copy.fill(new, &mut told)?;
            Ok(())
        });
        let bytes = streamed.map_err(|error| match error {
            NotStreamed::Failed(error) => failed(&path, error),
            NotStreamed::Uneven { bucket } => copy.unstable(&bucket),
        })?;
        Ok(Backup {
            revision: self.revision(),
            rows,
            bytes,
        })
    }

    /// As [`backup`](Self::backup), into a new file at `path`: mode 0600, whole and durable when this returns, or not there. A file that there is is not
    /// replaced. Each row is encoded once.
    ///
    /// So a database in memory comes into a file, and [`Builder::open`](crate::Builder::open) or [`Builder::load`](crate::Builder::load) bring it back:
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("copy.sap");
    /// let db = Database::builder().table::<Node>().in_memory()?;
    /// db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// db.backup_to(&path)?;
    ///
    /// let again = Database::builder().table::<Node>().open(&path)?;
    /// assert_eq!(again.revision(), db.revision());
    /// assert_eq!(again.snapshot().count(Node::ALL), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`backup`](Self::backup), but that [`Error::File`] has the path; it is the error for a file that is there already, too. No file was made.
    pub fn backup_to(&self, path: impl AsRef<Path>) -> Result<Backup, Error> {
        self.backup_to_told(path, &mut |_, _| ())
    }

    /// As [`backup_to`](Self::backup_to), and tells on the way how many rows were written, and how many there are.
    ///
    /// # Errors
    /// As [`backup_to`](Self::backup_to).
    pub fn backup_to_told(
        &self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Backup, Error> {
        let target = path.as_ref();
        let path = Arc::from(target.display().to_string());
        // Not to find out when all is written, mostly.
        if target.symlink_metadata().is_ok() {
            return Err(exists(&path));
        }
        let copy = Copied::new(self, &path)?;
        let mut told = Told::new(progress, copy.count());
        let mut rows = 0;
        let created = NewFile::create(target, |new| {
            rows = copy.fill(new, &mut told)?;
            Ok(())
        });
        let bytes = created.map_err(|error| failed(&path, error))?;
        Ok(Backup {
            revision: self.revision(),
            rows,
            bytes: bytes.ok_or_else(|| exists(&path))?,
        })
    }
}

impl Database {
    /// Writes the newest published state to `out`, as a file of its own: [`Snapshot::backup`].
    ///
    /// # Errors
    /// As [`Snapshot::backup`].
    pub fn backup(&self, out: impl Write) -> Result<Backup, Error> {
        self.snapshot().backup(out)
    }

    /// Writes the newest published state to a new file at `path`: [`Snapshot::backup_to`].
    ///
    /// # Errors
    /// As [`Snapshot::backup_to`].
    pub fn backup_to(&self, path: impl AsRef<Path>) -> Result<Backup, Error> {
        self.snapshot().backup_to(path)
    }
}

fn failed(path: &Arc<str>, failed: Failed) -> Error {
    match failed {
        Failed::Row(error) => error,
        Failed::File(error) => Error::File {
            path: Arc::clone(path),
            source: Arc::new(error),
        },
    }
}

fn exists(path: &Arc<str>) -> Error {
    let error = FileError::Io {
        action: "create",
        source: io::ErrorKind::AlreadyExists.into(),
    };
    failed(path, error.into())
}

/// Who is told how far a copy has come.
pub(super) struct Told<'p> {
    progress: &'p mut dyn FnMut(u64, u64),
    done: u64,
    all: u64,
}

impl<'p> Told<'p> {
    pub(super) fn new(progress: &'p mut dyn FnMut(u64, u64), all: u64) -> Self {
        Self {
            progress,
            done: 0,
            all,
        }
    }

    pub(super) fn row(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(TOLD_AFTER) || self.done == self.all {
            (self.progress)(self.done, self.all);
        }
    }
}

/// A state on its way into a file.
struct Copied<'s> {
    snapshot: &'s Snapshot,
    catalog: &'s Catalog,
    unknown: Option<Box<dyn UnknownTables>>,
    /// In the order of their names, which is that of their buckets.
    tables: Vec<CopiedTable>,
}

struct CopiedTable {
    schema: TableSchema,
    /// `None` for one that the program does not declare.
    family: Option<usize>,
    /// As the file has it.
    definition: Vec<u8>,
}

impl<'s> Copied<'s> {
    fn new(snapshot: &'s Snapshot, path: &Arc<str>) -> Result<Self, Error> {
        let catalog = &*snapshot.core().catalog;
        let unknown = snapshot.core().unknown_tables()?;
        let mut tables = Vec::new();
        let mut add = |schema: TableSchema, family| {
            let definition = schema.encode().map_err(|error| Error::Foreign {
                path: Arc::clone(path),
                what: error.to_string(),
            })?;
            tables.push(CopiedTable {
                schema,
                family,
                definition,
            });
            Ok::<_, Error>(())
        };
        for (family, table) in catalog.durable() {
            add(table.rows.schema()?, Some(family))?;
        }
        for schema in unknown.iter().flat_map(|unknown| unknown.schemas()) {
            add(schema.clone(), None)?;
        }
        tables.sort_by(|left, right| left.name().cmp(right.name()));
        Ok(Self {
            snapshot,
            catalog,
            unknown,
            tables,
        })
    }

    /// How many rows there are of the tables that the program declares.
    fn count(&self) -> u64 {
        let version = self.snapshot.version();
        let tables = self.catalog.durable();
        tables
            .map(|(_, table)| table.rows.count(version) as u64)
            .sum()
    }

    /// Puts everything in, and says how many rows.
    fn fill(&self, new: &mut NewFile<'_>, told: &mut Told<'_>) -> Result<u64, Failed> {
        let mut rows = 0;
        for table in &self.tables {
            new.bucket(rows_of(table.name()), |bucket| {
                self.fill_bucket(table, bucket, &mut rows, told)
            })?;
        }
        let tables = self.tables.iter();
        let tables = tables.map(|table| (table.name(), &table.definition[..]));
        describe(new, tables, self.snapshot.revision())?;
        Ok(rows)
    }

    fn fill_bucket(
        &self,
        table: &CopiedTable,
        bucket: &mut NewBucket<'_, '_>,
        rows: &mut u64,
        told: &mut Told<'_>,
    ) -> Result<(), Failed> {
        let mut failed = None;
        let mut put = |(key, row): RowBytes<'_>| {
            *rows += 1;
            bucket.put(key, row).map_err(|error| {
                failed = Some(error);
                Error::Closed
            })
        };
        let known = table
            .family
            .and_then(|family| self.catalog.tables.get(family));
        let walked = match (known, &self.unknown) {
            (Some(known), _) => known.rows.rows(self.snapshot.version(), &mut |row| {
                told.row();
                put(row)
            }),
            (None, Some(unknown)) => unknown.rows(table.name(), &mut put),
            (None, None) => Ok(()),
        };
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(walked?),
        }
    }

    /// The error of the table whose bucket was not the same twice.
    fn unstable(&self, bucket: &[u8]) -> Error {
        let mut tables = self.tables.iter();
        let table = tables.find(|table| rows_of(table.name()).as_bytes() == bucket);
        Error::UnstableRow {
            table: table.map_or_else(String::new, |table| table.name().to_owned()),
        }
    }
}

impl CopiedTable {
    fn name(&self) -> &str {
        &self.schema.definition.name
    }
}
