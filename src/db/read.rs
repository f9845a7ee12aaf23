//! The read verbs, which snapshots and write transactions have in common.

use std::fmt;

use crate::Row;
use crate::radix;

/// The answer to "is there exactly one?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only<R> {
    /// No row matches.
    None,
    /// One row matches.
    One(R),
    /// More than one row matches.
    Many,
}

impl<R> Only<R> {
    /// The row, if there is exactly one.
    pub fn one(self) -> Option<R> {
        match self {
            Self::One(row) => Some(row),
            Self::None | Self::Many => None,
        }
    }
}

/// The rows of a query in the order of its index, from both ends. No step allocates.
pub struct Rows<'a, T>(pub(super) radix::Rows<'a, T>);

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn count(self) -> usize {
        self.0.len()
    }

    /// O(depth), so that `skip` is the way to turn pages.
    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.0.nth(n)
    }

    fn last(mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<T> DoubleEndedIterator for Rows<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}

impl<T> std::iter::FusedIterator for Rows<'_, T> {}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// Writes the read verbs into an `impl` block of a type with `fn tree<T: Table>(&self, index: usize) -> radix::Tree<'_, T>`, and `find` which gives the
/// same or `None`.
macro_rules! read_verbs {
    () => {
        /// The tree that a query asks.
        #[inline]
        fn queried<T: Table>(&self, query: &Query<T>) -> Tree<'_, T> {
            match self.find(query.index()) {
                Some(tree) => tree,
                None => panic!("{}", live_index::unknown(query)),
            }
        }

        /// The row with this primary key. O(key length).
        ///
        /// # Panics
        /// Like every read, if the database was built without the table, or if this state of it lacks the index of the query, which was
        /// added at run time: it would seem to be empty.
        #[inline]
        pub fn get<T: Table>(&self, key: impl KeyOf<T::Key>) -> Option<&Row<T>> {
            let mut bytes = KeyBuf::new();
            key.encode(&mut bytes);
            self.tree::<T>(0).get(&bytes)
        }

        /// The rows of a query, in the order of its index. O(key length) to begin, and O(1) for each row.
        pub fn list<T: Table>(&self, query: Query<T>) -> Rows<'_, T> {
            Rows(self.queried(&query).scan(query.range()))
        }

        /// The first row of a query, in the order of its index. O(key length).
        pub fn first<T: Table>(&self, query: Query<T>) -> Option<&Row<T>> {
            self.list(query).next()
        }

        /// The last row of a query, in the order of its index. O(key length).
        pub fn last<T: Table>(&self, query: Query<T>) -> Option<&Row<T>> {
            self.list(query).next_back()
        }

        /// How many rows a query has; in an `each` index, how many entries. O(key length), whatever the number.
        pub fn count<T: Table>(&self, query: Query<T>) -> usize {
            self.queried(&query).count(query.range())
        }

        /// Whether a query has any row. O(key length).
        pub fn contains<T: Table>(&self, query: Query<T>) -> bool {
            self.count(query) != 0
        }

        /// The row of a query, if it is the only one: to look something up by the beginning of its name. O(key length).
        pub fn only<T: Table>(&self, query: Query<T>) -> Only<&Row<T>> {
            let mut rows = self.list(query);
            match (rows.next(), rows.next()) {
                (None, _) => Only::None,
                (Some(row), None) => Only::One(row),
                (Some(_), Some(_)) => Only::Many,
            }
        }
    };
}

pub(super) use read_verbs;
