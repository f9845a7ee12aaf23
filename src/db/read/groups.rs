//! The groups of an index.

use std::fmt;
use std::marker::PhantomData;

use crate::key::{Key, KeyBuf, KeyRange, after_prefix};
use crate::radix::Tree;
use crate::table::{Query, Table};

/// The groups of an index in its order: the columns that a group has in common, and how many entries it has.
///
/// A step finds one group and counts it, O(key length), however many rows there are in it.
pub struct Groups<'a, T, G> {
    tree: Tree<'a, T>,
    /// Where the next group may begin; nowhere any more where `None`.
    from: Option<KeyBuf>,
    /// Where the part of the index that is asked for ends.
    end: Option<KeyBuf>,
    key: KeyBuf,
    columns: PhantomData<fn() -> G>,
}

impl<'a, T: Table, G> Groups<'a, T, G> {
    pub(in crate::db) fn new(tree: Tree<'a, T>, query: &Query<T>) -> Self {
        Self {
            tree,
            from: Some(query.range().start().into()),
            end: query.range().end(),
            key: KeyBuf::new(),
            columns: PhantomData,
        }
    }
}

impl<T: Table, G: Key> Iterator for Groups<'_, T, G> {
    type Item = (G, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.from.take()?;
        self.tree.first_from(&start, &mut self.key)?;
        if self.end.as_ref().is_some_and(|end| self.key >= *end) {
            return None;
        }
        let mut rest = self.key.as_slice();
        // It fails only where a hand-written key does not read what it writes. Then there is no telling where the group ends.
        let columns = G::decode(&mut rest).ok()?;
        let behind = after_prefix(&self.key[..self.key.len() - rest.len()]);
        let end = match (behind, &self.end) {
            (Some(behind), Some(end)) => Some(behind.min(end.clone())),
            (behind, end) => behind.or_else(|| end.clone()),
        };
        self.from.clone_from(&end);
        let count = self.tree.count(&KeyRange::Span { start, end });
        Some((columns, count))
    }
}

impl<T: Table, G: Key> std::iter::FusedIterator for Groups<'_, T, G> {}

impl<T, G> Clone for Groups<'_, T, G> {
    fn clone(&self) -> Self {
        Self {
            from: self.from.clone(),
            end: self.end.clone(),
            key: KeyBuf::new(),
            ..*self
        }
    }
}

impl<T: Table, G: Key + fmt::Debug> fmt::Debug for Groups<'_, T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
