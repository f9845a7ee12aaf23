//! What fires when the tree changes its shape. There, nodes had channels, and their tests hold which nodes fire; here keys and ranges are watched, and
//! how nodes lie is nobody's business: what fires is what changed.

use sapwood::watch::Watch;
use sapwood::{Database, Error};

use super::tree::{Leaf, leaf, of};

/// Watches on keys, present or not, and on the prefixes that end in `*`.
fn watches<const N: usize>(db: &Database, of: [&str; N]) -> [Watch; N] {
    let snapshot = db.snapshot();
    of.map(|key| {
        snapshot.watch(match key.strip_suffix('*') {
            Some(prefix) => Leaf::BY_KEY.starts_with(prefix),
            None => Leaf::BY_KEY.eq(key),
        })
    })
}

fn fired<const N: usize>(watches: &[Watch; N]) -> [bool; N] {
    watches.each_ref().map(Watch::is_fired)
}

/// A removed prefix fires nothing before the commit; then every watch on it, above it and on a row below it, and none on a row beside it.
#[test]
fn track_mutate_delete_prefix() {
    let db = of(&["test/test1", "test/test2", "test/test3", "other"]);
    let watched = watches(&db, ["*", "test*", "test/test2", "test/test4", "other"]);
    let mut tx = db.begin_write().unwrap();
    tx.remove_all(Leaf::BY_KEY.starts_with("test")).unwrap();
    assert_eq!(fired(&watched), [false; 5]);
    tx.commit().unwrap();
    assert_eq!(fired(&watched), [true, true, true, false, false]);
}

/// A key below an existing one fires the prefixes above it and the watch on the missing key, not the existing key nor what is beside it; no watch that is taken
/// afterwards has fired. The same when it is removed.
#[test]
fn track_mutate_seek_prefix_watch() {
    let db = of(&["foo", "foo/bar", "zip"]);
    let at = [
        "*",
        "f*",
        "foo/bar/*",
        "foo/bar/baz",
        "foo/bar",
        "foo",
        "zip*",
    ];
    let expected = [true, true, true, true, false, false, false];
    let watched = watches(&db, at);
    db.write(|tx| tx.insert(leaf("foo/bar/baz", 1))).unwrap();
    assert_eq!(fired(&watched), expected);
    let watched = watches(&db, at);
    assert_eq!(fired(&watched), [false; 7]);
    db.write(|tx| tx.remove::<Leaf>("foo/bar/baz")).unwrap();
    assert_eq!(fired(&watched), expected);
    assert_eq!(fired(&watches(&db, at)), [false; 7]);
}

/// Keys that come and go below a key do not fire it; writing it or removing it does.
#[test]
fn track_mutate_get_watch() {
    let db = of(&["foo", "foo/bar"]);
    let [exact] = watches(&db, ["foo"]);
    db.write(|tx| tx.insert(leaf("foo/baz", 1))).unwrap();
    db.write(|tx| tx.remove::<Leaf>("foo/bar")).unwrap();
    assert!(!exact.is_fired());
    db.write(|tx| tx.put(leaf("foo", 9))).unwrap();
    assert!(exact.is_fired());
    let [exact] = watches(&db, ["foo"]);
    db.write(|tx| tx.remove::<Leaf>("foo")).unwrap();
    assert!(exact.is_fired());
}

/// Past any number of changed rows, what is watched fires and what did not change does not. There, past 8,192 changed nodes both trees were
/// compared from end to end, under the writer's lock.
#[test]
fn track_mutate_huge_txn() {
    let names: Vec<String> = (0..20_000).map(|n| format!("{n:05}")).collect();
    let db = of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let watched = watches(&db, ["*", "00*", "03999", "04000", "19999", "1999*"]);
    db.write(|tx| {
        for name in names.iter().take(4_000).chain(&names[4_001..16_001]) {
            tx.remove::<Leaf>(name)?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(fired(&watched), [true, true, true, false, false, false]);
    assert_eq!(db.snapshot().count(Leaf::ALL), 4_000);
}

/// A removal that makes nodes one fires the removed key and the prefixes above it, and no key that was only moved by it.
#[test]
fn track_mutate_merge_child() {
    let db = of(&["foobar", "foozip", "foozap", "z"]);
    let watched = watches(
        &db,
        ["*", "foo*", "foob*", "foobar", "fooz*", "foozip", "z"],
    );
    db.write(|tx| tx.remove::<Leaf>("foobar")).unwrap();
    assert_eq!(
        fired(&watched),
        [true, true, true, true, false, false, false]
    );
}

/// A removal that makes nodes one, and then a write of the key that was moved by it, in one transaction: both fire.
#[test]
fn track_mutate_cached_node_change() {
    let db = of(&["acme", "aloha", "b"]);
    let watched = watches(&db, ["acme", "aloha", "a*", "b"]);
    db.write(|tx| {
        tx.remove::<Leaf>("acme")?;
        tx.put(leaf("aloha", 9))
    })
    .unwrap();
    assert_eq!(fired(&watched), [true, true, true, false]);
}
