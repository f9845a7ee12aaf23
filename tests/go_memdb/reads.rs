//! Getting rows: by key, by value, by element, by prefix, forwards and backwards, in a transaction and after it.

use sapwood::{Only, Query, Rows};

use super::fixture::{Main, filled, id, ids, open, row, three};

/// Asks the same of a running transaction and of the snapshot after its commit.
fn in_and_after(rows: [Main; 3], check: impl Fn(&dyn Fn(Query<Main>) -> Vec<String>)) {
    fn names(rows: Rows<'_, Main>) -> Vec<String> {
        ids(rows).into_iter().map(str::to_owned).collect()
    }
    let db = open();
    let mut tx = db.begin_write().unwrap();
    for row in rows {
        tx.insert(row).unwrap();
    }
    check(&|query| names(tx.list(query)));
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    check(&|query| names(snapshot.list(query)));
}

fn rows() -> [Main; 3] {
    [
        row("object1", "foo", &["a", "b"]),
        row("object2", "foo", &["b2", "shared"]),
        row("object3", "bar", &["c", "shared"]),
    ]
}

/// All rows, by id, by a shared value, by an element: exactly the rows, in order, and then the end.
#[test]
fn insert_get_simple() {
    in_and_after(rows(), |list| {
        assert_eq!(list(Main::ALL), ["object1", "object2", "object3"]);
        assert_eq!(list(Main::BY_ID.eq("object1")), ["object1"]);
        assert_eq!(list(Main::BY_FOO.eq("foo")), ["object1", "object2"]);
        assert_eq!(list(Main::BY_FOO.eq("bar")), ["object3"]);
        assert_eq!(list(Main::BY_QUX.eq("shared")), ["object2", "object3"]);
        assert_eq!(list(Main::BY_QUX.eq("nobody")), [""; 0]);
    });
}

/// The same four backwards: one iterator goes both ways.
#[test]
fn insert_get_reverse_simple() {
    let db = three();
    let snapshot = db.snapshot();
    let reverse = |query| ids(snapshot.list(query).rev());
    assert_eq!(reverse(Main::ALL), ["object3", "object2", "object1"]);
    assert_eq!(reverse(Main::BY_ID.eq("object1")), ["object1"]);
    assert_eq!(reverse(Main::BY_FOO.eq("foo")), ["object2", "object1"]);
    assert_eq!(reverse(Main::BY_QUX.eq("shared")), ["object3", "object2"]);
    let mut both = snapshot.list(Main::ALL);
    assert_eq!(id(both.next()), Some("object1"));
    assert_eq!(id(both.next_back()), Some("object3"));
    assert_eq!(id(both.next_back()), Some("object2"));
    assert_eq!((both.next(), both.next_back()), (None, None));
}

/// A prefix of nothing is everything; prefixes of ids and of values, wide and narrow, find their rows in the order of the index.
#[test]
fn insert_get_prefix() {
    let rows = [
        row("object1", "foobar", &["x1", "x2"]),
        row("object2", "foozip", &["y1"]),
        row("other", "quux", &["x3"]),
    ];
    in_and_after(rows, |list| {
        assert_eq!(
            list(Main::BY_ID.starts_with("")),
            ["object1", "object2", "other"]
        );
        assert_eq!(
            list(Main::BY_ID.starts_with("object")),
            ["object1", "object2"]
        );
        assert_eq!(
            list(Main::BY_FOO.starts_with("foo")),
            ["object1", "object2"]
        );
        assert_eq!(list(Main::BY_FOO.starts_with("foob")), ["object1"]);
        assert_eq!(list(Main::BY_FOO.starts_with("foobarx")), [""; 0]);
        assert_eq!(list(Main::BY_QUX.starts_with("y")), ["object2"]);
    });
}

/// Every index is asked for all of it, also one where no prefix makes sense: each row is there once for each of its keys.
#[test]
fn an_index_without_an_argument_is_all_of_it() {
    let db = three();
    let snapshot = db.snapshot();
    assert_eq!(
        ids(snapshot.list(Main::BY_FOO.all())),
        ["object3", "object1", "object2"]
    );
    // Backwards too; there, a backward bound without an argument found nothing, and a forward one everything.
    assert_eq!(
        ids(snapshot.list(Main::BY_FOO.range(..)).rev()),
        ["object2", "object1", "object3"]
    );
}

/// First and last of a query, and none where there is none: no error, and no null.
#[test]
fn first_and_last() {
    let db = three();
    let snapshot = db.snapshot();
    assert_eq!(id(snapshot.first(Main::ALL)), Some("object1"));
    assert_eq!(id(snapshot.last(Main::ALL)), Some("object3"));
    assert_eq!(
        id(snapshot.first(Main::BY_ID.starts_with("object2"))),
        Some("object2")
    );
    assert_eq!(
        id(snapshot.last(Main::BY_FOO.starts_with("f"))),
        Some("object2")
    );
    assert_eq!(snapshot.first(Main::BY_FOO.eq("absent")), None);
    assert_eq!(snapshot.last(Main::BY_QUX.eq("absent")), None);
}

/// To look up by the beginning of an id tells one, none and several apart: what Docker's view does by hand.
#[test]
fn a_beginning_finds_the_only_one() {
    let db = three();
    let snapshot = db.snapshot();
    let only = |beginning: &str| snapshot.only(Main::BY_ID.starts_with(beginning));
    assert_eq!(id(only("object2").one()), Some("object2"));
    assert_eq!(only("object"), Only::Many);
    assert_eq!(only(""), Only::Many);
    assert_eq!(only("x"), Only::None);
}

/// Rows are counted without being visited, in any range, and whether there is one is asked without reading it. There, users counted by iterating.
#[test]
fn rows_are_counted() {
    let db = three();
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(Main::ALL), 3);
    assert_eq!(snapshot.count(Main::BY_FOO.eq("foo")), 2);
    assert_eq!(snapshot.count(Main::BY_QUX.starts_with("b")), 2);
    assert_eq!(snapshot.count(Main::BY_ID.range("object2"..)), 2);
    assert!(snapshot.contains(Main::BY_FOO.eq("bar")));
    assert!(!snapshot.contains(Main::BY_FOO.eq("ba")));
}

/// An iterator counts what is left, can be cloned where it is, and goes to a place without what is before: pages are turned with `skip`.
#[test]
fn an_iterator_has_a_length_and_a_place() {
    let db = open();
    db.write(|tx| (0..100).try_for_each(|n| tx.insert(row(&format!("{n:02}"), "", &[])).map(drop)))
        .unwrap();
    let snapshot = db.snapshot();
    let mut rows = snapshot.list(Main::ALL);
    assert_eq!(rows.clone().count(), 100);
    assert_eq!(id(rows.nth(41)), Some("41"));
    let peeked = rows.clone();
    assert_eq!(ids(peeked.take(2)), ["42", "43"]);
    assert_eq!(id(rows.next()), Some("42"));
    assert_eq!(ids(snapshot.list(Main::ALL).skip(97)), ["97", "98", "99"]);
}

/// Iterators over rows give the rows, of which the key can be read: nothing has to be carried beside them.
#[test]
fn rows_know_their_keys_and_their_commits() {
    let db = filled([row("a", "x", &[])]);
    db.write(|tx| tx.put(row("b", "x", &[]))).unwrap();
    db.write(|tx| tx.put(row("a", "y", &[]))).unwrap();
    let snapshot = db.snapshot();
    let commits: Vec<_> = snapshot
        .list(Main::ALL)
        .map(|row| (row.created().get(), row.modified().get()))
        .collect();
    assert_eq!(commits, [(1, 3), (2, 2)]);
}

/// Reads in a running transaction hold what they found, whatever is written afterwards: rows are shared and never change.
#[test]
fn a_row_that_was_read_does_not_change() {
    let db = filled([row("a", "before", &[])]);
    let mut tx = db.begin_write().unwrap();
    let kept = tx.get::<Main>("a").unwrap().clone();
    tx.update::<Main>("a", |row| row.foo = "after".to_owned())
        .unwrap();
    assert_eq!(kept.foo, "before");
    assert_eq!(tx.get::<Main>("a").unwrap().foo, "after");
}
