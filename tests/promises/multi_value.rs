//! Indexes in which a row has several keys: it is given once, whichever verb asks, and keys of several columns are whole.

use std::collections::BTreeSet;

use sapwood::{Change, Database, Error, Only, Query, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_zone_tag, on[zone, each(tags)]))]
#[table(index(by_tag_port, on[each(tags), zone, each(ports)]))]
struct Service {
    #[key]
    name: String,
    zone: u8,
    #[index(each)]
    tags: Vec<String>,
    ports: BTreeSet<u16>,
}

fn service(name: &str, zone: u8, tags: &[&str], ports: &[u16]) -> Service {
    Service {
        name: name.to_owned(),
        zone,
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ports: ports.iter().copied().collect(),
    }
}

fn services() -> Database {
    let db = Database::builder().table::<Service>().in_memory().unwrap();
    db.write(|tx| {
        tx.insert(service("a", 1, &["t1", "t2", "x"], &[80, 443]))?;
        tx.insert(service("b", 1, &["t2", "t3"], &[80]))?;
        tx.insert(service("c", 2, &["x", "t1", "t1"], &[22, 80, 443]))
    })
    .unwrap_or_else(|error: Error| panic!("{error}"));
    db
}

/// A query by more than one element gives a row once, at its first entry, up and down, in a transaction and after it; and every verb agrees. go-memdb gives it once for each
/// element that matches.
#[test]
fn multi_value_indexes_give_a_row_once() {
    let db = services();
    let snapshot = db.snapshot();
    let queries: [(Query<Service>, &[&str]); 5] = [
        (Service::BY_TAGS.starts_with("t"), &["a", "c", "b"]),
        (Service::BY_TAGS.all(), &["a", "c", "b"]),
        (Service::BY_TAGS.range("t2"..), &["a", "b", "c"]),
        (Service::BY_ZONE_TAG.prefix(1), &["a", "b"]),
        (Service::BY_TAG_PORT.prefix("t1"), &["a", "c"]),
    ];
    for (query, expected) in queries {
        let names = |rows: Vec<&sapwood::Row<Service>>| -> Vec<String> {
            rows.iter().map(|row| row.name.clone()).collect()
        };
        assert_eq!(names(snapshot.list(query.clone()).collect()), expected);
        let mut down = names(snapshot.list(query.clone()).rev().collect());
        down.reverse();
        assert_eq!(down, expected);
        assert_eq!(snapshot.count(query.clone()), expected.len());
        assert_eq!(
            snapshot.first(query.clone()).map(|row| &*row.name),
            expected.first().copied()
        );
        assert_eq!(
            snapshot.last(query.clone()).map(|row| &*row.name),
            expected.last().copied()
        );
        assert_eq!(snapshot.only(query.clone()), Only::Many);
        let second = snapshot.list(query.clone()).nth(1);
        assert_eq!(second.map(|row| &*row.name), expected.get(1).copied());
        let mut follower = db.follow(query.clone()).unwrap();
        assert_eq!(follower.try_next().unwrap().len(), expected.len());
        let tx = db.begin_write().unwrap();
        assert_eq!(names(tx.list(query.clone()).collect()), expected);
        drop(tx);
        let mut fork = snapshot.fork().begin_write().unwrap();
        assert_eq!(fork.remove_all(query).unwrap(), expected.len());
    }
    assert_eq!(
        snapshot
            .only(Service::BY_TAGS.starts_with("t3"))
            .one()
            .map(|row| &*row.name),
        Some("b")
    );
}

/// A row that changes its elements is one update to who follows several of them, and none where it came and went.
#[test]
fn a_row_of_several_elements_is_told_once() {
    let db = services();
    let mut follower = db.follow(Service::BY_TAGS.starts_with("t")).unwrap();
    follower.try_next().unwrap();
    db.write(|tx| tx.put(service("a", 1, &["t5", "t6"], &[])))
        .unwrap();
    let step = follower.try_next().unwrap();
    assert!(matches!(step.changes(), [Change::Updated { new, .. }] if new.name == "a"));
    db.write(|tx| tx.put(service("a", 1, &["x"], &[]))).unwrap();
    let step = follower.try_next().unwrap();
    assert!(matches!(step.changes(), [Change::Removed(old)] if old.tags.len() == 2));
}

/// Columns with several values beside columns with one: every combination is a key that finds its row, and nothing else is.
#[test]
fn compound_multi_value_keys() {
    let db = services();
    let snapshot = db.snapshot();
    for row in snapshot.list(Service::ALL) {
        for tag in ["t1", "t2", "t3", "x", "t", ""] {
            let has = row.tags.iter().any(|own| own == tag);
            let found = snapshot.list(Service::BY_ZONE_TAG.eq((row.zone, tag)));
            assert_eq!(
                found.filter(|other| other.name == row.name).count(),
                usize::from(has)
            );
            for port in [22, 80, 443, 8080] {
                let has = has && row.ports.contains(&port);
                let found = snapshot.list(Service::BY_TAG_PORT.eq((tag, row.zone, port)));
                assert_eq!(
                    found.filter(|other| other.name == row.name).count(),
                    usize::from(has),
                    "{} {tag} {port}",
                    row.name
                );
            }
        }
    }
    // Without a value in one of the columns there is no combination.
    db.write(|tx| tx.put(service("a", 1, &["t9"], &[])))
        .unwrap();
    let snapshot = db.snapshot();
    assert!(snapshot.contains(Service::BY_ZONE_TAG.eq((1, "t9"))));
    assert!(!snapshot.contains(Service::BY_TAG_PORT.prefix("t9")));
}
