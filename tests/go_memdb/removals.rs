//! Removing rows: one by its key, all of a query, and while reading.

use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{Main, filled, id, ids, open, row, three};

/// A committed row is removed; a second removal in the transaction finds none. It is gone before the commit and after it, and the other row that
/// shares its value is the first now. There, the second one was an error; here it is `None`, and `update` is what tells of a missing row.
#[test]
fn insert_delete_simple() {
    let db = filled([row("one", "xyz", &[]), row("two", "xyz", &[])]);
    let mut tx = db.begin_write().unwrap();
    let removed = tx.remove::<Main>("one").unwrap();
    assert_eq!(id(removed.as_ref()), Some("one"));
    assert_eq!(tx.remove::<Main>("one").unwrap(), None);
    assert_eq!(tx.get::<Main>("one"), None);
    assert_eq!(id(tx.first(Main::BY_FOO.eq("xyz"))), Some("two"));
    tx.commit().unwrap();
    let snapshot = db.snapshot();
    assert_eq!(snapshot.get::<Main>("one"), None);
    assert_eq!(id(snapshot.first(Main::BY_FOO.eq("xyz"))), Some("two"));
}

/// A removal goes by the primary key alone, and takes the entries of the *stored* row out of all indexes.
#[test]
fn a_removal_goes_by_the_key() {
    let db = three();
    db.write(|tx| tx.remove::<Main>("object2")).unwrap();
    let snapshot = db.snapshot();
    assert_eq!(ids(snapshot.list(Main::BY_FOO.eq("foo"))), ["object1"]);
    assert_eq!(ids(snapshot.list(Main::BY_QUX.eq("shared"))), ["object3"]);
    assert!(!snapshot.contains(Main::BY_QUX.eq("b2")));
}

/// All rows of a query are removed and counted: none, one by id, two by a shared value, two by an element; nothing is found afterwards.
#[test]
fn delete_all_simple() {
    for (query, count) in [
        (Main::BY_ID.eq("absent"), 0),
        (Main::BY_ID.eq("object1"), 1),
        (Main::BY_FOO.eq("foo"), 2),
        (Main::BY_QUX.eq("shared"), 2),
        (Main::ALL, 3),
    ] {
        let db = three();
        let mut tx = db.begin_write().unwrap();
        assert_eq!(tx.remove_all(query.clone()).unwrap(), count, "{query:?}");
        assert!(!tx.contains(query.clone()));
        tx.commit().unwrap();
        let snapshot = db.snapshot();
        assert!(!snapshot.contains(query));
        assert_eq!(snapshot.count(Main::ALL), 3 - count);
        assert_eq!(snapshot.count(Main::BY_FOO.all()), 3 - count);
        let elements = ["a", "b", "b2", "c", "shared"].into_iter();
        let entries = elements.map(|element| snapshot.count(Main::BY_QUX.eq(element)));
        assert_eq!(entries.sum::<usize>(), 6 - 2 * count);
    }
}

/// A row whose list holds an element twice is found once by it, and can be inserted and removed.
#[test]
fn an_element_that_is_there_twice() {
    let db = filled([row("one", "", &["same", "same"])]);
    assert_eq!(db.snapshot().count(Main::BY_QUX.eq("same")), 1);
    let removed = db
        .write(|tx| tx.remove_all(Main::BY_QUX.eq("same")))
        .unwrap();
    assert_eq!(removed, 1);
    assert_eq!(db.snapshot().count(Main::BY_QUX.all()), 0);
}

/// The prefix of an id removes its rows, and the prefix finds nothing afterwards.
#[test]
fn delete_all_prefix() {
    let db = three();
    db.write(|tx| tx.insert(row("other", "", &[]))).unwrap();
    let removed = db
        .write(|tx| tx.remove_all(Main::BY_ID.starts_with("object")))
        .unwrap();
    assert_eq!(removed, 3);
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(Main::BY_ID.starts_with("object")), 0);
    assert_eq!(ids(snapshot.list(Main::ALL)), ["other"]);
}

/// What a prefix removes is gone from every index, and `remove_all` tells how many instead of whether any.
#[test]
fn delete_prefix() {
    let db = filled([
        row("a/1", "foo", &["x", "z"]),
        row("a/2", "foo", &["y", "z"]),
        row("b/1", "foo", &["z"]),
    ]);
    db.write(|tx| {
        assert_eq!(tx.remove_all(Main::BY_ID.starts_with("nothing"))?, 0);
        assert_eq!(tx.remove_all(Main::BY_ID.starts_with("a/"))?, 2);
        Ok::<_, sapwood::Error>(())
    })
    .unwrap();
    let snapshot = db.snapshot();
    for query in [Main::ALL, Main::BY_FOO.eq("foo"), Main::BY_QUX.all()] {
        assert_eq!(ids(snapshot.list(query)), ["b/1"]);
    }
}

/// A prefix removes by an index whose function changes the value, and by one with several keys a row. There, the first panicked, and the second
/// left entries of rows that were gone.
#[test]
fn delete_prefix_of_other_indexes() {
    #[derive(Table, Clone, Serialize, Deserialize)]
    #[table(index(by_lower, with(lower) -> String))]
    struct Word {
        #[key]
        id: u32,
        text: String,
        #[index(each)]
        tags: Vec<String>,
    }
    fn lower(word: &Word) -> String {
        word.text.to_lowercase()
    }

    let db = Database::builder().table::<Word>().in_memory().unwrap();
    let fill = || {
        db.write(|tx| {
            for (id, text) in (0..).zip(["ABACUS", "Abba", "zoo"]) {
                let tags = ["ta", "tb", &text[..1]].map(str::to_owned).into();
                let text = text.to_owned();
                tx.put(Word { id, text, tags })?;
            }
            Ok::<_, sapwood::Error>(())
        })
        .unwrap();
    };
    fill();
    let removed = db.write(|tx| tx.remove_all(Word::BY_LOWER.starts_with("ab")));
    assert_eq!(removed.unwrap(), 2);
    assert_eq!(db.snapshot().count(Word::BY_LOWER.all()), 1);
    for (tag, rows) in [("ta", 1), ("tb", 1), ("z", 1), ("A", 0)] {
        assert_eq!(db.snapshot().count(Word::BY_TAGS.eq(tag)), rows, "{tag}");
    }
    fill();
    // Each of the three rows has two tags that begin so.
    let removed = db.write(|tx| tx.remove_all(Word::BY_TAGS.starts_with("t")));
    assert_eq!(removed.unwrap(), 3);
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(Word::ALL), 0);
    assert_eq!(snapshot.count(Word::BY_LOWER.all()), 0);
    assert_eq!(snapshot.count(Word::BY_TAGS.all()), 0);
}

/// A list is read to its end while each row that it gave is removed, where one key is the beginning of another so that nodes merge. Rust does not
/// let an iterator of the transaction live over a write (`ui/transactions/write_while_reading.rs`): the rows are kept first, which costs a count each.
#[test]
fn get_iter_and_delete() {
    let db = filled([
        row("aa", "shared", &["x"]),
        row("aaa", "shared", &["x"]),
        row("aab", "shared", &["x"]),
        row("b", "other", &["x"]),
        row("1", "shared", &[]),
        row("11", "shared", &[]),
    ]);
    let mut tx = db.begin_write().unwrap();
    tx.remove::<Main>("1").unwrap();
    let rows: Vec<_> = tx.list(Main::BY_FOO.eq("shared")).cloned().collect();
    assert_eq!(ids(&rows), ["11", "aa", "aaa", "aab"]);
    for row in &rows {
        assert!(tx.remove::<Main>(&row.id).unwrap().is_some());
    }
    assert_eq!(ids(tx.list(Main::ALL)), ["b"]);
    // A snapshot needs no such care: it is not what is written to.
    let before = db.snapshot();
    for row in before.list(Main::BY_QUX.eq("x")) {
        tx.remove::<Main>(&row.id).unwrap();
    }
    tx.commit().unwrap();
    assert_eq!(db.snapshot().count(Main::ALL), 0);
    assert_eq!(before.count(Main::ALL), 6);
}

/// All rows of an empty table: none, and no commit is made of it.
#[test]
fn removing_from_an_empty_table_is_no_change() {
    let db = open();
    assert_eq!(db.write(|tx| tx.remove_all(Main::ALL)).unwrap(), 0);
    assert_eq!(db.revision().get(), 0);
}
