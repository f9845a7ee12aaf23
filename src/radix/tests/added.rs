//! Trees that are added and dropped at random, in transactions that end in every way, with savepoints, held versions and forks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::family::{Set, Value, begin, commit};
use super::keys::key;
use crate::radix::added::{AddedTrees, NotAdded};
use crate::radix::census::Census;
use crate::radix::check::check;
use crate::radix::node::Node;
use crate::radix::row::{Handle, Row};
use crate::radix::version::Tree;
use crate::radix::{Draft, Keys, Layout, Refused, Savepoint, Version, Writer};
use crate::revision::Revision;

type Bytes = Vec<u8>;

/// The first family has a unique tree behind its first, the second has none.
const FAMILIES: usize = 2;

#[derive(Debug, Clone)]
enum Op {
    Put(usize, Bytes, u32, Vec<Bytes>),
    Remove(usize, Index, usize),
    Add(usize, Kind),
    Drop(Index),
    Savepoint,
    Rollback(Index),
}

/// What an added tree is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Several,
    Sparse,
    Unique,
}

#[derive(Debug, Clone)]
struct Step {
    ops: Vec<Op>,
    /// Committed, aborted, discarded.
    end: u8,
    hold: bool,
    release: Option<Index>,
}

fn step() -> impl Strategy<Value = Step> {
    let family = 0..FAMILIES;
    let kind = prop_oneof![
        Just(Kind::One),
        Just(Kind::Several),
        Just(Kind::Sparse),
        Just(Kind::Unique),
    ];
    let op = prop_oneof![
        8 => (family.clone(), key(), any::<u32>(), vec(key(), 0..3))
            .prop_map(|(family, key, number, several)| Op::Put(family, key, number, several)),
        3 => (family.clone(), any::<Index>(), 1usize..8)
            .prop_map(|(family, at, rows)| Op::Remove(family, at, rows)),
        2 => (family, kind).prop_map(|(family, kind)| Op::Add(family, kind)),
        1 => any::<Index>().prop_map(Op::Drop),
        1 => Just(Op::Savepoint),
        1 => any::<Index>().prop_map(Op::Rollback),
    ];
    let release = proptest::option::of(any::<Index>());
    (vec(op, 0..24), 0u8..10, any::<bool>(), release).prop_map(|(ops, end, hold, release)| Step {
        ops,
        end,
        hold,
        release,
    })
}

#[derive(Debug, Clone, Default)]
struct Model {
    rows: [BTreeMap<Bytes, (u32, Vec<Bytes>)>; FAMILIES],
    trees: Vec<(usize, usize, Kind)>,
}

/// The keys of a row in a tree of this kind.
fn keys(kind: Kind, primary: &[u8], number: u32, several: &[Bytes]) -> Vec<Bytes> {
    let number_key = || [&number.to_be_bytes()[..], primary].concat();
    let keys: BTreeSet<Bytes> = match kind {
        Kind::One => [number_key()].into(),
        Kind::Several => several
            .iter()
            .map(|key| [&[key.len() as u8], &key[..], primary].concat())
            .collect(),
        Kind::Sparse => number
            .is_multiple_of(2)
            .then(number_key)
            .into_iter()
            .collect(),
        // Now and then two rows have the same.
        Kind::Unique => [(number % 512).to_be_bytes().to_vec()].into(),
    };
    keys.into_iter().collect()
}

/// Keys that are gathered in a set, as a table does.
#[derive(Default)]
struct Gathered(Vec<Bytes>);

impl Keys for Gathered {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, index: usize) -> &[u8] {
        &self.0[index]
    }
}

impl Model {
    /// The keys of a row in all trees behind the first.
    fn keys(
        &self,
        family: usize,
        primary: &[u8],
        number: u32,
        several: &[Bytes],
    ) -> Vec<Vec<Bytes>> {
        let declared = (family == 0).then(|| vec![[b"u", primary].concat()]);
        let added = self.trees.iter().filter(|(of, ..)| *of == family);
        let added = added.map(|(.., kind)| keys(*kind, primary, number, several));
        declared.into_iter().chain(added).collect()
    }

    /// What an added tree holds, and its tally.
    fn tree(&self, family: usize, kind: Kind) -> [BTreeMap<Bytes, u32>; 2] {
        let mut both = [BTreeMap::new(), BTreeMap::new()];
        for (primary, (number, several)) in &self.rows[family] {
            let keys = keys(kind, primary, *number, several);
            if keys.len() != 1 {
                let count = (keys.len() as u32).to_be_bytes();
                both[1].insert([&primary[..], &count].concat(), *number);
            }
            both[0].extend(keys.into_iter().map(|key| (key, *number)));
        }
        both
    }
}

/// What is counted: rows, and what is known of added trees.
#[derive(Default, Clone)]
struct Alive {
    rows: Arc<AtomicUsize>,
    trees: Arc<AtomicUsize>,
}

struct Known(Arc<AtomicUsize>);

impl Drop for Known {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Alive {
    fn known(&self) -> Arc<Known> {
        self.trees.fetch_add(1, Ordering::Relaxed);
        Arc::new(Known(Arc::clone(&self.trees)))
    }
}

fn number(row: Option<&Row<Value>>) -> Option<u32> {
    row.map(|row| row.number)
}

fn sets(keys: &[Vec<Bytes>]) -> Vec<Set<'_>> {
    keys.iter().map(|keys| Set(keys)).collect()
}

fn put(draft: &mut Draft, model: &mut Model, alive: &Alive, op: (usize, &Bytes, u32, &[Bytes])) {
    let (family, key, number, several) = op;
    let previous = draft.look::<Value>(family, key);
    let old = model.rows[family].get(key).cloned();
    let old = old.map_or_else(Vec::new, |(number, several)| {
        model.keys(family, key, number, &several)
    });
    let new = model.keys(family, key, number, several);
    // A function that gives other keys now than before is refused, whichever tree it is of and however it errs.
    if let Some(previous) = &previous {
        for place in 0..old.len() {
            for wrong in wrong(&old[place]) {
                let mut lie = old.clone();
                lie[place] = wrong;
                let value = Value::new(number, Default::default(), &alive.rows);
                let put = draft.put(
                    family,
                    key,
                    value,
                    None,
                    Some(previous),
                    &sets(&lie),
                    &sets(&new),
                );
                assert!(put.is_err(), "{lie:?} for {old:?}");
            }
        }
    }
    let taken = model.trees.iter().filter(|(of, ..)| *of == family);
    let taken = taken.map(|(.., kind)| *kind).position(|kind| {
        kind == Kind::Unique
            && model.rows[family]
                .iter()
                .any(|(other, row)| other != key && row.0 % 512 == number % 512)
    });
    let value = Value::new(number, Default::default(), &alive.rows);
    let put = draft.put(
        family,
        key,
        value,
        None,
        previous.as_ref(),
        &sets(&old),
        &sets(&new),
    );
    if let Some(taken) = taken {
        let tree = taken + 1 + usize::from(family == 0);
        assert_eq!(put.unwrap_err().0, Refused::Occupied { tree });
        return;
    }
    put.unwrap();
    model.rows[family].insert(key.clone(), (number, several.to_vec()));
}

/// Other keys than these: fewer, more, as many.
fn wrong(keys: &[Bytes]) -> Vec<Vec<Bytes>> {
    let mut more = keys.to_vec();
    more.push(vec![0xFF; 50]);
    let mut all = vec![more];
    if let Some((last, fewer)) = keys.split_last() {
        all.push(fewer.to_vec());
        all.push([fewer, &[[last, &[1][..]].concat()]].concat());
    }
    if keys.len() > 1 {
        all.push(keys[..1].to_vec());
        all.push(Vec::new());
    }
    all
}

fn remove(draft: &mut Draft, model: &mut Model, family: usize, key: &Bytes) {
    let (_, (number, several)) = model.rows[family].get_key_value(key).unwrap();
    let keys = model.keys(family, key, *number, several);
    let row = draft.look::<Value>(family, key).unwrap();
    for place in 0..keys.len() {
        for wrong in wrong(&keys[place]) {
            let mut lie = keys.clone();
            lie[place] = wrong;
            assert!(draft.remove(family, key, &row, &sets(&lie)).is_err());
        }
        // Nor is one forgotten.
        if !model.trees.is_empty() && keys[place..].iter().any(|keys| !keys.is_empty()) {
            let removed = draft.remove(family, key, &row, &sets(&keys[..place]));
            assert!(removed.is_err());
        }
    }
    draft.remove(family, key, &row, &sets(&keys)).unwrap();
    model.rows[family].remove(key);
}

fn add(draft: &mut Draft, model: &mut Model, alive: &Alive, family: usize, kind: Kind, new: usize) {
    let rows = model.rows[family].clone();
    let added = draft.add_tree::<Value, Gathered>(family, new, alive.known(), |key, row, set| {
        let (number, several) = &rows[key];
        assert_eq!(row.number, *number);
        set.0 = keys(kind, key, *number, several);
    });
    let entries: Vec<Bytes> = rows
        .iter()
        .flat_map(|(key, (number, several))| keys(kind, key, *number, several))
        .collect();
    let distinct: BTreeSet<&Bytes> = entries.iter().collect();
    if distinct.len() < entries.len() {
        let Err(NotAdded::Duplicate { key, first, second }) = added else {
            panic!("two rows have one key: {added:?}");
        };
        assert!(!first.same(&second) && first.number % 512 == second.number % 512);
        let twice = entries.iter().filter(|entry| ***entry == *key).count();
        assert_eq!(twice, 2, "{key:?}");
        return;
    }
    added.unwrap();
    model.trees.push((family, new, kind));
}

fn run(draft: &mut Draft, model: &mut Model, alive: &Alive, ops: &[Op], next: &mut usize) {
    let mut marks: Vec<(Savepoint, Model)> = Vec::new();
    for op in ops {
        match op {
            Op::Put(family, key, number, several) => {
                put(draft, model, alive, (*family, key, *number, several));
            }
            Op::Remove(family, at, rows) if !model.rows[*family].is_empty() => {
                let from = at.index(model.rows[*family].len());
                let keys = model.rows[*family].keys().skip(from).take(*rows);
                for key in keys.cloned().collect::<Vec<_>>() {
                    remove(draft, model, *family, &key);
                }
            }
            Op::Add(family, kind) => {
                *next += 1;
                add(draft, model, alive, *family, *kind, *next);
            }
            Op::Drop(at) if !model.trees.is_empty() => {
                let (family, number, _) = model.trees.remove(at.index(model.trees.len()));
                assert!(!draft.drop_tree(1 - family, number));
                assert!(draft.drop_tree(family, number));
                assert!(!draft.drop_tree(family, number));
            }
            Op::Savepoint => marks.push((draft.savepoint(), model.clone())),
            Op::Rollback(at) if !marks.is_empty() => {
                let at = at.index(marks.len());
                marks.truncate(at + 1);
                assert!(draft.rollback(&marks[at].0));
                model.clone_from(&marks[at].1);
            }
            Op::Remove(..) | Op::Drop(_) | Op::Rollback(_) => {}
        }
        let tree = |family, tree| draft.find(family, tree);
        compare(
            (&draft.roots, draft.added(), draft.editor.stamp),
            model,
            tree,
        );
    }
}

/// A state and its model agree, and the trees are sound. Gives the number of nodes.
fn compare<'v>(
    (roots, added, stamp): (&[Option<Node>], &AddedTrees, u64),
    model: &Model,
    tree: impl Fn(usize, usize) -> Option<Tree<'v, Value>>,
) -> usize {
    let mut nodes = 0;
    let mut walk = |slot: usize| {
        let mut found = BTreeMap::new();
        // SAFETY: the owner of the roots is borrowed for as long as this runs.
        let root = roots[slot].map(|root: Node| unsafe { root.get() });
        let census: Census = check(root, stamp, |key, row: Handle| {
            // SAFETY: as above; all rows are of this type.
            let row = unsafe { Row::<Value>::from_slot(&row) }.clone();
            found.insert(key.to_vec(), row.number);
        })
        .unwrap();
        nodes += census.buckets + census.inner;
        found
    };
    for slot in [0, 1, 2] {
        let family = slot / 2;
        let found = walk(slot);
        assert_eq!(found.len(), model.rows[family].len());
    }
    assert_eq!(roots.len(), 3 + 2 * model.trees.len());
    let numbers: Vec<_> = added
        .iter()
        .map(|added| (added.family, added.number))
        .collect();
    let expected: Vec<_> = model.trees.iter().map(|tree| (tree.0, tree.1)).collect();
    assert_eq!(numbers, expected);
    for (place, (family, number_of, kind)) in model.trees.iter().enumerate() {
        let [entries, tally] = model.tree(*family, *kind);
        assert_eq!(walk(3 + 2 * place), entries, "{kind:?}");
        assert_eq!(walk(4 + 2 * place), tally, "the tally of {kind:?}");
        let tree = tree(*family, *number_of).unwrap();
        for (key, expected) in &entries {
            assert_eq!(number(tree.get(key)), Some(*expected));
        }
    }
    assert!(tree(0, usize::MAX).is_none());
    nodes
}

fn compare_version(version: &Version, model: &Model) -> usize {
    let tree = |family, tree| version.find(family, tree);
    let state = &version.0;
    compare((&state.roots, &state.added, state.stamp), model, tree)
}

struct History {
    alive: Alive,
    writer: Writer,
    version: Version,
    model: Model,
    held: Vec<(Version, Model)>,
    next: usize,
}

impl History {
    fn step(&mut self, step: &Step) {
        let mut next = self.model.clone();
        let mut draft = begin(&mut self.writer, &self.version);
        run(
            &mut draft,
            &mut next,
            &self.alive,
            &step.ops,
            &mut self.next,
        );
        match step.end {
            0 | 1 => drop(draft.abort(&mut self.writer)),
            2 => {
                let (staged, old) = draft.stage(&mut self.writer);
                drop((old, self.writer.discard(staged)));
            }
            _ => {
                self.version = commit(&mut self.writer, draft);
                self.model = next;
            }
        }
        compare_version(&self.version, &self.model);
        if step.hold {
            self.held.push((self.version.clone(), self.model.clone()));
        }
        if let Some(at) = &step.release
            && !self.held.is_empty()
        {
            let (old, seen) = self.held.swap_remove(at.index(self.held.len()));
            compare_version(&old, &seen);
        }
    }

    /// With one version left, exactly what it shows is alive; in a fork, what its base shows too.
    fn settle(&mut self, fork: bool) {
        for (old, seen) in self.held.drain(..) {
            compare_version(&old, &seen);
        }
        drop(self.writer.reclaim());
        let rows: usize = self.model.rows.iter().map(BTreeMap::len).sum();
        let nodes = compare_version(&self.version, &self.model);
        if !fork {
            assert_eq!(self.writer.nodes(), nodes);
            assert_eq!(self.alive.rows.load(Ordering::Relaxed), rows);
        }
        let trees = self.alive.trees.load(Ordering::Relaxed);
        assert_eq!(trees, self.model.trees.len());
    }
}

fn layout() -> Layout {
    let mut layout = Layout::default();
    assert_eq!((layout.add::<Value>(2), layout.add::<Value>(1)), (0, 1));
    layout
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(128), ..ProptestConfig::default() })]

    /// Every version and draft has the trees of the model with exactly the entries of its rows; a row whose keys are others than those with which it came in is
    /// refused; and when versions go, so does the memory of what they alone had, and of dropped trees. A fork has the trees of its base, and goes its own way.
    #[test]
    fn added_trees_behave_as_their_model(
        steps in vec(step(), 1..10),
        forked in vec(step(), 1..5),
        fork_at in any::<Index>(),
    ) {
        let (writer, version) = Writer::new(layout(), Revision::ZERO);
        let mut history = History {
            alive: Alive::default(),
            writer,
            version,
            model: Model::default(),
            held: Vec::new(),
            next: 10,
        };
        let (before, behind) = steps.split_at(fork_at.index(steps.len() + 1));
        for step in before {
            history.step(step);
        }
        let alive = Alive::default();
        let (writer, version) = Writer::fork(&history.version, |_| alive.known());
        let mut fork = History {
            alive: Alive { rows: Arc::clone(&history.alive.rows), ..alive },
            writer,
            version,
            model: history.model.clone(),
            held: vec![(history.version.clone(), history.model.clone())],
            next: 1000,
        };
        for (place, step) in behind.iter().enumerate() {
            history.step(step);
            if let Some(step) = forked.get(place) {
                fork.step(step);
            }
        }
        fork.settle(true);
        let alive = fork.alive.clone();
        drop(fork);
        assert_eq!(alive.trees.load(Ordering::Relaxed), 0);
        history.settle(false);
        let alive = history.alive.clone();
        drop(history);
        assert_eq!((alive.rows.load(Ordering::Relaxed), alive.trees.load(Ordering::Relaxed)), (0, 0));
    }
}
