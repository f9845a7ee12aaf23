//! Random operations on nested buckets.

use proptest::prelude::*;

pub(crate) type Path = Vec<Vec<u8>>;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Put(Path, Vec<u8>, Vec<u8>),
    PutIfAbsent(Path, Vec<u8>, Vec<u8>),
    Replace(Path, Vec<u8>, Vec<u8>),
    Modify(Path, Vec<u8>),
    Delete(Path, Vec<u8>),
    Take(Path, Vec<u8>),
    Pop(Path, bool),
    Fill(Path, u8),
    Sequence(Path),
    Create(Path),
    Make(Path),
    DeleteBucket(Path),
    Move(Path, Path),
    Cursor(Path, Vec<Step>),
    Savepoint,
    Rollback(usize),
    Nested(Vec<Op>, bool),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    First,
    Last,
    Seek(Vec<u8>),
    SeekBack(Vec<u8>),
    Next,
    Previous,
    Delete,
    SetValue(Vec<u8>),
}

/// Keys and names are of one small set, so that they meet.
pub(crate) fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u8..6).prop_map(|key| vec![key]),
        2 => (0u8..6, 0u8..40).prop_map(|(first, second)| vec![first, second]),
        1 => Just(Vec::new()),
        1 => (0u8..3).prop_map(|key| vec![key; 300]),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Vec<u8>> {
    (
        any::<u8>(),
        prop_oneof![4 => 0usize..40, 1 => 120usize..900],
    )
        .prop_map(|(byte, len)| vec![byte; len])
}

pub(crate) fn path(least: usize) -> impl Strategy<Value = Path> {
    let name = prop_oneof![8 => (0u8..3).prop_map(|name| vec![name]), 1 => key()];
    prop::collection::vec(name, least..4)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::First),
        1 => Just(Step::Last),
        2 => key().prop_map(Step::Seek),
        1 => key().prop_map(Step::SeekBack),
        6 => Just(Step::Next),
        4 => Just(Step::Previous),
        4 => Just(Step::Delete),
        1 => value().prop_map(Step::SetValue),
    ]
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let one = prop_oneof![
        8 => (path(1), key(), value()).prop_map(|(path, key, value)| Op::Put(path, key, value)),
        1 => (path(1), key(), value()).prop_map(|(path, key, value)| Op::PutIfAbsent(path, key, value)),
        1 => (path(1), key(), value()).prop_map(|(path, key, value)| Op::Replace(path, key, value)),
        1 => (path(1), key()).prop_map(|(path, key)| Op::Modify(path, key)),
        3 => (path(1), key()).prop_map(|(path, key)| Op::Delete(path, key)),
        1 => (path(1), key()).prop_map(|(path, key)| Op::Take(path, key)),
        1 => (path(1), any::<bool>()).prop_map(|(path, first)| Op::Pop(path, first)),
        2 => (path(1), 0u8..6).prop_map(|(path, first)| Op::Fill(path, first)),
        1 => path(1).prop_map(Op::Sequence),
        3 => path(1).prop_map(Op::Create),
        3 => path(0).prop_map(Op::Make),
        2 => path(1).prop_map(Op::DeleteBucket),
        3 => (path(0), path(0)).prop_map(|(from, to)| Op::Move(from, to)),
        3 => (path(1), prop::collection::vec(step(), 0..30)).prop_map(|(path, steps)| Op::Cursor(path, steps)),
        1 => Just(Op::Savepoint),
        1 => (0usize..3).prop_map(Op::Rollback),
    ];
    one.prop_recursive(2, 24, 8, |op| {
        (prop::collection::vec(op, 0..8), any::<bool>())
            .prop_map(|(ops, commit)| Op::Nested(ops, commit))
    })
}
