//! Why a row is not written, in the words of its table.

use super::catalog::Catalog;
use super::live_index::{self, LiveIndex};
use crate::key::KeyRange;
use crate::radix::{Draft, Refused};
use crate::table::{IndexDefinition, KeySet, Table};
use crate::{Error, Revision, Row};

/// A row that the trees refused, and the keys behind the primary one with which it came: those of the row that it was to replace, or that was to be
/// removed, and its own.
pub(super) struct Refusal<'a, T> {
    pub(super) catalog: &'a Catalog,
    pub(super) draft: &'a Draft,
    pub(super) family: usize,
    pub(super) row: &'a T,
    pub(super) primary: &'a [u8],
    pub(super) old: &'a [KeySet],
    pub(super) new: &'a [KeySet],
}

/// An index by its place among the trees of its table.
enum Place<'a> {
    Declared(&'a IndexDefinition),
    Live(&'a LiveIndex),
}

impl Place<'_> {
    fn number(&self) -> usize {
        match self {
            Self::Declared(index) => index.number,
            Self::Live(index) => index.number,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Declared(index) => index.name.clone(),
            Self::Live(index) => index.name.to_owned(),
        }
    }
}

impl<T: Table> Refusal<'_, T> {
    /// Says in the words of the table why.
    pub(super) fn error(&self, refused: Refused) -> Error {
        match refused {
            Refused::Occupied { tree } => self.occupied(tree),
            Refused::Unstable { tree } => {
                self.unstable(tree.or_else(|| self.miscounted()).unwrap_or(0))
            }
            Refused::KeyTooLong { tree, len } => Error::KeyTooLong {
                table: T::NAME,
                index: self.name(tree),
                key: self.row.format_key(0),
                len,
            },
            Refused::Full { .. } => Error::TableFull { table: T::NAME },
        }
    }

    fn occupied(&self, tree: usize) -> Error {
        let Some(place) = self.place(tree) else {
            return self.unstable(tree);
        };
        let keys = tree.checked_sub(1).and_then(|tree| self.new.get(tree));
        let taken = keys.into_iter().flat_map(KeySet::iter).find_map(|entry| {
            let other = self.find(&place, entry)?;
            (!self.is_stored(other)).then_some((entry, other))
        });
        // Where its only row is this one's predecessor, this is what the function has added since.
        let Some((entry, other)) = taken else {
            return self.unstable(tree);
        };
        Error::Duplicate {
            table: T::NAME,
            index: place.name(),
            key: match &place {
                Place::Declared(index) => self.row.format_entry(index.number, entry),
                Place::Live(index) => index.format_entry::<T>(entry),
            },
            existing: other.format_key(0),
            refused: self.row.format_key(0),
        }
    }

    fn unstable(&self, tree: usize) -> Error {
        Error::UnstableIndex {
            table: T::NAME,
            index: self.name(tree),
            key: self.row.format_key(0),
        }
    }

    /// The index of the table in which the stored row has another number of entries than keys. Mostly one of the keys is not there; where the function
    /// gives fewer, nothing but the tree tells: O(entries of the index).
    fn miscounted(&self) -> Option<usize> {
        let declared = || (1..).zip(self.old).take(self.declared().len() - 1);
        let misses = |(tree, keys): &(usize, &KeySet)| {
            let place = self.place(*tree);
            let leads_here = |entry| {
                let found = place.as_ref().and_then(|place| self.find(place, entry));
                found.is_some_and(|found| self.is_stored(found))
            };
            !keys.iter().all(leads_here)
        };
        let has_more = |(tree, keys): &(usize, &KeySet)| {
            let tree = self.draft.tree::<T>(self.family, *tree);
            let rows = tree.scan(&KeyRange::ALL);
            rows.filter(|row| self.is_stored(row)).count() != keys.len()
        };
        let found = declared().find(misses);
        found
            .or_else(|| declared().find(has_more))
            .map(|(tree, _)| tree)
    }

    fn declared(&self) -> &[IndexDefinition] {
        &self.catalog.entry(self.family).definition.indexes
    }

    fn place(&self, tree: usize) -> Option<Place<'_>> {
        match tree.checked_sub(self.declared().len()) {
            None => self.declared().get(tree).map(Place::Declared),
            Some(live) => live_index::of(self.draft.added(), self.family)
                .nth(live)
                .map(Place::Live),
        }
    }

    fn name(&self, tree: usize) -> String {
        self.place(tree)
            .map_or_else(String::new, |place| place.name())
    }

    fn find(&self, place: &Place<'_>, entry: &[u8]) -> Option<&Row<T>> {
        let tree = self.draft.find::<T>(self.family, place.number())?;
        tree.get(entry)
    }

    /// Whether this is the row that is stored under the primary key.
    fn is_stored(&self, row: &Row<T>) -> bool {
        let stored = self.draft.tree::<T>(self.family, 0).get(self.primary);
        stored.is_some_and(|stored| stored.same(row))
    }
}

/// Refuses a row that was not last written by `expected`.
pub(super) fn expect<T: Table>(
    found: Option<&Row<T>>,
    expected: Revision,
    key: impl FnOnce() -> String,
) -> Result<(), Error> {
    let found = found.map_or(Revision::ZERO, Row::modified);
    if found == expected {
        return Ok(());
    }
    Err(Error::WrongRevision {
        table: T::NAME,
        key: key(),
        expected,
        found,
    })
}
