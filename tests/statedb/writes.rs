//! The verbs that write: what each does to a row that is there, that is absent, that somebody else has written, and to the indexes.

use std::collections::BTreeSet;

use sapwood::{Error, Revision, Table};
use serde::{Deserialize, Serialize};

use super::rows::{Object, Service, ids, names, object, open, put, remove, service, with_objects};

/// `put` adds or replaces, and gives back what was there; `insert` refuses what is there, which statedb's cannot.
#[test]
fn put_replaces_and_insert_refuses() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    assert!(tx.put(object(1, &["a"])).unwrap().is_none());
    let old = tx.put(object(1, &["b"])).unwrap().unwrap();
    assert_eq!(*old, object(1, &["a"]));
    assert!(matches!(
        tx.insert(object(1, &["c"])),
        Err(Error::Duplicate { .. })
    ));
    assert_eq!(**tx.get::<Object>(1).unwrap(), object(1, &["b"]));
}

/// A row that is stored is never written to: who holds it keeps what they had, and what is put back is another row. Theirs must guard against the same pointer
/// being stored twice; here a stored row gives out `&T` only.
#[test]
fn a_stored_row_cannot_be_changed_in_place() {
    let db = with_objects(&[(1, &["a"])]);
    let held = db.snapshot().get::<Object>(1).unwrap().clone();
    let mut copy = Object::clone(&held);
    copy.tags.clear();
    db.write(|tx| tx.put(copy)).unwrap();
    db.write(|tx| tx.put(Object::clone(&held))).unwrap();
    let now = db.snapshot().get::<Object>(1).unwrap().clone();
    assert_eq!(*held, *now);
    assert!(!held.same(&now));
    assert!(held.modified() < now.modified());
}

/// An update of an absent row runs nothing and says so; so does nothing else happen. Theirs inserts instead, which is `put` here.
#[test]
fn an_update_of_an_absent_row_runs_nothing() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let update = tx.update::<Object>(1, |_| unreachable!("there is nothing to change"));
    assert!(matches!(
        update,
        Err(Error::Missing {
            table: "objects",
            ..
        })
    ));
    assert_eq!(tx.commit().unwrap(), Revision::ZERO);
}

/// An update runs once, on the row as it is, gives that back and stores the result.
#[test]
fn an_update_runs_once_on_the_row_that_is_there() {
    let db = with_objects(&[(1, &["a"])]);
    let mut runs = 0;
    let old = db.write(|tx| {
        tx.update::<Object>(1, |object| {
            runs += 1;
            object.tags.insert("b".to_owned());
        })
    });
    assert_eq!(runs, 1);
    assert_eq!(*old.unwrap(), object(1, &["a"]));
    assert_eq!(
        **db.snapshot().get::<Object>(1).unwrap(),
        object(1, &["a", "b"])
    );
}

/// A thousand updates of a row in one transaction each get the row that the one before left.
#[test]
fn updates_in_one_transaction_build_on_each_other() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(service("a", "z", Some(0))).unwrap();
    for n in 0..1000 {
        let old = tx.update::<Service>("a", |service| service.port = Some(n + 1));
        assert_eq!(old.unwrap().port, Some(n));
    }
    tx.commit().unwrap();
    let snap = db.snapshot();
    assert_eq!(snap.get::<Service>("a").unwrap().port, Some(1000));
    assert_eq!(snap.count(Service::BY_PORT.all()), 1);
}

/// After an update the indexes hold the row as the update left it, not as it was, nor as the caller first had it.
#[test]
fn indexes_hold_what_an_update_made() {
    let db = with_objects(&[(1, &["a", "b"]), (2, &["b"])]);
    db.write(|tx| {
        tx.update::<Object>(1, |object| {
            object.tags.remove("a");
            object.tags.insert("c".to_owned());
        })
    })
    .unwrap();
    let snap = db.snapshot();
    let by = |tag: &str| ids(snap.list(Object::BY_TAGS.eq(tag)));
    assert_eq!((by("a"), by("b"), by("c")), (vec![], vec![1, 2], vec![1]));
}

/// A compare-and-set on what is absent is refused and inserts nothing; on the right revision it writes; on another it is refused, says which revision there is,
/// and changes nothing. So does a compare-and-delete.
#[test]
fn compare_and_set_goes_by_the_revision_of_the_row() {
    let db = open();
    let absent = db.write(|tx| tx.put_if(object(1, &[]), Revision::new(1)));
    assert!(matches!(
        absent,
        Err(Error::WrongRevision {
            found: Revision::ZERO,
            ..
        })
    ));
    assert_eq!(db.snapshot().count(Object::ALL), 0);
    put(&db, 1, &["a"]);
    let first = db.snapshot().get::<Object>(1).unwrap().modified();
    let old = db.write(|tx| tx.put_if(object(1, &["b"]), first)).unwrap();
    assert_eq!(*old.unwrap(), object(1, &["a"]));
    let second = db.snapshot().get::<Object>(1).unwrap().modified();
    let stale = db.write(|tx| tx.put_if(object(1, &["c"]), first));
    match stale {
        Err(Error::WrongRevision {
            expected, found, ..
        }) => {
            assert_eq!((expected, found), (first, second));
        }
        other => panic!("{other:?}"),
    }
    let stale = db.write(|tx| tx.remove_if::<Object>(1, first));
    assert!(matches!(stale, Err(Error::WrongRevision { .. })));
    assert_eq!(**db.snapshot().get::<Object>(1).unwrap(), object(1, &["b"]));
    let removed = db.write(|tx| tx.remove_if::<Object>(1, second)).unwrap();
    assert_eq!(*removed.unwrap(), object(1, &["b"]));
}

/// A compare-and-delete of what is absent is refused, as the set is: both guard something that somebody has seen. Theirs takes it for done.
#[test]
fn compare_and_delete_of_an_absent_row_is_refused() {
    let db = open();
    let gone = db.write(|tx| tx.remove_if::<Object>(1, Revision::new(1)));
    assert!(matches!(
        gone,
        Err(Error::WrongRevision {
            found: Revision::ZERO,
            ..
        })
    ));
    assert!(db.write(|tx| tx.remove::<Object>(1)).unwrap().is_none());
}

/// Revision zero means that there must be no row: it inserts where there is none, and never overwrites. Theirs writes over whatever is there (D2).
#[test]
fn revision_zero_means_that_there_is_no_row() {
    let db = open();
    db.write(|tx| tx.put_if(object(1, &["a"]), Revision::ZERO))
        .unwrap();
    let again = db.write(|tx| tx.put_if(object(1, &["b"]), Revision::ZERO));
    assert!(matches!(again, Err(Error::WrongRevision { .. })));
    let removed = db.write(|tx| tx.remove_if::<Object>(1, Revision::ZERO));
    assert!(matches!(removed, Err(Error::WrongRevision { .. })));
    assert_eq!(**db.snapshot().get::<Object>(1).unwrap(), object(1, &["a"]));
}

/// A removal needs the key alone, not the row; of what is absent it is no error.
#[test]
fn a_removal_needs_only_the_key() {
    let db = with_objects(&[(1, &["a"])]);
    assert!(remove(&db, 1));
    assert!(!remove(&db, 1));
    assert_eq!(db.snapshot().count(Object::BY_TAGS.all()), 0);
}

/// All rows of a table or of a query go at once, out of every index, and the number of rows is told.
#[test]
fn all_rows_of_a_query_are_removed() {
    let db = with_objects(&[(1, &["a", "b"]), (2, &["b"]), (3, &["c"])]);
    assert_eq!(
        db.write(|tx| tx.remove_all(Object::BY_TAGS.starts_with("b")))
            .unwrap(),
        2
    );
    assert_eq!(ids(db.snapshot().list(Object::BY_TAGS.all())), [3]);
    assert_eq!(db.write(|tx| tx.remove_all(Object::ALL)).unwrap(), 1);
    let snap = db.snapshot();
    assert_eq!(
        snap.count(Object::ALL) + snap.count(Object::BY_TAGS.all()),
        0
    );
}

/// Rows can be removed while a list of them is gone through: the list shows the snapshot that it was read from.
#[test]
fn rows_can_be_removed_while_they_are_listed() {
    let db = with_objects(&[(1, &[]), (2, &[]), (3, &[])]);
    let snap = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    for (seen, row) in snap.list(Object::ALL).enumerate() {
        tx.remove::<Object>(row.id).unwrap();
        assert_eq!(tx.count(Object::ALL), 2 - seen);
    }
    tx.commit().unwrap();
    assert_eq!(db.snapshot().count(Object::ALL), 0);
}

/// A unique index other than the primary one refuses a second row with its key, with a typed error that names both rows, and finds the first one still.
/// Theirs lets the second take the entry over, and loses it when the first is removed (D1).
#[test]
fn a_unique_index_is_unique() {
    let db = open();
    db.write(|tx| tx.insert(service("a", "z", Some(80))))
        .unwrap();
    let second = db.write(|tx| tx.insert(service("b", "z", Some(80))));
    match second {
        Err(Error::Duplicate {
            index,
            existing,
            refused,
            ..
        }) => {
            assert_eq!(
                (index.as_str(), existing.as_str(), refused.as_str()),
                ("by_port", "\"a\"", "\"b\"")
            );
        }
        other => panic!("{other:?}"),
    }
    db.write(|tx| tx.insert(service("b", "z", Some(81))))
        .unwrap();
    db.write(|tx| tx.remove::<Service>("a")).unwrap();
    let snap = db.snapshot();
    assert_eq!(names(snap.list(Service::BY_PORT.all())), ["b"]);
    assert_eq!(names(snap.list(Service::BY_PORT.eq(81))), ["b"]);
    // What the first row had is free.
    db.write(|tx| tx.update::<Service>("b", |service| service.port = Some(80)))
        .unwrap();
    assert_eq!(names(db.snapshot().list(Service::BY_PORT.eq(80))), ["b"]);
}

/// A row whose keys in an index repeat is in it once for each different key, and is wholly gone from it when it is written anew or removed.
#[test]
fn keys_that_repeat_are_stored_once() {
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Listed {
        #[key]
        id: u8,
        #[index(each)]
        tags: Vec<String>,
    }
    let listed = |tags: &[&str]| Listed {
        id: 1,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    let db = sapwood::Database::builder()
        .table::<Listed>()
        .in_memory()
        .unwrap();
    let count = |tag: &str| db.snapshot().count(Listed::BY_TAGS.eq(tag));
    db.write(|tx| tx.put(listed(&["a", "b", "a", "a"])))
        .unwrap();
    assert_eq!((count("a"), count("b")), (1, 1));
    db.write(|tx| tx.put(listed(&["b", "b"]))).unwrap();
    assert_eq!((count("a"), count("b")), (0, 1));
    db.write(|tx| tx.remove::<Listed>(1)).unwrap();
    assert_eq!(db.snapshot().count(Listed::BY_TAGS.all()), 0);
}

/// Empty strings and empty sets are keys, or none, like any other: stored, found exactly and by prefix, and removed, in an empty table and a full one.
#[test]
fn empty_keys_are_keys() {
    let db = open();
    for others in [false, true] {
        if others {
            db.write(|tx| {
                tx.insert(service("a", "z", None))?;
                tx.insert(object(7, &["t"]))
            })
            .unwrap();
        }
        db.write(|tx| {
            tx.insert(service("", "", None))?;
            tx.insert(object(0, &[]))?;
            tx.insert(object(1, &[""]))
        })
        .unwrap();
        let snap = db.snapshot();
        assert!(snap.get::<Service>("").is_some());
        assert_eq!(names(snap.list(Service::BY_ZONE.eq(""))), [""]);
        assert_eq!(
            snap.count(Service::BY_NAME.starts_with("")),
            1 + usize::from(others)
        );
        assert_eq!(ids(snap.list(Object::BY_TAGS.eq(""))), [1]);
        assert_eq!(
            snap.count(Object::BY_TAGS.starts_with("")),
            1 + usize::from(others)
        );
        db.write(|tx| {
            tx.remove::<Service>("")?;
            tx.remove::<Object>(0)?;
            tx.remove::<Object>(1)
        })
        .unwrap();
        assert_eq!(db.snapshot().count(Service::ALL), usize::from(others));
        assert_eq!(db.snapshot().count(Object::ALL), usize::from(others));
    }
}

/// A key that is too long is refused with an error that names the index, and changes nothing; the longest one works. Theirs cuts the length off at 16 bits, and
/// finds the row by another key (D6).
#[test]
fn a_key_too_long_is_refused() {
    let db = open();
    let long = "k".repeat(70_000);
    for row in [service(&long, "z", None), service("a", &long, None)] {
        let refused = db.write(|tx| tx.insert(row));
        assert!(
            matches!(refused, Err(Error::KeyTooLong { table: "services", len, .. }) if len > 70_000)
        );
    }
    let longest = "k".repeat(30_000);
    db.write(|tx| tx.insert(service(&longest, "z", None)))
        .unwrap();
    let snap = db.snapshot();
    assert_eq!(snap.count(Service::ALL), 1);
    assert!(snap.get::<Service>(longest.as_str()).is_some());
    assert!(snap.get::<Service>(&longest[..30_000 - 1]).is_none());
    // Asking for one that is too long is asking for what is not there.
    assert!(snap.get::<Service>(long.as_str()).is_none());
    assert_eq!(snap.count(Service::BY_ZONE.starts_with(long.as_str())), 0);
}

/// A row that was written knows the commits that made and last wrote it, as seen in every index, and rows of one commit share the number.
#[test]
fn a_row_knows_its_commits_in_every_index() {
    let db = with_objects(&[(1, &["a"]), (2, &["a"])]);
    put(&db, 2, &["a", "b"]);
    let snap = db.snapshot();
    let of = |id: u64| {
        let row = snap.get::<Object>(id).unwrap();
        (row.created().get(), row.modified().get())
    };
    assert_eq!((of(1), of(2)), ((1, 1), (1, 2)));
    let tagged: BTreeSet<_> = snap
        .list(Object::BY_TAGS.all())
        .map(|row| (row.id, row.modified().get()))
        .collect();
    assert_eq!(tagged, BTreeSet::from([(1, 1), (2, 2)]));
}
