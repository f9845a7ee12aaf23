//! Why a row is not written, in the words of its table.

use super::core::Core;
use super::live_index;
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
    // An index by its place among the trees: its number, its name, and the key of the row.
    let at_place = |tree: usize| {
        let declared = core.catalog.entry(family).watches.len();
        let live = tree.checked_sub(declared);
        live.and_then(|place| live_index::at_place(draft.added(), family, place, row))
            .unwrap_or_else(|| {
                (
                    tree,
                    core.catalog.index_name(family, tree),
                    row.format_key(tree),
                )
            })
    };
    match refused {
        Refused::Occupied { tree } => {
            let tree_keys = tree.checked_sub(1).and_then(|tree| keys.get(tree));
            let others = tree_keys.into_iter().flat_map(KeySet::iter);
            let key = row.format_key(0);
            let (number, index, taken) = at_place(tree);
            let existing = others
                .filter_map(|key| draft.find::<T>(family, number)?.get(key))
                .find(|other| other.format_key(0) != key);
            match existing {
                Some(existing) => Error::Duplicate {
                    table: T::NAME,
                    index,
                    key: taken,
                    existing: existing.format_key(0),
                    refused: key,
                },
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
            index: at_place(tree).1,
            len,
        },
        Refused::Full { .. } | Refused::FromLater => Error::TableFull { table: T::NAME },
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
