//! Versions of the tree: each stays as it was, whatever is written to the next.

use sapwood::{Database, Error};

use super::tree::{Leaf, keys, leaf, of};

/// A fixed sequence that looks random: keys of 16 hexadecimal digits.
fn random_keys(count: u64) -> Vec<String> {
    (1..=count)
        .map(|n| {
            format!(
                "{:016x}",
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
            )
        })
        .collect()
}

/// After every insertion the version before is what it was; at the end all keys are there, the least and the greatest first and last; to remove all of them
/// leaves the full version untouched, and the new one empty.
#[test]
fn radix() {
    let inserted = random_keys(400);
    let db = of(&[]);
    let mut sorted: Vec<&str> = Vec::new();
    for key in &inserted {
        let before = db.snapshot();
        db.write(|tx| tx.insert(leaf(key, 0))).unwrap();
        assert_eq!(keys(&before, Leaf::ALL), sorted);
        sorted.push(key);
        sorted.sort_unstable();
    }
    let full = db.snapshot();
    assert_eq!(full.count(Leaf::ALL), inserted.len());
    assert!(inserted.iter().all(|key| full.get::<Leaf>(key).is_some()));
    assert_eq!(
        full.first(Leaf::ALL).map(|leaf| &*leaf.key),
        sorted.first().copied()
    );
    assert_eq!(
        full.last(Leaf::ALL).map(|leaf| &*leaf.key),
        sorted.last().copied()
    );
    for key in &inserted {
        assert!(db.write(|tx| tx.remove::<Leaf>(key)).unwrap().is_some());
    }
    assert_eq!(db.snapshot().count(Leaf::ALL), 0);
    assert_eq!(keys(&full, Leaf::ALL), sorted);
}

/// A transaction of a hundred thousand keys is whole and sorted, up and down. There, past 8,192 nodes a transaction copied again what it had copied.
#[test]
fn huge_txn() {
    let inserted = random_keys(100_000);
    let db = of(&[]);
    db.write(|tx| {
        inserted
            .iter()
            .try_for_each(|key| tx.insert(leaf(key, 0)).map(drop))
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    let mut sorted: Vec<_> = inserted.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let snapshot = db.snapshot();
    assert!(keys(&snapshot, Leaf::ALL) == sorted);
    let down = snapshot.list(Leaf::ALL).rev().map(|leaf| leaf.key.as_str());
    assert!(down.eq(sorted.iter().rev().copied()));
}

/// A tree counts itself after insertions and after removals, in the transaction too.
#[test]
fn len_txn() {
    let db = of(&[]);
    let mut tx = db.begin_write().unwrap();
    for (n, key) in random_keys(500).iter().enumerate() {
        assert_eq!(tx.count(Leaf::ALL), n);
        tx.insert(leaf(key, n as u64 % 7)).unwrap();
    }
    assert_eq!(tx.remove_all(Leaf::BY_VALUE.eq(3)).unwrap(), 71);
    assert_eq!(tx.count(Leaf::ALL), 429);
    tx.commit().unwrap();
    assert_eq!(db.snapshot().count(Leaf::BY_VALUE.all()), 429);
}

/// One of two siblings goes, and the other one, which takes the parent's place, stays.
#[test]
fn merge_child_nil_edges() {
    let db = of(&["foobar", "foozip"]);
    db.write(|tx| tx.remove::<Leaf>("foobar")).unwrap();
    let snapshot = db.snapshot();
    assert_eq!(keys(&snapshot, Leaf::ALL), ["foozip"]);
    assert_eq!(keys(&snapshot, Leaf::BY_KEY.starts_with("foo")), ["foozip"]);
}

/// Two branches of one version: what merges and is then overwritten in one does not show in the other, before the commit and after it.
#[test]
fn merge_child_visibility() {
    let base = of(&["foobar", "foobaz", "foozip"]).snapshot();
    let (one, two) = (base.fork(), base.fork());
    let values = |db: &Database| -> Vec<(String, u64)> {
        let snapshot = db.snapshot();
        let rows = snapshot.list(Leaf::ALL);
        rows.map(|leaf| (leaf.key.clone(), leaf.value)).collect()
    };
    let before = values(&two);
    let mut first = one.begin_write().unwrap();
    let mut second = two.begin_write().unwrap();
    first.remove::<Leaf>("foozip").unwrap();
    first.remove::<Leaf>("foobaz").unwrap();
    first.put(leaf("foobar", 42)).unwrap();
    assert_eq!(second.get::<Leaf>("foobar").map(|leaf| leaf.value), Some(0));
    first.commit().unwrap();
    assert_eq!(second.count(Leaf::ALL), 3);
    second.put(leaf("foobaz", 7)).unwrap();
    drop(second);
    assert_eq!(values(&two), before);
    assert_eq!(values(&one), [("foobar".to_owned(), 42)]);
    assert_eq!(keys(&base, Leaf::ALL), ["foobar", "foobaz", "foozip"]);
}

/// What was written before a branch is in both, and what is written after it in its own only: for forks, and for savepoints within a transaction.
#[test]
fn clone() {
    let db = of(&["shared"]);
    let one = db.snapshot().fork();
    let two = db.snapshot().fork();
    one.write(|tx| tx.insert(leaf("one", 1))).unwrap();
    two.write(|tx| tx.insert(leaf("two", 2))).unwrap();
    let (one, two) = (one.snapshot(), two.snapshot());
    assert_eq!(keys(&one, Leaf::ALL), ["one", "shared"]);
    assert_eq!(keys(&two, Leaf::ALL), ["shared", "two"]);
    let mut tx = db.begin_write().unwrap();
    tx.insert(leaf("before", 0)).unwrap();
    let here = tx.savepoint();
    tx.insert(leaf("one", 1)).unwrap();
    tx.rollback_to(&here).unwrap();
    tx.insert(leaf("two", 2)).unwrap();
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    assert_eq!(keys(&snapshot, Leaf::ALL), ["before", "shared", "two"]);
}

/// Forks of forks, and snapshots of them, each keep their own state when what they come from is gone.
#[test]
fn chains_of_snapshots() {
    let mut db = of(&["0"]);
    let mut kept = vec![db.snapshot()];
    for n in 1..20 {
        db = db.snapshot().fork();
        db.write(|tx| tx.insert(leaf(&n.to_string(), n))).unwrap();
        kept.push(db.snapshot());
    }
    drop(db);
    for (n, snapshot) in (1..).zip(&kept) {
        assert_eq!(snapshot.count(Leaf::ALL), n);
    }
    kept.drain(..19);
    assert_eq!(kept[0].count(Leaf::ALL), 20);
}
