//! Longest-prefix match: the entries of an index whose key is the beginning of something.
//!
//! All keys that could match lie on one chain, each less than the next longer one. So the last entry that is not above the longest of them is either a
//! match, or shows how long the next one can be at most: the longest of the chain that is not above the entry. There are no more searches than
//! entries that came between.

use super::super::live_index::KeysOf;
use crate::Row;
use crate::key::{Extends, KeyBuf, KeyRange, after_prefix};
use crate::radix::{Rows, Tree};
use crate::table::{ExtendsLast, KeySet, Table};

/// The rows whose key is the beginning of `of`, from the longest to the shortest key.
pub(in crate::db) struct Prefixes<'a, T, K, Q, M>
where
    Q: ExtendsLast<K, M>,
{
    tree: Tree<'a, T>,
    /// How the keys of a row are made, where it may have several.
    keys_of: Option<KeysOf>,
    of: Q,
    /// The columns before the last one.
    before: KeyBuf,
    /// The greatest length that a further match can have.
    len: Option<usize>,
    /// The key of the match that is being given, and its rows.
    key: KeyBuf,
    rows: Option<Rows<'a, T>>,
    found: KeyBuf,
    keys: KeySet,
    marker: std::marker::PhantomData<fn() -> (K, M)>,
}

impl<'a, T: Table, K, Q: ExtendsLast<K, M>, M> Prefixes<'a, T, K, Q, M> {
    pub(in crate::db) fn new(tree: Tree<'a, T>, keys_of: Option<KeysOf>, of: Q) -> Self {
        let mut before = KeyBuf::new();
        of.encode_before(&mut before);
        Self {
            tree,
            keys_of,
            before,
            len: of.extension().longest(),
            of,
            key: KeyBuf::new(),
            rows: None,
            found: KeyBuf::new(),
            keys: KeySet::default(),
            marker: std::marker::PhantomData,
        }
    }

    /// Makes `key` the longest key that matches and is no longer than `len`, which becomes its length.
    fn search(&mut self) -> Option<()> {
        let mut len = self.len.take()?;
        self.set_key(len);
        loop {
            let end = after_prefix(&self.key);
            self.tree.last_below(end.as_deref(), &mut self.found)?;
            let column = self.found.strip_prefix(self.before.as_slice())?;
            let shorter = self.of.extension().not_above(len, column)?;
            if shorter < len {
                self.set_key(shorter);
            }
            if self.found.starts_with(&self.key) {
                self.len = Some(shorter);
                return Some(());
            }
            if shorter == len {
                return None;
            }
            len = shorter;
        }
    }

    fn set_key(&mut self, len: usize) {
        self.key.clear();
        self.key.extend_from_slice(&self.before);
        self.of.extension().encode_first(len, &mut self.key);
    }

    /// Whether a row was given already, at an entry of it with a longer key.
    fn is_given(&mut self, row: &T, len: usize) -> bool {
        let (Some(longest), Some(keys_of)) = (self.of.extension().longest(), &self.keys_of) else {
            return false;
        };
        self.found.clear();
        row.encode_key(&mut self.found);
        self.keys.reset(&self.found);
        keys_of.entries(row, &mut self.keys);
        self.keys.iter().any(|key| {
            let column = key.strip_prefix(self.before.as_slice());
            let extension = self.of.extension();
            column
                .and_then(|column| Some((column, extension.not_above(longest, column)?)))
                .is_some_and(|(column, other)| {
                    self.found.clear();
                    extension.encode_first(other, &mut self.found);
                    other > len && column.starts_with(&self.found)
                })
        })
    }
}

impl<'a, T: Table, K, Q: ExtendsLast<K, M>, M> Iterator for Prefixes<'a, T, K, Q, M> {
    type Item = &'a Row<T>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(rows) = &mut self.rows else {
                self.search()?;
                self.rows = Some(self.tree.scan(&KeyRange::Prefix(self.key.clone())));
                continue;
            };
            let Some(row) = rows.next() else {
                self.rows = None;
                self.len = self.len.and_then(|len| len.checked_sub(1));
                continue;
            };
            let given = self.len.is_some_and(|len| self.is_given(row, len));
            if !given {
                return Some(row);
            }
        }
    }
}
