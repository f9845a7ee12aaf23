//! The shapes that statedb's tree tests try: keys that are beginnings of others, that share long beginnings, that come and go one by one. Each is done here to an
//! index of a table, with a model beside it and every earlier snapshot held.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Error, Snapshot};

use super::rows::{Blob, blob, open};

fn db_with(keys: &[&[u8]]) -> Database {
    let db = open();
    db.write(|tx| {
        for key in keys {
            tx.insert(blob(key, b""))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

fn keys(snap: &Snapshot) -> Vec<Vec<u8>> {
    snap.list(Blob::ALL).map(|row| row.key.clone()).collect()
}

/// A key, its beginning, the empty key and their neighbours are found each for itself, and each can be removed without harm to the others.
#[test]
fn keys_that_begin_others_are_kept_apart() {
    let all: [&[u8]; 8] = [b"", b"\x00", b"a", b"ab", b"abc", b"abd", b"b", b"\xFF"];
    for removed in all {
        let db = db_with(&all);
        let old = db.snapshot();
        let row = db.write(|tx| tx.remove::<Blob>(removed)).unwrap();
        assert_eq!(row.unwrap().key, removed);
        assert!(db.write(|tx| tx.remove::<Blob>(removed)).unwrap().is_none());
        let snap = db.snapshot();
        assert!(snap.get::<Blob>(removed).is_none());
        assert!(
            keys(&snap)
                .iter()
                .eq(all.iter().filter(|key| **key != removed))
        );
        assert!(keys(&old).iter().eq(all.iter()));
    }
}

/// What is not there can be removed at any place, below a key, between keys, beside a common beginning, and nothing happens.
#[test]
fn removing_what_is_absent_changes_nothing() {
    let db = db_with(&[b"abc", b"abd", b"abcde"]);
    let revision = db.revision();
    for absent in [
        b"".as_slice(),
        b"a",
        b"ab",
        b"abcd",
        b"abcdef",
        b"abx",
        b"x",
    ] {
        assert!(db.write(|tx| tx.remove::<Blob>(absent)).unwrap().is_none());
    }
    assert_eq!(db.revision(), revision);
    assert_eq!(db.snapshot().count(Blob::ALL), 3);
}

/// A table that is emptied key by key, from either end, and filled again, is the same as a new one.
#[test]
fn emptied_and_filled_again() {
    let names: Vec<Vec<u8>> = (0..=255u8).map(|n| vec![b'k', n, n % 7]).collect();
    let all: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let db = db_with(&all);
    for n in 0..all.len() {
        let key = if n % 2 == 0 {
            all[n / 2]
        } else {
            all[all.len() - 1 - n / 2]
        };
        db.write(|tx| tx.remove::<Blob>(key)).unwrap().unwrap();
        assert_eq!(db.snapshot().list(Blob::ALL).count(), all.len() - 1 - n);
    }
    assert!(keys(&db.snapshot()).is_empty());
    db.write(|tx| tx.insert(blob(all[9], b""))).unwrap();
    assert_eq!(keys(&db.snapshot()), [all[9]]);
}

/// From 1 to 1000 rows with keys of all lengths: every one is found, all come in order, and a bound between two of them finds the next.
#[test]
fn every_size_is_listed_whole() {
    let mut expected = BTreeSet::new();
    let db = open();
    for n in 1_u64..=1000 {
        let key = format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (n % 60)).into_bytes();
        db.write(|tx| tx.put(blob(&key, b""))).unwrap();
        expected.insert(key);
        if n.is_power_of_two() || n % 250 == 0 {
            let snap = db.snapshot();
            assert!(keys(&snap).iter().eq(&expected));
            for key in &expected {
                let after = [key.as_slice(), b"\x00"].concat();
                let next = snap.first(Blob::BY_KEY.range(after.as_slice()..));
                let model = expected.range(after..).next();
                assert_eq!(next.map(|row| &row.key), model);
            }
        }
    }
}

/// Two databases that begin at one snapshot go their own ways, and the snapshot stays: their two transactions from one tree.
#[test]
fn forks_are_independent() {
    let db = db_with(&[b"a", b"b"]);
    let snap = db.snapshot();
    let (left, right) = (snap.fork(), snap.fork());
    left.write(|tx| tx.insert(blob(b"c", b""))).unwrap();
    right
        .write(|tx| tx.remove::<Blob>(b"a".as_slice()))
        .unwrap();
    db.write(|tx| tx.insert(blob(b"d", b""))).unwrap();
    assert_eq!(keys(&left.snapshot()), [b"a", b"b", b"c"]);
    assert_eq!(keys(&right.snapshot()), [b"b"]);
    assert_eq!(keys(&snap), [b"a", b"b"]);
    assert_eq!(keys(&db.snapshot()), [b"a", b"b", b"d"]);
}

/// Few letters and long common beginnings, so that every step splits or joins something.
fn key() -> impl Strategy<Value = Vec<u8>> {
    (
        0..3_usize,
        vec(
            prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(255)],
            0..4,
        ),
    )
        .prop_map(|(long, tail)| [vec![b'p'; long * 7], tail].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Random keys put and removed in transactions, some of them dropped: gets, lists both ways, counts and bounds are the model's, and every snapshot that was
    /// taken shows its own state to the end.
    #[test]
    fn every_version_is_its_model(steps in vec((vec((key(), any::<bool>()), 1..12), any::<bool>()), 1..12)) {
        let db = open();
        let mut model: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        let mut held = vec![(db.snapshot(), model.clone())];
        for (n, (changes, commit)) in steps.into_iter().enumerate() {
            let mut tx = db.begin_write().unwrap();
            let mut next = model.clone();
            for (key, there) in changes {
                let value = n as u64;
                let old = if there {
                    let row = tx.put(Blob { value, ..blob(&key, b"") }).unwrap();
                    prop_assert_eq!(row.map(|row| row.value), next.insert(key, value));
                    continue;
                } else {
                    tx.remove::<Blob>(&key).unwrap()
                };
                prop_assert_eq!(old.map(|row| row.value), next.remove(&key));
            }
            prop_assert!(tx.list(Blob::ALL).map(|row| (&row.key, &row.value)).eq(&next));
            if commit {
                tx.commit().unwrap();
                model = next;
            }
            held.push((db.snapshot(), model.clone()));
        }
        for (snap, model) in &held {
            prop_assert!(snap.list(Blob::ALL).map(|row| (&row.key, &row.value)).eq(model));
            prop_assert!(snap.list(Blob::ALL).rev().map(|row| &row.key).eq(model.keys().rev()));
            for key in held.iter().flat_map(|(_, model)| model.keys()) {
                prop_assert_eq!(snap.get::<Blob>(key).map(|row| row.value), model.get(key).copied());
                let from = Blob::BY_KEY.range(key..);
                prop_assert!(snap.list(from.clone()).map(|row| &row.key).eq(model.range(key.clone()..).map(|(key, _)| key)));
                prop_assert_eq!(snap.count(from), model.range(key.clone()..).count());
                let beginning = model.keys().filter(|other| other.starts_with(key));
                prop_assert!(snap.list(Blob::BY_KEY.starts_with(key.as_slice())).map(|row| &row.key).eq(beginning));
            }
        }
    }
}
