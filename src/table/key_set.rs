//! The entries of one row in one index.

use std::{cmp::Reverse, fmt};

use smallvec::SmallVec;

use super::Each;
use crate::key::{Key, KeyBuf, KeyOf};

/// The entry keys of one row in one index, sorted, none of them twice. To be reused: it keeps its memory.
#[derive(Clone, Default)]
pub struct KeySet {
    primary: KeyBuf,
    /// The entries, one after the other, in the order in which they came.
    bytes: KeyBuf,
    /// Where each entry is in `bytes`: `[start, end)`, in the order of the entries.
    spans: SmallVec<[(usize, usize); 2]>,
}

impl KeySet {
    /// An empty set for the row with this primary key.
    pub fn new(primary: &[u8]) -> Self {
        let mut set = Self::default();
        set.reset(primary);
        set
    }

    /// Empties the set, for the same row in another index.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
    }

    /// Empties the set, for another row.
    pub fn reset(&mut self, primary: &[u8]) {
        self.clear();
        self.primary.clear();
        self.primary.extend_from_slice(primary);
    }

    /// Bytes of memory that it holds, about.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.primary.capacity()
    }

    /// The primary key of the row.
    pub fn primary(&self) -> &[u8] {
        &self.primary
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The entry with this number, below [`len`](Self::len).
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let (start, end) = self.spans[index];
        &self.bytes[start..end]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The entries in ascending order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.spans
            .iter()
            .map(|&(start, end)| &self.bytes[start..end])
    }

    /// Adds the primary key itself as the only entry.
    #[doc(hidden)]
    pub fn push_primary(&mut self) {
        self.clear();
        self.bytes.extend_from_slice(&self.primary);
        self.spans.push((0, self.bytes.len()));
    }

    /// Begins an entry.
    #[doc(hidden)]
    pub fn entry(&mut self, unique: bool) -> Entry<'_> {
        Entry {
            start: self.bytes.len(),
            alone: unique,
            set: self,
        }
    }

    /// Adds the entries of an index that has one for each element of a collection.
    #[doc(hidden)]
    pub fn push_elements<C: Each>(&mut self, collection: &C, unique: bool) {
        self.push_each(collection.each(), unique);
    }

    /// Adds the entries of an index that has one for each of several keys.
    #[doc(hidden)]
    pub fn push_each<K: Key, Q: KeyOf<K>>(
        &mut self,
        keys: impl IntoIterator<Item = Q>,
        unique: bool,
    ) {
        for key in keys {
            self.entry(unique).key(&key).end();
        }
        self.sort();
    }

    /// Brings entries that were added one by one into their order, and leaves each of them once.
    #[doc(hidden)]
    pub fn sort(&mut self) {
        let bytes = &self.bytes;
        let entry = |&(start, end): &(usize, usize)| &bytes[start..end];
        // A set comes sorted, and sorting what is sorted takes one pass.
        self.spans.sort_by(|a, b| entry(a).cmp(entry(b)));
        self.spans.dedup_by(|a, b| entry(a) == entry(b));
    }
}

/// An entry that is being written. Columns come one by one, so that the compiler can say which of them is not a key.
#[doc(hidden)]
pub struct Entry<'s> {
    set: &'s mut KeySet,
    start: usize,
    /// Whether the entry is the index key alone.
    alone: bool,
}

impl Entry<'_> {
    /// Appends a column.
    #[must_use]
    pub fn column<K: Key>(self, column: &K) -> Self {
        self.key(column)
    }

    /// Appends a descending column.
    #[must_use]
    pub fn descending_column<K: Key>(self, column: &K) -> Self {
        self.key::<Reverse<K>>(&Reverse(column))
    }

    /// Appends a key, or what stands for it.
    #[must_use]
    pub fn key<K: Key>(mut self, key: &(impl KeyOf<K> + ?Sized)) -> Self {
        key.encode(&mut self.set.bytes);
        self.alone &= !key.has_none();
        self
    }

    /// Adds the entry to the set.
    pub fn end(self) {
        let Self { set, start, alone } = self;
        if !alone {
            set.bytes.extend_from_slice(&set.primary);
        }
        set.spans.push((start, set.bytes.len()));
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
