//! The typed handle of an index.

use std::{fmt, marker::PhantomData};

use super::{LeadingColumns, Query, Ranges, StartsWith, query::through};
use crate::key::{KeyBuf, KeyOf, KeyRange};

/// An index of the table `T`, whose keys are of type `K`: the type of its column, or the tuple of the types of its columns.
///
/// `#[derive(Table)]` makes one constant for each index, and [`WriteTxn::add_index`](crate::WriteTxn::add_index) gives one for each that is added at run time. A handle has no data of its own; it turns keys into a [`Query`]. Keys are taken in
/// every form that [stands for](KeyOf) them, so a `&str` for a `String`, and without `Some` for an optional column.
///
/// ```
/// use sapwood::{Query, Table};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Table, Serialize, Deserialize)]
/// #[table(index(by_node_cpu, on(node, cpu)))]
/// struct Pod {
///     #[key]
///     id: u64,
///     #[index]
///     node: Option<String>,
///     cpu: u32,
/// }
///
/// let queries: [Query<Pod>; 7] = [
///     Pod::ALL,
///     Pod::BY_ID.eq(7),
///     Pod::BY_NODE.eq("n1"),
///     Pod::BY_NODE.eq(None::<&str>),
///     Pod::BY_NODE.starts_with("rack-4-"),
///     Pod::BY_NODE_CPU.prefix("n1"),
///     Pod::BY_NODE_CPU.range(("n1", 500)..("n1", 1000)),
/// ];
/// ```
pub struct Index<T, K> {
    number: usize,
    name: &'static str,
    types: PhantomData<fn() -> (T, K)>,
}

// Queries are written with literals and tuples: a reference would be noise in each of them.
#[allow(clippy::needless_pass_by_value)]
impl<T, K> Index<T, K> {
    /// The handle of an index of `T`: by its number in the definition, or that which it was given when it was added.
    pub(crate) const fn new(number: usize, name: &'static str) -> Self {
        Self {
            number,
            name,
            types: PhantomData,
        }
    }

    /// Its name, as in the table's definition, or as it was added.
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) const fn number(self) -> usize {
        self.number
    }

    /// Every row that is in the index, in its order.
    pub const fn all(self) -> Query<T> {
        Query::all(self.number, self.name)
    }

    /// The rows with this key: all columns of it. O(length of the key), as the other queries.
    pub fn eq<Q: KeyOf<K>>(self, key: Q) -> Query<T> {
        let mut bytes = KeyBuf::new();
        key.encode(&mut bytes);
        self.query(KeyRange::Prefix(bytes))
    }

    /// The rows whose first columns are these: the bare first one, or a tuple of the first ones.
    pub fn prefix<Q: LeadingColumns<K, M>, M>(self, columns: Q) -> Query<T> {
        let mut bytes = KeyBuf::new();
        columns.encode_columns(&mut bytes);
        self.query(KeyRange::Prefix(bytes))
    }

    /// The rows where a column begins so; for a column that is not the first one, a tuple of the columns before it, and the beginning.
    ///
    /// For strings a string, for bytes bytes, for a `Uuid` hexadecimal digits.
    pub fn starts_with<Q: StartsWith<K, M>, M>(self, beginning: Q) -> Query<T> {
        let (mut low, mut high) = (KeyBuf::new(), KeyBuf::new());
        beginning.encode_beginning(&mut low, &mut high);
        self.query(through(low, &high))
    }

    /// The rows between two keys: any of Rust's range expressions, of whole keys or of first columns as [`prefix`](Self::prefix) takes them.
    ///
    /// An end that has only the first columns takes in, or leaves out, all rows that share them. A range the wrong way round is empty.
    pub fn range<R: Ranges<K, M>, M>(self, range: R) -> Query<T> {
        self.query(range.key_range().0)
    }

    fn query(self, range: KeyRange) -> Query<T> {
        Query::new(self.number, self.name, range)
    }
}

impl<T, K> Clone for Index<T, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, K> Copy for Index<T, K> {}

impl<T, K> fmt::Debug for Index<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Index").field(&self.name).finish()
    }
}
