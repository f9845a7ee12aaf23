//! Rows and keys that are refused, by the verbs that write. `TableFull` takes four billion entries to come by: only its words are held.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sapwood::pagefile::MemStorage;
use sapwood::{Database, Error, Revision, Table};
use serde::{Deserialize, Serialize, Serializer};

use super::fixture::{DRIFT, Pod, open, pod, refused, says};

/// A key that is taken, in the primary index, in a unique one of two columns and in one with several keys a row: the index, the key, and both rows.
#[test]
fn duplicate() {
    let db = open();
    let mut first = pod("web");
    first.owner = Some("ann".to_owned());
    first.slot = -3;
    first.ports = vec![80, 443];
    db.write(|tx| tx.insert(first.clone())).unwrap();
    let error = refused(&db, |tx| tx.insert(pod("web")));
    says(
        &error,
        "table `pods`: index `by_space_name` has (\"prod\", \"web\") already, for the row (\"prod\", \"web\"); \
         the row (\"prod\", \"web\") was refused",
    );
    let other = Pod {
        ports: Vec::new(),
        name: "api".to_owned(),
        ..first
    };
    let error = refused(&db, |tx| tx.put(other.clone()));
    says(
        &error,
        "table `pods`: index `by_owner_slot` has (Some(\"ann\"), -3) already, for the row (\"prod\", \"web\"); \
         the row (\"prod\", \"api\") was refused",
    );
    let Error::Duplicate {
        table,
        index,
        key,
        existing,
        refused: row,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((table, index.as_str()), ("pods", "by_owner_slot"));
    assert_eq!(key, "(Some(\"ann\"), -3)");
    assert_eq!(existing, "(\"prod\", \"web\")");
    assert_eq!(row, "(\"prod\", \"api\")");
    let error = refused(&db, |tx| {
        tx.insert(Pod {
            ports: vec![443],
            ..pod("api")
        })
    });
    says(
        &error,
        "table `pods`: index `by_ports` has [443] already, for the row (\"prod\", \"web\"); the row (\"prod\", \"api\") was refused",
    );
}

/// An update of a row that is not there: its key.
#[test]
fn missing() {
    let error = refused(&open(), |tx| tx.update::<Pod>(("prod", "web"), |_| {}));
    assert!(matches!(&error, Error::Missing { table: "pods", .. }));
    says(&error, "table `pods`: no row (\"prod\", \"web\")");
}

/// A row of another revision than the one expected, absent on either side: its key, and both.
#[test]
fn wrong_revision() {
    let db = open();
    db.write(|tx| tx.insert(pod("web"))).unwrap();
    db.write(|tx| tx.put(pod("web"))).unwrap();
    let key = ("prod", "web");
    let error = refused(&db, |tx| tx.update_if::<Pod>(key, Revision::new(1), |_| {}));
    assert!(
        matches!(&error, Error::WrongRevision { table: "pods", expected, found, .. }
            if expected.get() == 1 && found.get() == 2)
    );
    says(
        &error,
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected at revision 1; read it again",
    );
    says(
        &refused(&db, |tx| tx.put_if(pod("web"), Revision::ZERO)),
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected absent; read it again",
    );
    says(
        &refused(&db, |tx| {
            tx.remove_if::<Pod>(("prod", "api"), Revision::new(2))
        }),
        "table `pods`: the row (\"prod\", \"api\") is absent, expected at revision 2; read it again",
    );
    says(
        &refused(&db, |tx| tx.remove_all_if(Pod::ALL, Revision::new(1))),
        "table `pods`: the row (\"prod\", \"web\") is at revision 2, expected at revision 1; read it again",
    );
}

/// A key that is longer than 32 KiB, in the primary index and in another one: the index, and how long it is.
#[test]
fn key_too_long() {
    let db = open();
    let error = refused(&db, |tx| tx.insert(pod(&"x".repeat(40_000))));
    says(
        &error,
        "table `pods`: a key of 40008 bytes in index `by_space_name` is longer than 32768",
    );
    let error = refused(&db, |tx| {
        tx.insert(Pod {
            note: "x".repeat(32_768),
            ..pod("web")
        })
    });
    assert!(
        matches!(&error, Error::KeyTooLong { table: "pods", index, len: 32_781 } if index == "by_note"),
        "{error:?}"
    );
    says(
        &error,
        "table `pods`: a key of 32781 bytes in index `by_note` is longer than 32768",
    );
}

/// An index function that gives other keys for a stored row: the row.
#[test]
fn unstable_index() {
    let db = open();
    db.write(|tx| {
        tx.insert(Pod {
            drifts: true,
            ..pod("web")
        })
    })
    .unwrap();
    DRIFT.fetch_add(1, Ordering::SeqCst);
    for error in [
        refused(&db, |tx| tx.remove::<Pod>(("prod", "web"))),
        refused(&db, |tx| tx.put(pod("web"))),
        refused(&db, |tx| tx.remove_all(Pod::ALL)),
    ] {
        assert!(matches!(&error, Error::UnstableIndex { table: "pods", .. }));
        says(
            &error,
            "table `pods`: an index gives other keys for the row (\"prod\", \"web\") than when it was stored; \
             its function must depend on the row alone",
        );
    }
    assert_eq!(db.snapshot().count(Pod::ALL), 1);
}

/// An update that gives its row another key: both.
#[test]
fn key_changed() {
    let db = open();
    db.write(|tx| tx.insert(pod("web"))).unwrap();
    let error = refused(&db, |tx| {
        tx.update::<Pod>(("prod", "web"), |pod| pod.name = "api".to_owned())
    });
    assert!(matches!(&error, Error::KeyChanged { table: "pods", .. }));
    says(
        &error,
        "table `pods`: the update of row (\"prod\", \"web\") changed its key to (\"prod\", \"api\"); remove it and insert the other",
    );
}

/// A row that cannot be written: its table and key, and why.
#[test]
fn row() {
    fn fails<S: Serializer>(_: &str, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("out of sorts"))
    }
    #[derive(Table, Clone, Serialize, Deserialize)]
    #[table(name = "moods")]
    struct Moody {
        #[key]
        id: u8,
        #[serde(serialize_with = "fails")]
        mood: String,
    }

    let db = Database::builder()
        .table::<Moody>()
        .open_storage(Box::new(MemStorage::default()))
        .unwrap();
    let error = refused(&db, |tx| {
        tx.insert(Moody {
            id: 7,
            mood: String::new(),
        })
    });
    assert!(matches!(&error, Error::Row { table: "moods", key, .. } if key == "7"));
    says(
        &error,
        "table `moods`: row 7: row cannot be written: out of sorts",
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "row cannot be written: out of sorts"
    );
}

/// An index that is full. Its words only: it takes four billion entries.
#[test]
fn table_full() {
    says(
        &Error::TableFull { table: "pods" },
        "table `pods`: an index holds about 4294900000 entries, which is all that it can",
    );
}

/// Errors are shared between threads, cloned, and say their source where they have one.
#[test]
fn errors_are_values() {
    fn value<T: Clone + Send + Sync + std::error::Error + 'static>(_: &T) {}
    let error = Error::Poisoned {
        reason: Arc::from("no disk"),
    };
    value(&error);
    assert!(error.source().is_none());
}
