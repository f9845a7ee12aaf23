//! What a transaction changed, as bytes that can go to another node.
//!
//! ```text
//! list  = "SAPC", format u32, row format u32, revision u64, tables u32, table*
//! table = length u32, name, rows u32, row*
//! row   = length u32, key, length u64, record
//! ```
//!
//! Little-endian. A record is a row as the file keeps it: the revisions that created and last wrote it, and its own bytes; of no bytes, where the row
//! was removed. Tables come in the order of their names and rows in that of their keys, no table is empty, every row was written by the list's own revision:
//! so equal changes are equal bytes, and a list that says otherwise is refused.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::catalog::Catalog;
use super::super::stored::{Record, revisions};
use crate::radix::Version;
use crate::table::FORMAT as ROW_FORMAT;
use crate::{Error, Revision};

const MAGIC: &[u8; 4] = b"SAPC";

/// The number of the format that is written and read.
const FORMAT: u32 = 1;

/// What a transaction changed: [`Staged::changes`](super::super::Staged::changes), to be [applied](super::super::Database::apply) to another database.
///
/// Tables come in the order of their names, the rows of each in the order of their primary keys, and each row once. It can be sent as
/// [bytes](Self::to_bytes), or by way of serde, which makes one byte string of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeList {
    revision: Revision,
    tables: Vec<(String, Vec<Record>)>,
}

/// One row of a [`ChangeList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowChange<'a> {
    table: &'a str,
    record: &'a Record,
}

impl<'a> RowChange<'a> {
    /// The name of its table.
    pub fn table(&self) -> &'a str {
        self.table
    }

    /// Its primary key, encoded.
    pub fn key(&self) -> &'a [u8] {
        &self.record.0
    }

    /// The row, as [`Table::decode_row`](crate::Table::decode_row) reads it; `None` if it was removed.
    pub fn row(&self) -> Option<&'a [u8]> {
        revisions(&self.record.1).map(|(_, _, row)| row)
    }

    /// The commit that created it; `None` if it was removed.
    pub fn created(&self) -> Option<Revision> {
        revisions(&self.record.1).map(|(created, _, _)| created)
    }

    /// The commit that wrote it, which is that of the list; `None` if it was removed.
    pub fn modified(&self) -> Option<Revision> {
        revisions(&self.record.1).map(|(_, modified, _)| modified)
    }
}

/// Why bytes are not a [`ChangeList`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeListError {
    /// They are of a format that this version does not read, or of none.
    Format,
    /// They end too early.
    Truncated,
    /// They are longer than the list that they begin with.
    Trailing {
        /// By how many bytes.
        len: usize,
    },
    /// They say what no list says.
    Damaged {
        /// Where, in bytes from the beginning.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}

impl fmt::Display for ChangeListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str("not a list of changes in a format that is known here"),
            Self::Truncated => f.write_str("the list of changes ends too early"),
            Self::Trailing { len } => {
                write!(f, "{len} bytes are left over after the list of changes")
            }
            Self::Damaged { at, what } => {
                write!(f, "the list of changes is damaged at byte {at}: {what}")
            }
        }
    }
}

impl std::error::Error for ChangeListError {}

impl ChangeList {
    /// What leads from one version to the one after it.
    pub(in crate::db) fn between(
        catalog: &Catalog,
        from: &Version,
        to: &Version,
    ) -> Result<Self, Error> {
        let mut tables = Vec::new();
        for (family, table) in catalog.tables.iter().enumerate() {
            if from.shares(to, family, 0) {
                continue;
            }
            let mut rows: Vec<Record> = Vec::new();
            table.rows.changes(from, to, &mut |(key, row)| {
                rows.push((key.into(), row.unwrap_or_default().to_vec()));
                Ok(())
            })?;
            if !rows.is_empty() {
                tables.push((table.definition.name.clone(), rows));
            }
        }
        tables.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        Ok(Self {
            revision: to.revision(),
            tables,
        })
    }

    /// The number that the transaction had when the list was made. It may be published, and applied, at another.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The rows that were changed, by table and primary key.
    pub fn iter(&self) -> impl Iterator<Item = RowChange<'_>> {
        self.tables
            .iter()
            .flat_map(|(table, rows)| rows.iter().map(move |record| RowChange { table, record }))
    }

    pub(in crate::db) fn tables(&self) -> impl Iterator<Item = (&str, &[Record])> {
        self.tables
            .iter()
            .map(|(name, rows)| (name.as_str(), &rows[..]))
    }

    /// The length of [`to_bytes`](Self::to_bytes). O(rows).
    pub fn byte_len(&self) -> usize {
        let table = |(name, rows): &(String, Vec<Record>)| {
            let rows = rows.iter().map(|(key, row)| 12 + key.len() + row.len());
            8 + name.len() + rows.sum::<usize>()
        };
        24 + self.tables.iter().map(table).sum::<usize>()
    }

    /// The list as bytes. Equal lists have equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.byte_len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&ROW_FORMAT.to_le_bytes());
        out.extend_from_slice(&self.revision.get().to_le_bytes());
        out.extend_from_slice(&(self.tables.len() as u32).to_le_bytes());
        for (name, rows) in &self.tables {
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&(rows.len() as u32).to_le_bytes());
            for (key, row) in rows {
                out.extend_from_slice(&(key.len() as u32).to_le_bytes());
                out.extend_from_slice(key);
                out.extend_from_slice(&(row.len() as u64).to_le_bytes());
                out.extend_from_slice(row);
            }
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. Whether the rows are rows of their tables is seen when they are applied.
    ///
    /// There is no checksum: whoever carries the bytes sees to it that they arrive. Whatever they are, what is allocated is in proportion to their length.
    ///
    /// # Errors
    /// [`ChangeListError`] where they are not such a list.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChangeListError> {
        let mut input = Input { bytes, at: 0 };
        if input.take(4) != Ok(MAGIC) || input.u32() != Ok(FORMAT) || input.u32() != Ok(ROW_FORMAT)
        {
            return Err(ChangeListError::Format);
        }
        let revision = Revision::new(input.u64()?);
        let mut tables: Vec<(String, Vec<Record>)> = Vec::new();
        for _ in 0..input.u32()? {
            let len = input.u32()?;
            let name = std::str::from_utf8(input.take(u64::from(len))?)
                .map_err(|_| input.damaged("the name of a table is not UTF-8"))?;
            if tables.last().is_some_and(|(last, _)| **last >= *name) {
                return Err(input.damaged("the tables are not in order"));
            }
            let rows = input.rows(revision)?;
            tables.push((name.to_owned(), rows));
        }
        match input.bytes.len() - input.at {
            0 => Ok(Self { revision, tables }),
            len => Err(ChangeListError::Trailing { len }),
        }
    }
}

/// Bytes that are read from the front.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, len: u64) -> Result<&'a [u8], ChangeListError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(len).ok().and_then(|len| rest.get(..len));
        let taken = taken.ok_or(ChangeListError::Truncated)?;
        self.at += taken.len();
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, ChangeListError> {
        let mut number = [0; 4];
        number.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(number))
    }

    fn u64(&mut self) -> Result<u64, ChangeListError> {
        let mut number = [0; 8];
        number.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(number))
    }

    /// The rows of one table, in a list of this revision.
    fn rows(&mut self, revision: Revision) -> Result<Vec<Record>, ChangeListError> {
        let count = self.u32()?;
        if count == 0 {
            return Err(self.damaged("a table without rows"));
        }
        // Not made as long as it is said to be: that may be a lie.
        let mut rows: Vec<Record> = Vec::new();
        for _ in 0..count {
            let len = self.u32()?;
            let key = self.take(u64::from(len))?;
            if rows.last().is_some_and(|(last, _)| **last >= *key) {
                return Err(self.damaged("the rows are not in the order of their keys"));
            }
            let len = self.u64()?;
            let record = self.take(len)?;
            match revisions(record) {
                Some((created, modified, _)) if created <= modified && modified == revision => {}
                None if record.is_empty() => {}
                Some(_) => return Err(self.damaged("a row of another commit")),
                None => {
                    return Err(self.damaged("a row without its revisions"));
                }
            }
            rows.push((key.into(), record.to_vec()));
        }
        Ok(rows)
    }

    fn damaged(&self, what: &'static str) -> ChangeListError {
        ChangeListError::Damaged { at: self.at, what }
    }
}

impl Serialize for ChangeList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for ChangeList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Takes a list in from a byte string, or from a sequence of bytes in formats without such.
struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = ChangeList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a list of changes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<ChangeList, E> {
        ChangeList::from_bytes(bytes).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ChangeList, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        ChangeList::from_bytes(&bytes).map_err(A::Error::custom)
    }
}
