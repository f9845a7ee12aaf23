//! Longest-prefix match.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

/// A route by what it begins with, of which several may begin alike.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Route {
    #[key]
    id: u32,
    #[index]
    path: String,
    #[index]
    bits: Vec<u8>,
}

/// By its whole beginning alone: a primary key.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Rule {
    #[key]
    path: String,
}

fn route(id: u32, path: &str) -> Route {
    Route {
        id,
        path: path.to_owned(),
        bits: path.as_bytes().to_vec(),
    }
}

fn open(paths: &[&str]) -> Database {
    let db = Database::builder()
        .table::<Route>()
        .table::<Rule>()
        .in_memory()
        .unwrap();
    db.write(|tx| {
        for (id, path) in paths.iter().enumerate() {
            tx.insert(route(id as u32, path))?;
            tx.put(Rule {
                path: (*path).to_owned(),
            })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

/// The longest key that what is asked begins with is found, whole or not; nothing where none does; all that match, from the longest on. A key replaced keeps the
/// number of entries; removed, the next shorter is found.
#[test]
fn the_longest_prefix_wins() {
    let db = open(&["/", "/api", "/api/v1", "/b"]);
    let find = |of: &str| {
        db.snapshot()
            .longest_prefix(Route::BY_PATH, of)
            .map(|route| route.path.clone())
    };
    for (of, found) in [
        ("/api/v1/pods", Some("/api/v1")),
        ("/api/v1", Some("/api/v1")),
        ("/api/v", Some("/api")),
        ("/apix", Some("/api")),
        ("/c", Some("/")),
        ("c", None),
        ("", None),
    ] {
        assert_eq!(find(of).as_deref(), found, "{of}");
    }
    let snap = db.snapshot();
    let all: Vec<&str> = snap
        .prefixes(Route::BY_PATH, "/api/v1/x")
        .map(|route| &*route.path)
        .collect();
    assert_eq!(all, ["/api/v1", "/api", "/"]);
    db.write(|tx| tx.put(route(2, "/api/v1"))).unwrap();
    assert_eq!(db.snapshot().count(Route::BY_PATH.all()), 4);
    db.write(|tx| tx.remove::<Route>(2)).unwrap();
    assert_eq!(find("/api/v1").as_deref(), Some("/api"));
    db.write(|tx| tx.insert(route(9, ""))).unwrap();
    assert_eq!(find("c").as_deref(), Some(""));
}

/// Of several rows with one prefix, the one with the least primary key is found, and a list of that prefix has all of them in that order; as a primary index it
/// works alike.
#[test]
fn rows_of_one_prefix_come_in_primary_order() {
    let db = open(&["/a", "/b", "/a", "/a/b"]);
    let snap = db.snapshot();
    let found = snap.longest_prefix(Route::BY_PATH, "/a/c").unwrap();
    assert_eq!(found.id, 0);
    let list: Vec<u32> = snap
        .list(Route::BY_PATH.eq("/a"))
        .map(|route| route.id)
        .collect();
    assert_eq!(list, [0, 2]);
    let all: Vec<u32> = snap
        .prefixes(Route::BY_PATH, "/a/b/c")
        .map(|route| route.id)
        .collect();
    assert_eq!(all, [3, 0, 2]);
    let rule = snap.longest_prefix(Rule::BY_PATH, "/a/c");
    assert_eq!(rule.map(|rule| &*rule.path), Some("/a"));
}

/// A snapshot that is held, and a new one, show nothing of a transaction that has not committed, on prefixes that it adds to and takes from; only it does. Theirs
/// changes what readers have (D7).
#[test]
fn a_snapshot_sees_no_uncommitted_prefix() {
    let db = open(&["/a", "/a", "/a/b"]);
    let before = db.snapshot();
    let shown = |snap: &sapwood::Snapshot| -> Vec<u32> {
        snap.prefixes(Route::BY_PATH, "/a/b")
            .map(|route| route.id)
            .collect()
    };
    let mut tx = db.begin_write().unwrap();
    tx.insert(route(7, "/a")).unwrap();
    tx.remove::<Route>(0).unwrap();
    tx.remove::<Route>(2).unwrap();
    let inside: Vec<u32> = tx
        .prefixes(Route::BY_PATH, "/a/b")
        .map(|route| route.id)
        .collect();
    assert_eq!(inside, [1, 7]);
    for snap in [&before, &db.snapshot()] {
        assert_eq!(shown(snap), [2, 0, 1]);
    }
    tx.commit().unwrap();
    assert_eq!(shown(&before), [2, 0, 1]);
    assert_eq!(shown(&db.snapshot()), [1, 7]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever keys there are, text or bytes, and whatever is asked: the longest match, and all of them from the longest on, are those of a look at every row, in the
    /// transaction that made them, some of them removed, and after it.
    #[test]
    fn the_longest_prefix_is_as_brute_force_says(
        paths in btree_set("[ab\u{0}]{0,4}", 0..12), gone in vec(any::<prop::sample::Index>(), 0..4), asked in vec("[ab\u{0}]{0,6}", 1..6),
    ) {
        let mut paths: Vec<String> = paths.into_iter().collect();
        let db = open(&[]);
        let mut tx = db.begin_write().unwrap();
        for (id, path) in paths.iter().enumerate() {
            tx.insert(route(id as u32, path)).unwrap();
        }
        for gone in gone {
            if !paths.is_empty() {
                let path = paths.swap_remove(gone.index(paths.len()));
                tx.remove_all(Route::BY_PATH.eq(path)).unwrap();
            }
        }
        let expected = |of: &str| -> Vec<String> {
            let mut matches: Vec<String> = paths.iter().filter(|path| of.starts_with(path.as_str())).cloned().collect();
            matches.sort_by_key(|path| std::cmp::Reverse(path.len()));
            matches
        };
        for of in &asked {
            let found: Vec<String> = tx.prefixes(Route::BY_PATH, of).map(|route| route.path.clone()).collect();
            prop_assert_eq!(found, expected(of));
        }
        tx.commit().unwrap();
        let snap = db.snapshot();
        for of in &asked {
            let expected = expected(of);
            let found: Vec<&String> = snap.prefixes(Route::BY_PATH, of).map(|route| &route.path).collect();
            prop_assert_eq!(found, expected.iter().collect::<Vec<_>>());
            let longest = snap.longest_prefix(Route::BY_BITS, of.as_bytes());
            prop_assert_eq!(longest.map(|route| &route.path), expected.first());
        }
    }
}

#[cfg(feature = "ipnet")]
mod networks {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use sapwood::{Database, Error, Table};
    use serde::{Deserialize, Serialize};

    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Policy {
        #[key]
        id: u8,
        #[index]
        net: IpNet,
    }

    /// The smallest network that holds an address is found, of both families; networks within another come in order, and so do those from an address on.
    #[test]
    fn networks_within_and_from_an_address() {
        let db = Database::builder().table::<Policy>().in_memory().unwrap();
        let nets = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.0/24",
            "192.168.0.0/16",
            "fd00::/8",
            "fd00:1::/32",
        ];
        db.write(|tx| {
            for (id, net) in nets.iter().enumerate() {
                tx.insert(Policy {
                    id: id as u8,
                    net: net.parse().unwrap(),
                })?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        let snap = db.snapshot();
        let find = |address: &str| {
            let address: IpAddr = address.parse().unwrap();
            snap.longest_prefix(Policy::BY_NET, address)
                .map(|policy| policy.id)
        };
        assert_eq!(find("10.1.2.3"), Some(2));
        assert_eq!(find("10.1.3.3"), Some(1));
        assert_eq!(find("10.2.0.0"), Some(0));
        assert_eq!(find("11.0.0.0"), None);
        assert_eq!(find("fd00:1::9"), Some(5));
        assert_eq!(find("fd01::9"), Some(4));
        let net = |net: &str| net.parse::<IpNet>().unwrap();
        let within: Vec<u8> = snap
            .list(Policy::BY_NET.within(net("10.1.0.0/16")))
            .map(|policy| policy.id)
            .collect();
        assert_eq!(within, [1, 2]);
        let from: Vec<u8> = snap
            .list(Policy::BY_NET.range(net("10.1.2.0/0")..))
            .map(|policy| policy.id)
            .collect();
        assert_eq!(from, [2, 3, 4, 5]);
    }
}
