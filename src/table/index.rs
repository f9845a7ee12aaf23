//! The typed handle of an index.

use std::{fmt, marker::PhantomData};

use super::{ExtendsLast, LeadingColumns, Query, Ranges, StartsWith, query::through};
use crate::key::{Extends, KeyBuf, KeyOf, KeyRange};

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
    /// Whether a row may have several entries.
    several: bool,
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
            several: false,
            types: PhantomData,
        }
    }

    /// The same handle, of an index in which a row may have several entries.
    pub(crate) const fn of_several(mut self) -> Self {
        self.several = true;
        self
    }

    /// Its name, as in the table's definition, or as it was added.
    pub const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) const fn number(self) -> usize {
        self.number
    }

    /// Whether a row may have several entries.
    pub(crate) const fn is_of_several(self) -> bool {
        self.several
    }

    /// Every row that is in the index, in its order.
    pub const fn all(self) -> Query<T> {
        Query::all(self.number, self.name).repeating(self.several)
    }

    /// The rows with this key: all columns of it. O(length of the key), as the other queries.
    pub fn eq<Q: KeyOf<K>>(self, key: Q) -> Query<T> {
        let mut bytes = KeyBuf::new();
        key.encode(&mut bytes);
        // A row has no entry twice.
        self.query(KeyRange::Prefix(bytes)).repeating(false)
    }

    /// The rows whose first columns are these: the bare first one, or a tuple of the first ones.
    pub fn prefix<Q: LeadingColumns<K, M>, M>(self, columns: Q) -> Query<T> {
        let mut bytes = KeyBuf::new();
        columns.encode_columns(&mut bytes);
        self.query(KeyRange::Prefix(bytes))
    }

    /// The rows where a column begins so; for a column that is not the first one, a tuple of the columns before it, and the beginning.
    ///
    /// For strings a string, for bytes bytes, for a `Uuid` hexadecimal digits, for a network a network that it lies within.
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

    /// The rows whose network lies within this one: a network alone, or a tuple of the columns before it and a network. It is
    /// [`starts_with`](Self::starts_with) by the name that goes with networks.
    ///
    /// An address is kept as it is given, and a network with bits behind its length lies where its address does: keep networks
    /// [truncated](ipnet::IpNet::trunc).
    ///
    /// ```
    /// # use ipnet::{IpNet, Ipv4Net};
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Table, Serialize, Deserialize)]
    /// struct Subnet {
    ///     #[key]
    ///     net: IpNet,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let db = Database::builder().table::<Subnet>().in_memory()?;
    /// for net in ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.168.0.0/16"] {
    ///     db.write(|tx| tx.insert(Subnet { net: net.parse().expect("a network") }))?;
    /// }
    /// let pool: Ipv4Net = "10.1.0.0/16".parse()?;
    /// assert_eq!(db.snapshot().count(Subnet::BY_NET.within(pool)), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "ipnet")]
    pub fn within<Q: StartsWith<K, M>, M>(self, network: Q) -> Query<T> {
        self.starts_with(network)
    }

    /// One query for each key that could be a prefix of `of`, from the longest to the shortest: those among which
    /// [`longest_prefix`](crate::Snapshot::longest_prefix) finds. O(length of `of`) each.
    ///
    /// To learn when another row becomes the longest prefix, watch these queries down to the one that is it now:
    ///
    /// ```
    /// # use sapwood::{Database, Table, watch::WatchSet};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Table, Serialize, Deserialize)]
    /// struct Route {
    ///     #[key]
    ///     path: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let db = Database::builder().table::<Route>().in_memory()?;
    /// db.write(|tx| tx.insert(Route { path: "/a".into() }))?;
    /// let snapshot = db.snapshot();
    /// assert_eq!(snapshot.longest_prefix(Route::BY_PATH, "/a/b").map(|route| &*route.path), Some("/a"));
    ///
    /// let mut other = WatchSet::new();
    /// for query in Route::BY_PATH.prefixes_of("/a/b") {
    ///     other.add(snapshot.watch(query.clone()));
    ///     if snapshot.contains(query) {
    ///         break;
    ///     }
    /// }
    /// // Shorter than the one that is it, and not a prefix.
    /// db.write(|tx| tx.insert(Route { path: "/".into() }))?;
    /// db.write(|tx| tx.insert(Route { path: "/a/c".into() }))?;
    /// assert!(other.try_fired()?.is_empty());
    /// db.write(|tx| tx.insert(Route { path: "/a/".into() }))?;
    /// assert_eq!(other.wait()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn prefixes_of<Q: ExtendsLast<K, M>, M>(self, of: Q) -> impl Iterator<Item = Query<T>> {
        let mut before = KeyBuf::new();
        of.encode_before(&mut before);
        let lengths = of
            .extension()
            .longest()
            .map_or(0..0, |longest| 0..longest + 1);
        lengths.rev().map(move |len| {
            let mut bytes = before.clone();
            of.extension().encode_first(len, &mut bytes);
            self.query(KeyRange::Prefix(bytes)).repeating(false)
        })
    }

    fn query(self, range: KeyRange) -> Query<T> {
        Query::new(self.number, self.name, range).repeating(self.several)
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
