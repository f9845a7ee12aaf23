//! Ephemeral tables: as others in every respect, but never on the disk, and never waiting for it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sapwood::{Builder, Change, Database, Durability, Error, Revision, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[allow(dead_code, reason = "the tests of the page file use more of it")]
#[path = "pagefile_sim/mod.rs"]
mod sim;

use sim::{Crash, SimDisk};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u8,
    #[index]
    node: u8,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "beats", ephemeral)]
struct Beat {
    #[key]
    id: u8,
    #[index]
    node: u8,
    #[index(unique)]
    slot: Option<u16>,
}

fn pod(id: u8, node: u8) -> Pod {
    Pod { id, node }
}

fn beat(id: u8, node: u8) -> Beat {
    Beat {
        id,
        node,
        slot: (node > 1).then_some(id.into()),
    }
}

const EVENTUAL: Durability = Durability::Eventual {
    within: Duration::from_millis(2),
};

const MODES: [Durability; 3] = [Durability::Immediate, EVENTUAL, Durability::Checkpoint];

fn builder(durability: Durability) -> Builder {
    let db = Database::builder().table::<Beat>().table::<Pod>();
    db.durability(durability)
}

fn open(disk: &SimDisk, durability: Durability) -> Database {
    let opened = builder(durability).open_storage(Box::new(disk.clone()));
    opened.unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Clone, Debug)]
enum Step {
    /// Rows of either table in one transaction: number of the table, key, and what to put there, or nothing.
    Commit(Vec<(bool, u8, Option<u8>)>),
    Abort(Vec<(bool, u8, Option<u8>)>),
    Sync,
    Reopen(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let ops =
        || proptest::collection::vec((any::<bool>(), 0..6u8, proptest::option::of(0..4u8)), 0..5);
    prop_oneof![
        6 => ops().prop_map(Step::Commit),
        1 => ops().prop_map(Step::Abort),
        1 => Just(Step::Sync),
        2 => (0..3usize).prop_map(Step::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    pods: BTreeMap<u8, u8>,
    beats: BTreeMap<u8, u8>,
}

impl Model {
    #[track_caller]
    fn check(&self, snapshot: &Snapshot) {
        let pods = self.pods.iter().map(|(&id, &node)| pod(id, node));
        assert!(snapshot.list(Pod::ALL).map(|row| Pod::clone(row)).eq(pods));
        let beats = self.beats.iter().map(|(&id, &node)| beat(id, node));
        assert!(
            snapshot
                .list(Beat::ALL)
                .map(|row| Beat::clone(row))
                .eq(beats)
        );
        for node in 0..4 {
            let with = |rows: &BTreeMap<u8, u8>| rows.values().filter(|it| **it == node).count();
            assert_eq!(snapshot.count(Pod::BY_NODE.eq(node)), with(&self.pods));
            assert_eq!(snapshot.count(Beat::BY_NODE.eq(node)), with(&self.beats));
        }
        for id in 0..6u8 {
            let there = self.beats.get(&id).is_some_and(|node| *node > 1);
            assert_eq!(
                snapshot.contains(Beat::BY_SLOT.eq(Some(u16::from(id)))),
                there
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Both tables are one state, whatever is committed and taken back, with all indexes, until the file is closed; opened again, it has the one and not the
    /// other, and revisions go on from where they were.
    #[test]
    fn as_other_tables_until_the_end(mode in 0..3usize, steps in proptest::collection::vec(step(), 1..30)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sap");
        let mut model = Model::default();
        let mut db = builder(MODES[mode]).open(&path).unwrap();
        for step in steps {
            let revision = db.revision();
            match step {
                Step::Sync => db.sync().unwrap(),
                Step::Reopen(mode) => {
                    db.close().unwrap();
                    db = builder(MODES[mode]).open(&path).unwrap();
                    prop_assert_eq!(db.revision(), revision);
                    model.beats.clear();
                }
                Step::Commit(ops) | Step::Abort(ops) if ops.is_empty() => {}
                Step::Commit(ref ops) | Step::Abort(ref ops) => {
                    let mut tx = db.begin_write().unwrap();
                    let mut next = Model { pods: model.pods.clone(), beats: model.beats.clone() };
                    for &(ephemeral, id, node) in ops {
                        match (ephemeral, node) {
                            (true, Some(node)) => {
                                tx.put(beat(id, node)).unwrap();
                                next.beats.insert(id, node);
                            }
                            (true, None) => {
                                tx.remove::<Beat>(id).unwrap();
                                next.beats.remove(&id);
                            }
                            (false, Some(node)) => {
                                tx.put(pod(id, node)).unwrap();
                                next.pods.insert(id, node);
                            }
                            (false, None) => {
                                tx.remove::<Pod>(id).unwrap();
                                next.pods.remove(&id);
                            }
                        }
                    }
                    if matches!(step, Step::Commit(_)) {
                        tx.commit().unwrap();
                        model = next;
                    }
                }
            }
            model.check(&db.snapshot());
            prop_assert!(db.revision() >= revision);
        }
    }
}

/// Commits that change only ephemeral tables touch the disk neither at once, nor when asked to, in whatever mode; one that changes others too does.
#[test]
fn the_disk_is_not_touched() {
    for durability in MODES {
        let disk = SimDisk::default();
        let db = open(&disk, durability);
        db.write(|tx| tx.insert(pod(1, 1))).unwrap();
        db.checkpoint().unwrap();
        let before = disk.ops();
        for number in 0..20 {
            db.write(|tx| tx.put(beat(number % 3, number % 4))).unwrap();
            db.sync().unwrap();
        }
        db.checkpoint().unwrap();
        assert_eq!(disk.ops(), before, "{durability:?}");
        assert_eq!(db.revision(), Revision::new(21));
        db.write(|tx| {
            tx.put(beat(5, 1))?;
            tx.put(pod(5, 1))
        })
        .unwrap();
        db.sync().unwrap();
        assert!(disk.ops() > before, "{durability:?}");
        // Nothing of them is in the file.
        assert!(!disk.image().windows(5).any(|bytes| bytes == b"beats"));
    }
}

/// After a crash the revision is that of the newest commit that the disk has, and those after it are given out again; after a close it is the last one.
#[test]
fn revisions_go_on() {
    let disk = SimDisk::default();
    let db = open(&disk, Durability::Immediate);
    db.write(|tx| tx.insert(pod(1, 1))).unwrap();
    db.write(|tx| tx.put(beat(1, 1))).unwrap();
    db.write(|tx| tx.put(beat(2, 2))).unwrap();
    let crashed = open(&disk.crash(Crash::None, 0), Durability::Immediate);
    assert_eq!(crashed.revision(), Revision::new(1));
    assert_eq!(crashed.snapshot().count(Beat::ALL), 0);
    assert_eq!(crashed.snapshot().count(Pod::ALL), 1);
    db.write(|tx| tx.insert(pod(2, 1))).unwrap();
    let crashed = open(&disk.crash(Crash::None, 0), Durability::Immediate);
    assert_eq!(crashed.revision(), Revision::new(4));
    db.write(|tx| tx.put(beat(3, 3))).unwrap();
    db.close().unwrap();
    let again = open(&disk, Durability::Immediate);
    assert_eq!(again.revision(), Revision::new(5));
    again.write(|tx| tx.put(beat(3, 3))).unwrap();
    let snapshot = again.snapshot();
    let row = snapshot.get::<Beat>(3).unwrap();
    assert_eq!(row.created(), Revision::new(6));
}

/// Watches and followers see them as they see other tables; so do lists of changes, forks and savepoints.
#[test]
fn watched_and_followed() {
    let disk = SimDisk::default();
    let db = open(&disk, Durability::Immediate);
    let watch = db.snapshot().watch(Beat::BY_NODE.eq(2));
    let mut follow = db.follow(Beat::ALL).unwrap();
    assert_eq!(follow.try_next().unwrap().into_iter().count(), 0);
    db.write(|tx| tx.put(beat(1, 1))).unwrap();
    assert!(!watch.is_fired());
    db.write(|tx| tx.put(beat(1, 2))).unwrap();
    assert!(watch.is_fired());
    let changes: Vec<Change<Beat>> = follow.try_next().unwrap().into_iter().collect();
    assert!(matches!(&changes[..], [Change::Inserted(row)] if row.node == 2));

    let refused = db.write(|tx| {
        tx.put(beat(2, 0))?;
        tx.insert(beat(1, 3)).map(drop)
    });
    assert!(matches!(refused, Err(Error::Duplicate { .. })));
    let fork = db.snapshot().fork();
    fork.write(|tx| tx.remove_all(Beat::ALL))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    assert_eq!(db.snapshot().count(Beat::ALL), 1);

    let mut tx = db.begin_write().unwrap();
    tx.put(beat(9, 3)).unwrap();
    let staged = tx.stage().unwrap();
    let list = staged.changes().unwrap().clone();
    let revision = staged.publish().unwrap();
    let other = open(&SimDisk::default(), Durability::Immediate);
    other.apply(&list, revision).unwrap();
    assert_eq!(**other.snapshot().get::<Beat>(9).unwrap(), beat(9, 3));
}

/// A table that was in the file and is ephemeral now begins empty; what the file had is there when it is no more.
#[test]
fn a_table_that_was_not() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods", ephemeral)]
    struct Passing {
        #[key]
        id: u8,
        other: bool,
    }
    let disk = SimDisk::default();
    let db = open(&disk, Durability::Immediate);
    db.write(|tx| tx.insert(pod(1, 7))).unwrap();
    db.close().unwrap();
    let passing = Database::builder().table::<Passing>();
    let passing = passing.open_storage(Box::new(disk.clone())).unwrap();
    assert_eq!(passing.snapshot().count(Passing::ALL), 0);
    let (id, other) = (1, true);
    passing
        .write(|tx| tx.insert(Passing { id, other }))
        .unwrap();
    passing.close().unwrap();
    let db = open(&disk, Durability::Immediate);
    assert_eq!(**db.snapshot().get::<Pod>(1).unwrap(), pod(1, 7));
    assert_eq!(db.revision(), Revision::new(2));
}

/// Rows of a type that no file could hold: they need not be in one.
#[test]
fn rows_that_no_file_holds() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Load {
        Number(u8),
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(ephemeral)]
    struct Cached {
        #[key]
        id: u8,
        load: Load,
    }
    let db = Database::builder().table::<Cached>().table::<Pod>();
    let disk = SimDisk::default();
    let db = db.open_storage(Box::new(disk.clone())).unwrap();
    let load = Load::Number(3);
    db.write(|tx| tx.insert(Cached { id: 1, load })).unwrap();
    db.write(|tx| tx.insert(pod(1, 1))).unwrap();
    assert_eq!(db.snapshot().count(Cached::ALL), 1);
    db.close().unwrap();
    assert_eq!(open(&disk, EVENTUAL).snapshot().count(Pod::ALL), 1);
}
