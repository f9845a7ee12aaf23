//! The read verbs, which snapshots and write transactions have in common.

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

/// Writes the read verbs into an `impl` block of a type with `fn tree<T: Table>(&self, index: usize) -> radix::Tree<'_, T>`.
macro_rules! read_verbs {
    () => {
        /// The row with this primary key. O(key length).
        ///
        /// # Panics
        /// Like every read, if the database was built without the table: it would seem to be empty.
        #[inline]
        pub fn get<T: Table>(&self, key: impl KeyOf<T::Key>) -> Option<&Row<T>> {
            let mut bytes = KeyBuf::new();
            key.encode(&mut bytes);
            self.tree::<T>(0).get(&bytes)
        }

        /// The rows of a query, in the order of its index, each once. O(key length) to begin, and O(1) for each row.
        ///
        /// In a query by more than one key of an `each` index a row may have several entries: it stands at the first of them, and a step costs
        /// O(the row's keys) for it and for each entry that is passed over.
        pub fn list<T: Table>(&self, query: Query<T>) -> Rows<'_, T> {
            Rows::new(self.tree(query.index()), &query)
        }

        /// The first row of a query, in the order of its index. O(key length).
        pub fn first<T: Table>(&self, query: Query<T>) -> Option<&Row<T>> {
            // Nothing is passed over: the first entry of all is the first of its row.
            self.tree(query.index()).scan(query.range()).next()
        }

        /// The last row of a query, in the order of its index. O(key length), and in an `each` index as [`list`](Self::list).
        pub fn last<T: Table>(&self, query: Query<T>) -> Option<&Row<T>> {
            self.list(query).next_back()
        }

        /// How many rows a query has. O(key length), whatever the number; but O(entries) in a query by more than one key of an `each` index, where a
        /// row may have several entries.
        pub fn count<T: Table>(&self, query: Query<T>) -> usize {
            if query.repeats() {
                return self.list(query).count();
            }
            self.tree::<T>(query.index()).count(query.range())
        }

        /// Whether a query has any row. O(key length).
        pub fn contains<T: Table>(&self, query: Query<T>) -> bool {
            self.tree::<T>(query.index()).count(query.range()) != 0
        }

        /// The row of a query, if it is the only one: to look something up by the beginning of its name. O(key length), and in
        /// an `each` index as [`list`](Self::list).
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
