//! Filling a family of trees at once.

use super::bulk;
use super::draft::{Draft, MAX_ENTRIES, Refused};
use super::edit::Editor;
use super::node::MAX_KEY;
use super::row::Row;
use crate::revision::Revision;

/// A key in a tree behind the first, and the number of its row among those that are loaded.
pub(crate) type LoadedKey = (Box<[u8]>, u32);

/// A row as it is loaded: its key, its value and the revisions that it had.
pub(crate) struct Loaded<T> {
    pub(crate) key: Box<[u8]>,
    pub(crate) value: T,
    pub(crate) created: Revision,
    pub(crate) modified: Revision,
}

impl Draft {
    /// Builds the trees of a family that is empty and has no added ones: rows with their revisions, in ascending order of their keys, and for each tree behind the
    /// first its keys in any order, each with the number of its row. O(rows), with full buckets.
    pub(crate) fn load<T: Send + Sync + 'static>(
        &mut self,
        family: usize,
        rows: Vec<Loaded<T>>,
        keys: &mut [Vec<LoadedKey>],
    ) -> Result<(), Refused> {
        let layout = self.shared().layout.families[family];
        assert!(
            layout.row.is::<T>()
                && keys.len() + 1 == layout.trees
                && self.added.of(family).next().is_none(),
            "rows of another table"
        );
        if self.roots[layout.first..layout.first + layout.trees]
            .iter()
            .any(Option::is_some)
            || !rows.windows(2).all(|pair| pair[0].key < pair[1].key)
        {
            return Err(Refused::Occupied { tree: 0 });
        }
        // Rows are numbered by u32, and entries counted by it.
        for (tree, len) in std::iter::once(rows.len())
            .chain(keys.iter().map(Vec::len))
            .enumerate()
        {
            if len > MAX_ENTRIES {
                return Err(Refused::Full { tree });
            }
        }
        let all = std::iter::repeat(0)
            .zip(rows.iter().map(|row| &row.key))
            .chain(
                keys.iter()
                    .enumerate()
                    .flat_map(|(tree, keys)| keys.iter().map(move |(key, _)| (tree + 1, key))),
            );
        for (tree, key) in all {
            if key.len() > MAX_KEY {
                return Err(Refused::KeyTooLong {
                    tree,
                    len: key.len(),
                });
            }
        }
        // Versions before that commit would be thought not to reach the row.
        if rows.iter().any(|row| row.modified > self.revision()) {
            return Err(Refused::FromLater);
        }
        let mut entries = vec![1u32; rows.len()];
        for (tree, keys) in keys.iter_mut().enumerate() {
            keys.sort_unstable();
            if keys.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return Err(Refused::Occupied { tree: tree + 1 });
            }
            for (_, row) in &*keys {
                entries[*row as usize] += 1;
            }
        }
        self.editor.families[family] = self.revision().get();
        let mut handles = Vec::with_capacity(rows.len());
        let mut primary = Vec::with_capacity(rows.len());
        for (row, entries) in rows.into_iter().zip(entries) {
            let heap = &mut self.editor.heap;
            let handle =
                Row::new(heap, row.value, row.created, row.modified, entries).into_handle();
            handles.push(handle);
            self.editor.created.push((handle, family));
            primary.push((row.key, handle));
        }
        let pairs: Vec<bulk::Pair<'_>> = primary.iter().map(|(key, row)| (&**key, *row)).collect();
        self.editor.forget();
        let Editor { pool, stamp, .. } = &mut *self.editor;
        self.roots[layout.first] = bulk::build(&pairs, *stamp, pool);
        for (tree, keys) in keys.iter().enumerate() {
            let pairs: Vec<bulk::Pair<'_>> = keys
                .iter()
                .map(|(key, row)| (&**key, handles[*row as usize]))
                .collect();
            self.roots[layout.first + 1 + tree] = bulk::build(&pairs, *stamp, pool);
        }
        Ok(())
    }
}
