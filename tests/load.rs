//! Loading a file: however many threads do it, the database is the same, and so is the error of one that is refused; and how far it is is told.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on fails"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sapwood::pagefile::PageFile;
use sapwood::{Builder, Database, Durability, Inspect, Table};
use serde::{Deserialize, Deserializer, Serialize};

const THREADS: [usize; 4] = [1, 2, 3, 8];
const ROWS: u32 = 12_000;
/// Panics when it is read.
const BOMB: &str = "bomb";

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "items", index(by_group_text, on(group, text)))]
struct Item {
    #[key]
    id: u32,
    #[index(unique)]
    name: String,
    group: u8,
    #[serde(deserialize_with = "read_text")]
    text: String,
    payload: Vec<u8>,
}

/// Text, unless it is the one that panics.
fn read_text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    assert_ne!(text, BOMB, "a bomb");
    Ok(text)
}

fn item(id: u32) -> Item {
    let mixed = id.wrapping_mul(0x9E37_79B9);
    Item {
        id,
        name: format!("name-{mixed:08x}"),
        group: (mixed >> 13) as u8 % 7,
        text: format!("text-{}", mixed % 1000),
        payload: vec![mixed as u8; 150],
    }
}

fn builder() -> Builder {
    Database::builder().table::<Item>()
}

fn make(path: &Path, change: impl Fn(&mut Item)) {
    let builder = builder().durability(Durability::Checkpoint);
    let db = builder.open(path).unwrap();
    db.write(|tx| {
        (0..ROWS).try_for_each(|id| {
            let mut item = item(id);
            change(&mut item);
            tx.insert(item).map(drop)
        })
    })
    .unwrap();
    db.close().unwrap();
}

/// All rows in all indexes, with their revisions.
fn all(db: &Database) -> Vec<Vec<(Item, u64, u64)>> {
    let snapshot = db.snapshot();
    [Item::ALL, Item::BY_NAME.all(), Item::BY_GROUP_TEXT.all()]
        .map(|query| {
            let rows = snapshot.list(query);
            rows.map(|row| (Item::clone(row), row.created().get(), row.modified().get()))
                .collect()
        })
        .to_vec()
}

/// Any number of threads loads the same, from a file that was closed and from one with a journal behind its trees, in which rows are changed, added and removed.
#[test]
fn any_number_of_threads_loads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (path, killed) = (dir.path().join("db"), dir.path().join("killed"));
    make(&path, |_| {});
    let hour = Duration::from_secs(3600);
    let db = builder().checkpoint_within(hour).open(&path).unwrap();
    let closed = all(&db);
    for id in (0..ROWS + 50).step_by(997) {
        db.write(|tx| {
            tx.put(Item {
                text: "changed".to_owned(),
                ..item(id + 3)
            })?;
            tx.remove::<Item>(id)?;
            tx.insert(item(ROWS + 1000 + id)).map(drop)
        })
        .unwrap();
    }
    let journal = db.counters().disk.unwrap().journal_bytes;
    assert!(journal > 0, "the journal has the commits");
    fs::copy(&path, &killed).unwrap();
    let changed = all(&db);
    drop(db);
    assert_ne!(closed, changed);
    for threads in THREADS {
        let copy = dir.path().join("copy");
        fs::copy(&killed, &copy).unwrap();
        let db = builder().load_threads(threads).open(&copy).unwrap();
        assert!(all(&db) == changed, "{threads} threads");
        // And it can be written like any.
        db.write(|tx| tx.remove::<Item>(3).map(drop)).unwrap();
        assert_eq!(db.snapshot().count(Item::ALL), changed[0].len() - 1);
    }
}

/// Of several rows that are wrong the first in the order of the keys is named, whichever thread comes to it, and the file is as it was.
#[test]
fn the_first_error_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    make(&path, |_| {});
    let keys: Vec<Vec<u8>> = {
        let file = Inspect::open(&path).unwrap();
        let rows = file.rows("items").unwrap();
        rows.map(|row| row.unwrap().key().to_vec()).collect()
    };
    for (first, second) in [(50, 11_000), (5_500, 5_900), (11_998, 11_999)] {
        let damaged = dir.path().join("damaged");
        fs::copy(&path, &damaged).unwrap();
        let file = PageFile::open(&damaged).unwrap();
        file.update(|tx| {
            let mut rows = tx.bucket_or_create("rows:items")?;
            rows.put(&keys[second], [7; 20])?;
            rows.put(&keys[first], [7; 20])
        })
        .unwrap();
        file.close().unwrap();
        let before = fs::read(&damaged).unwrap();
        let errors = THREADS.map(|threads| {
            let error = builder().load_threads(threads).open(&damaged);
            error.unwrap_err().to_string()
        });
        let text = format!("table `items`: row {first:08x}: ");
        assert!(errors[0].starts_with(&text), "{errors:?}");
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        assert!(fs::read(&damaged).unwrap() == before);
    }
}

/// Two rows with one unique name, far apart: refused with both, whatever the threads.
#[test]
fn duplicates_are_named_alike() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "items")]
    struct Plain {
        #[key]
        id: u32,
        name: String,
        group: u8,
        text: String,
        payload: Vec<u8>,
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Database::builder().table::<Plain>().open(&path).unwrap();
    db.write(|tx| {
        (0..ROWS).try_for_each(|id| {
            let Item {
                name,
                group,
                text,
                payload,
                ..
            } = item(if id == 11_111 { 7 } else { id });
            tx.insert(Plain {
                id,
                name,
                group,
                text,
                payload,
            })
            .map(drop)
        })
    })
    .unwrap();
    db.close().unwrap();
    for threads in THREADS {
        let error = builder().load_threads(threads).open(&path).unwrap_err();
        let sapwood::Error::Duplicate {
            existing,
            refused,
            index,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!([&*index, &*existing, &*refused], ["by_name", "7", "11111"]);
    }
}

/// A panic of a row's `Deserialize` comes out of `open`, whichever thread it was on; nothing is left behind, so that the file can be opened after that.
#[test]
fn panics_are_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    make(&path, |item| {
        if item.id == 9_000 {
            BOMB.clone_into(&mut item.text);
        }
    });
    for threads in THREADS {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            builder().load_threads(threads).open(&path).map(drop)
        }));
        let panic = opened.unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("a bomb"), "{text}");
        assert_eq!(
            Inspect::open(&path).unwrap().count("items").unwrap(),
            12_000
        );
    }
}

/// What is told never goes back, and ends with all of it: each row once, and once for each of the three indexes; also where there is nothing to load.
#[test]
fn progress_ends_at_the_total() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    for rows in [0, u64::from(ROWS)] {
        if rows > 0 {
            make(&path, |_| {});
        }
        for threads in THREADS {
            let told: Arc<Mutex<Vec<(u64, u64)>>> = Arc::default();
            let to = Arc::clone(&told);
            let builder = builder().load_threads(threads);
            let builder =
                builder.on_progress(move |done, total| to.lock().unwrap().push((done, total)));
            builder.open(&path).unwrap().close().unwrap();
            let told = told.lock().unwrap();
            assert!(told.is_sorted(), "{told:?}");
            assert!(told.iter().all(|(_, total)| *total == rows * 4), "{told:?}");
            assert_eq!(told.last(), Some(&(rows * 4, rows * 4)));
        }
    }
}
