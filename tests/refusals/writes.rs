//! Rows and keys that are refused, by the verbs that write. `TableFull` takes four billion entries to come by: only its words are held.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use sapwood::pagefile::MemStorage;
use sapwood::{Database, Error, NewIndex, Revision, Table};
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
            ports: vec![22, 443],
            ..pod("api")
        })
    });
    says(
        &error,
        "table `pods`: index `by_ports` has 443 already, for the row (\"prod\", \"web\"); the row (\"prod\", \"api\") was refused",
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
        &format!(
            "table `pods`: the row (\"prod\", \"{}… (40012 characters) has a key of 40008 bytes in index `by_space_name`, \
             which is longer than 32768",
            "x".repeat(54)
        ),
    );
    let error = refused(&db, |tx| {
        tx.insert(Pod {
            note: "x".repeat(32_768),
            ..pod("web")
        })
    });
    assert!(
        matches!(&error, Error::KeyTooLong { table: "pods", index, key, len: 32_781 }
            if index == "by_note" && key == "(\"prod\", \"web\")"),
        "{error:?}"
    );
    says(
        &error,
        "table `pods`: the row (\"prod\", \"web\") has a key of 32781 bytes in index `by_note`, which is longer than 32768",
    );
}

/// A long key, wherever a message has one: as much of it as there is place for, and how long it is. The error has all of it.
#[test]
fn long_keys() {
    let name = "ö".repeat(2000);
    let cut = format!("(\"prod\", \"{}… (2012 characters)", "ö".repeat(54));
    let error = refused(&open(), |tx| tx.update::<Pod>(("prod", &name), |_| {}));
    says(&error, &format!("table `pods`: no row {cut}"));
    assert!(matches!(error, Error::Missing { key, .. } if key.contains(&name)));
    let db = open();
    db.write(|tx| tx.insert(pod(&name))).unwrap();
    says(
        &refused(&db, |tx| tx.insert(pod(&name))),
        &format!(
            "table `pods`: index `by_space_name` has {cut} already, for the row {cut}; the row {cut} was refused"
        ),
    );
    // Up to 128 characters a key is whole.
    for (len, whole) in [(116, true), (117, false)] {
        let name = "x".repeat(len);
        let error = refused(&open(), |tx| tx.update::<Pod>(("prod", &name), |_| {}));
        assert_eq!(error.to_string().contains(&name), whole, "{error}");
    }
}

fn words(site: &Site) -> Vec<String> {
    site.title.split(' ').map(str::to_owned).collect()
}

/// A row with several keys in each of its indexes.
#[derive(Table, Clone, Serialize, Deserialize)]
#[table(name = "sites")]
#[table(index(by_zone_rank_host, on(zone, desc(rank), each(hosts)), unique, sparse))]
#[table(index(by_word, with(words) -> String, each, unique))]
struct Site {
    #[key]
    id: u8,
    zone: Option<String>,
    rank: u8,
    hosts: BTreeSet<String>,
    title: String,
    #[index(each, unique)]
    env: BTreeMap<String, u8>,
}

/// In an index with several keys a row, the key that is taken, and not the others of the row: of elements, of pairs, among columns, computed, and in
/// an index that was added.
#[test]
fn duplicate_of_several() {
    let site = |id| Site {
        id,
        zone: Some("eu".to_owned()),
        rank: 7,
        hosts: [format!("h{id}")].into(),
        title: format!("site-{id}"),
        env: BTreeMap::new(),
    };
    let one = Site {
        hosts: ["a", "b"].map(str::to_owned).into(),
        title: "the one".to_owned(),
        env: BTreeMap::from([("x".to_owned(), 1), ("y".to_owned(), 2)]),
        ..site(1)
    };
    let db = Database::builder().table::<Site>().in_memory().unwrap();
    db.write(|tx| tx.insert(one.clone())).unwrap();
    let two = site(2);
    for (index, key, row) in [
        (
            "by_zone_rank_host",
            "(Some(\"eu\"), 7, \"b\")",
            Site {
                hosts: ["0", "b", "c"].map(str::to_owned).into(),
                ..two.clone()
            },
        ),
        (
            "by_word",
            "\"one\"",
            Site {
                title: "another one than that".to_owned(),
                ..two.clone()
            },
        ),
        (
            "by_env",
            "(\"y\", 2)",
            Site {
                env: BTreeMap::from([("x".to_owned(), 3), ("y".to_owned(), 2)]),
                ..two.clone()
            },
        ),
    ] {
        says(
            &refused(&db, |tx| tx.insert(row)),
            &format!(
                "table `sites`: index `{index}` has {key} already, for the row 1; the row 2 was refused"
            ),
        );
    }
    let by_letter = || {
        NewIndex::each("by_letter", |site: &Site| {
            site.title.chars().collect::<Vec<_>>()
        })
    };
    let text =
        "table `sites`: index `by_letter` has 't' already, for the row 1; the row 2 was refused";
    let mut db_of_both = db.begin_write().unwrap();
    db_of_both
        .insert(Site {
            title: "cat".to_owned(),
            ..two.clone()
        })
        .unwrap();
    says(
        &db_of_both.add_index(by_letter().unique()).unwrap_err(),
        text,
    );
    drop(db_of_both);
    let mut distinct = one;
    distinct.title = "the on".to_owned();
    db.write(|tx| {
        tx.put(distinct)?;
        tx.add_index(by_letter().unique())
    })
    .unwrap();
    says(
        &refused(&db, |tx| {
            tx.insert(Site {
                title: "cat".to_owned(),
                ..two
            })
        }),
        text,
    );
}

/// An index function that gives other keys for a stored row: the index and the row.
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
            "table `pods`: index `by_drifting` gives other keys for the row (\"prod\", \"web\") than when it was stored; \
             its function must depend on the row alone",
        );
    }
    assert_eq!(db.snapshot().count(Pod::ALL), 1);
}

/// The index is found where the function gives none any more, fewer, or more: then only the number of all keys of the row is another one.
#[test]
fn unstable_index_of_several() {
    static DAY: AtomicU8 = AtomicU8::new(0);
    fn is_due(_: &Task) -> bool {
        DAY.load(Ordering::SeqCst) != 1
    }
    fn days(task: &Task) -> Vec<u8> {
        let days = match DAY.load(Ordering::SeqCst) {
            2 => 1,
            3 => 3,
            _ => 2,
        };
        (0..days).map(|day| task.id + day).collect()
    }
    #[derive(Table, Clone, Serialize, Deserialize)]
    #[table(name = "tasks")]
    #[table(index(by_due, on(id), when(is_due)))]
    #[table(index(by_day, with(days) -> u8, each))]
    struct Task {
        #[key]
        id: u8,
        #[index]
        owner: String,
    }
    let task = |id| Task {
        id,
        owner: "ann".to_owned(),
    };

    let db = Database::builder().table::<Task>().in_memory().unwrap();
    db.write(|tx| (0..20).try_for_each(|id| tx.insert(task(id)).map(drop)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    for (day, unstable) in [(1, "by_due"), (2, "by_day"), (3, "by_day")] {
        DAY.store(day, Ordering::SeqCst);
        for error in [
            refused(&db, |tx| tx.remove::<Task>(7)),
            refused(&db, |tx| tx.put(task(7))),
        ] {
            assert!(
                matches!(&error, Error::UnstableIndex { table: "tasks", index, key } if index == unstable && key == "7"),
                "{day} {error:?}"
            );
        }
    }
    DAY.store(0, Ordering::SeqCst);
    assert_eq!(db.write(|tx| tx.remove_all(Task::ALL)).unwrap(), 20);
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
