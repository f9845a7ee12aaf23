//! Getting out of a damaged file what is sound.
//!
//! Nothing is written to that file: what it holds goes into a new one, with a report of what is missing. The page file's walk goes on behind what it cannot read, and tells which
//! keys the parents of a page say that it had; rows are then read one by one, as the journal has them where that goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use super::catalogue::{ABOUT, FORMATS, TABLES, Unreadable, other_format, rows_of};
use super::evolve::Evolution;
use super::open::{LoadedFile, Ready};
use super::replay::{Replay, Rows};
use super::transfer::Trees;
use crate::db::{Builder, Catalog, Progress, RefusedRow, Source, Stopwatch, hex, revisions};
use crate::pagefile::{Damage, DamagedPage, Error as FileError, PageFile, Remains};
use crate::radix::{Draft, Writer};
use crate::table::TableSchema;
use crate::{Database, Error, Revision};

/// What was got out of a damaged file, and what not: [`Builder::salvage_into`]. `Display` says it in lines.
#[derive(Debug)]
#[non_exhaustive]
pub struct Salvage {
    /// The newest commit that is in the new file; of rows that are missing it may lack later ones, too.
    pub revision: Revision,
    /// Whether the file still said which commit its trees hold. Else it is the newest that a row tells of.
    pub revision_is_known: bool,
    /// The tables, by their names: those of the program, and all others that the file has rows or a definition of.
    pub tables: Vec<SalvagedTable>,
    /// What else of the file is damaged: what it says of itself and of its tables, and the tree that leads to these. Where that lost buckets, whole tables can be missing.
    pub elsewhere: Vec<Damage>,
    /// The group of the journal that is damaged. The commits in it, and those behind it, are lost. What a crash left of the last group is none.
    pub journal: Option<Error>,
    /// All that is wrong with the file's pages, up to a thousand things; also what takes no row with it.
    pub problems: Vec<FileError>,
}

/// What was got out of a damaged file of one table.
#[derive(Debug)]
#[non_exhaustive]
pub struct SalvagedTable {
    /// Its name.
    pub name: String,
    /// Whether the program has it. Rows of others are taken over as they are, if the file still has their definition.
    pub is_declared: bool,
    /// Whether the file still had its definition. Without it, the rows were read as the program's struct.
    pub is_defined: bool,
    /// How many rows are in the new file.
    pub rows: u64,
    /// How many rows of the trees cannot be read, by what the record of the bucket says it has. Some may have been removed by commits in the journal, or be in the new file, where
    /// these wrote them again.
    pub rows_lost: u64,
    /// The pages that cannot be read, in the order of their keys, up to a thousand in all tables; each with the range of primary keys, encoded, that it may have had: no row out of these
    /// ranges is missing.
    pub pages: Vec<DamagedPage>,
    /// The rows that are there, and cannot be taken over.
    pub refused: Vec<RefusedRow>,
}

impl Salvage {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        let mut tables = self.tables.iter();
        self.revision_is_known
            && self.elsewhere.is_empty()
            && self.journal.is_none()
            && self.problems.is_empty()
            && tables
                .all(|table| table.is_defined && table.pages.is_empty() && table.refused.is_empty())
    }
}

impl fmt::Display for Salvage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "commit {}", self.revision)?;
        for table in &self.tables {
            write!(f, "table `{}`: {} rows", table.name, table.rows)?;
            writeln!(f, ", {} lost", table.rows_lost)?;
            for page in &table.pages {
                write!(
                    f,
                    "  page {} at offset {}: {}",
                    page.page, page.offset, page.reason
                )?;
                writeln!(f, "; keys {}", range(&page.keys))?;
            }
            for row in &table.refused {
                writeln!(f, "  row {}: {}", hex(&row.key), row.error)?;
            }
            if !table.is_defined {
                writeln!(f, "  its definition is lost")?;
            }
        }
        for page in self.elsewhere.iter().flat_map(|damage| &damage.pages) {
            writeln!(
                f,
                "page {} at offset {}: {}",
                page.page, page.offset, page.reason
            )?;
        }
        match &self.journal {
            Some(error) => writeln!(f, "journal: {error}"),
            None => Ok(()),
        }
    }
}

/// A range of keys, in hexadecimal.
fn range((from, to): &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> String {
    let from = match from {
        Bound::Included(key) | Bound::Excluded(key) => hex(key),
        Bound::Unbounded => String::new(),
    };
    match to {
        Bound::Included(key) => format!("{from}..={}", hex(key)),
        Bound::Excluded(key) => format!("{from}..{}", hex(key)),
        Bound::Unbounded => format!("{from}.."),
    }
}

impl Builder {
    /// Opens a new file at `new` with what is sound of the database in the damaged file at `damaged`, which is not written to, and says what is missing. What
    /// [`open`](Self::open) refuses because of damage can be opened so.
    ///
    /// What is taken over is verified: it lies in pages whose checksums are right, up to a meta whose checksum is right, or in whole groups of the journal before one that is
    /// damaged; it is a row of the table's struct, under its own key. Of two rows that have one key in a unique index the first is taken. Rows keep their revisions. Nothing is made up, and
    /// nothing else is left out. Whether the states of single rows fit together is for the program to say.
    ///
    /// The rows are in memory twice meanwhile. O(file). [`on_progress`](Self::on_progress) hears of pages read.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Serialize, Deserialize)]
    /// # #[table(name = "nodes")]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let (path, new) = (dir.path().join("state.sap"), dir.path().join("new.sap"));
    /// # let db = Database::builder().table::<Node>().open(&path)?;
    /// # db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// # db.close()?;
    /// let builder = Database::builder().table::<Node>();
    /// let (db, salvage) = builder.salvage_into(&path, &new)?;
    /// assert!(salvage.is_whole());
    /// assert_eq!(salvage.to_string(), "commit 1\ntable `nodes`: 1 rows, 0 lost\n");
    /// assert!(db.snapshot().get::<Node>("n1").is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::File`] where no state of the file can be found, another process writes to it, or there is something at `new`; [`Error::Foreign`] where it is not a database;
    /// [`Error::Schema`] where the rows of a table are not those of the program's struct, and all else that [`open`](Self::open) refuses. There is no new file then.
    pub fn salvage_into(
        mut self,
        damaged: impl AsRef<Path>,
        new: impl AsRef<Path>,
    ) -> Result<(Database, Salvage), Error> {
        let (damaged, new) = (damaged.as_ref(), new.as_ref());
        let loading = Stopwatch::start();
        let name: Arc<str> = new.display().to_string().into();
        let observe = self.observe(&name);
        let catalog = self.declared()?;
        let mut progress = Progress::new(self.on_progress.take());
        let path: Arc<str> = damaged.display().to_string().into();
        let found = Found::read(Arc::clone(&path), damaged, &mut progress)?;
        let (loaded, others, salvage) = found.load(&catalog)?;
        let failed = |error| Error::File {
            path: Arc::clone(&name),
            source: Arc::new(error),
        };
        if new.exists() {
            return Err(failed(FileError::Io {
                action: "create",
                source: std::io::ErrorKind::AlreadyExists.into(),
            }));
        }
        let file = PageFile::open(new).map_err(failed)?;
        let begin = || {
            let journal = file.open_journal(|_| Ok::<u64, FileError>(0));
            let journal = journal.map_err(failed)?;
            let definitions = others.iter().map(|(schema, _)| schema.clone());
            let evolution = Evolution::of_all(&catalog, definitions.collect())?;
            let replay = Replay::new(0);
            let mut trees = Trees::new(file, &catalog, loaded.version.clone(), replay);
            trees.has_unknown = !others.is_empty();
            let rows = others.into_iter();
            trees.foreign = rows
                .map(|(schema, rows)| (schema.definition.name, rows))
                .collect();
            let ready = Ready {
                path: Arc::clone(&name),
                catalog,
                trees,
                journal,
                loaded,
                evolution,
            };
            self.begin(ready, observe, loading)
        };
        let db = begin().inspect_err(|_| {
            // It is of this call's making, and nothing is in it.
            let _ = std::fs::remove_file(new);
        })?;
        progress.end();
        Ok((db, salvage))
    }
}

/// What is in a damaged file.
struct Found {
    path: Arc<str>,
    /// What it says of itself, by its keys.
    about: BTreeMap<Vec<u8>, Vec<u8>>,
    definitions: BTreeMap<String, TableSchema>,
    /// For each table its rows, by their keys.
    rows: BTreeMap<String, Rows>,
    damage: Vec<Damage>,
    problems: Vec<FileError>,
    /// As the journal has it.
    revision: u64,
    revision_is_known: bool,
    journal: Option<Error>,
}

impl Found {
    fn read(path: Arc<str>, damaged: &Path, progress: &mut Progress) -> Result<Self, Error> {
        let failed = |error| Error::File {
            path: Arc::clone(&path),
            source: Arc::new(error),
        };
        let remains = Remains::open(damaged).map_err(failed)?;
        progress.begin(remains.pages());
        let mut about = BTreeMap::new();
        let mut definitions = BTreeMap::new();
        let mut rows: BTreeMap<String, Rows> = BTreeMap::new();
        let mut take = |bucket: &[Vec<u8>], key: &[u8], value: &[u8]| {
            let [bucket] = bucket else { return };
            let Ok(bucket) = str::from_utf8(bucket) else {
                return;
            };
            match bucket.strip_prefix(&rows_of("")) {
                Some(table) if rows.contains_key(table) => {}
                Some(table) => drop(rows.insert(table.to_owned(), Rows::new())),
                None if bucket == ABOUT => drop(about.insert(key.to_vec(), value.to_vec())),
                None if bucket == TABLES => {
                    let schema = TableSchema::decode(value).ok();
                    let schema = schema.filter(|schema| schema.definition.name.as_bytes() == key);
                    definitions.extend(schema.map(|it| (it.definition.name.clone(), it)));
                }
                None => {}
            }
            let table = bucket
                .strip_prefix(&rows_of(""))
                .and_then(|table| rows.get_mut(table));
            if let Some(table) = table {
                table.insert(key.into(), value.to_vec());
            }
        };
        let wrong = remains
            .walk(&mut take, &mut |pages| progress.tell(pages))
            .map_err(failed)?;
        let mut found = Self {
            path: Arc::clone(&path),
            about,
            definitions,
            rows,
            damage: wrong.damage,
            problems: wrong.problems,
            revision: 0,
            revision_is_known: true,
            journal: None,
        };
        found.check()?;
        found.replay(&remains);
        Ok(found)
    }

    /// Refuses what is not the file of a database, or in another format.
    fn check(&self) -> Result<(), Error> {
        let foreign = |what| Error::Foreign {
            path: Arc::clone(&self.path),
            what,
        };
        if self.about.is_empty() && self.damage.is_empty() {
            return Err(foreign("a page file, but not of a database".to_owned()));
        }
        for (key, known) in FORMATS {
            let found = self.about.get(key.as_bytes());
            let found = found.and_then(|bytes| <[u8; 4]>::try_from(&**bytes).ok());
            if let Some(found) = found.map(u32::from_le_bytes)
                && found != known
                && let Unreadable::Foreign(what) = other_format(key, found, known)
            {
                return Err(foreign(what));
            }
        }
        Ok(())
    }

    /// Puts what the journal says in the place of what the trees say.
    fn replay(&mut self, remains: &Remains) {
        let stored = self.about.get("revision".as_bytes());
        let stored = stored.and_then(|bytes| <[u8; 8]>::try_from(&**bytes).ok());
        self.revision_is_known = stored.is_some();
        let begun = stored.map_or_else(
            || {
                let rows = self.rows.values().flat_map(Rows::values);
                let newest = rows.filter_map(|row| Some(revisions(row)?.1.get()));
                newest.max().unwrap_or(0)
            },
            u64::from_le_bytes,
        );
        let mut replay = Replay::new(begun);
        let replayed = remains.journal(|record| replay.take(record).map(drop));
        self.journal = replayed.err().map(|error| match error {
            Unreadable::File(source) => Error::File {
                path: Arc::clone(&self.path),
                source: Arc::new(source),
            },
            Unreadable::Foreign(what) => Error::Foreign {
                path: Arc::clone(&self.path),
                what,
            },
        });
        self.revision = replay.revision;
        for (table, newer) in replay.tables {
            let rows = self.rows.entry(table).or_default();
            for (key, row) in newer {
                if row.is_empty() {
                    rows.remove(&key);
                } else {
                    rows.insert(key, row);
                }
            }
        }
    }

    /// Reads the rows of the program's tables. Gives what the other tables have, too, and the report.
    #[allow(clippy::type_complexity, reason = "tables and their rows")]
    fn load(
        mut self,
        catalog: &Catalog,
    ) -> Result<(LoadedFile, Vec<(TableSchema, Rows)>, Salvage), Error> {
        let revision = Revision::new(self.revision);
        let (mut writer, empty) = Writer::new(catalog.layout.clone(), Revision::ZERO);
        // Rows without a commit there are none; one is needed to load none.
        let drafted = revision.max(Revision::new(1));
        let mut draft = Draft::new(&mut writer, empty.clone(), drafted);
        let mut tables = Vec::new();
        for (_, table) in catalog.durable() {
            let name = &table.definition.name;
            let defined = self.definitions.remove(name);
            let mut report = self.report(name, true, defined.is_some());
            let rows = self.rows.remove(name).unwrap_or_default();
            let filled = defined
                .map_or_else(|| table.rows.schema(), Ok)
                .and_then(|schema| {
                    let from = Source {
                        path: &self.path,
                        schema: &schema,
                    };
                    let refused = &mut report.refused;
                    table.rows.salvage(&mut draft, &from, &rows, refused)
                });
            match filled {
                Ok(rows) => report.rows = rows,
                Err(error) => {
                    drop(draft.abort(&mut writer));
                    return Err(error);
                }
            }
            tables.push(report);
        }
        let mut others = Vec::new();
        for (name, schema) in std::mem::take(&mut self.definitions) {
            let rows = self.rows.remove(&name).unwrap_or_default();
            let mut report = self.report(&name, false, true);
            report.rows = rows.len() as u64;
            tables.push(report);
            others.push((schema, rows));
        }
        // Rows of which nobody knows what they are.
        for (name, rows) in std::mem::take(&mut self.rows) {
            let mut report = self.report(&name, false, false);
            report.rows_lost += rows.len() as u64;
            tables.push(report);
        }
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        let version = if revision == Revision::ZERO {
            drop(draft.abort(&mut writer));
            empty.clone()
        } else {
            let (staged, none) = draft.stage(&mut writer);
            let (version, passed) = writer.publish(staged);
            drop((none, passed));
            version
        };
        let loaded = LoadedFile {
            writer,
            empty,
            version,
            rewritten: Vec::new(),
        };
        let salvage = Salvage {
            revision,
            revision_is_known: self.revision_is_known,
            tables,
            elsewhere: self.damage,
            journal: self.journal,
            problems: self.problems,
        };
        Ok((loaded, others, salvage))
    }

    /// What is known of a table before its rows are read. Takes its damage out of what is left.
    fn report(&mut self, name: &str, is_declared: bool, is_defined: bool) -> SalvagedTable {
        let bucket = rows_of(name).into_bytes();
        let own = |damage: &mut Damage| damage.bucket == [bucket.as_slice()];
        let (mut rows_lost, mut pages) = (0, Vec::new());
        for damage in self.damage.extract_if(.., own) {
            rows_lost += damage.keys_lost;
            pages.extend(damage.pages);
        }
        SalvagedTable {
            name: name.to_owned(),
            is_declared,
            is_defined,
            rows: 0,
            rows_lost,
            pages,
            refused: Vec::new(),
        }
    }
}
