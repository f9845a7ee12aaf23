//! Restore: the rows of a running database become those of a file, in one commit.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::backup::{BACKUP, Told};
use super::inspect::Inspect;
use super::restore_options::RestoreOptions;
use super::unknown::is_unknown;
use crate::db::{Record, Source, UnknownTables, revisions};
use crate::pagefile::{Error as FileError, MemStorage, Options};
use crate::table::TableSchema;
use crate::{Database, Error, Revision};

/// What restoring has done: [`Database::restore`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The commit that did it; the one before, where all was equal already.
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
    /// all or nothing. A row that is equal, in its bytes, is not written: it keeps its revision, and nobody is told of it. Others are inserted, updated or removed, and
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
    /// let db = Database::builder().table::<Node>().in_memory()?;
    /// let node = |name: &str, cpus| Node { name: name.into(), cpus };
    /// db.write(|tx| tx.insert(node("n1", 8)).and_then(|_| tx.insert(node("n2", 8))))?;
    /// db.backup_to(&path)?;
    ///
    /// db.write(|tx| tx.put(node("n2", 4)).and_then(|_| tx.insert(node("n3", 4))))?;
    /// let mut changes = db.follow(Node::ALL)?.skip(1);
    /// let restored = db.restore_from(&path)?;
    /// assert_eq!((restored.inserted, restored.updated, restored.removed, restored.equal), (0, 1, 1, 1));
    /// # let _ = &mut changes;
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
        backup.verify()?;
        let core = Arc::clone(self.core());
        let unknown = core.unknown_tables()?;
        let mut ignored = Vec::new();
        let mut rows = 0;
        for table in backup.tables() {
            if !is_unknown(table, &core.catalog) {
                rows += backup.count(&table.definition.name)?;
            } else if options.ignore_unknown {
                ignored.push(table.definition.name.clone());
            } else if !has_same(backup, table, unknown.as_deref())? {
                return Err(Error::ForeignTable {
                    path: Arc::clone(&backup.path),
                    table: table.definition.name.clone(),
                });
            }
        }
        let mut told = Told::new(progress, rows);
        let mut restored = Restored {
            revision: Revision::ZERO,
            backup: backup.revision(),
            inserted: 0,
            updated: 0,
            removed: 0,
            equal: 0,
            ignored,
        };
        let mut tx = self.begin_write()?;
        for (_, table) in core.catalog.durable() {
            let name = &table.definition.name;
            let replaced = match backup.table(name) {
                Some(schema) => {
                    let path = &backup.path;
                    let rows = backup.records(name)?;
                    let mut rows = rows.inspect(|_| told.row());
                    let from = Source { path, schema };
                    table.rows.replace(&mut tx, Some(&from), &mut rows)?
                }
                None if options.keep_absent => continue,
                None => {
                    let mut none = std::iter::empty();
                    table.rows.replace(&mut tx, None, &mut none)?
                }
            };
            restored.inserted += replaced.inserted;
            restored.updated += replaced.updated;
            restored.removed += replaced.removed;
            restored.equal += replaced.equal;
        }
        restored.revision = tx.commit()?;
        Ok(restored)
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
    unknown.rows(name, &mut |key, row| {
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
