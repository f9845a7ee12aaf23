//! Transactions: what they do, and how they end.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample;
use sapwood::{Database, Error, Savepoint, WriteTxn};

use crate::kinds::{KINDS, Kind, Pick, Pod, pick, pod};
use crate::model::{Live, Model};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Put(Pod),
    Remove(u8),
    RemoveAll(sample::Index, Pick),
    Add(Kind),
    Drop(sample::Index),
    /// One that may be gone.
    DropAny(sample::Index),
    Mark,
    RollBack(sample::Index),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Commit,
    Error,
    Panic,
}

#[derive(Clone, Debug)]
pub(crate) struct Txn {
    pub(crate) ops: Vec<Op>,
    pub(crate) end: End,
}

pub(crate) fn txn() -> impl Strategy<Value = Txn> {
    let index = any::<sample::Index>;
    let op = prop_oneof![
        8 => pod().prop_map(Op::Put),
        3 => (0..40u8).prop_map(Op::Remove),
        1 => (index(), pick()).prop_map(|(at, pick)| Op::RemoveAll(at, pick)),
        3 => sample::select(&KINDS[..]).prop_map(Op::Add),
        1 => index().prop_map(Op::Drop),
        1 => index().prop_map(Op::DropAny),
        1 => Just(Op::Mark),
        1 => index().prop_map(Op::RollBack),
    ];
    let end = prop_oneof![6 => Just(End::Commit), 1 => Just(End::Error), 1 => Just(End::Panic)];
    (vec(op, 0..8), end).prop_map(|(ops, end)| Txn { ops, end })
}

/// The handles that were ever given out, so that their numbers tell them apart.
pub(crate) type Given = Vec<Live>;

impl Op {
    /// Says whether it changed a row.
    pub(crate) fn run(&self, tx: &mut WriteTxn, model: &mut Model, given: &mut Given) -> bool {
        match self {
            Self::Put(pod) => {
                let result = tx.put(pod.clone());
                if model.conflicts(pod) {
                    assert!(matches!(result, Err(Error::Duplicate { .. })), "{result:?}");
                    return false;
                }
                let previous = model.rows.insert(pod.id, (pod.clone(), tx.revision()));
                let previous = previous.map(|(pod, _)| pod);
                assert_eq!(result.unwrap().map(|row| Pod::clone(&row)), previous);
                return true;
            }
            Self::Remove(id) => {
                let removed = model.rows.remove(id).is_some();
                assert_eq!(tx.remove::<Pod>(id).unwrap().is_some(), removed);
                return removed;
            }
            Self::RemoveAll(at, pick) if !model.indexes.is_empty() => {
                let live = model.indexes[at.index(model.indexes.len())];
                let found = model.find(live.kind, *pick);
                let ids: BTreeSet<u8> = found.iter().map(|(_, id, _)| *id).collect();
                assert_eq!(tx.remove_all(pick.query(live.handle)).unwrap(), ids.len());
                model.rows.retain(|id, _| !ids.contains(id));
                return !ids.is_empty();
            }
            Self::Add(kind) => {
                let added = kind.add(tx);
                let mut keys = BTreeSet::new();
                let all = model.rows.values().flat_map(|(pod, _)| kind.keys(pod));
                let distinct = all.into_iter().all(|key| keys.insert(key));
                if model.indexes.iter().any(|live| live.kind == *kind) {
                    assert!(matches!(added, Err(Error::IndexExists { .. })), "{added:?}");
                } else if kind.is_unique() && !distinct {
                    assert!(matches!(added, Err(Error::Duplicate { .. })), "{added:?}");
                } else {
                    let live = Live {
                        kind: *kind,
                        handle: added.unwrap(),
                        number: given.len(),
                    };
                    given.push(live);
                    model.indexes.push(live);
                }
            }
            Self::Drop(at) if !model.indexes.is_empty() => {
                let live = model.indexes.remove(at.index(model.indexes.len()));
                live.handle.drop(tx).unwrap();
            }
            Self::DropAny(at) if !given.is_empty() => {
                let live = given[at.index(given.len())];
                let result = live.handle.drop(tx);
                if model.has(live) {
                    model.indexes.retain(|other| other.number != live.number);
                    result.unwrap();
                } else {
                    assert!(
                        matches!(result, Err(Error::UnknownIndex { .. })),
                        "{result:?}"
                    );
                    let removed = tx.remove_all(Pick(0, 0).query(live.handle));
                    assert!(matches!(removed, Err(Error::UnknownIndex { .. })));
                }
            }
            _ => {}
        }
        false
    }
}

impl Txn {
    pub(crate) fn run(&self, db: &Database, model: &mut Model, given: &mut Given) {
        let mut next = model.clone();
        let mut changed = false;
        let result = catch_unwind(AssertUnwindSafe(|| {
            db.write(|tx| {
                let mut marks: Vec<(Savepoint, Model, bool)> = Vec::new();
                for op in &self.ops {
                    match op {
                        Op::Mark => marks.push((tx.savepoint(), next.clone(), changed)),
                        Op::RollBack(at) if !marks.is_empty() => {
                            marks.truncate(at.index(marks.len()) + 1);
                            let (mark, then, before) = &marks[marks.len() - 1];
                            tx.rollback_to(mark).unwrap();
                            next.clone_from(then);
                            changed = *before;
                        }
                        op => changed |= op.run(tx, &mut next, given),
                    }
                    next.check(tx, &[]);
                }
                match self.end {
                    End::Commit => Ok(tx.revision()),
                    End::Error => Err(Error::Closed),
                    End::Panic => std::panic::resume_unwind(Box::new("on purpose")),
                }
            })
        }));
        let numbers = |model: &Model| -> Vec<usize> {
            model.indexes.iter().map(|live| live.number).collect()
        };
        changed |= numbers(&next) != numbers(model);
        match (self.end, result) {
            (End::Commit, Ok(revision)) => {
                if changed {
                    next.revision = revision.unwrap();
                    *model = next;
                }
            }
            (End::Error, Ok(Err(Error::Closed))) => {}
            (End::Panic, Err(panic)) if panic.downcast_ref() == Some(&"on purpose") => {}
            (_, Err(panic)) => std::panic::resume_unwind(panic),
            (end, result) => panic!("{end:?} became {result:?}"),
        }
        assert_eq!(db.revision(), model.revision);
    }
}
