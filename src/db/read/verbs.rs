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

/// Writes the read verbs into an `impl` block of a type with `fn tree<T: Table>(&self, index: usize) -> radix::Tree<'_, T>`, with `find` which gives the
/// same or `None`, and with `keys_of` which tells how the keys of an index are made.
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

        /// The rows of a query, in the order of its index, each once. O(key length) to begin, and O(1) for each row.
        ///
        /// In a query by more than one key of an `each` index a row may have several entries: it stands at the first of them, and a step costs
        /// O(the row's keys) for it and for each entry that is passed over.
        pub fn list<T: Table>(&self, query: Query<T>) -> Rows<'_, T> {
            Rows::new(self.queried(&query), &query, || {
                self.keys_of::<T>(query.index())
            })
        }

        /// The first row of a query, in the order of its index. O(key length).
        pub fn first<T: Table>(&self, query: Query<T>) -> Option<&Row<T>> {
            // Nothing is passed over: the first entry of all is the first of its row.
            self.queried(&query).scan(query.range()).next()
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
            self.queried(&query).count(query.range())
        }

        /// Whether a query has any row. O(key length).
        pub fn contains<T: Table>(&self, query: Query<T>) -> bool {
            self.queried(&query).count(query.range()) != 0
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

        /// The row whose key is the longest prefix of `of`: of a path the rule for its longest beginning, of an address, with feature `ipnet`, the
        /// smallest network that holds it. The last column of the index is compared so; the columns before it, in a tuple with it, are whole. Of several rows with that key
        /// the first.
        ///
        /// The empty string is a prefix of every string, and a network of length 0 of every address of its family. A network that is not
        /// [truncated](https://docs.rs/ipnet/2/ipnet/enum.IpNet.html#method.trunc) is a prefix of nothing.
        ///
        /// O(key length) for each search, of which there are mostly one or two: one, and one more for each entry that lies between the prefix and `of`, but
        /// shares less with `of` than those before it did. So there are never more than bytes or bits in `of`.
        ///
        /// ```
        /// # use sapwood::{Database, Table};
        /// # use serde::{Deserialize, Serialize};
        /// #[derive(Table, Serialize, Deserialize)]
        /// #[table(key(host, path))]
        /// struct Rule {
        ///     host: String,
        ///     path: String,
        /// }
        ///
        /// # fn main() -> Result<(), sapwood::Error> {
        /// let db = Database::builder().table::<Rule>().in_memory()?;
        /// for path in ["/", "/api/", "/api/v1/", "/app/"] {
        ///     db.write(|tx| tx.insert(Rule { host: "a".into(), path: path.into() }))?;
        /// }
        /// let snapshot = db.snapshot();
        /// let rule = snapshot.longest_prefix(Rule::BY_HOST_PATH, ("a", "/api/v2/pods"));
        /// assert_eq!(rule.expect("all begin with /").path, "/api/");
        /// assert!(snapshot.longest_prefix(Rule::BY_HOST_PATH, ("b", "/")).is_none());
        /// # Ok(())
        /// # }
        /// ```
        pub fn longest_prefix<T: Table, K, M>(
            &self,
            index: Index<T, K>,
            of: impl ExtendsLast<K, M>,
        ) -> Option<&Row<T>> {
            self.prefixes(index, of).next()
        }

        /// All rows whose key is a prefix of `of`, as [`longest_prefix`](Self::longest_prefix) finds them: from the longest key to the shortest, and
        /// of several with one key in the order of the index. Each row once, at its longest key.
        ///
        /// ```
        /// # use sapwood::{Database, Table};
        /// # use serde::{Deserialize, Serialize};
        /// #[derive(Table, Serialize, Deserialize)]
        /// struct Policy {
        ///     #[key]
        ///     path: String,
        ///     limit: Option<u32>,
        /// }
        ///
        /// # fn main() -> Result<(), sapwood::Error> {
        /// let db = Database::builder().table::<Policy>().in_memory()?;
        /// for (path, limit) in [("/", Some(10)), ("/home/", Some(50)), ("/home/ann/", None)] {
        ///     db.write(|tx| tx.insert(Policy { path: path.into(), limit }))?;
        /// }
        /// // What a policy does not say, a wider one does.
        /// let snapshot = db.snapshot();
        /// let mut policies = snapshot.prefixes(Policy::BY_PATH, "/home/ann/mail");
        /// assert_eq!(policies.find_map(|policy| policy.limit), Some(50));
        /// # Ok(())
        /// # }
        /// ```
        pub fn prefixes<T: Table, K, M>(
            &self,
            index: Index<T, K>,
            of: impl ExtendsLast<K, M>,
        ) -> impl Iterator<Item = &Row<T>> {
            let keys_of = index
                .is_of_several()
                .then(|| self.keys_of::<T>(index.number()));
            Prefixes::new(self.queried(&index.all()), keys_of, of)
        }

        /// The groups that the first columns of an index make, in its order, each with how many entries it has: in an `each` index a row counts once for
        /// each of its entries, elsewhere once. O(groups · key length), however many rows there are.
        ///
        /// ```
        /// # use sapwood::{Database, Table};
        /// # use serde::{Deserialize, Serialize};
        /// #[derive(Table, Serialize, Deserialize)]
        /// #[table(index(by_node_phase, on(node, phase)))]
        /// struct Pod {
        ///     #[key]
        ///     id: u32,
        ///     node: String,
        ///     phase: u8,
        /// }
        ///
        /// # fn main() -> Result<(), sapwood::Error> {
        /// let db = Database::builder().table::<Pod>().in_memory()?;
        /// for (id, node, phase) in [(1, "n1", 0), (2, "n2", 1), (3, "n1", 1), (4, "n1", 1)] {
        ///     db.write(|tx| tx.insert(Pod { id, node: node.into(), phase }))?;
        /// }
        /// let snapshot = db.snapshot();
        /// let by_node: Vec<(String, usize)> = snapshot.groups(Pod::BY_NODE_PHASE.group_by::<1>()).collect();
        /// assert_eq!(by_node, [("n1".to_owned(), 3), ("n2".to_owned(), 1)]);
        ///
        /// for ((node, phase), pods) in snapshot.groups(Pod::BY_NODE_PHASE.group_by_key().prefix("n1")) {
        ///     println!("{pods} pods on {node} are in phase {phase}");
        /// }
        /// # Ok(())
        /// # }
        /// ```
        pub fn groups<T: Table, K, G: Key>(&self, grouping: Grouping<T, K, G>) -> Groups<'_, T, G> {
            let query = grouping.query();
            Groups::new(self.queried(query), query)
        }

        /// The rows of a query, each with every row of an index that has the key which `key` makes of it. A row for which there is none, or `key` gives `None`,
        /// is left out. Nothing is made beforehand: O(key length) for each row of the query, and O(1) for each further pair.
        ///
        /// ```
        /// # use sapwood::{Database, Table};
        /// # use serde::{Deserialize, Serialize};
        /// #[derive(Table, Serialize, Deserialize)]
        /// struct Node {
        ///     #[key]
        ///     name: String,
        ///     zone: String,
        /// }
        ///
        /// #[derive(Table, Serialize, Deserialize)]
        /// struct Pod {
        ///     #[key]
        ///     id: u32,
        ///     #[index]
        ///     node: Option<String>,
        /// }
        ///
        /// # fn main() -> Result<(), sapwood::Error> {
        /// let db = Database::builder().table::<Node>().table::<Pod>().in_memory()?;
        /// db.write(|tx| {
        ///     tx.insert(Node { name: "n1".into(), zone: "east".into() })?;
        ///     tx.insert(Pod { id: 1, node: Some("n1".into()) })?;
        ///     tx.insert(Pod { id: 2, node: None })
        /// })?;
        /// let snapshot = db.snapshot();
        /// for (pod, node) in snapshot.join(Pod::ALL, Node::BY_NAME, |pod| pod.node.as_deref()) {
        ///     assert_eq!((pod.id, &*node.zone), (1, "east"));
        /// }
        /// let of_nodes = snapshot.join(Node::ALL, Pod::BY_NODE, |node| Some(&node.name));
        /// assert_eq!(of_nodes.count(), 1);
        /// # Ok(())
        /// # }
        /// ```
        pub fn join<'a, L: Table, R: Table, K, Q: KeyOf<K>>(
            &'a self,
            rows: Query<L>,
            index: Index<R, K>,
            mut key: impl FnMut(&'a Row<L>) -> Option<Q>,
        ) -> impl Iterator<Item = (&'a Row<L>, &'a Row<R>)> {
            self.list(rows).flat_map(move |row| {
                let others = key(row).map(|key| self.list(index.eq(key)));
                others.into_iter().flatten().map(move |other| (row, other))
            })
        }

        /// As [`join`](Self::join), but a row for which there is none stays, once, with `None`.
        ///
        /// ```
        /// # use sapwood::{Database, Table};
        /// # use serde::{Deserialize, Serialize};
        /// # #[derive(Table, Serialize, Deserialize)]
        /// # struct Node {
        /// #     #[key]
        /// #     name: String,
        /// # }
        /// # #[derive(Table, Serialize, Deserialize)]
        /// # struct Pod {
        /// #     #[key]
        /// #     id: u32,
        /// #     #[index]
        /// #     node: Option<String>,
        /// # }
        /// # fn main() -> Result<(), sapwood::Error> {
        /// # let db = Database::builder().table::<Node>().table::<Pod>().in_memory()?;
        /// # db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
        /// # db.write(|tx| tx.insert(Pod { id: 1, node: Some("n1".into()) }))?;
        /// # db.write(|tx| tx.insert(Pod { id: 2, node: Some("n2".into()) }))?;
        /// # let snapshot = db.snapshot();
        /// // The pods on nodes that are gone.
        /// let lost = snapshot
        ///     .left_join(Pod::ALL, Node::BY_NAME, |pod| pod.node.as_deref())
        ///     .filter(|(pod, node)| pod.node.is_some() && node.is_none());
        /// assert!(lost.map(|(pod, _)| pod.id).eq([2]));
        /// # Ok(())
        /// # }
        /// ```
        pub fn left_join<'a, L: Table, R: Table, K, Q: KeyOf<K>>(
            &'a self,
            rows: Query<L>,
            index: Index<R, K>,
            mut key: impl FnMut(&'a Row<L>) -> Option<Q>,
        ) -> impl Iterator<Item = (&'a Row<L>, Option<&'a Row<R>>)> {
            self.list(rows).flat_map(move |row| {
                let mut others = key(row).map(|key| self.list(index.eq(key)));
                let first = others.as_mut().and_then(Iterator::next);
                let further = others.into_iter().flatten().map(Some);
                std::iter::once(first)
                    .chain(further)
                    .map(move |other| (row, other))
            })
        }
    };
}

pub(in crate::db) use read_verbs;
