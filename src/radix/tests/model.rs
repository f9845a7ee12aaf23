//! Random transactions with aborts, savepoints and discarded commits, against `BTreeMap`s; snapshots that are held and dropped in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::family::{
    Model, begin, commit, compare, compare_diff, compare_draft, layout, put, remove,
};
use super::keys::{key, range};
use crate::key::KeyRange;
use crate::radix::{Draft, Savepoint, Version, Writer};
use crate::revision::Revision;

#[derive(Debug, Clone)]
pub(super) enum Op {
    Put(Vec<u8>, u32, Vec<Vec<u8>>, Vec<u8>),
    Remove(Index, usize),
    Savepoint,
    Rollback(Index),
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (key(), any::<u32>(), vec(key(), 0..3), key()).prop_map(|(a, b, c, d)| Op::Put(a, b, c, d)),
        3 => any::<Index>().prop_map(|at| Op::Remove(at, 1)),
        1 => (any::<Index>(), 1usize..40).prop_map(|(at, rows)| Op::Remove(at, rows)),
        1 => Just(Op::Savepoint),
        1 => any::<Index>().prop_map(Op::Rollback),
    ]
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Abort,
    /// The disk refuses.
    Discard,
}

#[derive(Debug, Clone)]
struct Step {
    ops: Vec<Op>,
    end: End,
    hold: bool,
    release: Option<Index>,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![7 => Just(End::Commit), 2 => Just(End::Abort), 1 => Just(End::Discard)];
    (
        vec(op(), 0..30),
        end,
        any::<bool>(),
        proptest::option::of(any::<Index>()),
    )
        .prop_map(|(ops, end, hold, release)| Step {
            ops,
            end,
            hold,
            release,
        })
}

/// Does the operations of one transaction, and checks the draft after each.
pub(super) fn apply(draft: &mut Draft, model: &mut Model, ops: &[Op], alive: &Arc<AtomicUsize>) {
    let mut marks: Vec<(Savepoint, Model)> = Vec::new();
    for op in ops {
        match op {
            Op::Put(key, number, many, unique) => {
                put(draft, model, alive, (key, *number), (many, unique));
            }
            Op::Remove(..) if model.is_empty() => {}
            Op::Remove(at, rows) => {
                let from = at.index(model.len());
                let keys: Vec<_> = model.keys().skip(from).take(*rows).cloned().collect();
                for key in &keys {
                    remove(draft, model, key);
                }
            }
            Op::Savepoint => marks.push((draft.savepoint(), model.clone())),
            Op::Rollback(at) if !marks.is_empty() => {
                let at = at.index(marks.len());
                let later: Vec<_> = marks.drain(at + 1..).collect();
                assert!(draft.rollback(&marks[at].0));
                // What came after is gone with its savepoints.
                assert!(later.iter().all(|(mark, _)| !draft.rollback(mark)));
                model.clone_from(&marks[at].1);
            }
            Op::Rollback(_) => {}
        }
        compare_draft(draft, model);
    }
}

/// One history with its model, and what is held of it.
struct History {
    alive: Arc<AtomicUsize>,
    writer: Writer,
    version: Version,
    model: Model,
    held: Vec<(Version, Model)>,
}

impl History {
    fn step(&mut self, step: &Step, ranges: &[KeyRange]) {
        let mut next = self.model.clone();
        let mut draft = begin(&mut self.writer, &self.version);
        apply(&mut draft, &mut next, &step.ops, &self.alive);
        match step.end {
            End::Commit => {
                let version = commit(&mut self.writer, draft);
                compare_diff((&self.version, &self.model), (&version, &next), ranges);
                (self.version, self.model) = (version, next);
            }
            End::Abort => drop(draft.abort(&mut self.writer)),
            End::Discard => {
                let (staged, old) = draft.stage(&mut self.writer);
                drop((old, self.writer.discard(staged)));
            }
        }
        compare(&self.version, &self.model, ranges);
        if step.hold {
            self.held.push((self.version.clone(), self.model.clone()));
        }
        if let Some(at) = &step.release
            && !self.held.is_empty()
        {
            let (old, seen) = self.held.swap_remove(at.index(self.held.len()));
            compare(&old, &seen, &[]);
            compare_diff((&old, &seen), (&self.version, &self.model), ranges);
            compare_diff((&self.version, &self.model), (&old, &seen), &[]);
        }
    }
}

/// A fork writes on its own, sees nothing of the original, and outlives its writer.
fn fork(version: Version, model: &Model, writer: Writer, alive: &Arc<AtomicUsize>) {
    let (mut fork_writer, fork) = Writer::fork(&version, Clone::clone);
    let mut forked = model.clone();
    let mut draft = begin(&mut fork_writer, &fork);
    drop(fork);
    let keys: Vec<_> = forked.keys().take(5).cloned().collect();
    for key in &keys {
        remove(&mut draft, &mut forked, key);
    }
    for number in 0..20u8 {
        put(
            &mut draft,
            &mut forked,
            alive,
            (&[b'f', number], 7),
            (&[vec![number]], &[b'f', b'u', number]),
        );
    }
    let fork = commit(&mut fork_writer, draft);
    compare(&fork, &forked, &[]);
    compare(&version, model, &[]);
    drop((version, writer));
    compare(&fork, &forked, &[]);
    drop((fork_writer, fork));
}

proptest! {
    #[test]
    fn trees_behave_as_their_model(steps in vec(step(), 1..14), ranges in vec(range(), 4)) {
        let (writer, version) = Writer::new(layout(), Revision::ZERO);
        let mut history = History {
            alive: Arc::default(),
            writer,
            version,
            model: Model::new(),
            held: Vec::new(),
        };
        for step in &steps {
            history.step(step, &ranges);
        }
        let History { alive, mut writer, version, model, held } = history;
        for (old, seen) in &held {
            compare(old, seen, &[]);
        }
        // With one version left, exactly its rows are alive.
        drop(held);
        drop(writer.reclaim());
        prop_assert_eq!(alive.load(Ordering::Relaxed), model.len());
        fork(version, &model, writer, &alive);
        prop_assert_eq!(alive.load(Ordering::Relaxed), 0);
    }
}
