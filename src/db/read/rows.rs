//! The rows of a query.

use std::fmt;

use super::super::live_index::KeysOf;
use crate::Row;
use crate::key::{KeyBuf, KeyRange};
use crate::radix;
use crate::table::{KeySet, Query, Table};

/// The rows of a query in the order of its index, from both ends; each row once. No step allocates.
///
/// In a query by more than one key of an `each` index a row may have several entries. It stands at the first of them, from whichever end it is come to.
/// To see which one is the first, the row's keys in the index are computed anew at each entry: a step then costs O(the row's keys), and as much
/// again for each entry that is passed over. Everywhere else a step is O(1).
///
/// ```
/// # use sapwood::{Database, Table};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Table, Serialize, Deserialize)]
/// #[table(index(by_space_tag, on(space, each(tags))))]
/// struct Pod {
///     #[key]
///     name: String,
///     space: String,
///     tags: Vec<String>,
/// }
///
/// # fn main() -> Result<(), sapwood::Error> {
/// let db = Database::builder().table::<Pod>().in_memory()?;
/// for (name, tags) in [("web", ["blue", "edge"]), ("api", ["core", "edge"])] {
///     let tags = tags.map(String::from).to_vec();
///     db.write(|tx| tx.insert(Pod { name: name.into(), space: "prod".into(), tags }))?;
/// }
/// let snapshot = db.snapshot();
/// assert_eq!(snapshot.count(Pod::BY_SPACE_TAG.eq(("prod", "edge"))), 2);
/// // Four entries, two rows: `web` at "blue", `api` at "core".
/// let rows = snapshot.list(Pod::BY_SPACE_TAG.prefix("prod"));
/// assert!(rows.clone().map(|pod| &pod.name).eq(["web", "api"]));
/// assert!(rows.rev().map(|pod| &pod.name).eq(["api", "web"]));
/// # Ok(())
/// # }
/// ```
pub struct Rows<'a, T> {
    rows: radix::Rows<'a, T>,
    /// Where a row may have several entries. In a box, so that what has none of it need not carry it.
    first: Option<Box<FirstEntry>>,
}

/// What tells a row's first entry in a range from its others.
#[derive(Clone)]
struct FirstEntry {
    keys_of: KeysOf,
    range: KeyRange,
    keys: KeySet,
    primary: KeyBuf,
    /// The entry that the iterator has come to.
    at: KeyBuf,
}

impl FirstEntry {
    /// Whether the entry that was come to is the row's first one in the range.
    ///
    /// An index function that gives something else each time may lose a row, or give it twice.
    fn is_at<T: Table>(&mut self, row: &T) -> bool {
        self.primary.clear();
        row.encode_key(&mut self.primary);
        self.keys.reset(&self.primary);
        self.keys_of.entries(row, &mut self.keys);
        let first = self.keys.iter().find(|key| self.range.contains(key));
        first.is_none_or(|first| *first == *self.at)
    }
}

impl<'a, T: Table> Rows<'a, T> {
    /// `keys_of` tells how the keys of the query's index are made; it is asked where a row may have several.
    pub(in crate::db) fn new(
        tree: radix::Tree<'a, T>,
        query: &Query<T>,
        keys_of: impl FnOnce() -> KeysOf,
    ) -> Self {
        let first = query.repeats().then(|| {
            Box::new(FirstEntry {
                keys_of: keys_of(),
                range: query.range().clone(),
                keys: KeySet::default(),
                primary: KeyBuf::new(),
                at: KeyBuf::new(),
            })
        });
        Self {
            rows: tree.scan(query.range()),
            first,
        }
    }

    #[cold]
    fn next_first(&mut self) -> Option<&'a Row<T>> {
        let first = self.first.as_mut()?;
        loop {
            let row = self.rows.next()?;
            self.rows.front_key(&mut first.at);
            if first.is_at::<T>(row) {
                return Some(row);
            }
        }
    }

    #[cold]
    fn next_back_first(&mut self) -> Option<&'a Row<T>> {
        let first = self.first.as_mut()?;
        loop {
            let row = self.rows.next_back()?;
            self.rows.back_key(&mut first.at);
            if first.is_at::<T>(row) {
                return Some(row);
            }
        }
    }
}

impl<'a, T: Table> Iterator for Rows<'a, T> {
    type Item = &'a Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.first.is_some() {
            return self.next_first();
        }
        self.rows.next()
    }

    /// Exact, but where a row may have several entries: there it is the number of entries that they cannot be more than.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (entries, _) = self.rows.size_hint();
        let least = if self.first.is_some() { 0 } else { entries };
        (least, Some(entries))
    }

    /// O(1), but where a row may have several entries: there it is O(entries).
    fn count(mut self) -> usize {
        if self.first.is_none() {
            return self.rows.count();
        }
        let mut rows = 0;
        while self.next_first().is_some() {
            rows += 1;
        }
        rows
    }

    /// O(depth), so that `skip` is the way to turn pages; O(`n`) steps where a row may have several entries.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        if self.first.is_none() {
            return self.rows.nth(n);
        }
        for _ in 0..n {
            self.next_first()?;
        }
        self.next_first()
    }

    fn last(mut self) -> Option<Self::Item> {
        self.next_back()
    }
}

impl<T: Table> DoubleEndedIterator for Rows<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.first.is_some() {
            return self.next_back_first();
        }
        self.rows.next_back()
    }

    /// O(depth), so that pages can be turned from the end, with `rev` and `skip`; O(`n`) steps where a row may have several entries.
    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        if self.first.is_none() {
            return self.rows.nth_back(n);
        }
        for _ in 0..n {
            self.next_back_first()?;
        }
        self.next_back_first()
    }
}

impl<T: Table> std::iter::FusedIterator for Rows<'_, T> {}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            first: self.first.clone(),
        }
    }
}

impl<T: Table + fmt::Debug> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
