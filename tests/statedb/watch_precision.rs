//! Which watch fires for which key: theirs are channels in the nodes of a tree, so that the shape of the tree decides, and much of their suite asks that a channel
//! is not lost when nodes split and join. Here the range alone decides.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sapwood::watch::Watch;
use sapwood::{Error, Query, Snapshot};

use super::rows::{Blob, Object, Service, blob, open, put, service, with_objects};

fn key(snap: &Snapshot, key: &[u8]) -> Watch {
    snap.watch(Blob::BY_KEY.eq(key))
}

fn beginning(snap: &Snapshot, key: &[u8]) -> Watch {
    snap.watch(Blob::BY_KEY.starts_with(key))
}

fn write(db: &sapwood::Database, key: &[u8]) {
    db.write(|tx| tx.put(blob(key, b""))).unwrap();
}

/// Writing a key anew fires its own watch and those of its beginnings, not that of a key that it begins; a new sibling fires the watch of the common beginning
/// only; nothing fires before the commit.
#[test]
fn a_write_fires_its_key_and_its_beginnings() {
    let db = open();
    db.write(|tx| {
        tx.insert(blob(b"ab", b""))?;
        tx.insert(blob(b"abc", b""))
    })
    .unwrap();
    let snap = db.snapshot();
    let (ab, abc, from_ab) = (
        key(&snap, b"ab"),
        key(&snap, b"abc"),
        beginning(&snap, b"ab"),
    );
    let mut tx = db.begin_write().unwrap();
    tx.put(blob(b"ab", b"")).unwrap();
    assert!(!ab.is_fired() && !abc.is_fired() && !from_ab.is_fired());
    tx.commit().unwrap();
    assert!(ab.is_fired() && !abc.is_fired() && from_ab.is_fired());

    let snap = db.snapshot();
    let (ab, from_ab) = (key(&snap, b"ab"), beginning(&snap, b"ab"));
    write(&db, b"abd");
    assert!(!ab.is_fired() && from_ab.is_fired());
    // The watch on `abc` is as old as the test, and what it watches has not moved though all around it has.
    assert!(!abc.is_fired());
    write(&db, b"abc");
    assert!(abc.is_fired());
}

/// A watch of a key that is absent waits for that key: neither for a shorter one nor for a sibling. Theirs wakes for siblings (D10).
#[test]
fn a_watch_on_a_miss_is_not_woken_by_siblings() {
    let db = open();
    write(&db, b"a");
    write(&db, b"abz");
    let snap = db.snapshot();
    let miss = key(&snap, b"abc");
    for sibling in [b"ab".as_slice(), b"a", b"abd", b"abca", b"ab\x00", b"abz"] {
        write(&db, sibling);
    }
    db.write(|tx| tx.remove_all(Blob::BY_KEY.starts_with(b"abz".as_slice())))
        .unwrap();
    assert!(!miss.is_fired());
    write(&db, b"abc");
    assert!(miss.is_fired());
}

/// A watch of a beginning that is a whole key is not woken by that key's siblings. Theirs is (D10).
#[test]
fn a_watch_of_a_full_key_as_beginning_is_not_woken_by_siblings() {
    let db = open();
    write(&db, b"abc");
    let watch = beginning(&db.snapshot(), b"abc");
    write(&db, b"abd");
    write(&db, b"ab");
    assert!(!watch.is_fired());
    write(&db, b"abcd");
    assert!(watch.is_fired());
}

/// A watch of an exact key of an index is not woken by keys that only begin so. Theirs is (D11).
#[test]
fn a_watch_of_an_exact_list_is_not_woken_by_longer_keys() {
    let db = with_objects(&[(1, &["a"])]);
    db.write(|tx| tx.insert(service("s", "a", None))).unwrap();
    let snap = db.snapshot();
    let (tag, zone) = (
        snap.watch(Object::BY_TAGS.eq("a")),
        snap.watch(Service::BY_ZONE.eq("a")),
    );
    put(&db, 2, &["abc", "b", ""]);
    db.write(|tx| tx.insert(service("t", "ab", None))).unwrap();
    assert!(!tag.is_fired() && !zone.is_fired());
    put(&db, 3, &["a"]);
    assert!(tag.is_fired() && !zone.is_fired());
    db.write(|tx| tx.insert(service("u", "a", None))).unwrap();
    assert!(zone.is_fired());
}

/// Two keys, one removed, another one added: a watch that was taken before the tree was joined together fires for what comes after.
#[test]
fn a_watch_outlives_the_joining_of_nodes() {
    let db = open();
    for name in [b"abc".as_slice(), b"abd", b"xyz"] {
        write(&db, name);
    }
    let all = db.snapshot().watch(Blob::ALL);
    let gone = key(&db.snapshot(), b"abd");
    let to_come = key(&db.snapshot(), b"abcd");
    db.write(|tx| {
        tx.remove::<Blob>(b"abd".as_slice())?;
        tx.remove::<Blob>(b"xyz".as_slice())?;
        tx.insert(blob(b"abcd", b""))
    })
    .unwrap();
    assert!(all.is_fired() && gone.is_fired() && to_come.is_fired());
}

/// After any commit a watch that is taken from its state is open, for every key, beginning and bound.
#[test]
fn a_new_watch_is_open() {
    let db = open();
    for n in 0..60_u8 {
        write(&db, &[n % 7, n]);
        let snap = db.snapshot();
        for n in 0..60 {
            assert!(!key(&snap, &[n % 7, n]).is_fired());
        }
        assert!(!beginning(&snap, &[n % 7]).is_fired());
        assert!(!snap.watch(Blob::BY_KEY.range([n].as_slice()..)).is_fired());
        assert!(!snap.watch(Blob::ALL).is_fired());
    }
}

fn short() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(255)],
        0..4,
    )
}

/// What is asked, and of which rows, given as key and group, it holds.
type Question = (Query<Blob>, Box<dyn Fn(&[u8], &[u8]) -> bool>);

fn questions(bytes: &[u8]) -> [Question; 6] {
    let of = || bytes.to_vec();
    let (eq, begins, from, group, within, upto) = (of(), of(), of(), of(), of(), of());
    [
        (Blob::BY_KEY.eq(bytes), Box::new(move |key, _| key == eq)),
        (
            Blob::BY_KEY.starts_with(bytes),
            Box::new(move |key, _| key.starts_with(&begins)),
        ),
        (
            Blob::BY_KEY.range(bytes..),
            Box::new(move |key, _| key >= from.as_slice()),
        ),
        (
            Blob::BY_GROUP.eq(bytes),
            Box::new(move |_, other| other == group),
        ),
        (
            Blob::BY_GROUP.starts_with(bytes),
            Box::new(move |_, other| other.starts_with(&within)),
        ),
        (
            Blob::BY_GROUP.range(..bytes),
            Box::new(move |_, other| other < upto.as_slice()),
        ),
    ]
}

/// Rows by their keys: the group, and the number of the commit that wrote it.
type Rows = BTreeMap<Vec<u8>, (Vec<u8>, usize)>;

/// The keys and groups of what is not the same in both.
fn differ(before: &Rows, after: &Rows) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let keys = before.keys().chain(after.keys());
    let differs = keys.filter(|key| before.get(*key) != after.get(*key));
    differs
        .flat_map(|key| [before.get(key), after.get(key)].map(|row| Some((key, row?))))
        .flatten()
        .map(|(key, (group, _))| (key.clone(), group.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A watch on any question has fired if and only if the rows that it holds of were written or removed: with adversarial keys, in both indexes, over
    /// several commits, of which some come before the watch is taken but after its snapshot.
    #[test]
    fn a_watch_fires_if_and_only_if_its_rows_change(
        start in btree_map(short(), short(), 0..8),
        asked in short(),
        commits in vec(vec((short(), proptest::option::of(short())), 1..4), 1..6),
        late in 0..4_usize,
    ) {
        let db = open();
        let start: Rows = start.into_iter().map(|(key, group)| (key, (group, 0))).collect();
        db.write(|tx| {
            for (key, (group, _)) in &start {
                tx.insert(blob(key, group))?;
            }
            Ok::<_, Error>(())
        }).unwrap();
        let mut model = start.clone();
        let snap = db.snapshot();
        let questions = questions(&asked);
        let mut watches: Vec<Watch> = Vec::new();
        let mut touched = BTreeSet::new();
        for (n, commit) in commits.into_iter().enumerate() {
            if n == late {
                watches.extend(questions.iter().map(|(query, _)| snap.watch(query.clone())));
                touched = differ(&start, &model);
            }
            let before = model.clone();
            db.write(|tx| {
                for (key, group) in commit {
                    if let Some(group) = group {
                        tx.put(blob(&key, &group))?;
                        model.insert(key, (group, n + 1));
                    } else {
                        tx.remove::<Blob>(&key)?;
                        model.remove(&key);
                    }
                }
                Ok::<_, Error>(())
            }).unwrap();
            touched.extend(differ(&before, &model));
            for (watch, (query, holds)) in watches.iter().zip(&questions) {
                let expected = touched.iter().any(|(key, group)| holds(key, group));
                prop_assert_eq!(watch.is_fired(), expected, "{:?}", query);
            }
        }
    }
}
