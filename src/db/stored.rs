//! What is done with the rows of a table where their type is not known: writing, loading, telling watchers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use super::load::{Loading, Source, load};
use super::replace::Replaced;
use super::salvage::{RefusedRow, salvage};
use super::write_txn::WriteTxn;
use crate::key::{KeyBuf, KeyRange};
use crate::radix::{Draft, Fate, Keys, Loaded, Row, Staged, Version};
use crate::table::{CodecError, KeySet, Table, TableSchema, Traced, Untraceable, trace};
use crate::watch::Registry;
use crate::{Error, Revision};

/// The keys of a row in one index, as the trees take them.
impl Keys for KeySet {
    fn len(&self) -> usize {
        self.len()
    }

    fn key(&self, index: usize) -> &[u8] {
        self.get(index)
    }
}

/// One changed row: its primary key, and what it is now; gone where `None`.
pub(crate) type Changed<'a> = (&'a [u8], Option<&'a [u8]>);

/// A row on its way to a disk: its primary key and its bytes.
pub(crate) type RowBytes<'a> = (&'a [u8], &'a [u8]);

/// A row on disk: its primary key and its bytes.
pub(crate) type Record = (Box<[u8]>, Vec<u8>);

/// The revisions that created and last wrote a row on disk, and its own bytes behind them.
pub(crate) fn revisions(record: &[u8]) -> Option<(Revision, Revision, &[u8])> {
    let (created, rest) = record.split_first_chunk()?;
    let (modified, row) = rest.split_first_chunk()?;
    let revision = |bytes: &[u8; 8]| Revision::new(u64::from_le_bytes(*bytes));
    Some((revision(created), revision(modified), row))
}

/// A table whose rows' type is known inside only.
pub(crate) trait Stored: Send + Sync {
    /// Calls `each` for every row that is not the same in both versions, in the order of their keys, with its bytes.
    fn changes(
        &self,
        from: &Version,
        to: &Version,
        each: &mut dyn FnMut(Changed<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// How many rows there are.
    fn count(&self, version: &Version) -> usize;

    /// Calls `each` for every row, in the order of their keys, with its bytes.
    fn rows(
        &self,
        version: &Version,
        each: &mut dyn FnMut(RowBytes<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// As [`changes`](Self::changes), of a commit that leads from `from` to what is staged; not in the order of their keys where that is known without a look at the trees.
    fn staged_changes(
        &self,
        from: &Version,
        to: &Staged,
        each: &mut dyn FnMut(Changed<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Makes `bytes` those of the row under an encoded primary key; `false` if there is none.
    fn row(&self, version: &Version, key: &[u8], bytes: &mut Vec<u8>) -> Result<bool, Error>;

    /// What a file is to say of the table.
    fn schema(&self) -> Result<TableSchema, Error>;

    /// Fills the table, which is empty, from a file, and builds its indexes. Says whether the rows have other bytes now than there.
    fn load(
        &self,
        draft: &mut Draft,
        from: &Source<'_>,
        loading: &mut Loading<'_>,
    ) -> Result<bool, Error>;

    /// Fills the table, which is empty, with those of these rows that are sound. Gives their number.
    fn salvage(
        &self,
        draft: &mut Draft,
        from: &Source<'_>,
        rows: &BTreeMap<Box<[u8]>, Vec<u8>>,
        refused: &mut Vec<RefusedRow>,
    ) -> Result<u64, Error>;

    /// Writes into `tx` what a transaction of another database, which was number `from` there, made of these rows; removed are those without bytes. In
    /// the order of their keys.
    fn apply(&self, tx: &mut WriteTxn, from: Revision, rows: &[Record]) -> Result<(), Error>;

    /// Makes the rows those of a file; none, where the file has no such table. Rows that are equal are not written.
    fn replace(
        &self,
        tx: &mut WriteTxn,
        from: Option<&Source<'_>>,
        rows: &mut dyn Iterator<Item = Result<Record, Error>>,
    ) -> Result<Replaced, Error>;

    /// Fires the watches on index `tree` whose rows differ between two versions, the newer of which is published.
    fn fire(&self, tree: usize, from: &Version, to: &Version, written: usize, watches: &Registry);
}

/// The table of `T`, in this family of trees.
pub(super) struct Typed<T> {
    pub(super) family: usize,
    pub(super) trees: usize,
    rows: PhantomData<fn() -> T>,
}

impl<T: Table> Typed<T> {
    pub(super) fn new(family: usize, trees: usize) -> Self {
        Self {
            family,
            trees,
            rows: PhantomData,
        }
    }

    fn decode<'k>(key: &'k [u8], bytes: &[u8]) -> Result<Loaded<'k, T>, Error> {
        Self::read(key, bytes, |_, row| {
            T::decode_row(row).map_err(ReadError::Codec)
        })
    }

    /// Reads a row on disk, whose own bytes are for `read`.
    pub(super) fn read<'k>(
        key: &'k [u8],
        bytes: &[u8],
        read: impl FnOnce(&[u8], &[u8]) -> Result<T, ReadError>,
    ) -> Result<Loaded<'k, T>, Error> {
        let fail = |source| Error::Row {
            table: T::NAME,
            key: hex(key),
            source,
        };
        let Some((created, modified, row)) = revisions(bytes) else {
            return Err(fail(CodecError::Decode {
                reason: format!("{} bytes are too few", bytes.len()),
            }));
        };
        let value = match read(key, row) {
            Ok(value) => value,
            Err(ReadError::Codec(error)) => return Err(fail(error)),
            Err(ReadError::Other(error)) => return Err(error),
        };
        let mut primary = KeyBuf::new();
        value.encode_key(&mut primary);
        if *primary != *key {
            return Err(fail(CodecError::Decode {
                reason: "the row has another key than it is stored under".to_owned(),
            }));
        }
        Ok(Loaded {
            key,
            value,
            created,
            modified,
        })
    }
}

/// Why a row is not read: its bytes, or the struct.
pub(super) enum ReadError {
    Codec(CodecError),
    Other(Error),
}

/// Finds out what the rows are made of.
pub(super) fn traced<T: Table>() -> Result<Traced, Error> {
    trace::<T>().map_err(untraceable::<T>)
}

pub(super) fn untraceable<T: Table>(untraceable: Untraceable) -> Error {
    Error::Shape {
        table: T::NAME,
        field: untraceable.field,
    }
}

impl<T: Table> Stored for Typed<T> {
    fn changes(
        &self,
        from: &Version,
        to: &Version,
        each: &mut dyn FnMut(Changed<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (old, new) = (from.tree::<T>(self.family, 0), to.tree::<T>(self.family, 0));
        let mut bytes = Vec::new();
        let walked = old.diff(new, &KeyRange::ALL, |change| {
            let written = match change.new {
                Some(row) => {
                    encode(row, &mut bytes).and_then(|()| each((change.key, Some(&bytes))))
                }
                None => each((change.key, None)),
            };
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        });
        match walked {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }

    fn count(&self, version: &Version) -> usize {
        version.tree::<T>(self.family, 0).count(&KeyRange::ALL)
    }

    fn rows(
        &self,
        version: &Version,
        each: &mut dyn FnMut(RowBytes<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rows = version.tree::<T>(self.family, 0).scan(&KeyRange::ALL);
        let (mut key, mut bytes) = (KeyBuf::new(), Vec::new());
        while let Some(row) = rows.next() {
            rows.front_key(&mut key);
            encode(row, &mut bytes)?;
            each((&key, &bytes))?;
        }
        Ok(())
    }

    fn staged_changes(
        &self,
        from: &Version,
        to: &Staged,
        each: &mut dyn FnMut(Changed<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut key, mut bytes) = (KeyBuf::new(), Vec::new());
        let mut told = |fate: Fate<'_, T>| {
            let (Fate::Written(row) | Fate::Removed(row)) = fate;
            key.clear();
            row.encode_key(&mut key);
            if let Fate::Removed(_) = fate {
                return each((&key, None));
            }
            encode(row, &mut bytes)?;
            each((&key, Some(&bytes)))
        };
        let told = to.changes(from, self.family, |fate| match told(fate) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        });
        match told {
            Some(ControlFlow::Continue(())) => Ok(()),
            Some(ControlFlow::Break(error)) => Err(error),
            None => self.changes(from, to.version(), each),
        }
    }

    fn row(&self, version: &Version, key: &[u8], bytes: &mut Vec<u8>) -> Result<bool, Error> {
        let row = version.tree::<T>(self.family, 0).get(key);
        row.map_or(Ok(false), |row| encode(row, bytes).map(|()| true))
    }

    fn schema(&self) -> Result<TableSchema, Error> {
        Ok(TableSchema::new(T::definition(), traced::<T>()?.shape))
    }

    fn load(
        &self,
        draft: &mut Draft,
        from: &Source<'_>,
        loading: &mut Loading<'_>,
    ) -> Result<bool, Error> {
        load(self, draft, from, loading)
    }

    fn salvage(
        &self,
        draft: &mut Draft,
        from: &Source<'_>,
        rows: &BTreeMap<Box<[u8]>, Vec<u8>>,
        refused: &mut Vec<RefusedRow>,
    ) -> Result<u64, Error> {
        salvage(self, draft, from, rows, refused)
    }

    fn apply(&self, tx: &mut WriteTxn, from: Revision, rows: &[Record]) -> Result<(), Error> {
        // Where a key can go from one row to another, all that are changed go first, so that none is in the way of another.
        let unique = self.has_unique(tx);
        for (key, record) in rows {
            if !unique && !record.is_empty() {
                continue;
            }
            if !tx.replay_removal::<T>(self.family, key)? && record.is_empty() {
                return Err(Error::Diverged {
                    table: T::NAME,
                    key: hex(key),
                });
            }
        }
        let to = tx.revision();
        for (key, record) in rows.iter().filter(|(_, record)| !record.is_empty()) {
            let row = Self::decode(key, record)?;
            let created = match row.created {
                created if created == from => to,
                created if created < from && created < to => created,
                _ => {
                    return Err(Error::Row {
                        table: T::NAME,
                        key: row.value.format_key(0),
                        source: CodecError::Decode {
                            reason: format!(
                                "it was created by commit {}, which is not before {to}",
                                row.created
                            ),
                        },
                    });
                }
            };
            tx.replay(self.family, row.value, created)?;
        }
        Ok(())
    }

    fn replace(
        &self,
        tx: &mut WriteTxn,
        from: Option<&Source<'_>>,
        rows: &mut dyn Iterator<Item = Result<Record, Error>>,
    ) -> Result<Replaced, Error> {
        self.replace_rows(tx, from, rows)
    }

    fn fire(&self, tree: usize, from: &Version, to: &Version, written: usize, watches: &Registry) {
        let (old, new) = (
            from.tree::<T>(self.family, tree),
            to.tree::<T>(self.family, tree),
        );
        let revision = to.revision().get();
        if watches.len() < written {
            watches.fire_where(revision, |range| {
                old.diff(new, range, |_| ControlFlow::Break(())).is_break()
            });
            return;
        }
        let mut firing = watches.firing(revision);
        let _: ControlFlow<()> = old.diff(new, &KeyRange::ALL, |change| {
            firing.key(change.key);
            if firing.is_empty() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
}

/// The bytes of a row on disk.
fn encode<T: Table>(row: &Row<T>, bytes: &mut Vec<u8>) -> Result<(), Error> {
    bytes.clear();
    bytes.extend_from_slice(&row.created().get().to_le_bytes());
    bytes.extend_from_slice(&row.modified().get().to_le_bytes());
    row.encode_row(bytes).map_err(|source| Error::Row {
        table: T::NAME,
        key: row.format_key(0),
        source,
    })
}

pub(super) fn index_name<T: Table>(tree: usize) -> String {
    let definition = T::definition();
    definition
        .index(tree)
        .map_or_else(String::new, |index| index.name.clone())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
