//! Restore: the rows of a running database become those of a file, in one commit.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::backup::{BACKUP, Told};
use super::inspect::Inspect;
use super::restore_options::RestoreOptions;
use super::unknown::is_unknown;
use crate::db::{Core, Entry, Record, Replaced, Source, UnknownTables, revisions};
use crate::pagefile::{Error as FileError, MemStorage, Options};
use crate::table::TableSchema;
use crate::{Database, Error, Revision, WriteTxn};

/// What restoring has done: [`Database::restore`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The commit that did it; the one before, where all was equal already. In a transaction, its [revision](WriteTxn::revision).
    pub revision: Revision,
    /// The commit that the backup shows.
    pub backup: Revision,
    /// Rows that were not there.
    pub inserted: u64,
    /// Rows that were otherwise.
    pub updated: u64,
    /// Rows that the backup does not have.
    pub removed: u64,
    /// Rows that were as they are in the backup, and were not written.
    pub equal: u64,
    /// Tables of the backup that the program does not declare and that were [passed over](RestoreOptions::ignore_unknown).
    pub ignored: Vec<String>,
}

impl Database {
    /// Makes the rows of all tables those of a [backup](crate::Snapshot::backup), or of any other file of a database, in one commit, while the database runs.
    ///
    /// It is a commit like any other: it has the next revision, watches and followers are told of it, [validators](crate::Builder::validate) are asked, it is as durable as others, and
    /// all or nothing. A row that is equal, in its bytes, is not written: it keeps its revision, and nobody is told of it. (A field that comes in another order each time, as a `HashMap` does, seldom is.) Others are inserted, updated or removed, and
    /// have the revision of this commit, not those of the backup. (To have these, [open](crate::Builder::open) the backup, or a copy of it.) Unique keys may go from one row to another. Where nothing
    /// differs, there is no commit.
    ///
    /// Rows of [earlier structs](crate#changing-structs) are read as they are when a file is opened. A table that the backup does not have has no rows afterwards; one that only the backup
    /// has is an error. [`restore_with`](Self::restore_with) has options for both. Ephemeral tables, and tables of this database's file that the program does not declare, are left
    /// as they are.
    ///
    /// All of `input` is read into memory, before anything else: who does not trust it gives it an end, with [`Read::take`]. Then every page is verified, and only after that is
    /// the writer's seat taken. O(rows), and memory for the rows that differ.
    ///
    /// # Errors
    /// [`Error::File`], called `backup`, where `input` fails, or is damaged; [`Error::Foreign`] where it is something else; [`Error::ForeignTable`] for a table that the
    /// program does not declare; [`Error::Schema`], [`Error::Shape`], [`Error::Row`] and [`Error::Duplicate`] for rows that the program's tables don't take; those of [`write`](Self::write) and
    /// [`WriteTxn::commit`](crate::WriteTxn::commit). Nothing is changed then.
    #[track_caller]
    pub fn restore(&self, mut input: impl Read) -> Result<Restored, Error> {
        let mut bytes = Vec::new();
        if let Err(source) = input.read_to_end(&mut bytes) {
            let action = "read";
            return Err(Error::File {
                path: BACKUP.into(),
                source: Arc::new(FileError::Io { action, source }),
            });
        }
        let storage = Box::new(MemStorage::new(bytes));
        let file = Options::new().read_only(true).open_storage(storage);
        let backup = Inspect::in_file(BACKUP, file)?;
        self.restore_with(&backup, &RestoreOptions::new(), &mut |_, _| ())
    }

    /// As [`restore`](Self::restore), from the file at `path`, which is not held in memory. It is read, not written, and nobody may have it open to write: a file
    /// of a database that was not closed will do, with its journal.
    ///
    /// ```
    /// # use sapwood::{Change, Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// #     cpus: u32,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("backup.sap");
    /// # let node = |name: &str, cpus| Node { name: name.into(), cpus };
    /// # let db = Database::builder().table::<Node>().in_memory()?;
    /// # db.write(|tx| tx.insert(node("n1", 8)).and_then(|_| tx.insert(node("n2", 8))))?;
    /// db.backup_to(&path)?;
    /// db.write(|tx| tx.update::<Node>("n2", |node| node.cpus = 4))?;
    ///
    /// let mut changes = db.follow(Node::ALL)?;
    /// changes.next(); // the rows that there are
    /// let restored = db.restore_from(&path)?;
    /// assert_eq!((restored.updated, restored.equal), (1, 1));
    /// let told = changes.next().expect("something was restored");
    /// assert!(matches!(told.changes(), [Change::Updated { new, .. }] if new.cpus == 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`restore`](Self::restore), but that [`Error::File`] has the path.
    #[track_caller]
    pub fn restore_from(&self, path: impl AsRef<Path>) -> Result<Restored, Error> {
        let path = path.as_ref();
        // Not mapped: a file that another process cuts is an error, then, and no signal.
        let options = Options::new().read_only(true).memory_map(false);
        let backup = Inspect::in_file(&path.display().to_string(), options.open(path))?;
        self.restore_with(&backup, &RestoreOptions::new(), &mut |_, _| ())
    }

    /// As [`restore_from`](Self::restore_from), with options, from a file that is open already: so it can be looked into first. Tells on the way how many of its rows were compared, and how many
    /// it has.
    ///
    /// # Errors
    /// As [`restore_from`](Self::restore_from).
    #[track_caller]
    pub fn restore_with(
        &self,
        backup: &Inspect,
        options: &RestoreOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Restored, Error> {
        let planned = Planned::new(self.core(), backup, options)?;
        let mut tx = self.begin_write()?;
        let mut restored = tx.restore_planned(backup, options, planned, progress)?;
        restored.revision = tx.commit()?;
        Ok(restored)
    }
}

impl WriteTxn {
    /// As [`Database::restore_with`], as a part of this transaction: together with other changes, or to be [staged](Self::stage) and published at a revision that somebody else decided on. What
    /// the transaction wrote before is replaced like all else. The file is verified while the transaction runs.
    ///
    /// ```
    /// # use sapwood::{Database, Inspect, RestoreOptions, Revision, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("backup.sap");
    /// # let leader = Database::builder().table::<Node>().in_memory()?;
    /// # leader.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// # leader.backup_to(&path)?;
    /// # let db = Database::builder().table::<Node>().in_memory()?;
    /// // A node of a cluster that has fallen behind gets the state after entry 70 of the log.
    /// let mut tx = db.begin_write()?;
    /// tx.restore_with(&Inspect::open(&path)?, &RestoreOptions::new(), &mut |_, _| ())?;
    /// tx.stage()?.publish_at(Revision::new(70))?;
    /// assert_eq!(db.snapshot().get::<Node>("n1").map(|node| node.modified()), Some(Revision::new(70)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Database::restore_from`], but for those of a commit. The transaction is then as it was.
    pub fn restore_with(
        &mut self,
        backup: &Inspect,
        options: &RestoreOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Restored, Error> {
        let planned = Planned::new(self.core(), backup, options)?;
        self.restore_planned(backup, options, planned, progress)
    }

    fn restore_planned(
        &mut self,
        backup: &Inspect,
        options: &RestoreOptions,
        planned: Planned,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Restored, Error> {
        let mut told = Told::new(progress, planned.rows);
        let mut restored = Restored {
            revision: self.revision(),
            backup: backup.revision(),
            inserted: 0,
            updated: 0,
            removed: 0,
            equal: 0,
            ignored: planned.ignored,
        };
        let catalog = Arc::clone(&self.core().catalog);
        let before = self.savepoint();
        for (_, table) in catalog.durable() {
            let schema = backup.table(&table.definition.name);
            if schema.is_none() && options.keep_absent {
                continue;
            }
            let replaced = match replace(self, table, backup, schema, &mut told) {
                Ok(replaced) => replaced,
                Err(error) => {
                    self.rollback_to(&before)?;
                    return Err(error);
                }
            };
            restored.inserted += replaced.inserted;
            restored.updated += replaced.updated;
            restored.removed += replaced.removed;
            restored.equal += replaced.equal;
        }
        Ok(restored)
    }
}

fn replace(
    tx: &mut WriteTxn,
    table: &Entry,
    backup: &Inspect,
    schema: Option<&TableSchema>,
    told: &mut Told<'_>,
) -> Result<Replaced, Error> {
    let Some(schema) = schema else {
        return table.rows.replace(tx, None, &mut std::iter::empty());
    };
    let path = &backup.path;
    let rows = backup.records(&table.definition.name)?;
    let mut rows = rows.inspect(|_| told.row());
    table
        .rows
        .replace(tx, Some(&Source { path, schema }), &mut rows)
}

/// What is known before the writer's seat is taken.
struct Planned {
    /// How many rows are to be compared.
    rows: u64,
    ignored: Vec<String>,
}

impl Planned {
    /// Refuses a file that is not sound, and one with rows that have no place in the database.
    fn new(core: &Core, backup: &Inspect, options: &RestoreOptions) -> Result<Self, Error> {
        backup.verify()?;
        let unknown = core.unknown_tables()?;
        let mut planned = Self {
            rows: 0,
            ignored: Vec::new(),
        };
        for table in backup.tables() {
            let name = &table.definition.name;
            if !is_unknown(table, &core.catalog) {
                planned.rows += backup.count(name)?;
            } else if options.ignore_unknown {
                planned.ignored.push(name.clone());
            } else if !has_same(backup, table, unknown.as_deref())? {
                return Err(Error::ForeignTable {
                    path: Arc::clone(&backup.path),
                    table: name.clone(),
                });
            }
        }
        Ok(planned)
    }
}

impl Inspect {
    /// Refuses a file that holds no database, or has a page that is not sound.
    fn verify(&self) -> Result<(), Error> {
        if self.snapshot.bucket_count() == 0 {
            return Err(Error::Foreign {
                path: Arc::clone(&self.path),
                what: "a page file that holds nothing is no backup".to_owned(),
            });
        }
        let failed = |error| Error::File {
            path: Arc::clone(&self.path),
            source: Arc::new(error),
        };
        let report = self.file.check().map_err(failed)?;
        let problem = report.problems.into_iter().next();
        problem.map_or(Ok(()), |problem| Err(failed(problem)))
    }
}

/// Whether a table of a backup has no rows, or is just so in the database's own file.
fn has_same(
    backup: &Inspect,
    table: &TableSchema,
    unknown: Option<&dyn UnknownTables>,
) -> Result<bool, Error> {
    let name = &table.definition.name;
    let mut rows = backup.records(name)?.peekable();
    if rows.peek().is_none() {
        return Ok(true);
    }
    let Some(unknown) = unknown.filter(|unknown| unknown.schemas().contains(table)) else {
        return Ok(false);
    };
    let mut is_same = true;
    unknown.rows(name, &mut |(key, row)| {
        if is_same {
            let other: Option<Record> = rows.next().transpose()?;
            is_same = other.is_some_and(|(other_key, other)| {
                *other_key == *key && own_bytes(&other) == own_bytes(row)
            });
        }
        Ok(())
    })?;
    Ok(is_same && rows.next().is_none())
}

/// The bytes of a row without its revisions.
fn own_bytes(record: &[u8]) -> Option<&[u8]> {
    revisions(record).map(|(_, _, row)| row)
}
