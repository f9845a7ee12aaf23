//! The order and the searches of the tree below: nested keys, empty keys, bounds and prefixes between, at and beyond them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::prelude::*;
use sapwood::{Database, Error, Query, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "leaves")]
pub(super) struct Leaf {
    #[key]
    pub(super) key: String,
    #[index]
    pub(super) value: u64,
}

pub(super) fn leaf(key: &str, value: u64) -> Leaf {
    Leaf {
        key: key.to_owned(),
        value,
    }
}

/// A tree with these keys, whose values are their places.
pub(super) fn of(keys: &[&str]) -> Database {
    let db = Database::builder().table::<Leaf>().in_memory().unwrap();
    db.write(|tx| {
        for (value, key) in (0..).zip(keys) {
            tx.insert(leaf(key, value))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

pub(super) fn keys(snapshot: &Snapshot, query: Query<Leaf>) -> Vec<&str> {
    snapshot.list(query).map(|leaf| leaf.key.as_str()).collect()
}

/// The empty key is one like any other: missed, inserted, got and removed.
#[test]
fn root() {
    let db = of(&[]);
    let mut tx = db.begin_write().unwrap();
    assert_eq!(tx.remove::<Leaf>("").unwrap(), None);
    assert_eq!(tx.put(leaf("", 1)).unwrap(), None);
    assert_eq!(tx.get::<Leaf>("").map(|leaf| leaf.value), Some(1));
    assert!(tx.remove::<Leaf>("").unwrap().is_some());
    assert_eq!(tx.get::<Leaf>(""), None);
}

/// Each write gives back what was there before, and whether something was.
#[test]
fn insert_update_feedback() {
    let db = of(&[]);
    let mut tx = db.begin_write().unwrap();
    let mut before = None;
    for value in 0..10 {
        let old = tx.put(leaf("key", value)).unwrap();
        assert_eq!(old.map(|leaf| leaf.value), before);
        before = Some(value);
    }
    let old = tx.remove::<Leaf>("key").unwrap();
    assert_eq!(old.map(|leaf| leaf.value), before);
}

/// Keys that are beginnings of one another, and the empty one, can be removed one by one.
#[test]
fn delete() {
    let nested = ["", "A", "AB", "ABC", "ABCD"];
    for first in 0..nested.len() {
        let db = of(&nested);
        let mut left: BTreeSet<_> = nested.into_iter().collect();
        for offset in 0..nested.len() {
            let key = nested[(first + 2 * offset) % nested.len()];
            assert!(db.write(|tx| tx.remove::<Leaf>(key)).unwrap().is_some());
            left.remove(key);
            let snapshot = db.snapshot();
            assert!(keys(&snapshot, Leaf::ALL).into_iter().eq(left.clone()));
        }
    }
}

/// A prefix that is no key, one that is, one that is longer than where keys part, and one of a single key: what begins so goes, the rest stays and is counted.
/// A prefix of nothing changes nothing.
#[test]
fn delete_prefix() {
    let all = [
        "",
        "test/test1",
        "test/test2",
        "test/test3",
        "R",
        "RA",
        "testA",
    ];
    for (prefix, left) in [
        ("test", &["", "R", "RA"][..]),
        ("test/", &["", "R", "RA", "testA"]),
        ("test/test", &["", "R", "RA", "testA"]),
        (
            "test/test1",
            &["", "R", "RA", "test/test2", "test/test3", "testA"],
        ),
        (
            "R",
            &["", "test/test1", "test/test2", "test/test3", "testA"],
        ),
        ("", &[]),
        (
            "test/testX",
            &[
                "",
                "R",
                "RA",
                "test/test1",
                "test/test2",
                "test/test3",
                "testA",
            ],
        ),
    ] {
        let db = of(&all);
        let removed = db
            .write(|tx| tx.remove_all(Leaf::BY_KEY.starts_with(prefix)))
            .unwrap();
        assert_eq!(removed, all.len() - left.len(), "{prefix}");
        let snapshot = db.snapshot();
        assert_eq!(keys(&snapshot, Leaf::ALL), left, "{prefix}");
        assert_eq!(snapshot.count(Leaf::ALL), left.len());
        assert_eq!(snapshot.count(Leaf::BY_VALUE.all()), left.len());
        assert_eq!(db.revision().get(), 1 + u64::from(removed > 0));
    }
}

/// A prefix is removed also where the transaction has written below it before. There, it then neither counted nor told.
#[test]
fn delete_prefix_of_what_was_written_before() {
    let db = of(&["a/1", "a/2", "a/3", "b"]);
    let watch = db.snapshot().watch(Leaf::BY_KEY.eq("a/2"));
    let mut tx = db.begin_write().unwrap();
    tx.put(leaf("a/1", 9)).unwrap();
    tx.insert(leaf("a/4", 9)).unwrap();
    assert_eq!(tx.remove_all(Leaf::BY_KEY.starts_with("a/")).unwrap(), 4);
    assert_eq!(tx.count(Leaf::ALL), 1);
    tx.commit().unwrap();
    assert!(watch.is_fired());
    // And of an empty tree nothing.
    let removed = of(&[]).write(|tx| tx.remove_all(Leaf::BY_KEY.starts_with("")));
    assert_eq!(removed.unwrap(), 0);
}

/// Prefixes at a key, in the middle of what keys share, beyond a key, and of a single letter; what they find is in order.
#[test]
fn walk_prefix() {
    let db = of(&[
        "foobar",
        "foo/bar/baz",
        "foo/baz/bar",
        "foo/zip/zap",
        "zipzap",
    ]);
    let snapshot = db.snapshot();
    let find = |prefix: &str| keys(&snapshot, Leaf::BY_KEY.starts_with(prefix));
    assert_eq!(
        find("f"),
        ["foo/bar/baz", "foo/baz/bar", "foo/zip/zap", "foobar"]
    );
    assert_eq!(find("foo"), find("f"));
    assert_eq!(find("foob"), ["foobar"]);
    assert_eq!(find("foo/"), ["foo/bar/baz", "foo/baz/bar", "foo/zip/zap"]);
    assert_eq!(find("foo/b"), ["foo/bar/baz", "foo/baz/bar"]);
    assert_eq!(find("foo/bar/baz"), ["foo/bar/baz"]);
    assert_eq!(find("foo/bar/bazoo"), [""; 0]);
    assert_eq!(find("z"), ["zipzap"]);
    assert_eq!(find("").len(), 5);
}

/// The keys on the way to a longer one, ascending: a lookup of each of its beginnings, in one snapshot. An iterator at its end stays there.
#[test]
fn walk_path() {
    let db = of(&["", "foo", "foo/bar", "foo/bar/baz", "foo/zip", "zip"]);
    let snapshot = db.snapshot();
    let path = |key: &str| -> Vec<String> {
        let beginnings = (0..=key.len()).filter_map(|len| snapshot.get::<Leaf>(&key[..len]));
        beginnings.map(|leaf| leaf.key.clone()).collect()
    };
    assert_eq!(path("foo/bar/bazoo"), ["", "foo", "foo/bar", "foo/bar/baz"]);
    assert_eq!(path("foo/z"), ["", "foo"]);
    assert_eq!(path("x"), [""]);
    let mut rows = snapshot.list(Leaf::BY_KEY.eq("zip"));
    assert!(rows.next().is_some());
    assert!(rows.next().is_none() && rows.next().is_none() && rows.next_back().is_none());
}

/// The least and the greatest, and all keys up and down, to the end or until it is enough. Down is the reverse of up also where keys nest: there,
/// a key came before those that begin with it, in both directions.
#[test]
fn node_walk() {
    let db = of(&["foo", "foobar", "foobarbaz", "", "fo", "zip"]);
    let snapshot = db.snapshot();
    let up = keys(&snapshot, Leaf::ALL);
    assert_eq!(up, ["", "fo", "foo", "foobar", "foobarbaz", "zip"]);
    let down: Vec<_> = snapshot
        .list(Leaf::ALL)
        .rev()
        .map(|leaf| &leaf.key)
        .collect();
    assert!(down.into_iter().rev().eq(up));
    assert_eq!(snapshot.first(Leaf::ALL).map(|leaf| leaf.value), Some(3));
    assert_eq!(snapshot.last(Leaf::ALL).map(|leaf| leaf.value), Some(5));
    assert_eq!(snapshot.list(Leaf::ALL).take(2).count(), 2);
    let prefix = snapshot.list(Leaf::BY_KEY.starts_with("foob"));
    let down: Vec<_> = prefix.rev().map(|leaf| leaf.key.as_str()).collect();
    assert_eq!(down, ["foobarbaz", "foobar"]);
}

/// A search by a bound after one by a prefix that was missed is like any other. There, it panicked.
#[test]
fn a_bound_after_a_missed_prefix() {
    let db = of(&["bar", "foo"]);
    let snapshot = db.snapshot();
    let mut missed = snapshot.list(Leaf::BY_KEY.starts_with("x"));
    assert!(missed.next().is_none());
    assert_eq!(keys(&snapshot, Leaf::BY_KEY.range("c"..)), ["foo"]);
}

/// Bounds over fixed sets of keys: of one width and of several, before all, after all, at one, between two, longer and shorter than what keys share, with
/// the empty key and for it.
#[test]
fn iterate_lower_bound() {
    for set in [
        &["00000", "00001", "00004", "00010", "00020", "20020"][..],
        &["zipzap", "foo", "foobar", "foo/bar", "barbazboo", "f"],
        &["f", "fo", "foo", "food", "bug"],
        &["", "f", "fo", "foo"],
        &["f", "\u{1}", "", "\u{7f}"],
        &[
            "aaaba", "aabaa", "aabab", "aabcb", "aacca", "abaaa", "acacb",
        ],
        &["bbb", "bb", "b", "", "ba"],
        &["cbacb", "cbbaa", "cbbba"],
        &["gcgc"],
        &[],
    ] {
        let db = of(set);
        let snapshot = db.snapshot();
        let sorted: BTreeSet<_> = set.iter().copied().collect();
        let probes = set.iter().copied();
        let others = [
            "", "0", "00003", "010", "1", "a", "aab", "cacbb", "fon", "foo/", "zzz",
        ];
        for probe in probes.chain(others) {
            check(&snapshot, &sorted, probe);
        }
    }
}

/// That the four kinds of bounds at a key, both ways, are those of the sorted set.
fn check(snapshot: &Snapshot, sorted: &BTreeSet<&str>, at: &str) {
    let model = |bounds: (Bound<&str>, Bound<&str>)| sorted.range::<str, _>(bounds).copied();
    for bounds in [
        (Bound::Included(at), Bound::Unbounded),
        (Bound::Excluded(at), Bound::Unbounded),
        (Bound::Unbounded, Bound::Included(at)),
        (Bound::Unbounded, Bound::Excluded(at)),
    ] {
        let rows = snapshot.list(Leaf::BY_KEY.range(bounds));
        let found = rows.clone().map(|leaf| leaf.key.as_str());
        assert!(found.eq(model(bounds)), "{bounds:?}");
        let found = rows.rev().map(|leaf| leaf.key.as_str());
        assert!(found.eq(model(bounds).rev()), "{bounds:?}");
    }
}

proptest! {
    /// Bounds and prefixes over any keys of a small alphabet, after each insertion: what the sorted set gives, both ways.
    #[test]
    fn lower_bound_fuzz(
        inserted in proptest::collection::vec("[a-g]{0,5}", 0..40),
        probes in proptest::collection::vec("[a-g]{0,5}", 1..6),
    ) {
        let db = of(&[]);
        let mut model = BTreeMap::new();
        for (value, key) in (0..).zip(&inserted) {
            db.write(|tx| tx.put(leaf(key, value))).unwrap();
            model.insert(key.as_str(), value);
            let snapshot = db.snapshot();
            let sorted: BTreeSet<&str> = model.keys().copied().collect();
            for probe in &probes {
                check(&snapshot, &sorted, probe);
                let prefix = snapshot.list(Leaf::BY_KEY.starts_with(probe.as_str()));
                let found: Vec<_> = prefix.map(|leaf| (leaf.key.as_str(), leaf.value)).collect();
                let expected = model.iter().filter(|(key, _)| key.starts_with(probe.as_str()));
                prop_assert!(expected.map(|(&key, &value)| (key, value)).eq(found));
            }
        }
    }
}
