//! Why a row is not written, in the words of its table.

use super::core::Core;
use crate::radix::{Draft, Refused};
use crate::table::{KeySet, Table};
use crate::{Error, Revision, Row};

/// Says in the words of the table why the trees refused `row`, whose keys behind the primary one are `keys`.
pub(super) fn refusal<T: Table>(
    core: &Core,
    draft: &Draft,
    family: usize,
    refused: Refused,
    row: &T,
    keys: &[KeySet],
) -> Error {
    match refused {
        Refused::Occupied { tree } => {
            let tree_keys = tree.checked_sub(1).and_then(|tree| keys.get(tree));
            let others = tree_keys.into_iter().flat_map(KeySet::iter);
            let key = row.format_key(0);
            let existing = others
                .filter_map(|key| draft.tree::<T>(family, tree).get(key))
                .find(|other| other.format_key(0) != key);
            match existing {
                Some(existing) => duplicate(core, family, tree, existing, row),
                None => Error::UnstableIndex {
                    table: T::NAME,
                    key,
                },
            }
        }
        Refused::Unstable { .. } => Error::UnstableIndex {
            table: T::NAME,
            key: row.format_key(0),
        },
        Refused::KeyTooLong { tree, len } => Error::KeyTooLong {
            table: T::NAME,
            index: core.catalog.index_name(family, tree),
            len,
        },
        Refused::Full { .. } | Refused::FromLater => Error::TableFull { table: T::NAME },
    }
}

/// A row that is there has the key of the one that is refused.
pub(super) fn duplicate<T: Table>(
    core: &Core,
    family: usize,
    index: usize,
    existing: &Row<T>,
    refused: &T,
) -> Error {
    Error::Duplicate {
        table: T::NAME,
        index: core.catalog.index_name(family, index),
        key: refused.format_key(index),
        existing: existing.format_key(0),
        refused: refused.format_key(0),
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
