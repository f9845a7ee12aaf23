//! Making the rows of a table those of a file, in a transaction: what is equal stays, the rest is written.

use std::cmp::Ordering;

use super::live_index;
use super::stored::{Reader, Record, Source, Typed, hex, revisions};
use super::write_txn::WriteTxn;
use crate::key::{KeyBuf, KeyRange};
use crate::radix::{Loaded, Row, Rows};
use crate::table::{CodecError, Table};
use crate::{Error, Revision};

/// What became of the rows of a table.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replaced {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) removed: u64,
    pub(crate) equal: u64,
}

/// What is to be written, found before anything is.
struct Difference<T> {
    removed: Vec<Box<[u8]>>,
    /// With the commits that created what they replace.
    updated: Vec<(Loaded<T>, Revision)>,
    inserted: Vec<Loaded<T>>,
    equal: u64,
}

impl<T: Table> Typed<T> {
    pub(super) fn replace_rows(
        &self,
        tx: &mut WriteTxn,
        from: Option<&Source<'_>>,
        rows: &mut dyn Iterator<Item = Result<Record, Error>>,
    ) -> Result<Replaced, Error> {
        let reader = from.map(Reader::<T>::new).transpose()?;
        let Difference {
            removed,
            updated,
            inserted,
            equal,
        } = self.difference(tx, reader.as_ref(), rows)?;
        let done = Replaced {
            inserted: inserted.len() as u64,
            updated: updated.len() as u64,
            removed: removed.len() as u64,
            equal,
        };
        for key in &removed {
            tx.replay_removal::<T>(self.family, key)?;
        }
        // Where a key can go from one row to another, all that are changed go first, so that none is in the way of another.
        if self.has_unique(tx) {
            for (row, _) in &updated {
                tx.replay_removal::<T>(self.family, &row.key)?;
            }
        }
        for (row, created) in updated {
            tx.replay(self.family, row.value, created)?;
        }
        let revision = tx.revision();
        for row in inserted {
            tx.replay(self.family, row.value, revision)?;
        }
        Ok(done)
    }

    /// Whether a key of a row can be in the way of another row.
    pub(super) fn has_unique(&self, tx: &WriteTxn) -> bool {
        let declared = T::definition();
        declared.indexes.iter().skip(1).any(|index| index.unique)
            || live_index::has_unique(tx.draft().added(), self.family)
    }

    /// Goes through both sides in the order of their keys.
    fn difference(
        &self,
        tx: &WriteTxn,
        reader: Option<&Reader<'_, T>>,
        rows: &mut dyn Iterator<Item = Result<Record, Error>>,
    ) -> Result<Difference<T>, Error> {
        let mut difference = Difference {
            removed: Vec::new(),
            updated: Vec::new(),
            inserted: Vec::new(),
            equal: 0,
        };
        let tree = tx.draft().tree::<T>(self.family, 0);
        let mut there = There::new(tree.scan(&KeyRange::ALL));
        let mut last: Option<Box<[u8]>> = None;
        while let (Some(reader), Some(record)) = (reader, rows.next()) {
            let (key, bytes) = record?;
            if last.as_ref().is_some_and(|last| *last >= key) {
                return Err(disorder::<T>(&key));
            }
            last = Some(key.clone());
            let old = loop {
                match there.row.map(|row| (there.key[..].cmp(&key), row)) {
                    Some((Ordering::Less, _)) => {
                        difference.removed.push(there.key[..].into());
                        there.step();
                    }
                    Some((Ordering::Equal, row)) => {
                        there.step();
                        break Some(row);
                    }
                    Some((Ordering::Greater, _)) | None => break None,
                }
            };
            let Some(old) = old else {
                difference.inserted.push(reader.read(key, &bytes)?);
                continue;
            };
            match there.unless_equal(old, reader, key, &bytes)? {
                Some(row) => difference.updated.push((row, old.created())),
                None => difference.equal += 1,
            }
        }
        while there.row.is_some() {
            difference.removed.push(there.key[..].into());
            there.step();
        }
        Ok(difference)
    }
}

/// The rows of the table, one after the other.
struct There<'v, T> {
    rows: Rows<'v, T>,
    row: Option<&'v Row<T>>,
    key: KeyBuf,
    bytes: Vec<u8>,
}

impl<'v, T: Table> There<'v, T> {
    fn new(rows: Rows<'v, T>) -> Self {
        let mut there = Self {
            rows,
            row: None,
            key: KeyBuf::new(),
            bytes: Vec::new(),
        };
        there.step();
        there
    }

    fn step(&mut self) {
        self.row = self.rows.next();
        if self.row.is_some() {
            self.rows.front_key(&mut self.key);
        }
    }

    /// The row of a file, where it is not equal to the one that is there: not the same bytes.
    fn unless_equal(
        &mut self,
        old: &Row<T>,
        reader: &Reader<'_, T>,
        key: Box<[u8]>,
        bytes: &[u8],
    ) -> Result<Option<Loaded<T>>, Error> {
        self.bytes.clear();
        // What cannot be written is in no file.
        let is_written = old.encode_row(&mut self.bytes).is_ok();
        if !reader.rewrites() {
            let stored = revisions(bytes).map(|(_, _, row)| row);
            if is_written && stored == Some(&self.bytes) {
                return Ok(None);
            }
            return reader.read(key, bytes).map(Some);
        }
        let row = reader.read(key, bytes)?;
        let mut new = Vec::with_capacity(self.bytes.len());
        let is_equal = is_written && row.value.encode_row(&mut new).is_ok() && new == self.bytes;
        Ok((!is_equal).then_some(row))
    }
}

fn disorder<T: Table>(key: &[u8]) -> Error {
    Error::Row {
        table: T::NAME,
        key: hex(key),
        source: CodecError::Decode {
            reason: "its key is not greater than that of the row before it".to_owned(),
        },
    }
}
