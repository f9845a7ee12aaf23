//! A family of three trees against `BTreeMap`s: random transactions with aborts and savepoints, and snapshots that are held and dropped in any order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::keys::key;
use crate::key::{KeyBuf, KeyRange};
use crate::radix::{Draft, Keys, Layout, Loaded, Refused, Row, Savepoint, Tree, Version, Writer};
use crate::revision::Revision;

/// Rows are counted, so that a leak or a second drop shows.
#[derive(Debug)]
struct Value {
    number: u32,
    keys: [Vec<Vec<u8>>; 2],
    alive: Arc<AtomicIsize>,
}

impl Drop for Value {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Set<'a>(&'a [Vec<u8>]);

impl Keys for Set<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn key(&self, index: usize) -> &[u8] {
        &self.0[index]
    }
}

type Spec = (u32, [Vec<Vec<u8>>; 2]);
type Model = BTreeMap<Vec<u8>, Spec>;

#[derive(Debug, Clone)]
enum Op {
    Put(Vec<u8>, u32, Vec<Vec<u8>>, Vec<u8>),
    Remove(Index),
    RemoveMany(Index, usize),
    Savepoint,
    Rollback(Index),
}

#[derive(Debug, Clone)]
struct Step {
    ops: Vec<Op>,
    commit: bool,
    discard: bool,
    hold: bool,
    release: Option<Index>,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (key(), any::<u32>(), vec(key(), 0..3), key()).prop_map(|(a, b, c, d)| Op::Put(a, b, c, d)),
        3 => any::<Index>().prop_map(Op::Remove),
        1 => (any::<Index>(), 1usize..40).prop_map(|(at, n)| Op::RemoveMany(at, n)),
        1 => Just(Op::Savepoint),
        1 => any::<Index>().prop_map(Op::Rollback),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    (
        vec(op(), 0..30),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
        any::<bool>(),
        proptest::option::of(any::<Index>()),
    )
        .prop_map(|(ops, commit, discard, hold, release)| Step {
            ops,
            commit,
            discard,
            hold,
            release,
        })
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        key().prop_map(|key| KeyRange::Prefix(KeyBuf::from_vec(key))),
        (key(), key()).prop_map(|(a, b)| KeyRange::Span {
            start: KeyBuf::from_vec(a),
            end: Some(KeyBuf::from_vec(b))
        }),
        key().prop_map(|a| KeyRange::Span {
            start: KeyBuf::from_vec(a),
            end: None
        }),
    ]
}

/// The keys of tree 1, made distinct by the primary key, and of tree 2, a unique one.
fn entry_keys(primary: &[u8], many: &[Vec<u8>], unique: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let mut many: Vec<Vec<u8>> = many
        .iter()
        .map(|key| [&[key.len() as u8], &key[..], primary].concat())
        .collect();
    many.sort();
    many.dedup();
    [many, vec![unique.to_vec()]]
}

/// What each tree of a model holds.
fn trees(model: &Model) -> [BTreeMap<Vec<u8>, u32>; 3] {
    let mut trees = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
    for (key, (number, keys)) in model {
        trees[0].insert(key.clone(), *number);
        for (tree, keys) in keys.iter().enumerate() {
            for key in keys {
                trees[tree + 1].insert(key.clone(), *number);
            }
        }
    }
    trees
}

fn compare(tree: Tree<'_, Value>, model: &BTreeMap<Vec<u8>, u32>, ranges: &[KeyRange]) {
    for (key, number) in model {
        assert_eq!(
            tree.get(key).map(|row| row.number),
            Some(*number),
            "get {key:?}"
        );
    }
    for range in ranges.iter().chain([&KeyRange::ALL]) {
        assert_eq!(
            tree.get(range.start()).map(|row| row.number),
            model.get(range.start()).copied()
        );
        let expected: Vec<u32> = model
            .iter()
            .filter(|(key, _)| range.contains(key))
            .map(|(_, number)| *number)
            .collect();
        assert_eq!(tree.count(range), expected.len(), "count {range:?}");
        assert_eq!(
            tree.scan(range).map(|row| row.number).collect::<Vec<_>>(),
            expected,
            "scan {range:?}"
        );
        let back: Vec<u32> = tree.scan(range).rev().map(|row| row.number).collect();
        assert_eq!(
            back,
            expected.iter().rev().copied().collect::<Vec<_>>(),
            "scan back {range:?}"
        );
        for skip in [
            0,
            1,
            3,
            expected.len() / 2,
            expected.len(),
            expected.len() + 1,
        ] {
            let rest: Vec<u32> = tree.scan(range).skip(skip).map(|row| row.number).collect();
            assert_eq!(
                rest,
                expected.get(skip..).unwrap_or_default(),
                "skip {skip} {range:?}"
            );
        }
        // From both ends in turn, the two meet without a gap.
        let (mut scan, mut low, mut high) = (tree.scan(range), 0, expected.len());
        while let Some(row) = if (low + high) % 3 == 0 {
            scan.next()
        } else {
            scan.next_back()
        } {
            let at = if (low + high) % 3 == 0 {
                low += 1;
                low - 1
            } else {
                high -= 1;
                high
            };
            assert_eq!(row.number, expected[at]);
        }
        assert_eq!(low, high);
    }
}

fn compare_all(
    read: &dyn Fn(usize) -> Option<Vec<u8>>,
    version: &Version,
    model: &Model,
    ranges: &[KeyRange],
) {
    let _ = read;
    for (number, model) in trees(model).iter().enumerate() {
        let census = version.check(0, number).unwrap();
        assert_eq!(census.rows, model.len());
        compare(version.tree(0, number), model, ranges);
    }
}

/// The differences between two versions are exactly those of their models, in every range.
fn compare_diff(old: (&Version, &Model), new: (&Version, &Model), ranges: &[KeyRange]) {
    let (before, after) = (trees(old.1), trees(new.1));
    for tree in 0..3 {
        for range in ranges.iter().chain([&KeyRange::ALL]) {
            let mut found = Vec::new();
            let _: ControlFlow<()> =
                old.0
                    .tree::<Value>(0, tree)
                    .diff(new.0.tree(0, tree), range, |change| {
                        found.push((
                            change.key.to_vec(),
                            change.old.map(|row| row.number),
                            change.new.map(|row| row.number),
                        ));
                        ControlFlow::Continue(())
                    });
            assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
            // A row that was written anew with the same number is a difference too.
            found.retain(|(_, old, new)| old != new);
            let mut expected = Vec::new();
            let keys: std::collections::BTreeSet<_> =
                before[tree].keys().chain(after[tree].keys()).collect();
            for key in keys {
                let (old, new) = (
                    before[tree].get(key).copied(),
                    after[tree].get(key).copied(),
                );
                if range.contains(key) && old != new {
                    expected.push((key.clone(), old, new));
                }
            }
            assert_eq!(found, expected, "diff of tree {tree} in {range:?}");
        }
    }
}

fn put(
    draft: &mut Draft,
    model: &mut Model,
    alive: &Arc<AtomicIsize>,
    key: &[u8],
    number: u32,
    many: &[Vec<u8>],
    unique: &[u8],
) {
    let keys = entry_keys(key, many, unique);
    let old = model
        .get(key)
        .map(|(_, keys)| keys.clone())
        .unwrap_or_default();
    alive.fetch_add(1, Ordering::Relaxed);
    let value = Value {
        number,
        keys: keys.clone(),
        alive: Arc::clone(alive),
    };
    let taken = model
        .iter()
        .any(|(other, (_, keys))| other != key && keys[1][0] == unique);
    let previous = draft.tree::<Value>(0, 0).get(key).cloned();
    let result = draft.put(
        0,
        key,
        value,
        previous.as_ref(),
        &[Set(&old[0]), Set(&old[1])],
        &[Set(&keys[0]), Set(&keys[1])],
    );
    if taken {
        assert_eq!(result.unwrap_err().0, Refused::Occupied { tree: 2 });
        return;
    }
    result.unwrap();
    assert_eq!(
        previous.as_ref().map(|row| row.number),
        model.get(key).map(|(number, _)| *number)
    );
    if let Some(previous) = previous {
        assert_eq!(
            draft.tree::<Value>(0, 0).get(key).unwrap().created(),
            previous.created()
        );
    }
    model.insert(key.to_vec(), (number, keys));
}

fn remove(draft: &mut Draft, model: &mut Model, key: &[u8]) {
    let row = draft.tree::<Value>(0, 0).get(key).cloned().unwrap();
    let (number, keys) = model[key].clone();
    // With other keys than it was stored with, a row is not removed, and nothing is changed.
    if !keys[0].is_empty() {
        let none: [Set<'_>; 2] = [Set(&[]), Set(&keys[1])];
        assert!(draft.remove::<Value, _>(0, key, &row, &none).is_err());
        let wrong = [
            vec![b"no such key".to_vec(); keys[0].len()],
            keys[1].clone(),
        ];
        assert!(
            draft
                .remove::<Value, _>(0, key, &row, &[Set(&wrong[0]), Set(&wrong[1])])
                .is_err()
        );
    }
    draft
        .remove::<Value, _>(0, key, &row, &[Set(&keys[0]), Set(&keys[1])])
        .unwrap();
    assert!(draft.tree::<Value>(0, 0).get(key).is_none());
    // It is not there a second time.
    assert!(
        draft
            .remove::<Value, _>(0, key, &row, &[Set(&keys[0]), Set(&keys[1])])
            .is_err()
    );
    let removed = row;
    assert_eq!(removed.number, number);
    assert_eq!(removed.keys, keys);
    model.remove(key);
}

fn run(steps: &[Step], ranges: &[KeyRange]) {
    let alive = Arc::new(AtomicIsize::new(0));
    let mut layout = Layout::default();
    layout.add::<Value>(3);
    let (mut writer, mut version) = Writer::new(layout, Revision::ZERO);
    let mut model = Model::new();
    let mut held: Vec<(Version, Model)> = Vec::new();
    for step in steps {
        let mut next = model.clone();
        let mut draft = Draft::new(
            &mut writer,
            version.clone(),
            Revision::new(version.revision().get() + 1),
        );
        let mut marks: Vec<(Savepoint, Model)> = Vec::new();
        for op in &step.ops {
            match op {
                Op::Put(key, number, many, unique) => {
                    put(&mut draft, &mut next, &alive, key, *number, many, unique)
                }
                Op::Remove(_) | Op::RemoveMany(..) if next.is_empty() => {}
                Op::Remove(at) => {
                    let key = next.keys().nth(at.index(next.len())).unwrap().clone();
                    remove(&mut draft, &mut next, &key);
                }
                Op::RemoveMany(at, n) => {
                    let keys: Vec<_> = next
                        .keys()
                        .skip(at.index(next.len()))
                        .take(*n)
                        .cloned()
                        .collect();
                    for key in keys {
                        remove(&mut draft, &mut next, &key);
                    }
                }
                Op::Savepoint => marks.push((draft.savepoint(), next.clone())),
                Op::Rollback(at) if !marks.is_empty() => {
                    let at = at.index(marks.len());
                    let later: Vec<_> = marks.drain(at + 1..).collect();
                    assert!(draft.rollback(&marks[at].0));
                    // What came after is gone with its savepoints.
                    assert!(later.iter().all(|(mark, _)| !draft.rollback(mark)));
                    next = marks[at].1.clone();
                }
                Op::Rollback(_) => {}
            }
            for tree in 0..3 {
                draft.check(tree).unwrap();
            }
        }
        for (number, model) in trees(&next).iter().enumerate() {
            compare(draft.tree(0, number), model, &[]);
        }
        if step.commit {
            let (staged, garbage) = draft.stage(&mut writer);
            drop(garbage);
            if step.discard {
                drop(writer.discard(staged));
            } else {
                let (published, garbage) = writer.publish(staged);
                drop(garbage);
                compare_diff((&version, &model), (&published, &next), ranges);
                (version, model) = (published, next);
            }
        } else {
            drop(draft.abort(&mut writer));
        }
        compare_all(&|_| None, &version, &model, ranges);
        if step.hold {
            held.push((version.clone(), model.clone()));
        }
        if let Some(at) = &step.release
            && !held.is_empty()
        {
            let (old, seen) = held.swap_remove(at.index(held.len()));
            compare_all(&|_| None, &old, &seen, &[]);
            compare_diff((&old, &seen), (&version, &model), ranges);
            compare_diff((&version, &model), (&old, &seen), &[]);
        }
    }
    for (old, seen) in &held {
        compare_all(&|_| None, old, seen, &[]);
    }
    // With one version left, exactly its rows are alive.
    held.clear();
    drop(writer.reclaim());
    assert_eq!(alive.load(Ordering::Relaxed), model.len() as isize);
    // A fork writes on its own.
    let (mut fork_writer, fork) = Writer::fork(&version);
    let mut forked = model.clone();
    let mut draft = Draft::new(
        &mut fork_writer,
        fork.clone(),
        Revision::new(fork.revision().get() + 1),
    );
    drop(fork);
    let keys: Vec<_> = forked.keys().take(5).cloned().collect();
    for key in &keys {
        remove(&mut draft, &mut forked, key);
    }
    for number in 0..20u8 {
        put(
            &mut draft,
            &mut forked,
            &alive,
            &[b'f', number],
            u32::from(number),
            &[vec![number]],
            &[b'f', b'u', number],
        );
    }
    let (staged, garbage) = draft.stage(&mut fork_writer);
    drop(garbage);
    let (fork, garbage) = fork_writer.publish(staged);
    drop(garbage);
    compare_all(&|_| None, &fork, &forked, ranges);
    compare_all(&|_| None, &version, &model, ranges);
    // Versions outlive their writer, in any order.
    drop(version);
    drop(writer);
    compare_all(&|_| None, &fork, &forked, &[]);
    drop(fork_writer);
    drop(fork);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

proptest! {
    #[test]
    fn trees_behave_as_their_model(steps in vec(step(), 1..14), ranges in vec(range(), 4)) {
        run(&steps, &ranges);
    }

    // Built in bulk, trees hold the same, and can be changed like any.
    #[test]
    fn bulk_built_trees_behave_as_their_model(keys in proptest::collection::btree_set(key(), 0..200), more in vec(step(), 0..3), ranges in vec(range(), 3)) {
        let alive = Arc::new(AtomicIsize::new(0));
        let mut layout = Layout::default();
        layout.add::<Value>(3);
        let (mut writer, version) = Writer::new(layout, Revision::ZERO);
        let mut model = Model::new();
        let mut entries: Vec<Vec<(Box<[u8]>, u32)>> = vec![Vec::new(), Vec::new()];
        let mut rows = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let many = [key.iter().rev().copied().collect::<Vec<u8>>(), vec![1, 2]];
            let sets = entry_keys(key, &many, &[key, &b"!"[..]].concat());
            for (tree, set) in sets.iter().enumerate() {
                entries[tree].extend(set.iter().map(|key| (key.clone().into_boxed_slice(), number as u32)));
            }
            alive.fetch_add(1, Ordering::Relaxed);
            rows.push(Loaded {
                key: key.clone().into_boxed_slice(),
                value: Value { number: number as u32, keys: sets.clone(), alive: Arc::clone(&alive) },
                created: Revision::new(1),
                modified: Revision::new(1),
            });
            model.insert(key.clone(), (number as u32, sets));
        }
        let mut draft = Draft::new(&mut writer, version, Revision::new(1));
        draft.load(0, rows, &mut entries).unwrap();
        for step in more {
            for op in step.ops {
                match op {
                    Op::Put(key, number, many, unique) => put(&mut draft, &mut model, &alive, &key, number, &many, &unique),
                    Op::Remove(at) if !model.is_empty() => {
                        let key = model.keys().nth(at.index(model.len())).unwrap().clone();
                        remove(&mut draft, &mut model, &key);
                    }
                    _ => {}
                }
            }
        }
        let (staged, garbage) = draft.stage(&mut writer);
        drop(garbage);
        let (version, garbage) = writer.publish(staged);
        drop(garbage);
        compare_all(&|_| None, &version, &model, &ranges);
        drop(writer);
        let row: Option<Row<Value>> = version.tree::<Value>(0, 0).scan(&KeyRange::ALL).next().cloned();
        drop(version);
        // A clone of a row outlives everything.
        prop_assert_eq!(alive.load(Ordering::Relaxed), isize::from(row.is_some()));
        drop(row);
        prop_assert_eq!(alive.load(Ordering::Relaxed), 0);
    }
}
