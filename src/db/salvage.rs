//! Filling a table with what is sound of the rows of a damaged file.

use std::collections::{BTreeMap, HashMap};

use super::load::{Reader, Source, not_loaded};
use super::stored::{Typed, index_name};
use crate::Error;
use crate::radix::{Draft, LoadedPart};
use crate::table::{KeySet, Table};

/// Fills a table with those of these rows that are sound, and says of the others what is wrong. Of two that have one key in a unique index, the second one in the order of their
/// primary keys is refused. Gives the number of rows that are in.
pub(super) fn salvage<T: Table>(
    table: &Typed<T>,
    draft: &mut Draft,
    from: &Source<'_>,
    rows: &BTreeMap<Box<[u8]>, Vec<u8>>,
    refused: &mut Vec<RefusedRow>,
) -> Result<u64, Error> {
    let reader = Reader::<T>::new(from)?;
    let definition = T::definition();
    let unique: Vec<bool> = (definition.indexes.iter().skip(1))
        .map(|index| index.unique)
        .collect();
    let mut taken: HashMap<(usize, Box<[u8]>), String> = HashMap::new();
    let mut part = LoadedPart::<T>::new(table.trees, draft.revision());
    let mut memory = draft.divide_memory(1);
    let mut sets = vec![KeySet::default(); table.trees - 1];
    for (key, bytes) in rows {
        let read = reader.read(key, bytes).and_then(|row| {
            let mut own = Vec::new();
            for (place, set) in sets.iter_mut().enumerate() {
                set.reset(key);
                row.value.encode_index_keys(place + 1, set);
                if unique.get(place) != Some(&true) {
                    continue;
                }
                for entry in set.iter() {
                    let entry = (place + 1, Box::from(entry));
                    if let Some(existing) = taken.get(&entry) {
                        return Err(Error::Duplicate {
                            table: T::NAME,
                            index: index_name::<T>(place + 1),
                            key: row.value.format_entry(place + 1, &entry.1),
                            existing: existing.clone(),
                            refused: row.value.format_key(0),
                        });
                    }
                    own.push(entry);
                }
            }
            let name = row.value.format_key(0);
            let pushed = part.push(&mut memory[0], row, &sets);
            pushed.map_err(not_loaded)?;
            taken.extend(own.into_iter().map(|entry| (entry, name.clone())));
            Ok(())
        });
        if let Err(error) = read {
            refused.push(RefusedRow {
                key: key.to_vec(),
                error,
            });
        }
    }
    draft.join_memory(memory);
    let count = part.len() as u64;
    let done = draft.load(table.family, vec![part], 1, &mut |_| {});
    done.map_err(not_loaded)?;
    Ok(count)
}

/// A row of a damaged file that cannot be taken over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefusedRow {
    /// Its primary key, encoded.
    pub key: Vec<u8>,
    /// What is wrong with it: [`Error::Row`] or [`Error::Schema`] where it cannot be read, [`Error::Duplicate`] where a row before it has its key in a unique index.
    pub error: Error,
}
