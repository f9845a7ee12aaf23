//! Indexes that are added while a database runs.
//!
//! Which there are is a property of each version, as the trees are: `radix` keeps a list beside the roots, and on it, without knowing what it is, one
//! [`LiveIndex`] for each. So an index is there for the transaction that adds it, for everybody once that is committed, and for older snapshots
//! never; and all of it goes by itself with an abort, a savepoint that is gone back to, or the last version that has it.
//!
//! Its number is above those of all indexes that are declared, and no other index of the process has it. So a handle finds its own index, or none.

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::catalog::Catalog;
use super::snapshot::Snapshot;
use super::stored::hex;
use super::write_txn::WriteTxn;
use crate::Error;
use crate::key::Key;
use crate::radix::{About, AddedTrees, NotAdded, Version};
use crate::table::{Index, KeySet, NewIndex, Query, Table};
use crate::watch::Registry;

/// The number of the next one. No table declares so many.
static NEXT: AtomicUsize = AtomicUsize::new(1 << 31);

/// An index that was added at run time.
pub(super) struct LiveIndex {
    pub(super) number: usize,
    pub(super) name: &'static str,
    key: TypeId,
    /// Whether a row can have several entries.
    pub(super) each: bool,
    unique: bool,
    /// A `Functions<T>`.
    functions: Arc<dyn Any + Send + Sync>,
    /// Who watches it.
    pub(super) watches: Arc<Registry>,
}

/// The functions of an index of `T`.
struct Functions<T>(Box<dyn OfRows<T>>);

/// An index, without the type of its keys.
trait OfRows<T>: Send + Sync {
    fn entries(&self, row: &T, set: &mut KeySet);
    fn format_entry(&self, entry: &[u8]) -> Option<String>;
}

impl<T: Table, K: Key + 'static> OfRows<T> for NewIndex<T, K> {
    fn entries(&self, row: &T, set: &mut KeySet) {
        self.entries(row, set);
    }

    fn format_entry(&self, entry: &[u8]) -> Option<String> {
        Self::format_entry(entry)
    }
}

impl LiveIndex {
    fn new<T: Table, K: Key + 'static>(index: NewIndex<T, K>) -> Self {
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            name: index.name(),
            key: TypeId::of::<K>(),
            each: index.has_several(),
            unique: index.is_unique(),
            functions: Arc::new(Functions(Box::new(index))),
            watches: Arc::new(Registry::new()),
        }
    }

    fn handle<T, K>(&self) -> Index<T, K> {
        let handle = Index::new(self.number, self.name);
        if self.each {
            handle.of_several()
        } else {
            handle
        }
    }

    fn functions<T: Table>(&self) -> &dyn OfRows<T> {
        match self.functions.downcast_ref::<Functions<T>>() {
            Some(functions) => &*functions.0,
            None => unreachable!("an index is on the rows of its family"),
        }
    }

    /// The same index in a fork, watched by nobody.
    pub(super) fn fork(about: &About) -> About {
        let Some(index) = about.downcast_ref::<Self>() else {
            unreachable!("added trees are live indexes");
        };
        Arc::new(Self {
            functions: Arc::clone(&index.functions),
            watches: Arc::new(Registry::new()),
            ..*index
        })
    }
}

/// How the keys of a row in one index are made.
#[derive(Clone)]
pub(super) struct KeysOf {
    number: usize,
    /// A `Functions<T>`, where the index was added at run time.
    functions: Option<Arc<dyn Any + Send + Sync>>,
}

impl KeysOf {
    /// Of the index of this number.
    pub(super) fn index(added: &AddedTrees, family: usize, number: usize) -> Self {
        let live = get(added, family, number);
        Self {
            number,
            functions: live.map(|live| Arc::clone(&live.functions)),
        }
    }

    /// Adds the entries of a row to an empty set, which knows its primary key.
    pub(super) fn entries<T: Table>(&self, row: &T, set: &mut KeySet) {
        let functions = self.functions.as_ref();
        match functions.and_then(|functions| functions.downcast_ref::<Functions<T>>()) {
            Some(functions) => functions.0.entries(row, set),
            None => row.encode_index_keys(self.number, set),
        }
    }
}

/// All live indexes of a state, each with its family.
pub(super) fn all(added: &AddedTrees) -> impl Iterator<Item = (usize, &LiveIndex)> {
    added
        .iter()
        .filter_map(|added| Some((added.family, added.about.downcast_ref()?)))
}

/// Those of one table, in the order of their trees.
pub(super) fn of(added: &AddedTrees, family: usize) -> impl Iterator<Item = &LiveIndex> {
    added
        .of(family)
        .filter_map(|added| added.about.downcast_ref())
}

/// One of them.
pub(super) fn get(added: &AddedTrees, family: usize, number: usize) -> Option<&LiveIndex> {
    added.get(family, number)?.about.downcast_ref()
}

/// Whether a table has a unique one.
pub(super) fn has_unique(added: &AddedTrees, family: usize) -> bool {
    of(added, family).any(|index| index.unique)
}

/// The keys of a row in every index but the primary one: the declared ones, and then those that were added.
pub(super) fn index_keys<T: Table>(
    added: &AddedTrees,
    family: usize,
    row: &T,
    primary: &[u8],
    declared: usize,
    sets: &mut Vec<KeySet>,
) {
    sets.resize_with(declared + added.of(family).count(), KeySet::default);
    let (declared, live) = sets.split_at_mut(declared);
    for (index, set) in declared.iter_mut().enumerate() {
        set.reset(primary);
        row.encode_index_keys(index + 1, set);
    }
    for (index, set) in of(added, family).zip(live) {
        set.reset(primary);
        index.functions::<T>().entries(row, set);
    }
}

impl LiveIndex {
    /// The key of an entry, for people to read; its bytes where they are none.
    pub(super) fn format_entry<T: Table>(&self, entry: &[u8]) -> String {
        let key = self.functions::<T>().format_entry(entry);
        key.unwrap_or_else(|| hex(entry))
    }
}

/// The error for a query of an index that is not there.
pub(super) fn unknown<T: Table>(query: &Query<T>) -> Error {
    no_index::<T>(query.index_name())
}

fn no_index<T: Table>(name: &str) -> Error {
    Error::UnknownIndex {
        table: T::NAME,
        index: name.to_owned(),
    }
}

/// The live index of this name, if it has keys of this type.
fn named<T: Table, K: Key + 'static>(
    added: &AddedTrees,
    family: usize,
    name: &str,
) -> Option<Index<T, K>> {
    let index = of(added, family).find(|index| index.name == name)?;
    (index.key == TypeId::of::<K>()).then(|| index.handle())
}

/// Fires the watches on indexes that both versions have, and closes those on indexes that the newer one has not. It was just published. Says how many
/// were fired.
pub(super) fn notify(
    catalog: &Catalog,
    before: &Version,
    version: &Version,
    written: usize,
) -> usize {
    let mut fired = 0;
    for (family, index) in all(before.added()) {
        let number = index.number;
        if version.added().get(family, number).is_none() {
            index.watches.close_dropped();
        } else if !before.shares(version, family, number) && !index.watches.is_empty() {
            let rows = &catalog.entry(family).rows;
            let earlier = index.watches.fired();
            rows.fire(number, before, version, written, &index.watches);
            fired += index.watches.fired() - earlier;
        }
    }
    fired
}

impl Snapshot {
    /// The index of this name that was [added](WriteTxn::add_index) at run time, if this snapshot has it and its keys are of type `K`.
    pub fn index<T: Table, K: Key + 'static>(&self, name: &str) -> Option<Index<T, K>> {
        let family = self.core().catalog.family::<T>().ok()?;
        named(self.version().added(), family, name)
    }
}

impl WriteTxn {
    /// The index of this name that was [added](Self::add_index) at run time, if this transaction has it and its keys are of type `K`.
    pub fn index<T: Table, K: Key + 'static>(&self, name: &str) -> Option<Index<T, K>> {
        let family = self.core().catalog.family::<T>().ok()?;
        named(self.draft().added(), family, name)
    }

    /// Adds an index to a table and builds it from the rows that are there. Gives its handle.
    ///
    /// It is a change like others: this transaction has it at once, everybody from its commit on, and it is gone with an abort or a
    /// [savepoint](Self::savepoint) that is gone back to. Snapshots from before do not have it. From now on every write keeps it. It lives until it is
    /// [dropped](Self::drop_index) or the database is closed, and is never in a file: a program that opens one adds its indexes again. A fork has those
    /// of its snapshot. To ask for an index what does not have it panics where rows are read, and is [`Error::UnknownIndex`] elsewhere.
    ///
    /// O(rows), and sorting their keys. An index where rows have no entry or several takes a second tree for these rows.
    ///
    /// # Errors
    /// [`Error::Duplicate`] if it is unique and two rows have one key; [`Error::KeyTooLong`]; [`Error::IndexExists`] if the table has an index of this
    /// name; [`Error::TableFull`]; [`Error::UnknownTable`].
    ///
    /// ```
    /// # use sapwood::{Database, Error, NewIndex, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Pod {
    /// #     #[key]
    /// #     name: String,
    /// #     cpu_milli: u64,
    /// # }
    /// # fn main() -> Result<(), Error> {
    /// # let db = Database::builder().table::<Pod>().in_memory()?;
    /// # let before = db.snapshot();
    /// let by_cpu = db.write(|tx| {
    ///     tx.insert(Pod { name: "web".into(), cpu_milli: 500 })?;
    ///     tx.add_index(NewIndex::new("by_cpu", |pod: &Pod| pod.cpu_milli))
    /// })?;
    /// let snapshot = db.snapshot();
    /// assert!(snapshot.contains(by_cpu.range(500..)));
    ///
    /// // Whoever has no handle finds it by its name, and the type of its keys.
    /// assert!(snapshot.index::<Pod, u64>("by_cpu").is_some());
    /// assert!(before.index::<Pod, u64>("by_cpu").is_none());
    ///
    /// db.write(|tx| tx.drop_index(by_cpu))?;
    /// assert!(db.snapshot().index::<Pod, u64>("by_cpu").is_none());
    /// // What shows it goes on to do so.
    /// assert!(snapshot.contains(by_cpu.eq(500)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_index<T: Table, K: Key + 'static>(
        &mut self,
        index: NewIndex<T, K>,
    ) -> Result<Index<T, K>, Error> {
        let family = self.core().catalog.family::<T>()?;
        let name = index.name();
        let declared = &self.core().catalog.entry(family).definition.indexes;
        if declared.iter().any(|declared| declared.name == name)
            || of(self.draft().added(), family).any(|other| other.name == name)
        {
            return Err(Error::IndexExists {
                table: T::NAME,
                index: name.to_owned(),
            });
        }
        let live = Arc::new(LiveIndex::new(index));
        let about: About = live.clone();
        let functions = live.functions::<T>();
        let added = self.draft_mut().add_tree::<T, KeySet>(
            family,
            live.number,
            about,
            |primary, row, set| {
                set.reset(primary);
                functions.entries(row, set);
            },
        );
        match added {
            Ok(()) => Ok(live.handle()),
            Err(NotAdded::Duplicate { key, first, second }) => Err(Error::Duplicate {
                table: T::NAME,
                index: name.to_owned(),
                key: live.format_entry::<T>(&key),
                existing: first.format_key(0),
                refused: second.format_key(0),
            }),
            Err(NotAdded::KeyTooLong { len, row }) => Err(Error::KeyTooLong {
                table: T::NAME,
                index: name.to_owned(),
                key: row.format_key(0),
                len,
            }),
            Err(NotAdded::Full) => Err(Error::TableFull { table: T::NAME }),
        }
    }

    /// Drops an index that was [added](Self::add_index) at run time. As a change like others: snapshots that have it keep it.
    ///
    /// When it is committed, the index's watches close, as they do when the database is closed, and its followers end. O(nodes of the index); its memory is
    /// freed as that of rows is, when no snapshot shows it.
    ///
    /// # Errors
    /// [`Error::UnknownIndex`] if it is not there, because it was dropped or is of another database; [`Error::DeclaredIndex`] for one that the struct
    /// declares; [`Error::UnknownTable`].
    pub fn drop_index<T: Table, K>(&mut self, index: Index<T, K>) -> Result<(), Error> {
        let family = self.core().catalog.family::<T>()?;
        let declared = self.core().catalog.entry(family).definition.indexes.len();
        if index.number() < declared {
            return Err(Error::DeclaredIndex {
                table: T::NAME,
                index: index.name().to_owned(),
            });
        }
        if self.draft_mut().drop_tree(family, index.number()) {
            return Ok(());
        }
        Err(no_index::<T>(index.name()))
    }
}
