//! What a database file says of itself, and which bucket holds what.
//!
//! | bucket | key | value |
//! |---|---|---|
//! | `sapwood` | `format` | u32, 1: this layout of buckets |
//! | | `rows` | u32: the format of the rows, [`FORMAT`] |
//! | | `revision` | u64: the newest commit in the file |
//! | `tables` | a table's name | its definition and the shape of its rows, in the format of the rows |
//! | `rows:` and a table's name | a row's primary key | u64 created, u64 modified, the row |
//!
//! All integers are little-endian.

use crate::Revision;
use crate::pagefile::{Error as FileError, NewFile, ReadTxn, WriteTxn};
use crate::table::{CodecError, FORMAT, TableSchema};

const ABOUT: &str = "sapwood";
const TABLES: &str = "tables";
const LAYOUT: u32 = 1;

/// Why a page file can't be read as a database: the disk, or words for what it holds.
pub(super) enum Unreadable {
    File(FileError),
    Foreign(String),
}

impl From<FileError> for Unreadable {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// What the file says of itself.
pub(super) struct Catalogue {
    pub(super) revision: u64,
    pub(super) tables: Vec<TableSchema>,
}

impl Catalogue {
    /// What the file says of a table.
    pub(super) fn table(&self, name: &str) -> Option<&TableSchema> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.definition.name == name)
    }
}

/// The bucket of a table's rows.
pub(super) fn rows_of(table: &str) -> String {
    format!("rows:{table}")
}

/// Reads it; `None` from a file that holds nothing yet.
pub(super) fn read(tx: &ReadTxn) -> Result<Option<Catalogue>, Unreadable> {
    let Some(about) = tx.bucket(ABOUT)? else {
        if tx.bucket_count() == 0 {
            return Ok(None);
        }
        return Err(Unreadable::Foreign(
            "a page file, but not of a database".to_owned(),
        ));
    };
    let number = |key: &str| -> Result<Option<[u8; 4]>, Unreadable> {
        Ok(about
            .get(key)?
            .and_then(|bytes| <[u8; 4]>::try_from(&*bytes).ok()))
    };
    for (key, known) in [("format", LAYOUT), ("rows", FORMAT)] {
        match number(key)?.map(u32::from_le_bytes) {
            Some(found) if found == known => {}
            Some(found) => {
                return Err(Unreadable::Foreign(format!(
                    "the database's `{key}` has number {found}, and this version reads {known}"
                )));
            }
            None => {
                return Err(Unreadable::Foreign(format!(
                    "the database does not say its `{key}`"
                )));
            }
        }
    }
    let revision = about
        .get("revision")?
        .and_then(|bytes| <[u8; 8]>::try_from(&*bytes).ok());
    let Some(revision) = revision.map(u64::from_le_bytes) else {
        return Err(Unreadable::Foreign(
            "the database does not say its revision".to_owned(),
        ));
    };
    let mut tables = Vec::new();
    if let Some(bucket) = tx.bucket(TABLES)? {
        for entry in &bucket {
            let (name, bytes) = entry?;
            let foreign = |what: &dyn std::fmt::Display| {
                let name = name.escape_ascii();
                Unreadable::Foreign(format!("the definition of table `{name}`: {what}"))
            };
            let schema = TableSchema::decode(&bytes).map_err(|error| foreign(&error))?;
            if schema.definition.name.as_bytes() != &*name {
                return Err(foreign(&"it has another name than it is stored under"));
            }
            tables.push(schema);
        }
    }
    Ok(Some(Catalogue { revision, tables }))
}

/// Writes what an empty file says of itself.
pub(super) fn begin(tx: &mut WriteTxn) -> Result<(), FileError> {
    let mut about = tx.create_bucket(ABOUT)?;
    about.put("format", LAYOUT.to_le_bytes())?;
    about.put("rows", FORMAT.to_le_bytes())?;
    about.put("revision", 0u64.to_le_bytes())?;
    tx.create_bucket(TABLES)?;
    Ok(())
}

/// Writes what a new file says of itself, behind the rows of all tables: their names, in order, and their definitions.
pub(super) fn describe<'t>(
    file: &mut NewFile<'_>,
    tables: impl Iterator<Item = (&'t str, &'t [u8])>,
    revision: Revision,
) -> Result<(), FileError> {
    file.bucket(ABOUT, |about| {
        about.put("format", LAYOUT.to_le_bytes())?;
        about.put("revision", revision.get().to_le_bytes())?;
        about.put("rows", FORMAT.to_le_bytes())
    })?;
    file.bucket(TABLES, |bucket| {
        let mut tables = tables;
        tables.try_for_each(|(name, definition)| bucket.put(name, definition))
    })
}

/// Notes what a table is now; adds it if it is new.
pub(super) fn set_table(tx: &mut WriteTxn, table: &TableSchema) -> Result<(), Unreadable> {
    let encoded = table.encode();
    let bytes = encoded.map_err(|error: CodecError| Unreadable::Foreign(error.to_string()))?;
    let name = &table.definition.name;
    tx.bucket_or_create(TABLES)?.put(name, &bytes)?;
    tx.bucket_or_create(rows_of(name))?;
    Ok(())
}

/// Notes the newest commit.
pub(super) fn set_revision(tx: &mut WriteTxn, revision: u64) -> Result<(), FileError> {
    tx.bucket_or_create(ABOUT)?
        .put("revision", revision.to_le_bytes())?;
    Ok(())
}
