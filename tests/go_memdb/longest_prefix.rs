//! The longest prefix: the row whose key begins what is looked for, and no other begins it further.

use sapwood::{Database, Error, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

use super::tree::{Leaf, of};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_zone_path, on(zone, path)))]
struct Rule {
    #[key]
    id: u32,
    zone: u8,
    #[index(unique)]
    #[index(name = by_shared)]
    path: String,
}

/// Five rules, one of them with an empty path.
fn rules() -> Database {
    let db = Database::builder().table::<Rule>().in_memory().unwrap();
    db.write(|tx| {
        for (id, path) in (1..).zip(["", "foo", "foobar", "foo/bar/", "zip\0zap"]) {
            let path = path.to_owned();
            tx.insert(Rule { id, zone: 1, path })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

const PROBES: [(&str, u32); 12] = [
    // At a key, longer than one, between two.
    ("foo", 2),
    ("foobar", 3),
    ("foobarbaz", 3),
    ("foob", 2),
    ("foo/bar/baz", 4),
    ("foo/bar", 2),
    ("zip\0zapzap", 5),
    ("zip", 1),
    // Nothing in common, and nothing: the empty path.
    ("x", 1),
    ("", 1),
    ("\0", 1),
    ("fo", 1),
];

/// At a key, longer than one, between two, with nothing in common, and empty: in a transaction and after it, on a unique index, on one that rows share, and behind another
/// column. There, only unique indexes of a kind of one's own had it.
#[test]
fn insert_get_longest_prefix() {
    fn check(find: impl Fn(&str) -> [Option<u32>; 3]) {
        for (of, id) in PROBES {
            assert_eq!(find(of), [Some(id); 3], "{of:?}");
        }
    }
    let id = |row: Option<&sapwood::Row<Rule>>| row.map(|rule| rule.id);
    let in_snapshot = |snapshot: &Snapshot, of: &str| {
        [
            id(snapshot.longest_prefix(Rule::BY_PATH, of)),
            id(snapshot.longest_prefix(Rule::BY_SHARED, of)),
            id(snapshot.longest_prefix(Rule::BY_ZONE_PATH, (1, of))),
        ]
    };
    let in_transaction = |tx: &WriteTxn, of: &str| {
        [
            id(tx.longest_prefix(Rule::BY_PATH, of)),
            id(tx.longest_prefix(Rule::BY_SHARED, of)),
            id(tx.longest_prefix(Rule::BY_ZONE_PATH, (1, of))),
        ]
    };
    let db = rules();
    let mut tx = db.begin_write().unwrap();
    check(|of| in_transaction(&tx, of));
    tx.remove::<Rule>(2).unwrap();
    assert_eq!(in_transaction(&tx, "foob"), [Some(1); 3]);
    drop(tx);
    let snapshot = db.snapshot();
    check(|of| in_snapshot(&snapshot, of));
    assert_eq!(
        snapshot.longest_prefix(Rule::BY_ZONE_PATH, (2, "foo")),
        None
    );
}

/// Over a chain of keys that begin one another, with the empty one and without: at each key, between each two, behind the last.
#[test]
fn longest_prefix() {
    let probes = [
        ("a", ""),
        ("abc", ""),
        ("fo", ""),
        ("foo", "foo"),
        ("foob", "foo"),
        ("foobar", "foobar"),
        ("foobarba", "foobar"),
        ("foobarbaz", "foobarbaz"),
        ("foobarbazzi", "foobarbaz"),
        ("foobarbazzip", "foobarbazzip"),
        ("foozi", "foo"),
        ("foozip", "foozip"),
        ("foozipzap", "foozip"),
    ];
    let chain = ["foo", "foobar", "foobarbaz", "foobarbazzip", "foozip"];
    let without = of(&chain).snapshot();
    let with = of(&[&chain[..], &[""]].concat()).snapshot();
    for (of, found) in probes {
        let key = |snapshot: &Snapshot| {
            let leaf = snapshot.longest_prefix(Leaf::BY_KEY, of);
            leaf.map(|leaf| leaf.key.clone())
        };
        assert_eq!(key(&with).as_deref(), Some(found), "{of}");
        let found = (!found.is_empty()).then_some(found);
        assert_eq!(key(&without).as_deref(), found, "{of}");
    }
}

/// All keys on the way to a longer one, from the longest to the shortest. There, they came the other way round.
#[test]
fn path_iterator() {
    let snapshot = of(&["", "foo", "foo/bar", "foo/bar/baz", "foo/zip", "zip"]).snapshot();
    let path = |of: &str| -> Vec<&str> {
        let leaves = snapshot.prefixes(Leaf::BY_KEY, of);
        leaves.map(|leaf| leaf.key.as_str()).collect()
    };
    assert_eq!(path("foo/bar/bazoo"), ["foo/bar/baz", "foo/bar", "foo", ""]);
    assert_eq!(path("foo/z"), ["foo", ""]);
    assert_eq!(path("x"), [""]);
    assert_eq!(path("foo/zip"), ["foo/zip", "foo", ""]);
}

/// Another row becomes the longest prefix, and the watches on what could be it tell; for what is beside them they do not. There, it could not be watched.
#[test]
fn the_longest_prefix_can_be_watched() {
    let db = rules();
    let snapshot = db.snapshot();
    let mut watches = Vec::new();
    for query in Rule::BY_PATH.prefixes_of("foobarbaz") {
        watches.push(snapshot.watch(query.clone()));
        if snapshot.contains(query) {
            break;
        }
    }
    let put = |id, path: &str| {
        let path = path.to_owned();
        db.write(|tx| tx.put(Rule { id, zone: 1, path })).unwrap();
        watches.iter().any(sapwood::watch::Watch::is_fired)
    };
    assert!(!put(10, "foob"));
    assert!(!put(11, "foobarbazz"));
    assert!(!put(12, "foobaz"));
    assert!(put(13, "foobarba"));
}
