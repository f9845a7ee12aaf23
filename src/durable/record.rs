//! A commit as the journal keeps it.
//!
//! | bytes | field |
//! |---|---|
//! | 8 | the revision of the commit |
//! | 8 | the revision of the commit before it that changed what is in the file: that of the record before, or of the trees |
//! | 4 | the number of tables; then for each |
//! | 4 | — the length of its name, and the name |
//! | 4 | — the number of rows; then for each |
//! | 4 | —— the length of its key, and the key |
//! | 4 | —— the length of its value, and the value as the table's bucket holds it; 0 where the row was removed |
//!
//! A record says what each changed row is, not what was done to it. So it does no harm to rows that have that state already.

use crate::Error;
use crate::db::{Catalog, Changed, Stored};
use crate::radix::{Staged, Version};

/// The record of what leads from one version to another; of no bytes, where only ephemeral tables differ; `None` where it would have more than `most` bytes. All rows are encoded even then, so that one that
/// cannot be written is known now.
pub(super) fn record(
    catalog: &Catalog,
    from: &Version,
    to: &Version,
    most: usize,
    memory: Vec<u8>,
) -> Result<Option<Vec<u8>>, Error> {
    let out = Record::new(from, to, most, memory);
    collect(catalog, from, to, out, |rows, each| {
        rows.changes(from, to, each)
    })
}

/// As [`record`], of one commit that is staged.
pub(super) fn staged(
    catalog: &Catalog,
    from: &Version,
    to: &Staged,
    most: usize,
    memory: Vec<u8>,
) -> Result<Option<Vec<u8>>, Error> {
    let out = Record::new(from, to.version(), most, memory);
    collect(catalog, from, to.version(), out, |rows, each| {
        rows.staged_changes(from, to, each)
    })
}

/// Who takes in what the rows of a table have become.
type Each<'e> = &'e mut dyn FnMut(Changed<'_>) -> Result<(), Error>;

fn collect(
    catalog: &Catalog,
    from: &Version,
    to: &Version,
    mut out: Record,
    changes: impl Fn(&dyn Stored, Each<'_>) -> Result<(), Error>,
) -> Result<Option<Vec<u8>>, Error> {
    if catalog.changes_nothing_durable(from, to) {
        return Ok(Some(Vec::new()));
    }
    for (family, table) in catalog.durable() {
        if from.shares(to, family, 0) {
            continue;
        }
        out.begin_table(&table.definition.name);
        changes(&*table.rows, &mut |(key, row)| {
            out.row(key, row.unwrap_or_default());
            Ok(())
        })?;
        out.end_table();
    }
    Ok(out.finish())
}

/// The revision that a record says, which is made the one behind another.
pub(super) fn chain(record: &mut [u8], behind: u64) -> Option<u64> {
    let base = record.get_mut(8..16)?;
    base.copy_from_slice(&behind.to_le_bytes());
    let revision = record.first_chunk()?;
    Some(u64::from_le_bytes(*revision))
}

/// A record that is being written.
struct Record {
    bytes: Vec<u8>,
    most: usize,
    is_too_long: bool,
    tables: u32,
    /// Where the table that is being written says how many rows it has, and how many there are so far.
    rows_at: usize,
    rows: u32,
}

const TABLES_AT: usize = 16;

impl Record {
    fn new(from: &Version, to: &Version, most: usize, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.reserve(256);
        for version in [to, from] {
            bytes.extend_from_slice(&version.revision().get().to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        Self {
            bytes,
            most,
            is_too_long: false,
            tables: 0,
            rows_at: 0,
            rows: 0,
        }
    }

    fn push(&mut self, piece: &[u8]) {
        let len = u32::try_from(piece.len());
        let is_too_long = self.bytes.len() + 4 + piece.len() > self.most;
        match len {
            Ok(len) if !is_too_long && !self.is_too_long => {
                self.bytes.extend_from_slice(&len.to_le_bytes());
                self.bytes.extend_from_slice(piece);
            }
            _ => {
                self.is_too_long = true;
                self.bytes = Vec::new();
            }
        }
    }

    fn begin_table(&mut self, name: &str) {
        self.push(name.as_bytes());
        self.rows_at = self.bytes.len();
        self.rows = 0;
        if !self.is_too_long {
            self.bytes.extend_from_slice(&[0; 4]);
        }
    }

    fn row(&mut self, key: &[u8], value: &[u8]) {
        self.push(key);
        self.push(value);
        self.rows += 1;
    }

    fn end_table(&mut self) {
        self.tables += 1;
        let rows = self.rows.to_le_bytes();
        self.patch(self.rows_at, rows);
    }

    fn patch(&mut self, at: usize, number: [u8; 4]) {
        if let Some(place) = self.bytes.get_mut(at..at + 4)
            && !self.is_too_long
        {
            place.copy_from_slice(&number);
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        self.patch(TABLES_AT, self.tables.to_le_bytes());
        (!self.is_too_long).then_some(self.bytes)
    }
}
