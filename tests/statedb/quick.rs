//! Their quick test: random steps on a table with adversarial keys, and after each one every verb against a map.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Row};

use super::rows::{Blob, open};

#[derive(Clone, Debug)]
enum Act {
    Put,
    /// Adds to the value, or begins with it.
    Update,
    Remove,
}

#[derive(Clone, Debug)]
struct Step {
    act: Act,
    key: Vec<u8>,
    group: Vec<u8>,
    value: u64,
    commit: bool,
}

/// Mostly few keys, so that they meet again, of bytes that encodings treat specially.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(prop_oneof![Just(0_u8), Just(1), Just(255)], 1..3),
        1 => vec(any::<u8>(), 1..9),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![Just(Act::Put), Just(Act::Update), Just(Act::Remove)];
    (act, bytes(), bytes(), any::<u32>(), any::<bool>()).prop_map(
        |(act, key, group, value, commit)| Step {
            act,
            key,
            group,
            value: value.into(),
            commit,
        },
    )
}

/// A group and a value by key.
type Model = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

fn plain(row: &Row<Blob>) -> (Vec<u8>, (Vec<u8>, u64)) {
    (row.key.clone(), (row.group.clone(), row.value))
}

/// The rows of the model, by group and then key.
fn by_group(model: &Model) -> Vec<(&Vec<u8>, &Vec<u8>)> {
    let pairs: BTreeSet<_> = model.iter().map(|(key, (group, _))| (group, key)).collect();
    pairs.into_iter().collect()
}

/// Everything that can be asked about `asked` in both indexes.
fn agrees(db: &Database, model: &Model, asked: &[u8]) -> Result<(), TestCaseError> {
    let snap = db.snapshot();
    prop_assert_eq!(snap.count(Blob::ALL), model.len());
    for all in [
        Blob::ALL,
        Blob::BY_KEY.starts_with(b"".as_slice()),
        Blob::BY_KEY.range(b"".as_slice()..),
    ] {
        prop_assert!(snap.list(all).map(plain).eq(model.clone()));
    }
    for all in [
        Blob::BY_GROUP.all(),
        Blob::BY_GROUP.starts_with(b"".as_slice()),
        Blob::BY_GROUP.range(b"".as_slice()..),
    ] {
        prop_assert!(
            snap.list(all)
                .map(|row| (&row.group, &row.key))
                .eq(by_group(model))
        );
    }
    let found = snap.get::<Blob>(asked).map(plain);
    prop_assert_eq!(
        found,
        model
            .get_key_value(asked)
            .map(|(key, row)| (key.clone(), row.clone()))
    );
    let keys = |test: &dyn Fn(&[u8]) -> bool| -> Vec<&Vec<u8>> {
        model.keys().filter(|key| test(key)).collect()
    };
    let groups = |test: &dyn Fn(&[u8]) -> bool| -> Vec<&Vec<u8>> {
        let rows = by_group(model).into_iter().filter(|(group, _)| test(group));
        rows.map(|(_, key)| key).collect()
    };
    for (query, expected) in [
        (Blob::BY_KEY.eq(asked), keys(&|key| key == asked)),
        (
            Blob::BY_KEY.starts_with(asked),
            keys(&|key| key.starts_with(asked)),
        ),
        (Blob::BY_KEY.range(asked..), keys(&|key| key >= asked)),
        (Blob::BY_KEY.range(..asked), keys(&|key| key < asked)),
        (Blob::BY_GROUP.eq(asked), groups(&|group| group == asked)),
        (
            Blob::BY_GROUP.starts_with(asked),
            groups(&|group| group.starts_with(asked)),
        ),
        (
            Blob::BY_GROUP.range(asked..),
            groups(&|group| group >= asked),
        ),
        (
            Blob::BY_GROUP.range(..=asked),
            groups(&|group| group <= asked),
        ),
    ] {
        prop_assert!(
            snap.list(query.clone())
                .map(|row| &row.key)
                .eq(expected.iter().copied()),
            "{:?}",
            query
        );
        prop_assert_eq!(snap.count(query.clone()), expected.len());
        prop_assert_eq!(
            snap.last(query).map(|row| &row.key),
            expected.last().copied()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Each step gives back what the model had, and a watch on its key, taken before, fires if and only if the step did something there; then every verb, in both
    /// indexes, gives what the model has, in order, no row twice.
    #[test]
    fn every_step_leaves_the_model(steps in vec(step(), 1..40)) {
        let db = open();
        let mut model = Model::new();
        for Step { act, key, group, value, commit } in steps {
            let watch = db.snapshot().watch(Blob::BY_KEY.eq(&key));
            let mut next = model.clone();
            let old = next.get(&key).map(|(_, value)| *value);
            let mut tx = db.begin_write().unwrap();
            let (did, gave) = match act {
                Act::Put => {
                    next.insert(key.clone(), (group.clone(), value));
                    let put = tx.put(Blob { key: key.clone(), group: group.clone(), value }).unwrap();
                    (true, put.map(|row| row.value))
                }
                Act::Remove => {
                    next.remove(&key);
                    (old.is_some(), tx.remove::<Blob>(&key).unwrap().map(|row| row.value))
                }
                Act::Update => {
                    if let Some(row) = next.get_mut(&key) {
                        row.1 = row.1.wrapping_add(value);
                        row.0.clone_from(&group);
                    }
                    let update = tx.update::<Blob>(&key, |blob| {
                        blob.value = blob.value.wrapping_add(value);
                        blob.group.clone_from(&group);
                    });
                    (old.is_some(), update.ok().map(|row| row.value))
                }
            };
            prop_assert_eq!(gave, old);
            prop_assert!(tx.list(Blob::ALL).map(plain).eq(next.clone()));
            if commit {
                tx.commit().unwrap();
                model = next;
            } else {
                drop(tx);
            }
            prop_assert_eq!(watch.is_fired(), commit && did);
            agrees(&db, &model, &key)?;
            agrees(&db, &model, &group)?;
        }
    }
}
