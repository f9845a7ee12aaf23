//! An index as a program describes it at run time.

use std::fmt;

use super::KeySet;
use crate::key::Key;

/// Gives the keys of a row to what takes them, one by one.
type Keys<T, K> = Box<dyn Fn(&T, &mut dyn FnMut(K)) + Send + Sync>;

/// Says which rows are in an index.
type Condition<T> = Box<dyn Fn(&T) -> bool + Send + Sync>;

/// An index of the table `T` with keys of type `K`, to be added to a database that is running: [`WriteTxn::add_index`](crate::WriteTxn::add_index).
///
/// The functions must depend on the row alone. A key of several columns is a tuple, a descending column is a [`Reverse`](std::cmp::Reverse).
///
/// ```
/// use sapwood::{Database, Error, NewIndex, Table};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Table, Clone, Serialize, Deserialize)]
/// struct Pod {
///     #[key]
///     name: String,
///     node: Option<String>,
///     cpu_milli: u64,
/// }
///
/// fn words(pod: &Pod) -> Vec<String> {
///     pod.name.split('-').map(str::to_owned).collect()
/// }
///
/// # fn main() -> Result<(), Error> {
/// let db = Database::builder().table::<Pod>().in_memory()?;
/// # db.write(|tx| {
/// #     for (name, node, cpu_milli) in [("web-1", Some("n1"), 500), ("web-2", None, 250), ("batch", Some("n1"), 4000)] {
/// #         tx.insert(Pod { name: name.into(), node: node.map(str::to_owned), cpu_milli })?;
/// #     }
/// #     Ok::<_, Error>(())
/// # })?;
/// let (by_cpu, by_node, by_word) = db.write(|tx| {
///     Ok::<_, Error>((
///         tx.add_index(NewIndex::new("by_cpu", |pod: &Pod| pod.cpu_milli))?,
///         tx.add_index(NewIndex::sparse("by_node", |pod: &Pod| Some((pod.node.clone()?, pod.cpu_milli))))?,
///         tx.add_index(NewIndex::each("by_word", words))?,
///     ))
/// })?;
/// let snapshot = db.snapshot();
/// assert_eq!(snapshot.list(by_cpu.range(300..)).map(|pod| &pod.name).collect::<Vec<_>>(), ["web-1", "batch"]);
/// assert_eq!(snapshot.count(by_node.prefix("n1")), 2);
/// assert_eq!(snapshot.count(by_word.eq("web")), 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "a description is no index until it is added"]
pub struct NewIndex<T, K> {
    name: &'static str,
    unique: bool,
    each: bool,
    keys: Keys<T, K>,
    when: Option<Condition<T>>,
}

impl<T: 'static, K: Key + 'static> NewIndex<T, K> {
    /// An index in which every row has the key that `key` makes of it.
    pub fn new(name: &'static str, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Self {
        Self::of(name, false, Box::new(move |row, take| take(key(row))))
    }

    /// An index in which a row has one entry for each key that `keys` makes of it, no key twice.
    pub fn each<I: IntoIterator<Item = K>>(
        name: &'static str,
        keys: impl Fn(&T) -> I + Send + Sync + 'static,
    ) -> Self {
        let keys: Keys<T, K> = Box::new(move |row, take| keys(row).into_iter().for_each(take));
        Self::of(name, true, keys)
    }

    /// An index without the rows for which `key` gives `None`.
    pub fn sparse(
        name: &'static str,
        key: impl Fn(&T) -> Option<K> + Send + Sync + 'static,
    ) -> Self {
        let keys: Keys<T, K> = Box::new(move |row, take| key(row).into_iter().for_each(take));
        Self::of(name, false, keys)
    }

    fn of(name: &'static str, each: bool, keys: Keys<T, K>) -> Self {
        Self {
            name,
            unique: false,
            each,
            keys,
            when: None,
        }
    }

    /// No two rows may have the same key; but a key with `None` in it is as if there were none.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Only rows for which `when` holds are in it. Said twice, both must hold.
    pub fn when(mut self, when: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(match self.when {
            Some(first) => Box::new(move |row| first(row) && when(row)),
            None => Box::new(when),
        });
        self
    }

    /// Whether no two rows may have the same key.
    pub(crate) fn is_unique(&self) -> bool {
        self.unique
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<T, K: Key> NewIndex<T, K> {
    /// Whether a row can have several entries.
    pub(crate) fn has_several(&self) -> bool {
        self.each
    }

    /// Adds the entries of a row to `set`, which is empty and knows its primary key.
    pub(crate) fn entries(&self, row: &T, set: &mut KeySet) {
        if self.when.as_ref().is_some_and(|when| !when(row)) {
            return;
        }
        (self.keys)(row, &mut |key| {
            set.entry(self.unique).key::<K>(&key).end();
        });
        if self.each {
            set.sort();
        }
    }

    /// The key of an entry, for people to read.
    pub(crate) fn format_entry(mut entry: &[u8]) -> Option<String> {
        K::decode(&mut entry).ok().map(|key| format!("{key:?}"))
    }
}

impl<T, K> fmt::Debug for NewIndex<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewIndex")
            .field("name", &self.name)
            .field("unique", &self.unique)
            .field("each", &self.each)
            .field("when", &self.when.is_some())
            .finish_non_exhaustive()
    }
}
