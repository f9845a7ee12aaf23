//! The verbs that read: exact keys, prefixes, bounds, orders.

use sapwood::{Error, Only};

use super::rows::{
    Blob, Object, Service, blob, ids, names, open, put, remove, service, with_objects,
};

fn services(rows: &[(&str, &str, Option<u16>)]) -> sapwood::Database {
    let db = open();
    db.write(|tx| {
        for (name, zone, port) in rows {
            tx.insert(service(name, zone, *port))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

/// A hit and a miss, by the primary key, a unique index and one that is not, in a snapshot and in a transaction.
#[test]
fn exact_queries_hit_and_miss() {
    let db = services(&[
        ("a", "z1", Some(1)),
        ("b", "z2", None),
        ("c", "z1", Some(3)),
    ]);
    let snap = db.snapshot();
    let tx = db.begin_write().unwrap();
    assert_eq!(snap.get::<Service>("b").unwrap().zone, "z2");
    assert!(snap.get::<Service>("d").is_none());
    assert!(tx.get::<Service>("d").is_none());
    for (query, expected) in [
        (Service::BY_NAME.eq("a"), vec!["a"]),
        (Service::BY_PORT.eq(3), vec!["c"]),
        (Service::BY_PORT.eq(2), vec![]),
        (Service::BY_PORT.eq(None::<u16>), vec!["b"]),
        (Service::BY_ZONE.eq("z1"), vec!["a", "c"]),
        (Service::BY_ZONE.eq("z3"), vec![]),
    ] {
        assert_eq!(names(snap.list(query.clone())), expected, "{query:?}");
        assert_eq!(names(tx.list(query.clone())), expected, "{query:?}");
        assert_eq!(
            snap.first(query.clone()).map(|row| &*row.name),
            expected.first().copied()
        );
        assert_eq!(snap.count(query.clone()), expected.len());
        assert_eq!(snap.contains(query), !expected.is_empty());
    }
}

/// All rows come in the order of their keys, and an older snapshot still has what was removed since.
#[test]
fn all_rows_come_in_the_order_of_their_keys() {
    let db = with_objects(&[(300, &[]), (2, &[]), (70_000, &[]), (1, &[])]);
    let before = db.snapshot();
    remove(&db, 300);
    assert_eq!(ids(before.list(Object::ALL)), [1, 2, 300, 70_000]);
    assert_eq!(ids(db.snapshot().list(Object::ALL)), [1, 2, 70_000]);
    // Theirs goes forward only.
    assert_eq!(ids(before.list(Object::ALL).rev()), [70_000, 300, 2, 1]);
    assert_eq!(before.last(Object::ALL).map(|row| row.id), Some(70_000));
}

/// Rows of one key in an index come in the order of their primary keys; rows of several keys in the order of the index first.
#[test]
fn rows_of_one_key_come_in_primary_order() {
    let db = with_objects(&[(9, &["b"]), (3, &["b"]), (5, &["a", "b"]), (7, &["c"])]);
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Object::BY_TAGS.eq("b"))), [3, 5, 9]);
    let services = services(&[("x", "b", None), ("y", "a", None), ("w", "b", None)]);
    assert_eq!(
        names(services.snapshot().list(Service::BY_ZONE.all())),
        ["y", "w", "x"]
    );
}

/// An exact query does not find keys that are longer and begin with what was asked, in a unique index and in others, nor the other way round.
/// (statedb: cilium/cilium#29324.)
#[test]
fn an_exact_query_does_not_find_longer_keys() {
    let db = services(&[
        ("a", "z", Some(1)),
        ("aa", "zz", Some(256)),
        ("aaa", "zzz", None),
    ]);
    let snap = db.snapshot();
    assert_eq!(names(snap.list(Service::BY_NAME.eq("aa"))), ["aa"]);
    assert_eq!(names(snap.list(Service::BY_ZONE.eq("z"))), ["a"]);
    assert_eq!(names(snap.list(Service::BY_ZONE.eq("zz"))), ["aa"]);
    assert_eq!(names(snap.list(Service::BY_PORT.eq(1))), ["a"]);
    assert_eq!(
        names(snap.list(Service::BY_NAME.starts_with("aa"))),
        ["aa", "aaa"]
    );
    assert_eq!(
        names(snap.list(Service::BY_ZONE.starts_with("z"))),
        ["a", "aa", "aaa"]
    );
    assert_eq!(
        names(snap.list(Service::BY_ZONE.starts_with("zzzz"))),
        [] as [&str; 0]
    );
}

/// What stands in the primary key makes no match in another index, even where its bytes go on just as the other index's keys would.
#[test]
fn primary_keys_make_no_false_matches() {
    let db = open();
    let rows: [(&[u8], &[u8]); 6] = [
        (b"a", b""),
        (b"\x00\x01a", b""),
        (b"b", b"a"),
        (b"\x00", b"a\x00"),
        (b"a", b"ab"),
        (b"", b"ab\x00\x01"),
    ];
    db.write(|tx| {
        for (n, (key, group)) in rows.iter().enumerate() {
            // Keys are told apart by what stands behind them.
            tx.insert(blob(&[*key, &[n as u8]].concat(), group))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snap = db.snapshot();
    for group in [
        b"".as_slice(),
        b"a",
        b"a\x00",
        b"ab",
        b"ab\x00\x01",
        b"\x00",
        b"abc",
    ] {
        let mut expected: Vec<Vec<u8>> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.1 == group)
            .map(|(n, row)| [row.0, &[n as u8]].concat())
            .collect();
        expected.sort();
        let found: Vec<_> = snap
            .list(Blob::BY_GROUP.eq(group))
            .map(|row| row.key.clone())
            .collect();
        assert_eq!(found, expected, "{group:?}");
    }
    let order: Vec<_> = snap
        .list(Blob::BY_GROUP.all())
        .map(|row| (row.group.clone(), row.key.clone()))
        .collect();
    assert!(order.is_sorted());
}

/// The cost of an exact query is that of its hits: the number of rows is known without a look at keys that only begin so. Theirs goes through all of them
/// (D12). Here that is a matter of how many rows the list says it will give before the first.
#[test]
fn an_exact_query_knows_its_hits_from_the_start() {
    let db = open();
    db.write(|tx| {
        tx.insert(service("hit", "a", None))?;
        for n in 0..2000 {
            tx.insert(service(&format!("n{n}"), &format!("ab{n}"), None))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snap = db.snapshot();
    let mut hits = snap.list(Service::BY_ZONE.eq("a"));
    assert_eq!(hits.size_hint(), (1, Some(1)));
    assert_eq!(hits.next().map(|row| &*row.name), Some("hit"));
    assert!(hits.next().is_none() && hits.next_back().is_none());
    assert_eq!(snap.count(Service::BY_ZONE.starts_with("a")), 2001);
}

/// Everything from a key on, whether a row has that key or not, at the ends and in the middle; and everything up to one, which theirs has not.
#[test]
fn bounds_need_not_be_keys() {
    let db = with_objects(&[(0, &[]), (10, &[]), (255, &[]), (256, &[]), (u64::MAX, &[])]);
    let snap = db.snapshot();
    let list = |query| ids(snap.list(query));
    assert_eq!(list(Object::BY_ID.range(0..)).len(), 5);
    assert_eq!(list(Object::BY_ID.range(1..)), [10, 255, 256, u64::MAX]);
    assert_eq!(list(Object::BY_ID.range(10..)), [10, 255, 256, u64::MAX]);
    assert_eq!(list(Object::BY_ID.range(257..)), [u64::MAX]);
    assert_eq!(list(Object::BY_ID.range(..256)), [0, 10, 255]);
    assert_eq!(list(Object::BY_ID.range(..=256)), [0, 10, 255, 256]);
    assert_eq!(list(Object::BY_ID.range(11..=254)), [] as [u64; 0]);
    assert_eq!(snap.count(Object::BY_ID.range(5..300)), 3);
    let empty = open().snapshot();
    assert!(empty.first(Object::BY_ID.range(1..)).is_none());
}

/// In a unique and in another index, what lies from a bound on comes in order.
#[test]
fn bounds_in_other_indexes() {
    let db = services(&[
        ("a", "z3", Some(30)),
        ("b", "z1", Some(10)),
        ("c", "z2", None),
    ]);
    let snap = db.snapshot();
    assert_eq!(names(snap.list(Service::BY_ZONE.range("z2"..))), ["c", "a"]);
    assert_eq!(
        names(snap.list(Service::BY_ZONE.range("z15"..))),
        ["c", "a"]
    );
    assert_eq!(names(snap.list(Service::BY_PORT.range(Some(11)..))), ["a"]);
    assert_eq!(
        names(snap.list(Service::BY_PORT.range(None..=Some(10)))),
        ["c", "b"]
    );
}

/// A query can be asked again and again, and a list gone through again: it shows the same, while others write.
#[test]
fn a_list_can_be_gone_through_again() {
    let db = with_objects(&[(1, &["a"]), (2, &["a"]), (3, &["b"])]);
    let snap = db.snapshot();
    let query = Object::BY_TAGS.eq("a");
    let rows = snap.list(query.clone());
    put(&db, 4, &["a"]);
    let mut stepped = rows.clone();
    stepped.next();
    assert_eq!(ids(stepped), [2]);
    assert_eq!(ids(rows.clone()), [1, 2]);
    assert_eq!(ids(rows), [1, 2]);
    assert_eq!(ids(snap.list(query.clone())), [1, 2]);
    assert_eq!(ids(db.snapshot().list(query)), [1, 2, 4]);
    // One that has ended stays ended.
    let mut done = snap.list(Object::BY_TAGS.eq("b"));
    assert!(done.next().is_some() && done.next().is_none() && done.next().is_none());
}

/// Lists are iterators, so that what statedb has helpers for (collect, map, filter, values) is what the language has; and more, such as from the end, and pages.
#[test]
fn lists_are_iterators() {
    let db = with_objects(&[(1, &["a"]), (2, &["b"]), (3, &["a"]), (4, &["a"])]);
    let snap = db.snapshot();
    let odd: Vec<u64> = snap
        .list(Object::ALL)
        .filter(|row| row.tags.contains("a"))
        .map(|row| row.id * 10)
        .collect();
    assert_eq!(odd, [10, 30, 40]);
    assert_eq!(
        ids(snap.list(Object::BY_TAGS.eq("a")).rev().take(2)),
        [4, 3]
    );
    assert_eq!(ids(snap.list(Object::ALL).skip(1).take(2)), [2, 3]);
    assert_eq!(snap.list(Object::ALL).nth(3).map(|row| row.id), Some(4));
    let kept: Vec<sapwood::Row<Object>> = snap.list(Object::ALL).cloned().collect();
    drop(snap);
    drop(db);
    assert_eq!(ids(&kept), [1, 2, 3, 4]);
}

/// A beginning that fits one row finds it; one that fits none or several says which of both. Theirs would list and count.
#[test]
fn the_only_row_of_a_beginning() {
    let db = services(&[
        ("alpha", "z", None),
        ("alps", "z", None),
        ("beta", "z", None),
    ]);
    let snap = db.snapshot();
    let only = |beginning: &str| snap.only(Service::BY_NAME.starts_with(beginning));
    assert_eq!(only("b").one().map(|row| &*row.name), Some("beta"));
    assert_eq!(only("alp"), Only::Many);
    assert_eq!(only("x"), Only::None);
}
