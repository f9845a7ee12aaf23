//! The model: rows in a map, and every query answered by going through all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::Config;
use sapwood::key::KeyOf;
use sapwood::table::{ExtendsLast, Grouping};
use sapwood::{
    Builder, Database, Index, Key, Only, Query, Revision, Row, Snapshot, Table, WriteTxn,
};

use super::added::{self, Added};
use super::ask::{Ask, Pick};
use super::item::{Item, Task};
use super::lease::Lease;
use super::modelled::{Modelled, Part, Parts, number};
use super::rules;

/// A row, and the commits that made it and last wrote it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored<T> {
    pub(crate) row: T,
    pub(crate) created: Revision,
    pub(crate) modified: Revision,
}

impl<T: Clone> Stored<T> {
    pub(crate) fn of(row: &Row<T>) -> Self {
        Self {
            row: T::clone(row),
            created: row.created(),
            modified: row.modified(),
        }
    }
}

/// The rows of a table by their primary keys.
pub(crate) type Rows<T> = BTreeMap<<T as Table>::Key, Stored<T>>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) items: Rows<Item>,
    pub(crate) tasks: Rows<Task>,
    pub(crate) leases: Rows<Lease>,
    /// The indexes of the items that were added at run time.
    pub(crate) added: Vec<Added>,
    /// The commits that last wrote to the tables, by their names.
    pub(crate) written: BTreeMap<&'static str, Revision>,
    pub(crate) revision: Revision,
}

/// Why a row must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal<K> {
    Duplicate { index: usize, existing: K },
    TooLong,
}

impl Model {
    /// The rows of a query, in the order of its index: each at its first entry.
    pub(crate) fn find<T: Modelled>(&self, ask: &Ask<T>) -> Vec<&Stored<T>> {
        let mut found = self.entries(ask.index, |entry| ask.finds(entry));
        let mut seen = BTreeSet::new();
        found.retain(|(_, key, _)| seen.insert(*key));
        found.into_iter().map(|(.., stored)| stored).collect()
    }

    /// The entries of an index with these keys, in its order.
    pub(crate) fn entries<T: Modelled>(
        &self,
        index: usize,
        finds: impl Fn(&[Part]) -> bool,
    ) -> Vec<(Parts, &T::Key, &Stored<T>)> {
        let mut found = Vec::new();
        for (key, stored) in T::rows(self) {
            for entry in stored.row.entries(index) {
                if finds(&entry) {
                    found.push((entry, key, stored));
                }
            }
        }
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        found
    }

    /// What was written with the model's revision gets another one, and so does the model.
    pub(crate) fn renumber(&mut self, to: Revision) {
        let from = std::mem::replace(&mut self.revision, to);
        renumber(&mut self.items, from, to);
        renumber(&mut self.tasks, from, to);
        renumber(&mut self.leases, from, to);
        let written = self.written.values_mut();
        written
            .filter(|revision| **revision == from)
            .for_each(|revision| *revision = to);
    }

    /// Of what came and went in the transaction that led here from `before`, a commit has no trace.
    pub(crate) fn forget_traces(&mut self, before: &Self) {
        if self.items == before.items {
            self.written_as_in::<Item>(before);
        }
        if self.tasks == before.tasks {
            self.written_as_in::<Task>(before);
        }
        if self.leases == before.leases {
            self.written_as_in::<Lease>(before);
        }
    }

    fn written_as_in<T: Table>(&mut self, before: &Self) {
        match before.written.get(T::NAME) {
            Some(revision) => self.written.insert(T::NAME, *revision),
            None => self.written.remove(T::NAME),
        };
    }

    /// In a database that was opened anew, its newest commit stands for what last wrote each table, and no index is there that was added.
    pub(crate) fn reopen(&mut self) {
        self.added.clear();
        for table in [Item::NAME, Task::NAME, Lease::NAME] {
            self.written.insert(table, self.revision);
        }
    }

    /// The rows of a query by their primary keys, each once.
    pub(crate) fn rows<T: Modelled>(&self, ask: &Ask<T>) -> Rows<T> {
        let found = self.find(ask).into_iter();
        found
            .map(|stored| (stored.row.key(), stored.clone()))
            .collect()
    }

    /// All reasons for which `row` cannot be stored in the place of the row with its key, if there is one.
    pub(crate) fn refusals<T: Modelled>(&self, row: &T) -> Vec<Refusal<T::Key>> {
        let mut refusals = Vec::new();
        if row.is_too_long() {
            refusals.push(Refusal::TooLong);
        }
        let added = T::added(self).iter().map(Added::index);
        let indexes = (1..T::KINDS.len()).chain(added);
        for index in indexes.filter(|index| T::kind(*index).unique) {
            for key in row.entries(index) {
                if key.contains(&Part::None) {
                    continue;
                }
                let others = T::rows(self).iter().filter(|(other, stored)| {
                    **other != row.key() && stored.row.entries(index).contains(&key)
                });
                refusals.extend(others.map(|(existing, _)| Refusal::Duplicate {
                    index,
                    existing: existing.clone(),
                }));
            }
        }
        refusals
    }

    /// Every read verb gives what the model finds.
    pub(crate) fn check<T: Modelled>(&self, reads: &impl Reads, ask: &Ask<T>) {
        let expected = self.find(ask);
        let found = reads.list(&ask.query);
        let plain = |rows: &[&Row<T>]| rows.iter().map(|row| Stored::of(row)).collect::<Vec<_>>();
        let expected: Vec<Stored<T>> = expected.into_iter().cloned().collect();
        assert_eq!(plain(&found), expected, "{ask:?}");
        let mut backwards = reads.list_back(&ask.query);
        backwards.reverse();
        assert_eq!(plain(&backwards), expected, "backwards: {ask:?}");
        let both = reads.list_both_ways(&ask.query);
        assert_eq!(plain(&both), expected, "both ways: {ask:?}");
        let pages = reads.pages(&ask.query);
        assert_eq!(plain(&pages), expected, "page by page: {ask:?}");
        assert_eq!(reads.count(&ask.query), expected.len(), "{ask:?}");
        assert_eq!(reads.contains(&ask.query), !expected.is_empty(), "{ask:?}");
        let [first, last] = reads.ends(&ask.query).map(|row| row.map(Stored::of));
        assert_eq!(first.as_ref(), expected.first(), "{ask:?}");
        assert_eq!(last.as_ref(), expected.last(), "{ask:?}");
        match (reads.only(&ask.query), expected.as_slice()) {
            (Only::None, []) | (Only::Many, [_, _, ..]) => {}
            (Only::One(row), [expected]) => assert_eq!(Stored::of(row), *expected),
            (only, _) => panic!("{only:?} for {ask:?}, expected {expected:?}"),
        }
    }

    /// The tables are exactly those of the model, in every index.
    pub(crate) fn check_all(&self, reads: &impl Reads) {
        self.check_table::<Item>(reads);
        self.check_table::<Task>(reads);
        self.check_table::<Lease>(reads);
        self.check_groups(reads);
        added::check(self, reads);
        assert_eq!(reads.revision(), self.revision);
    }

    /// What a transaction says that it changed is the difference to what was before.
    pub(crate) fn check_changes(&self, tx: &WriteTxn, before: &Self) {
        self.check_changes_in::<Item>(tx, before);
        self.check_changes_in::<Task>(tx, before);
        self.check_changes_in::<Lease>(tx, before);
    }

    fn check_changes_in<T: Modelled>(&self, tx: &WriteTxn, before: &Self) {
        let plain = |row: Option<&Row<T>>| row.map(Stored::of);
        let changes = tx.changes::<T>();
        let told = changes
            .iter()
            .map(|change| (plain(change.before()), plain(change.after())));
        let (before, after) = (T::rows(before), T::rows(self));
        let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let sides = keys
            .into_iter()
            .map(|key| (before.get(key), after.get(key)));
        let expected = sides
            .filter(|(before, after)| before != after)
            .map(|(before, after)| (before.cloned(), after.cloned()));
        assert!(told.eq(expected), "{changes:?}");
    }

    fn check_table<T: Modelled>(&self, reads: &impl Reads) {
        for index in 0..T::KINDS.len() {
            self.check(reads, &Ask::<T>::all(index));
        }
        for place in 0..T::added(self).len() {
            let all = Pick::all(T::KINDS.len() + place);
            self.check(reads, &T::ask_in(self, all));
        }
        let written = self.written.get(T::NAME).copied();
        assert_eq!(reads.table_revision::<T>(), written.unwrap_or_default());
        for (key, stored) in T::rows(self) {
            assert_eq!(reads.row::<T>(key).map(Stored::of).as_ref(), Some(stored));
        }
    }
}

fn renumber<K, T>(rows: &mut BTreeMap<K, Stored<T>>, from: Revision, to: Revision) {
    let revisions = rows
        .values_mut()
        .flat_map(|stored| [&mut stored.created, &mut stored.modified]);
    for revision in revisions.filter(|revision| **revision == from) {
        *revision = to;
    }
}

/// The groups by the first columns of an index are those of the model, each with its entries.
macro_rules! check_groups {
    ($model:expr, $reads:expr, $table:ty, $index:literal, $grouping:expr, $parts:expr) => {{
        let mut expected: BTreeMap<Parts, usize> = BTreeMap::new();
        let told = $reads.groups($grouping);
        let told: Vec<(Parts, usize)> = told
            .into_iter()
            .map(|(key, count)| ($parts(key), count))
            .collect();
        let columns = told.first().map_or(1, |(parts, _)| parts.len());
        for stored in <$table>::rows($model).values() {
            for entry in stored.row.entries($index) {
                *expected.entry(entry[..columns].to_vec()).or_default() += 1;
            }
        }
        assert!(expected.into_iter().eq(told));
    }};
}

impl Model {
    fn check_groups(&self, reads: &impl Reads) {
        let text = |text: String| vec![Part::Text(text)];
        let optional = |text: Option<String>| vec![Part::from(text.as_deref())];
        check_groups!(self, reads, Item, 1, Item::BY_NODE.group_by_key(), optional);
        check_groups!(self, reads, Item, 4, Item::BY_TAGS.group_by_key(), text);
        check_groups!(
            self,
            reads,
            Item,
            6,
            Item::BY_NODE_SIZE.group_by::<1>(),
            optional
        );
        check_groups!(
            self,
            reads,
            Item,
            6,
            Item::BY_NODE_SIZE.group_by_key(),
            |(node, size): (Option<String>, u32)| vec![Part::from(node.as_deref()), number(size)]
        );
        check_groups!(self, reads, Item, 9, Item::BY_WORD.group_by_key(), text);
        check_groups!(
            self,
            reads,
            Lease,
            7,
            Lease::BY_LABELS.group_by::<1>(),
            text
        );
        check_groups!(
            self,
            reads,
            Lease,
            3,
            Lease::BY_SLOT.group_by::<1>(),
            |slot: i8| vec![number(slot)]
        );
        check_groups!(
            self,
            reads,
            Task,
            1,
            Task::BY_STATE.group_by_key(),
            |state: i8| vec![number(state)]
        );
        check_groups!(
            self,
            reads,
            Item,
            11,
            Item::BY_OWNER_TAG.group_by::<1>(),
            |owner: u8| vec![number(owner)]
        );
    }
}

/// The read verbs, on a snapshot and on a transaction alike.
pub(crate) trait Reads {
    fn row<T: Table>(&self, key: &T::Key) -> Option<&Row<T>>;
    fn list<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>>;
    fn list_back<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>>;
    fn list_both_ways<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>>;
    fn pages<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>>;
    fn count<T: Table>(&self, query: &Query<T>) -> usize;
    fn contains<T: Table>(&self, query: &Query<T>) -> bool;
    fn ends<T: Table>(&self, query: &Query<T>) -> [Option<&Row<T>>; 2];
    fn only<T: Table>(&self, query: &Query<T>) -> Only<&Row<T>>;
    fn groups<T: Table, K, G: Key>(&self, grouping: Grouping<T, K, G>) -> Vec<(G, usize)>;
    fn prefixes<T: Table, K, M>(
        &self,
        index: Index<T, K>,
        of: impl ExtendsLast<K, M> + Clone,
    ) -> Vec<&Row<T>>;
    fn left_join<'a, L: Table, R: Table, K, Q: KeyOf<K>>(
        &'a self,
        rows: Query<L>,
        index: Index<R, K>,
        key: impl Fn(&'a Row<L>) -> Option<Q>,
    ) -> Vec<(&'a Row<L>, Option<&'a Row<R>>)>;
    /// Whether there is an index of this name that was added, with such keys.
    fn has_added<K: Key + 'static>(&self, name: &str) -> bool;
    fn table_revision<T: Table>(&self) -> Revision;
    fn revision(&self) -> Revision;
}

macro_rules! reads {
    ($reader:ty) => {
        impl Reads for $reader {
            fn row<T: Table>(&self, key: &T::Key) -> Option<&Row<T>> {
                self.get::<T>(key)
            }

            fn list<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>> {
                let rows = self.list(query.clone());
                let (least, most) = rows.size_hint();
                let rows: Vec<_> = rows.collect();
                assert!(least <= rows.len() && Some(rows.len()) <= most);
                rows
            }

            fn list_back<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>> {
                self.list(query.clone()).rev().collect()
            }

            /// Two steps from the front and one from the back, in turn, until they meet.
            fn list_both_ways<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>> {
                let mut rows = self.list(query.clone());
                let (mut front, mut back) = (Vec::new(), Vec::new());
                loop {
                    let step = [rows.next(), rows.next()];
                    let step_back = rows.next_back();
                    front.extend(step.into_iter().flatten());
                    back.extend(step_back);
                    if step_back.is_none() {
                        break;
                    }
                }
                assert!(rows.next().is_none() && rows.next_back().is_none());
                front.extend(back.into_iter().rev());
                front
            }

            /// Pages, found by their offset; the last of each row by row, so that what comes after a jump is right too.
            fn pages<T: Table>(&self, query: &Query<T>) -> Vec<&Row<T>> {
                let all = self.list(query.clone());
                let len = all.clone().count();
                let size = len / 5 + 2;
                let page = |number| self.list(query.clone()).skip(number * size).take(size);
                assert!(all.clone().nth(len).is_none() && all.clone().nth_back(len).is_none());
                (0..=len / size).flat_map(page).collect()
            }

            fn count<T: Table>(&self, query: &Query<T>) -> usize {
                self.count(query.clone())
            }

            fn contains<T: Table>(&self, query: &Query<T>) -> bool {
                self.contains(query.clone())
            }

            fn ends<T: Table>(&self, query: &Query<T>) -> [Option<&Row<T>>; 2] {
                [self.first(query.clone()), self.last(query.clone())]
            }

            fn only<T: Table>(&self, query: &Query<T>) -> Only<&Row<T>> {
                self.only(query.clone())
            }

            fn groups<T: Table, K, G: Key>(&self, grouping: Grouping<T, K, G>) -> Vec<(G, usize)> {
                self.groups(grouping).collect()
            }

            fn prefixes<T: Table, K, M>(
                &self,
                index: Index<T, K>,
                of: impl ExtendsLast<K, M> + Clone,
            ) -> Vec<&Row<T>> {
                let rows: Vec<_> = self.prefixes(index, of.clone()).collect();
                let longest = self.longest_prefix(index, of);
                match (longest, rows.first()) {
                    (None, None) => {}
                    (Some(longest), Some(first)) => assert!(longest.same(first)),
                    _ => panic!("the longest is not the first"),
                }
                rows
            }

            fn left_join<'a, L: Table, R: Table, K, Q: KeyOf<K>>(
                &'a self,
                rows: Query<L>,
                index: Index<R, K>,
                key: impl Fn(&'a Row<L>) -> Option<Q>,
            ) -> Vec<(&'a Row<L>, Option<&'a Row<R>>)> {
                let pairs: Vec<_> = self.left_join(rows.clone(), index, &key).collect();
                let inner = pairs
                    .iter()
                    .filter_map(|(row, other)| Some((*row, (*other)?)));
                let same = |(a, b): ((_, _), (_, _))| Row::same(a.0, b.0) && Row::same(a.1, b.1);
                let joined: Vec<_> = self.join(rows, index, &key).collect();
                assert!(joined.len() == inner.clone().count() && inner.zip(joined).all(same));
                pairs
            }

            fn has_added<K: Key + 'static>(&self, name: &str) -> bool {
                self.index::<Item, K>(name).is_some()
            }

            fn table_revision<T: Table>(&self) -> Revision {
                self.table_revision::<T>()
            }

            fn revision(&self) -> Revision {
                self.revision()
            }
        }
    };
}

reads!(Snapshot);
reads!(WriteTxn);

pub(crate) fn builder() -> Builder {
    let builder = Database::builder().table::<Item>().table::<Task>();
    rules::add_to(builder.table::<Lease>())
}

pub(crate) fn in_memory() -> Database {
    builder().in_memory().unwrap()
}

/// This many cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(few: u32) -> Config {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default()
    } else {
        Config::with_cases(few)
    }
}
