//! Salvage: of a damaged file exactly the rows come into the new one that damage has not touched, and the report names the ranges of all others. Nothing panics, no row is made
//! up, and the damaged file is as it was.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeBounds;
use std::path::Path;
use std::time::Duration;

use sapwood::pagefile::PageFile;
use sapwood::{Builder, Database, Durability, Error, Inspect, Salvage, SalvagedTable, Table};
use serde::{Deserialize, Serialize};

const PAGE: usize = 4096;

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    name: String,
    #[index]
    node: u32,
    payload: Vec<u8>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    id: u32,
    #[index(unique)]
    address: String,
}

/// A table that the program does not have.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "others")]
struct Other {
    #[key]
    id: u32,
}

fn builder() -> Builder {
    Database::builder().table::<Pod>().table::<Node>()
}

fn pod(number: u32) -> Pod {
    Pod {
        name: format!("pod-{number:05}"),
        node: number % 5,
        // One in fifty lies in a run of its own.
        payload: vec![number as u8; if number % 50 == 7 { 3000 } else { 90 }],
    }
}

fn node(id: u32) -> Node {
    Node {
        id,
        address: format!("10.0.0.{id}"),
    }
}

/// The rows by their encoded keys, as text, with their revisions.
type Rows = BTreeMap<Vec<u8>, String>;

fn rows(path: &Path) -> BTreeMap<String, Rows> {
    let file = Inspect::open(path).unwrap();
    let tables = file.tables().iter().map(|table| {
        let name = table.definition.name.clone();
        let rows = file.rows(&name).unwrap().map(|row| {
            let row = row.unwrap();
            let value = serde_json::to_string(row.value()).unwrap();
            let text = format!("{} {} {value}", row.created(), row.modified());
            (row.key().to_vec(), text)
        });
        (name, rows.collect())
    });
    tables.collect()
}

/// Salvages, and gives what is then in the new file and the report.
fn salvage(path: &Path) -> Result<(BTreeMap<String, Rows>, Salvage), Error> {
    let new = path.with_extension("new");
    let before = fs::read(path).unwrap();
    let salvaged = builder()
        .durability(Durability::Checkpoint)
        .salvage_into(path, &new);
    assert!(
        fs::read(path).unwrap() == before,
        "the damaged file is as it was"
    );
    let (db, report) = match salvaged {
        Ok(salvaged) => salvaged,
        Err(error) => {
            assert!(!new.exists());
            return Err(error);
        }
    };
    let count = db.snapshot().count(Pod::ALL) + db.snapshot().count(Pod::BY_NODE.all());
    db.close().unwrap();
    let found = rows(&new);
    assert_eq!(
        found["pods"].len() * 2,
        count,
        "indexes are those of the rows"
    );
    // It opens like any.
    builder().open(&new).unwrap().close().unwrap();
    fs::remove_file(&new).unwrap();
    Ok((found, report))
}

fn table<'r>(report: &'r Salvage, name: &str) -> &'r SalvagedTable {
    let mut tables = report.tables.iter();
    tables.find(|table| table.name == name).unwrap()
}

/// Whether some damaged page says that it may have had the key.
fn is_named(table: &SalvagedTable, key: &[u8]) -> bool {
    let mut pages = table.pages.iter();
    pages.any(|page| {
        let (from, to) = &page.keys;
        (
            from.as_ref().map(Vec::as_slice),
            to.as_ref().map(Vec::as_slice),
        )
            .contains(key)
    })
}

fn make(path: &Path) {
    let builder = builder()
        .table::<Other>()
        .durability(Durability::Checkpoint);
    let db = builder.open(path).unwrap();
    db.write(|tx| {
        (0..400).try_for_each(|number| tx.insert(pod(number)).map(drop))?;
        (0..30).try_for_each(|id| tx.insert(node(id)).map(drop))
    })
    .unwrap();
    db.write(|tx| {
        tx.put(Pod {
            node: 99,
            ..pod(11)
        })?;
        (0..5).try_for_each(|id| tx.insert(Other { id }).map(drop))
    })
    .unwrap();
    db.close().unwrap();
}

/// Each page of a file in turn has a wrong byte: rows are there or their range is named, and nothing else is; who is refused by `open` is not whole, and the other way round.
#[test]
fn each_page_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let (path, damaged) = (dir.path().join("db"), dir.path().join("damaged"));
    make(&path);
    let sound = fs::read(&path).unwrap();
    let model = rows(&path);
    let (found, report) = salvage(&path).unwrap();
    assert_eq!(found, model);
    assert!(report.is_whole(), "{report}");
    // Behind the last page that is used there are only zeros.
    let used = sound
        .chunks(PAGE)
        .rposition(|page| page.iter().any(|byte| *byte != 0))
        .unwrap()
        + 1;
    let (mut lost, mut untouched) = (0, 0);
    for page in 0..used {
        let mut bytes = sound.clone();
        bytes[page * PAGE + (page * 2671 + 13) % 60] ^= 1 << (page % 8);
        fs::write(&damaged, bytes).unwrap();
        let (found, report) = salvage(&damaged).unwrap();
        let opened = builder().open(&damaged).map(drop);
        for name in ["pods", "nodes"].iter().filter(|_| opened.is_ok()) {
            let whole = found[*name] == model[*name];
            assert!(whole, "page {page}: it opens, and something is missing");
        }
        untouched += usize::from(report.is_whole());
        assert_eq!(
            report.to_string().contains("page"),
            !report.is_whole(),
            "{report}"
        );
        for (name, rows) in &model {
            // Its definition is lost, and the program does not know it.
            if name == "others" && !found.contains_key(name) {
                assert!(!report.elsewhere.is_empty());
                continue;
            }
            let there = &found[name];
            let said = table(&report, name);
            assert!(there.iter().all(|(key, row)| rows.get(key) == Some(row)));
            let missing = rows.keys().filter(|key| !there.contains_key(*key));
            let missing: Vec<_> = missing.collect();
            assert_eq!(said.rows, there.len() as u64);
            assert_eq!(
                said.rows_lost,
                missing.len() as u64,
                "page {page}: {report}"
            );
            assert!(missing.iter().all(|key| is_named(said, key)));
            // And nothing is named that is there.
            assert!(there.keys().all(|key| !is_named(said, key)));
            lost += missing.len();
            if name != "others"
                && let Some(page) = said.pages.first()
            {
                // And `open` refuses it for that page.
                let error = opened.as_ref().unwrap_err().to_string();
                assert!(
                    error.contains(&format!("offset {}", page.offset)),
                    "{error}"
                );
            }
        }
    }
    assert!(
        lost > 400 && untouched > 0,
        "{lost} rows were lost, {untouched} pages are nothing's"
    );
}

/// Each page of the journal in turn is wrong: what comes out is a state that was committed, the newest one before the damage, and the report says which and where, unless
/// it was the last group, which a crash could have torn as well.
#[test]
fn each_page_of_the_journal_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let (path, killed, damaged) = (
        dir.path().join("db"),
        dir.path().join("killed"),
        dir.path().join("damaged"),
    );
    make(&path);
    let hour = Duration::from_secs(3600);
    let db = builder().checkpoint_within(hour).open(&path).unwrap();
    let mut states = BTreeMap::new();
    let mut note = |db: &Database| {
        let pods = db
            .snapshot()
            .list(Pod::ALL)
            .map(|pod| Pod::clone(pod))
            .collect::<Vec<_>>();
        states.insert(db.revision(), pods);
    };
    note(&db);
    for number in 0..8 {
        db.write(|tx| {
            tx.put(Pod {
                node: 1000 + number,
                ..pod(number * 40)
            })?;
            tx.remove::<Pod>(&*pod(number * 3).name)?;
            tx.insert(pod(1000 + number)).map(drop)
        })
        .unwrap();
        note(&db);
    }
    fs::copy(&path, &killed).unwrap();
    let last = db.revision();
    drop(db);
    let sound = fs::read(&killed).unwrap();
    let mut cut = 0;
    for page in 0..sound.len() / PAGE {
        // The rows that only the commits in the journal brought.
        let mut words = sound[page * PAGE..][..PAGE].windows(7);
        if !words.any(|bytes| bytes == b"pod-010") {
            continue;
        }
        let mut bytes = sound.clone();
        bytes[page * PAGE + 40] ^= 4;
        fs::write(&damaged, bytes).unwrap();
        let new = dir.path().join("new");
        let (db, report) = builder().salvage_into(&damaged, &new).unwrap();
        if report.tables.iter().all(|table| table.pages.is_empty()) && report.revision_is_known {
            let pods: Vec<Pod> = db
                .snapshot()
                .list(Pod::ALL)
                .map(|pod| Pod::clone(pod))
                .collect();
            assert_eq!(Some(&pods), states.get(&report.revision), "page {page}");
            if report.revision < last {
                cut += 1;
                assert!(report.journal.is_some() || report.revision.get() + 1 == last.get());
            }
        }
        drop(db);
        fs::remove_file(&new).unwrap();
    }
    assert!(cut > 6, "{cut} pages of the journal");
}

/// Rows that are there and no rows of the struct, and rows whose unique key is taken, are each named with what is wrong; all others are there.
#[test]
fn rows_that_cannot_be_taken_over() {
    #[derive(Table, Serialize, Deserialize)]
    #[table(name = "nodes")]
    struct Plain {
        #[key]
        id: u32,
        address: String,
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let db = Database::builder().table::<Plain>().open(&path).unwrap();
    db.write(|tx| {
        (0..30).try_for_each(|id| {
            let address = node(if id == 20 { 4 } else { id }).address;
            tx.insert(Plain { id, address }).map(drop)
        })
    })
    .unwrap();
    db.close().unwrap();
    let file = PageFile::open(&path).unwrap();
    file.update(|tx| {
        let mut rows = tx.bucket_or_create("rows:nodes")?;
        let other = rows.get(9u32.to_be_bytes())?.unwrap().to_vec();
        rows.put(10u32.to_be_bytes(), [1; 30])?;
        rows.put(12u32.to_be_bytes(), other)?;
        rows.put(13u32.to_be_bytes(), [1; 3])
    })
    .unwrap();
    file.close().unwrap();
    let builder = || Database::builder().table::<Node>();
    assert!(builder().open(&path).is_err());
    let new = dir.path().join("new");
    let (db, report) = builder().salvage_into(&path, &new).unwrap();
    let rows: Vec<Node> = db
        .snapshot()
        .list(Node::ALL)
        .map(|node| Node::clone(node))
        .collect();
    let sound = (0..30)
        .filter(|id| ![10, 12, 13, 20].contains(id))
        .map(node);
    assert_eq!(rows, sound.collect::<Vec<_>>());
    let refused = &table(&report, "nodes").refused;
    let keys: Vec<_> = refused.iter().map(|row| row.key.clone()).collect();
    assert_eq!(
        keys,
        [10u32, 12, 13, 20].map(|id| id.to_be_bytes().to_vec())
    );
    assert!(matches!(&refused[3].error, Error::Duplicate { existing, .. } if existing == "4"));
    assert!(!report.is_whole());
    drop(db);
    // What is at the place of the new file stays.
    let before = fs::read(&new).unwrap();
    assert!(matches!(
        builder().salvage_into(&path, &new),
        Err(Error::File { .. })
    ));
    assert!(fs::read(&new).unwrap() == before);
    // What is none of a database's is not one.
    let strange = dir.path().join("strange");
    let file = PageFile::open(&strange).unwrap();
    file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))
        .unwrap();
    file.close().unwrap();
    let none = dir.path().join("none");
    assert!(matches!(
        builder().salvage_into(&strange, &none),
        Err(Error::Foreign { .. })
    ));
    assert!(!none.exists());
}
