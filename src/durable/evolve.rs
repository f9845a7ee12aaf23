//! Bringing a file to what the program declares: tables that are new, other definitions, rows in another shape.
//!
//! All of it is one page transaction, and the last step of opening: when it begins, every row has been read into the program's structs, and every index is
//! built. So what a file says of its rows is always what they are, a file that is refused is as it was, and a crash leaves the one state or the other. Rows
//! keep their keys and revisions.

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use crate::Error;
use crate::db::Catalog;
use crate::pagefile::{Error as FileError, WriteTxn};
use crate::radix::Version;
use crate::table::TableSchema;

/// What a file lacks of what the program declares.
pub(super) struct Evolution {
    /// Whether the file holds nothing yet.
    begins: bool,
    /// The tables of which it says something else, or nothing.
    tables: Vec<TableSchema>,
    /// The families whose rows have other bytes now.
    rewritten: Vec<usize>,
}

/// Why it was not brought there.
pub(super) enum NotEvolved {
    Unreadable(Unreadable),
    Row(Error),
}

impl From<FileError> for NotEvolved {
    fn from(error: FileError) -> Self {
        Self::Unreadable(error.into())
    }
}

impl From<Unreadable> for NotEvolved {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl Evolution {
    /// Compares what is declared with what was found. `rewritten` are the families whose rows were read from another shape.
    pub(super) fn new(
        catalog: &Catalog,
        found: Option<&Catalogue>,
        rewritten: Vec<usize>,
    ) -> Result<Self, Error> {
        let mut tables = Vec::new();
        for (_, table) in catalog.durable() {
            let schema = table.rows.schema()?;
            let name = &table.definition.name;
            let stored = found.and_then(|found| found.table(name));
            if stored != Some(&schema) {
                tables.push(schema);
            }
        }
        Ok(Self {
            begins: found.is_none(),
            tables,
            rewritten,
        })
    }

    /// All that the program declares and these tables, into a file that holds nothing yet: of what was got out of another one.
    pub(super) fn of_all(catalog: &Catalog, others: Vec<TableSchema>) -> Result<Self, Error> {
        let mut evolution = Self::new(catalog, None, Vec::new())?;
        evolution.tables.extend(others);
        evolution.rewritten = catalog.durable().map(|(family, _)| family).collect();
        Ok(evolution)
    }

    /// Whether there is nothing to do.
    pub(super) fn is_none(&self) -> bool {
        !self.begins && self.tables.is_empty()
    }

    /// Writes it. `empty` is a version without rows, `version` that of the file.
    pub(super) fn write(
        &self,
        tx: &mut WriteTxn,
        catalog: &Catalog,
        empty: &Version,
        version: &Version,
    ) -> Result<(), NotEvolved> {
        if self.begins {
            catalogue::begin(tx)?;
        }
        for table in &self.tables {
            catalogue::set_table(tx, table)?;
        }
        for family in &self.rewritten {
            let Some(table) = catalog.tables.get(*family) else {
                continue;
            };
            let mut bucket = tx.bucket_or_create(rows_of(&table.definition.name))?;
            let mut failed = None;
            let rows = table.rows.changes(empty, version, &mut |(key, row)| {
                let put = row.map_or(Ok(None), |row| bucket.put(key, row).map(Some));
                put.map(drop).map_err(|error| {
                    failed = Some(error);
                    Error::Closed
                })
            });
            match failed {
                Some(error) => return Err(error.into()),
                None => rows.map_err(NotEvolved::Row)?,
            }
        }
        Ok(())
    }
}
