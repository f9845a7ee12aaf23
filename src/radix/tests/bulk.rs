//! Trees that were built in bulk hold the same as others, and can be changed like any.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::family::{Model, Value, begin, commit, compare, entry_keys, layout};
use super::keys::{key, range};
use super::model::{apply, op};
use crate::key::KeyRange;
use crate::radix::load::NotLoaded;
use crate::radix::node::MAX_KEY;
use crate::radix::{Loaded, LoadedKey, Row, Writer};
use crate::revision::Revision;

proptest! {
    #[test]
    fn bulk_built_trees_behave_as_their_model(
        keys in btree_set(key(), 0..200),
        ops in vec(op(), 0..60),
        ranges in vec(range(), 3),
    ) {
        let alive: Arc<AtomicUsize> = Arc::default();
        let (mut writer, empty) = Writer::new(layout(), Revision::ZERO);
        let mut model = Model::new();
        let mut entries: Vec<Vec<LoadedKey>> = vec![Vec::new(), Vec::new()];
        let mut rows = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let many = [key.iter().rev().copied().collect::<Vec<u8>>(), vec![1, 2]];
            let sets = entry_keys(key, &many, &[key, &b"!"[..]].concat());
            for (entries, set) in entries.iter_mut().zip(&sets) {
                entries.extend(set.iter().map(|key| (Box::from(&key[..]), number as u32)));
            }
            rows.push(Loaded {
                key: Box::from(&key[..]),
                value: Value::new(number as u32, sets.clone(), &alive),
                created: Revision::new(1),
                modified: Revision::new(1),
            });
            model.insert(key.clone(), (number as u32, sets));
        }
        let mut draft = begin(&mut writer, &empty);
        assert!(draft.load(0, rows, &mut entries).is_ok());
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
    let row = |key: Vec<u8>, modified| Loaded {
        key: key.into_boxed_slice(),
        value: Value::new(0, [vec![], vec![]], &alive),
        created: Revision::new(1),
        modified: Revision::new(modified),
    };
    for (rows, refused) in [
        (
            vec![row(vec![1], 1), row(vec![2; MAX_KEY + 1], 1)],
            NotLoaded::KeyTooLong {
                tree: 0,
                len: MAX_KEY + 1,
                row: 1,
            },
        ),
        (
            vec![row(vec![1], 1), row(vec![2], 2)],
            NotLoaded::FromLater { row: 1 },
        ),
        (
            vec![row(vec![1], 1), row(vec![3], 1), row(vec![2], 1)],
            NotLoaded::Disorder { row: 2 },
        ),
    ] {
        let mut draft = begin(&mut writer, &empty);
        let (why, rows) = draft.load(0, rows, &mut [vec![], vec![]]).unwrap_err();
        assert_eq!(why, refused);
        drop(rows);
        drop(draft.abort(&mut writer));
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
