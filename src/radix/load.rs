//! Filling a family of trees at once.

use super::bulk;
use super::draft::{Draft, MAX_ENTRIES};
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

/// Why rows were not loaded, and which, by their places among them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotLoaded {
    /// The key of a row is not greater than that of the row before it.
    Disorder { row: usize },
    /// A row says that a later commit wrote it than the one that brings it.
    FromLater { row: usize },
    /// A row has a key in the tree that is longer than trees take.
    KeyTooLong { tree: usize, len: usize, row: usize },
    /// Two rows have one key in the tree.
    Duplicate {
        tree: usize,
        key: Box<[u8]>,
        rows: [usize; 2],
    },
    /// There are more keys than a tree takes.
    Full,
}

impl Draft {
    /// Builds the trees of a family that is empty and has no added ones: rows with their revisions, in ascending order of their keys, and for each tree behind the
    /// first its keys in any order, each with the number of its row. Refused, the draft is as it was, and the rows come back. O(rows), with full buckets.
    pub(crate) fn load<T: Send + Sync + 'static>(
        &mut self,
        family: usize,
        rows: Vec<Loaded<T>>,
        keys: &mut [Vec<LoadedKey>],
    ) -> Result<(), (NotLoaded, Vec<Loaded<T>>)> {
        let layout = self.shared().layout.families[family];
        assert!(
            layout.row.is::<T>()
                && keys.len() + 1 == layout.trees
                && self.added.of(family).next().is_none(),
            "rows of another table"
        );
        let roots = &self.roots[layout.first..layout.first + layout.trees];
        assert!(roots.iter().all(Option::is_none), "a family that has rows");
        if let Err(refused) = loadable(&rows, keys, self.revision()) {
            return Err((refused, rows));
        }
        let mut entries = vec![1u32; rows.len()];
        for (_, row) in keys.iter().flatten() {
            entries[*row as usize] += 1;
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

/// Whether rows can be loaded by the commit `newest`. Sorts the keys.
fn loadable<T>(
    rows: &[Loaded<T>],
    keys: &mut [Vec<LoadedKey>],
    newest: Revision,
) -> Result<(), NotLoaded> {
    // Rows are numbered by u32, and entries counted by it.
    let most = keys.iter().map(Vec::len).max().unwrap_or(0);
    if rows.len().max(most) > MAX_ENTRIES {
        return Err(NotLoaded::Full);
    }
    let fits = |tree, key: &[u8], row| match key.len() {
        ..=MAX_KEY => Ok(()),
        len => Err(NotLoaded::KeyTooLong { tree, len, row }),
    };
    for (row, loaded) in rows.iter().enumerate() {
        fits(0, &loaded.key, row)?;
        if row > 0 && rows[row - 1].key >= loaded.key {
            return Err(NotLoaded::Disorder { row });
        }
        // Versions before that commit would be thought not to reach the row.
        if loaded.modified > newest {
            return Err(NotLoaded::FromLater { row });
        }
    }
    for (tree, keys) in (1..).zip(keys) {
        for (key, row) in &*keys {
            fits(tree, key, *row as usize)?;
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(NotLoaded::Duplicate {
                tree,
                key: pair[0].0.clone(),
                rows: [pair[0].1 as usize, pair[1].1 as usize],
            });
        }
    }
    Ok(())
}
