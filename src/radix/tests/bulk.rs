//! Trees that were built in bulk hold the same as others, and can be changed like any.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::family::{Model, Set, Value, begin, commit, compare, entry_keys, layout};
use super::keys::{key, range};
use super::model::{apply, op};
use crate::key::KeyRange;
use crate::radix::load::NotLoaded;
use crate::radix::node::MAX_KEY;
use crate::radix::{Loaded, LoadedPart, Row, Writer};
use crate::revision::Revision;

proptest! {
    #[test]
    fn bulk_built_trees_behave_as_their_model(
        keys in btree_set(key(), 0..200),
        ops in vec(op(), 0..60),
        ranges in vec(range(), 3),
        cuts in btree_set(1..200usize, 0..4),
    ) {
        let alive: Arc<AtomicUsize> = Arc::default();
        let (mut writer, empty) = Writer::new(layout(), Revision::ZERO);
        let mut model = Model::new();
        let mut draft = begin(&mut writer, &empty);
        let mut memory = draft.divide_memory(cuts.len() + 1);
        let mut parts = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            if parts.is_empty() || cuts.contains(&number) {
                parts.push(LoadedPart::new(3, draft.revision()));
            }
            let many = [key.iter().rev().copied().collect::<Vec<u8>>(), vec![1, 2]];
            let sets = entry_keys(key, &many, &[key, &b"!"[..]].concat());
            let row = Loaded {
                key,
                value: Value::new(number as u32, sets.clone(), &alive),
                created: Revision::new(1),
                modified: Revision::new(1),
            };
            let own = number % memory.len();
            let pushed = parts.last_mut().unwrap().push(&mut memory[own], row, &sets.each_ref().map(|keys| Set(keys)));
            assert!(pushed.is_ok());
            model.insert(key.clone(), (number as u32, sets));
        }
        draft.join_memory(memory);
        let mut built = 0;
        assert!(draft.load(0, parts, cuts.len() + 1, &mut |trees| built = trees).is_ok());
        prop_assert_eq!(built, 3);
        apply(&mut draft, &mut model, &ops, &alive);
        let version = commit(&mut writer, draft);
        compare(&version, &model, &ranges);
        drop((empty, writer));
        let row: Option<Row<Value>> = version.tree::<Value>(0, 0).scan(&KeyRange::ALL).next().cloned();
        drop(version);
        // A clone of a row outlives everything.
        prop_assert_eq!(alive.load(Ordering::Relaxed), usize::from(row.is_some()));
        drop(row);
        prop_assert_eq!(alive.load(Ordering::Relaxed), 0);
    }
}

/// Whatever a file says, a key that is too long, a row from a later commit and one out of order are refused, wherever among the rows they stand. Only the first
/// row's key was once looked at.
#[test]
fn what_is_out_of_bounds_is_not_loaded() {
    let alive: Arc<AtomicUsize> = Arc::default();
    let (mut writer, empty) = Writer::new(layout(), Revision::ZERO);
    let long = MAX_KEY + 1;
    for (rows, words) in [
        (vec![(vec![1], 1), (vec![2; long], 1)], "KeyTooLong 0"),
        (vec![(vec![1], 1), (vec![2], 2)], "FromLater"),
        (vec![(vec![1], 1), (vec![3], 1), (vec![2], 1)], "Disorder"),
        (vec![(vec![1], 1), (vec![1], 1)], "Disorder"),
    ] {
        for apart in [false, true] {
            let mut draft = begin(&mut writer, &empty);
            let mut memory = draft.divide_memory(1);
            let mut parts = vec![LoadedPart::new(3, draft.revision())];
            let mut refused = None;
            for (key, modified) in &rows {
                let row = Loaded {
                    key,
                    value: Value::new(0, [vec![], vec![]], &alive),
                    created: Revision::new(1),
                    modified: Revision::new(*modified),
                };
                if apart {
                    parts.push(LoadedPart::new(3, draft.revision()));
                }
                let part = parts.last_mut().unwrap();
                let pushed = part.push(&mut memory[0], row, &[Set(&[]), Set(&[])]);
                refused = refused.or(pushed.err());
            }
            draft.join_memory(memory);
            let loaded = draft.load(0, parts, 1, &mut |_| {});
            let refused = match refused.or(loaded.err()) {
                Some(NotLoaded::KeyTooLong { tree, len, .. }) if len == long => {
                    format!("KeyTooLong {tree}")
                }
                Some(NotLoaded::FromLater { .. }) => "FromLater".to_owned(),
                Some(NotLoaded::Disorder { .. }) => "Disorder".to_owned(),
                other => format!("{other:?}"),
            };
            assert_eq!(refused, words);
            drop(draft.abort(&mut writer));
        }
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

/// Many rows, made in memory of several threads and built on several, are in all trees; and of two that have one key it is said which, whatever else there is. Nothing of a
/// load that was refused stays.
#[test]
fn several_threads_build_the_same() {
    let alive: Arc<AtomicUsize> = Arc::default();
    let (mut writer, empty) = Writer::new(layout(), Revision::ZERO);
    for twice in [None, Some(7777)] {
        for threads in [1, 2, 3] {
            let mut draft = begin(&mut writer, &empty);
            let memory = draft.divide_memory(threads);
            let newest = draft.revision();
            let made = memory.into_iter().enumerate().map(|(thread, mut memory)| {
                let alive = &alive;
                move || {
                    let mut parts = Vec::new();
                    for part in (thread..40).step_by(threads) {
                        let mut rows = LoadedPart::new(3, newest);
                        for number in part as u32 * 250..(part as u32 + 1) * 250 {
                            let unique = if Some(number) == twice { 3 } else { number };
                            let key = number.to_be_bytes();
                            let other = (number % 17).to_be_bytes().to_vec();
                            let sets = entry_keys(&key, &[other], &unique.to_le_bytes());
                            let row = Loaded {
                                key: &key,
                                value: Value::new(number, sets.clone(), alive),
                                created: newest,
                                modified: newest,
                            };
                            let sets = sets.each_ref().map(|keys| Set(keys));
                            rows.push(&mut memory, row, &sets).unwrap();
                        }
                        parts.push((part, rows));
                    }
                    (memory, parts)
                }
            });
            let made: Vec<_> = thread::scope(|scope| {
                let made: Vec<_> = made.map(|made| scope.spawn(made)).collect();
                made.into_iter().map(|made| made.join().unwrap()).collect()
            });
            let (memory, parts): (Vec<_>, Vec<_>) = made.into_iter().unzip();
            draft.join_memory(memory);
            let mut parts: Vec<_> = parts.into_iter().flatten().collect();
            parts.sort_by_key(|(part, _)| *part);
            let parts = parts.into_iter().map(|(_, rows)| rows).collect();
            let loaded = draft.load(0, parts, threads, &mut |_| {});
            match (twice, loaded) {
                (None, Ok(())) => {
                    for tree in 0..3 {
                        draft.check(tree).unwrap();
                        let found = draft.tree::<Value>(0, tree).scan(&KeyRange::ALL);
                        let mut found: Vec<u32> = found.map(|row| row.number).collect();
                        found.sort_unstable();
                        assert!(found.into_iter().eq(0..10_000));
                    }
                }
                (Some(_), Err(NotLoaded::Duplicate { tree: 2, rows, .. })) => {
                    assert_eq!(rows.map(|row| row.number), [3, 7777]);
                }
                (_, other) => panic!("{other:?}"),
            }
            drop(draft.abort(&mut writer));
        }
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
