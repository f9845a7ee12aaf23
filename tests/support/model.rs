//! The model: rows in a map, and every query answered by going through all of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::Config;
use sapwood::{Database, Only, Query, Revision, Row, Snapshot, WriteTxn};

use super::ask::Ask;
use super::item::{Item, KINDS, Key, Part, Parts, Task, entries};

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

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) items: BTreeMap<Key, Stored<Item>>,
    pub(crate) tasks: BTreeMap<u64, Stored<Task>>,
    pub(crate) revision: Revision,
}

/// Why a row must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Duplicate { index: usize, existing: Key },
    TooLong,
}

impl Model {
    /// The rows of a query, in the order of its index: each at its first entry.
    pub(crate) fn find(&self, ask: &Ask) -> Vec<&Stored<Item>> {
        let mut found: Vec<(Parts, &Key, &Stored<Item>)> = Vec::new();
        for (key, stored) in &self.items {
            for entry in entries(&stored.row, ask.index) {
                if ask.finds(&entry) {
                    found.push((entry, key, stored));
                }
            }
        }
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let mut seen = BTreeSet::new();
        found.retain(|(_, key, _)| seen.insert(*key));
        found.into_iter().map(|(.., stored)| stored).collect()
    }

    /// The rows of a query by their primary keys, each once.
    pub(crate) fn rows(&self, ask: &Ask) -> BTreeMap<Key, Stored<Item>> {
        let found = self.find(ask).into_iter();
        found
            .map(|stored| (stored.row.key(), stored.clone()))
            .collect()
    }

    /// What was written with the model's revision gets another one, and so does the model.
    pub(crate) fn renumber(&mut self, to: Revision) {
        let from = std::mem::replace(&mut self.revision, to);
        let items = self.items.values_mut();
        let tasks = self.tasks.values_mut();
        let revisions = items
            .map(|stored| [&mut stored.created, &mut stored.modified])
            .chain(tasks.map(|stored| [&mut stored.created, &mut stored.modified]));
        for revision in revisions.flatten().filter(|revision| **revision == from) {
            *revision = to;
        }
    }

    /// All reasons for which `item` cannot be stored in the place of the row with its key, if there is one.
    pub(crate) fn refusals(&self, item: &Item) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        if item.name.len() > 32 * 1024 {
            refusals.push(Refusal::TooLong);
        }
        for (index, _) in (1..).zip(&KINDS[1..]).filter(|(_, kind)| kind.unique) {
            for key in entries(item, index) {
                if key.contains(&Part::None) {
                    continue;
                }
                let others = self.items.iter().filter(|(other, stored)| {
                    **other != item.key() && entries(&stored.row, index).contains(&key)
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
    pub(crate) fn check(&self, reads: &impl Reads, ask: &Ask) {
        let expected = self.find(ask);
        let found = reads.list(&ask.query);
        let plain =
            |rows: &[&Row<Item>]| rows.iter().map(|row| Stored::of(row)).collect::<Vec<_>>();
        let expected: Vec<Stored<Item>> = expected.into_iter().cloned().collect();
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

    /// Both tables are exactly those of the model, in every index.
    pub(crate) fn check_all(&self, reads: &impl Reads) {
        for index in 0..KINDS.len() {
            self.check(reads, &Ask::all(index));
        }
        for (key, stored) in &self.items {
            assert_eq!(reads.item(key).map(Stored::of).as_ref(), Some(stored));
        }
        let tasks: Vec<_> = reads.tasks(&Task::ALL);
        assert!(tasks.iter().eq(self.tasks.values()), "{tasks:?}");
        let mut by_state: Vec<_> = self.tasks.values().cloned().collect();
        by_state.sort_by_key(|task| (task.row.state, task.row.id));
        assert_eq!(reads.tasks(&Task::BY_STATE.all()), by_state);
        assert_eq!(reads.revision(), self.revision);
    }
}

/// The read verbs, on a snapshot and on a transaction alike.
pub(crate) trait Reads {
    fn item(&self, key: &Key) -> Option<&Row<Item>>;
    fn list(&self, query: &Query<Item>) -> Vec<&Row<Item>>;
    fn list_back(&self, query: &Query<Item>) -> Vec<&Row<Item>>;
    fn list_both_ways(&self, query: &Query<Item>) -> Vec<&Row<Item>>;
    fn pages(&self, query: &Query<Item>) -> Vec<&Row<Item>>;
    fn count(&self, query: &Query<Item>) -> usize;
    fn contains(&self, query: &Query<Item>) -> bool;
    fn ends(&self, query: &Query<Item>) -> [Option<&Row<Item>>; 2];
    fn only(&self, query: &Query<Item>) -> Only<&Row<Item>>;
    fn tasks(&self, query: &Query<Task>) -> Vec<Stored<Task>>;
    fn revision(&self) -> Revision;
}

macro_rules! reads {
    ($reader:ty) => {
        impl Reads for $reader {
            fn item(&self, key: &Key) -> Option<&Row<Item>> {
                self.get::<Item>(key)
            }

            fn list(&self, query: &Query<Item>) -> Vec<&Row<Item>> {
                let rows = self.list(query.clone());
                let (least, most) = rows.size_hint();
                let rows: Vec<_> = rows.collect();
                assert!(least <= rows.len() && Some(rows.len()) <= most);
                rows
            }

            fn list_back(&self, query: &Query<Item>) -> Vec<&Row<Item>> {
                self.list(query.clone()).rev().collect()
            }

            /// Two steps from the front and one from the back, in turn, until they meet.
            fn list_both_ways(&self, query: &Query<Item>) -> Vec<&Row<Item>> {
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
            fn pages(&self, query: &Query<Item>) -> Vec<&Row<Item>> {
                let all = self.list(query.clone());
                let len = all.clone().count();
                let size = len / 5 + 2;
                let page = |number| self.list(query.clone()).skip(number * size).take(size);
                assert!(all.clone().nth(len).is_none() && all.clone().nth_back(len).is_none());
                (0..=len / size).flat_map(page).collect()
            }

            fn count(&self, query: &Query<Item>) -> usize {
                self.count(query.clone())
            }

            fn contains(&self, query: &Query<Item>) -> bool {
                self.contains(query.clone())
            }

            fn ends(&self, query: &Query<Item>) -> [Option<&Row<Item>>; 2] {
                [self.first(query.clone()), self.last(query.clone())]
            }

            fn only(&self, query: &Query<Item>) -> Only<&Row<Item>> {
                self.only(query.clone())
            }

            fn tasks(&self, query: &Query<Task>) -> Vec<Stored<Task>> {
                self.list(query.clone()).map(Stored::of).collect()
            }

            fn revision(&self) -> Revision {
                self.revision()
            }
        }
    };
}

reads!(Snapshot);
reads!(WriteTxn);

pub(crate) fn in_memory() -> Database {
    let builder = Database::builder().table::<Item>().table::<Task>();
    builder.in_memory().unwrap()
}

/// This many cases, or as many as `PROPTEST_CASES` says.
pub(crate) fn cases(few: u32) -> Config {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default()
    } else {
        Config::with_cases(few)
    }
}
