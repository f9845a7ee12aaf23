//! A family of three trees (by primary key, by several keys, by a unique key) and its model, which are compared in every way.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::key::{KeyBuf, KeyRange};
use crate::radix::{Draft, Keys, Layout, Refused, Tree, Version, Writer};
use crate::revision::Revision;

/// Rows are counted, so that a leak or a second drop shows.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) number: u32,
    pub(super) keys: [Vec<Vec<u8>>; 2],
    alive: Arc<AtomicUsize>,
}

impl Drop for Value {
    fn drop(&mut self) {
        assert_ne!(self.alive.fetch_sub(1, Ordering::Relaxed), 0);
    }
}

impl Value {
    pub(super) fn new(number: u32, keys: [Vec<Vec<u8>>; 2], alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self {
            number,
            keys,
            alive: Arc::clone(alive),
        }
    }
}

pub(super) struct Set<'a>(pub(super) &'a [Vec<u8>]);

impl Keys for Set<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, index: usize) -> &[u8] {
        &self.0[index]
    }
}

/// For each primary key the row's number, and its keys in the other two trees.
pub(super) type Model = BTreeMap<Vec<u8>, (u32, [Vec<Vec<u8>>; 2])>;

pub(super) fn layout() -> Layout {
    let mut layout = Layout::default();
    assert_eq!(layout.add::<Value>(3), 0);
    layout
}

pub(super) fn begin(writer: &mut Writer, base: &Version) -> Draft {
    let revision = Revision::new(base.revision().get() + 1);
    Draft::new(writer, base.clone(), revision)
}

pub(super) fn commit(writer: &mut Writer, draft: Draft) -> Version {
    let (staged, old) = draft.stage(writer);
    let (version, passed) = writer.publish(staged);
    drop((old, passed));
    version
}

/// The keys in the second tree, made distinct by the primary key, and in the third.
pub(super) fn entry_keys(primary: &[u8], many: &[Vec<u8>], unique: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let many = many
        .iter()
        .map(|key| [&[key.len() as u8], &key[..], primary].concat());
    let many: BTreeSet<Vec<u8>> = many.collect();
    [many.into_iter().collect(), vec![unique.to_vec()]]
}

pub(super) fn put(
    draft: &mut Draft,
    model: &mut Model,
    alive: &Arc<AtomicUsize>,
    (key, number): (&[u8], u32),
    (many, unique): (&[Vec<u8>], &[u8]),
) {
    let new = entry_keys(key, many, unique);
    let old = model
        .get(key)
        .map(|(_, keys)| keys.clone())
        .unwrap_or_default();
    let taken = model
        .iter()
        .any(|(other, (_, keys))| other != key && keys[1][0] == unique);
    // Looked up as what is about to be changed, or not: both must do.
    let previous = match number % 3 {
        0 => draft.tree::<Value>(0, 0).get(key).cloned(),
        _ => draft.look::<Value>(0, key),
    };
    if number % 3 == 1 {
        // A look elsewhere in between must not lead astray.
        drop(draft.look::<Value>(0, unique));
    }
    assert_eq!(
        previous.as_ref().map(|row| row.number),
        model.get(key).map(|(number, _)| *number)
    );
    let value = Value::new(number, new.clone(), alive);
    let result = draft.put(
        0,
        key,
        value,
        None,
        previous.as_ref(),
        &old.each_ref().map(|keys| Set(keys)),
        &new.each_ref().map(|keys| Set(keys)),
    );
    if taken {
        assert_eq!(result.unwrap_err().0, Refused::Occupied { tree: 2 });
        return;
    }
    result.unwrap();
    if let Some(previous) = previous {
        assert_eq!(
            draft.tree::<Value>(0, 0).get(key).unwrap().created(),
            previous.created()
        );
    }
    model.insert(key.to_vec(), (number, new));
}

pub(super) fn remove(draft: &mut Draft, model: &mut Model, key: &[u8]) {
    let (number, keys) = model[key].clone();
    let row = draft.look::<Value>(0, key).unwrap();
    assert_eq!((row.number, &row.keys), (number, &keys));
    let sets = keys.each_ref().map(|keys| Set(keys));
    // With other keys than it was stored with, a row is not removed, and nothing is changed.
    if !keys[0].is_empty() {
        assert!(
            draft
                .remove(0, key, &row, &[Set(&[]), Set(&keys[1])])
                .is_err()
        );
        let wrong = vec![b"no such key".to_vec(); keys[0].len()];
        assert!(
            draft
                .remove(0, key, &row, &[Set(&wrong), Set(&keys[1])])
                .is_err()
        );
    }
    draft.remove(0, key, &row, &sets).unwrap();
    assert!(draft.tree::<Value>(0, 0).get(key).is_none());
    // It is not there a second time.
    assert!(draft.remove(0, key, &row, &sets).is_err());
    model.remove(key);
}

/// What each tree of a model holds.
fn trees(model: &Model) -> [BTreeMap<&[u8], u32>; 3] {
    let mut trees = [const { BTreeMap::new() }; 3];
    for (key, (number, keys)) in model {
        trees[0].insert(&key[..], *number);
        for (tree, keys) in keys.iter().enumerate() {
            trees[tree + 1].extend(keys.iter().map(|key| (&key[..], *number)));
        }
    }
    trees
}

/// Reads a tree in every way, and compares with its model.
fn compare_tree(tree: Tree<'_, Value>, model: &BTreeMap<&[u8], u32>, ranges: &[KeyRange]) {
    let number = |key: &[u8]| tree.get(key).map(|row| row.number);
    for (key, expected) in model {
        assert_eq!(number(key), Some(*expected), "get {key:?}");
    }
    for range in ranges.iter().chain([&KeyRange::ALL]) {
        let all = || tree.scan(range).map(|row| row.number);
        assert_eq!(number(range.start()), model.get(range.start()).copied());
        let expected = model.iter().filter(|(key, _)| range.contains(key));
        let mut expected: Vec<u32> = expected.map(|(_, number)| *number).collect();
        assert_eq!(tree.count(range), expected.len(), "count {range:?}");
        assert_eq!(all().collect::<Vec<_>>(), expected, "scan {range:?}");
        for skip in [
            0,
            1,
            3,
            expected.len() / 2,
            expected.len(),
            expected.len() + 1,
        ] {
            let rest: Vec<u32> = all().skip(skip).collect();
            assert_eq!(
                rest,
                expected.get(skip..).unwrap_or_default(),
                "skip {skip} {range:?}"
            );
        }
        let keys: Vec<&[u8]> = (model.keys().copied())
            .filter(|key| range.contains(key))
            .collect();
        compare_keys(tree, &keys, range);
        for skip in [1, expected.len() / 2] {
            let rest: Vec<u32> = all().rev().skip(skip).collect();
            let expected = expected.iter().rev().skip(skip).copied();
            assert!(
                expected.eq(rest.iter().copied()),
                "skip {skip} from the end, {range:?}"
            );
        }
        // From both ends in turn, the two meet without a gap.
        let mut scan = all();
        let mut expected_ends = expected.iter();
        for step in 0..=expected.len() {
            let (found, expected) = match step % 3 {
                0 => (scan.next(), expected_ends.next()),
                _ => (scan.next_back(), expected_ends.next_back()),
            };
            assert_eq!(found.as_ref(), expected);
        }
        expected.reverse();
        assert_eq!(
            all().rev().collect::<Vec<_>>(),
            expected,
            "scan back {range:?}"
        );
    }
}

/// The keys of a range are told at each step, from both ends, and its first and last one are found from outside.
fn compare_keys(tree: Tree<'_, Value>, keys: &[&[u8]], range: &KeyRange) {
    // Some of them: a test goes through many trees.
    let some = 40;
    let mut key = KeyBuf::new();
    let mut scan = tree.scan(range);
    for expected in keys.iter().take(some) {
        assert!(scan.next().is_some());
        scan.front_key(&mut key);
        assert_eq!(key.as_slice(), *expected, "{range:?}");
    }
    let mut scan = tree.scan(range);
    for expected in keys.iter().rev().take(some) {
        assert!(scan.next_back().is_some());
        scan.back_key(&mut key);
        assert_eq!(key.as_slice(), *expected, "{range:?}");
    }
    let mut found = |row: fn(Tree<'_, Value>, &KeyRange, &mut KeyBuf) -> bool| {
        (row(tree, range, &mut key) && range.contains(&key)).then(|| key.to_vec())
    };
    let first = found(|tree, range, key| tree.first_from(range.start(), key).is_some());
    assert_eq!(
        first.as_deref(),
        keys.first().copied(),
        "first of {range:?}"
    );
    let last = found(|tree, range, key| tree.last_below(range.end().as_deref(), key).is_some());
    assert_eq!(last.as_deref(), keys.last().copied(), "last of {range:?}");
}

/// A version and its model agree, and the trees are sound.
pub(super) fn compare(version: &Version, model: &Model, ranges: &[KeyRange]) {
    for (number, model) in trees(model).iter().enumerate() {
        let census = version.check(0, number).unwrap();
        assert_eq!(
            (census.rows, version.entries(0, number)),
            (model.len(), model.len())
        );
        assert_eq!(version.census(0, number), census);
        compare_tree(version.tree(0, number), model, ranges);
    }
}

/// A draft and its model agree, and the trees are sound.
pub(super) fn compare_draft(draft: &Draft, model: &Model) {
    for (number, model) in trees(model).iter().enumerate() {
        assert_eq!(draft.check(number).unwrap().rows, model.len());
        compare_tree(draft.tree(0, number), model, &[]);
    }
}

/// The differences between two versions are exactly those of their models, in every range.
pub(super) fn compare_diff(old: (&Version, &Model), new: (&Version, &Model), ranges: &[KeyRange]) {
    let (before, after) = (trees(old.1), trees(new.1));
    for tree in 0..3 {
        for range in ranges.iter().chain([&KeyRange::ALL]) {
            let mut found = Vec::new();
            let _: ControlFlow<()> =
                old.0
                    .tree::<Value>(0, tree)
                    .diff(new.0.tree(0, tree), range, |change| {
                        let number = |row: Option<&crate::Row<Value>>| row.map(|row| row.number);
                        found.push((change.key.to_vec(), number(change.old), number(change.new)));
                        ControlFlow::Continue(())
                    });
            assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
            // A row that was written anew with the same number is a difference too.
            found.retain(|(_, old, new)| old != new);
            let keys: BTreeSet<_> = before[tree].keys().chain(after[tree].keys()).collect();
            let numbers = |key: &[u8]| {
                (
                    before[tree].get(key).copied(),
                    after[tree].get(key).copied(),
                )
            };
            let changed = keys.into_iter().filter(|key| {
                let (old, new) = numbers(key);
                range.contains(key) && old != new
            });
            let expected: Vec<_> = changed
                .map(|key| (key.to_vec(), numbers(key).0, numbers(key).1))
                .collect();
            assert_eq!(found, expected, "diff of tree {tree} in {range:?}");
        }
    }
}
