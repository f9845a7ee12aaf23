//! Saving a state, restoring it over another one, and keeping a copy in step.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Change, Database, Error, Follow, Query, Snapshot, WriteTxn};
use serde::{Deserialize, Serialize};

use super::tables::{Node, Object, Service, Task, ids, node, open, populate, service, task};

/// What is saved: the rows of each table.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Saved {
    nodes: Vec<Node>,
    services: Vec<Service>,
    tasks: Vec<Task>,
}

fn rows<T: Object>(snap: &Snapshot, all: Query<T>) -> Vec<T> {
    snap.list(all).map(|row| T::clone(row)).collect()
}

fn save(snap: &Snapshot) -> String {
    let saved = Saved {
        nodes: rows(snap, Node::ALL),
        services: rows(snap, Service::ALL),
        tasks: rows(snap, Task::ALL),
    };
    serde_json::to_string(&saved).unwrap()
}

/// Makes a table hold these rows: what is not among them goes first, so that names are free; what is equal is not written.
fn set<T: Object + PartialEq>(tx: &mut WriteTxn, all: Query<T>, rows: Vec<T>) -> Result<(), Error> {
    let kept: BTreeSet<&str> = rows.iter().map(Object::id).collect();
    let gone: Vec<String> = tx
        .list(all)
        .filter(|row| !kept.contains(row.id()))
        .map(|row| row.id().to_owned())
        .collect();
    for id in gone {
        tx.remove::<T>(id)?;
    }
    // A row that has another's name by now is out of its way before any is written.
    let changed: Vec<T> = rows
        .into_iter()
        .filter(|row| tx.get::<T>(row.id()).is_none_or(|old| **old != *row))
        .collect();
    let mut waiting = changed;
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut refused = Vec::new();
        for row in waiting {
            match tx.put(row.clone()) {
                Ok(_) => {}
                Err(Error::Duplicate { .. }) => refused.push(row),
                Err(other) => return Err(other),
            }
        }
        if refused.len() == before {
            // They have each other's names: all of them are taken out.
            for row in &refused {
                tx.remove::<T>(row.id())?;
            }
        }
        waiting = refused;
    }
    Ok(())
}

/// Restores in one transaction.
fn restore(db: &Database, saved: &str) {
    let saved: Saved = serde_json::from_str(saved).unwrap();
    db.write(|tx| {
        set(tx, Node::ALL, saved.nodes)?;
        set(tx, Service::ALL, saved.services)?;
        set(tx, Task::ALL, saved.tasks)
    })
    .unwrap();
}

/// A state that is saved and restored over another content is the state, in every index; names that two objects had swapped are no obstacle.
#[test]
fn a_restored_state_is_the_saved_one() {
    let (from, to) = (open(), open());
    populate(&from);
    let saved = save(&from.snapshot());
    to.write(|tx| {
        tx.insert(service("id1", "worker"))?;
        tx.insert(service("id2", "web"))?;
        tx.insert(service("id3", "third"))?;
        tx.insert(node("node1", Some("old")))?;
        tx.insert(task("t77", "id3", 1, Some("node1")))
    })
    .unwrap();
    restore(&to, &saved);
    assert_eq!(save(&to.snapshot()), saved);
    let snap = to.snapshot();
    assert_eq!(ids(snap.list(Service::BY_NAME.eq("web"))), ["id1"]);
    assert_eq!(ids(snap.list(Service::BY_NAME.eq("worker"))), ["id2"]);
    assert_eq!(snap.count(Service::BY_NAME.all()), 2);
    assert_eq!(ids(snap.list(Task::BY_NODE.eq("node1"))), ["t1"]);
    assert_eq!(snap.count(Task::BY_SERVICE.eq("id3")), 0);
}

/// A restore is told as the difference that it makes, in one step: created, updated, deleted, and nothing for rows that are equal, for which theirs tells an update.
#[test]
fn a_restore_is_told_as_a_difference() {
    let db = open();
    populate(&db);
    let saved = save(&db.snapshot());
    db.write(|tx| {
        tx.remove::<Task>("t1")?;
        tx.update::<Task>("t2", |task| task.slot = 5)?;
        tx.insert(task("t9", "id1", 9, None))
    })
    .unwrap();
    let untouched = db.snapshot().get::<Task>("t3").unwrap().clone();
    let nodes = db.snapshot().watch(Node::ALL);
    let mut follower = db.follow(Task::ALL).unwrap();
    follower.next();
    restore(&db, &saved);
    let step = follower.next().unwrap();
    assert!(
        matches!(step.changes(), [Change::Inserted(t1), Change::Updated { new: t2, .. }, Change::Removed(t9)]
        if t1.id == "t1" && t2.slot == 2 && t9.id == "t9")
    );
    assert!(!nodes.is_fired());
    assert!(untouched.same(db.snapshot().get::<Task>("t3").unwrap()));
    // Once more makes no difference, so it is no commit.
    let revision = db.revision();
    restore(&db, &saved);
    assert_eq!(db.revision(), revision);
}

/// Instead of being restored, a database can be put in another's place: who waits on the old one learns that it is closed, and asks the new one. (Nomad's way.)
#[test]
fn a_database_can_take_anothers_place() {
    let old = open();
    populate(&old);
    let watch = old.snapshot().watch(Task::ALL);
    let new = open();
    restore(&new, &save(&old.snapshot()));
    old.close().unwrap();
    assert!(watch.wait().is_err());
    assert!(!new.snapshot().watch(Task::ALL).is_fired());
    assert_eq!(new.snapshot().count(Task::ALL), 4);
}

/// Applies what changed in a table of one database to another one.
fn apply<T: Object>(to: &Database, changes: &mut Follow<T>) -> Result<(), Error> {
    let Some(step) = changes.try_next() else {
        return Ok(());
    };
    to.write(|tx| {
        // What goes makes room for what comes.
        for change in &step {
            if let Change::Removed(old) = change {
                tx.remove::<T>(old.id())?;
            }
        }
        step.iter()
            .filter_map(Change::after)
            .try_for_each(|new| tx.put(T::clone(new)).map(drop))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A fork that is kept in step by what followers tell of the original is equal to it whenever it has caught up, whatever was created, updated and deleted, in
    /// however many transactions between two looks; and a restore of a saved state makes any state it.
    #[test]
    fn a_fork_is_kept_in_step_by_changes(
        steps in vec((vec((0..8_u8, 0..4_u8), 1..6), any::<bool>()), 1..16), saved_at in 0..16_usize,
    ) {
        let db = open();
        populate(&db);
        let fork = db.snapshot().fork();
        let (mut services, mut tasks) = (db.follow(Service::ALL).unwrap(), db.follow(Task::ALL).unwrap());
        let mut saved = save(&db.snapshot());
        for (n, (acts, look)) in steps.into_iter().enumerate() {
            db.write(|tx| {
                for (id, what) in acts {
                    let id = id.to_string();
                    match what {
                        0 => drop(tx.put(service(&id, &format!("name-{id}")))?),
                        1 => drop(tx.put(task(&id, "id1", n as u64, None))?),
                        2 => drop(tx.remove::<Service>(&id)?),
                        _ => drop(tx.remove::<Task>(&id)?),
                    }
                }
                Ok::<_, Error>(())
            }).unwrap();
            if n == saved_at {
                saved = save(&db.snapshot());
            }
            if look {
                apply(&fork, &mut services).unwrap();
                apply(&fork, &mut tasks).unwrap();
                prop_assert_eq!(save(&fork.snapshot()), save(&db.snapshot()));
            }
        }
        restore(&db, &saved);
        prop_assert_eq!(save(&db.snapshot()), saved);
    }
}
