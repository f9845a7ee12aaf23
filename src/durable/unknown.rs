//! The tables of a database's file that the program does not declare.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalogue::{self, Catalogue, Unreadable, rows_of};
use super::replay::{Replay, Rows};
use crate::Error;
use crate::db::{Catalog, Record, RowBytes, UnknownTables};
use crate::pagefile::{Bucket, Error as FileError, ReadTxn};
use crate::table::TableSchema;

/// Whether a file has tables that the program does not declare.
pub(super) fn has_unknown(found: Option<&Catalogue>, catalog: &Catalog) -> bool {
    let mut tables = found.into_iter().flat_map(|found| &found.tables);
    tables.any(|table| is_unknown(table, catalog))
}

/// Whether the program does not declare this table as one that is in files.
pub(super) fn is_unknown(table: &TableSchema, catalog: &Catalog) -> bool {
    let name = &table.definition.name;
    let mut known = catalog.durable();
    !known.any(|(_, known)| known.definition.name == *name)
}

/// Such tables, in a state of the file, with what its journal says of them.
pub(super) struct Unknown {
    path: Arc<str>,
    snapshot: ReadTxn,
    schemas: Vec<TableSchema>,
    newer: Replay,
}

impl Unknown {
    pub(super) fn new(
        path: &Arc<str>,
        snapshot: ReadTxn,
        newer: BTreeMap<String, Rows>,
        catalog: &Catalog,
    ) -> Result<Self, Error> {
        let found = catalogue::read(&snapshot).map_err(|error| unreadable(path, error))?;
        let mut schemas = found.map_or_else(Vec::new, |found| found.tables);
        schemas.retain(|table| is_unknown(table, catalog));
        Ok(Self {
            path: Arc::clone(path),
            snapshot,
            schemas,
            newer: Replay {
                tables: newer,
                ..Replay::new(0)
            },
        })
    }

    fn file(&self, error: FileError) -> Error {
        unreadable(&self.path, error.into())
    }
}

impl UnknownTables for Unknown {
    fn schemas(&self) -> &[TableSchema] {
        &self.schemas
    }

    fn rows(
        &self,
        table: &str,
        each: &mut dyn FnMut(RowBytes<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let bucket = self.snapshot.bucket(rows_of(table));
        let bucket = bucket.map_err(|error| self.file(error))?;
        let stored = bucket.iter().flat_map(Bucket::iter);
        let stored = stored.map(|entry| -> Result<Record, Error> {
            let (key, row) = entry.map_err(|error| self.file(error))?;
            Ok((Box::from(&*key), row.to_vec()))
        });
        for record in self.newer.over(table, stored) {
            let (key, row) = record?;
            each((&key, &row))?;
        }
        Ok(())
    }
}

/// Why a file could not be read, with its path.
pub(super) fn unreadable(path: &Arc<str>, error: Unreadable) -> Error {
    let path = Arc::clone(path);
    match error {
        Unreadable::File(error) => Error::File {
            path,
            source: Arc::new(error),
        },
        Unreadable::Foreign(what) => Error::Foreign { path, what },
    }
}
