//! A transaction tells what it has made of the rows so far, and nobody else learns of it before the commit.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::{Change, Database, Error, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "items")]
struct Item {
    #[key]
    id: u32,
    #[index]
    size: u32,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "others")]
struct Other {
    #[key]
    id: u32,
}

fn item(id: u32, size: u32) -> Item {
    Item { id, size }
}

fn open() -> Database {
    let builder = Database::builder().table::<Item>().table::<Other>();
    let db = builder.in_memory().unwrap();
    db.write(|tx| (1..5).try_for_each(|id| tx.insert(item(id, 0)).map(drop)))
        .unwrap();
    db
}

/// Changes in short: the row, and its size before and after.
fn short(changes: Vec<Change<Item>>) -> Vec<(u32, Option<u32>, Option<u32>)> {
    let size = |row: Option<&sapwood::Row<Item>>| row.map(|row| row.size);
    changes
        .iter()
        .map(|change| {
            let id = change.after().or(change.before()).unwrap().id;
            (id, size(change.before()), size(change.after()))
        })
        .collect()
}

/// In the order of the keys, each row once with its first and last state, against what is committed; what came and went is not told, what was written as it was is,
/// and so is every row of a removal by query.
#[test]
fn changes_are_merged_by_row_in_key_order() {
    let db = open();
    db.write(|tx| {
        assert!(tx.changes::<Item>().is_empty());
        tx.insert(item(9, 1))?;
        tx.update::<Item>(9, |item| item.size = 2)?;
        tx.put(item(2, 0))?;
        tx.insert(item(7, 5))?;
        tx.remove::<Item>(7)?;
        tx.remove::<Item>(1)?;
        tx.insert(item(1, 8))?;
        tx.remove_all(Item::BY_ID.range(3..))?;
        tx.insert(item(9, 3))?;
        assert_eq!(
            short(tx.changes()),
            [
                (1, Some(0), Some(8)),
                (2, Some(0), Some(0)),
                (3, Some(0), None),
                (4, Some(0), None),
                (9, None, Some(3)),
            ]
        );
        assert!(tx.changes::<Other>().is_empty());
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// To ask changes nothing: asked after each operation, the transaction comes to the same; and what savepoints undo is not told any more.
#[test]
fn asking_changes_nothing() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let mut told = Vec::new();
    for id in [3, 1, 8, 3] {
        tx.put(item(id, id)).unwrap();
        told = short(tx.changes());
        assert_eq!(short(tx.changes()), told);
    }
    let here = tx.savepoint();
    tx.remove_all(Item::ALL).unwrap();
    assert_eq!(tx.changes::<Item>().len(), 4);
    tx.rollback_to(&here).unwrap();
    assert_eq!(short(tx.changes()), told);
    tx.commit().unwrap();
    let sizes: Vec<_> = db.snapshot().list(Item::ALL).map(|row| row.size).collect();
    assert_eq!(sizes, [1, 0, 3, 0, 8]);
}

/// A follower that is asked inside of a transaction tells what is committed, and nothing of the transaction.
#[test]
fn a_follower_inside_of_a_transaction_sees_only_what_is_committed() {
    let db = open();
    let mut follower = db.follow(Item::ALL).unwrap();
    db.write(|tx| {
        tx.insert(item(8, 0))?;
        let first = follower.try_next().unwrap();
        assert_eq!(first.len(), 4);
        tx.remove::<Item>(1)?;
        assert!(follower.try_next().is_none());
        // One that begins here, too.
        assert_eq!(db.follow(Item::ALL)?.try_next().unwrap().len(), 4);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(
        short(follower.try_next().unwrap().into_iter().collect()),
        [(1, Some(0), None), (8, None, Some(0))]
    );
}

/// What a follower looked at inside of a transaction that is then given up is not lost to it: the removals that the transaction hid are told when they happen, and no
/// change before or after is missing.
#[test]
fn an_abort_loses_nothing_for_a_follower() {
    let db = open();
    let mut follower = db.follow(Item::ALL).unwrap();
    assert_eq!(follower.try_next().unwrap().len(), 4);
    db.write(|tx| tx.remove::<Item>(4)).unwrap();
    let aborted = db.write(|tx| {
        tx.remove_all(Item::ALL)?;
        tx.insert(item(20, 0))?;
        let step = follower.try_next().unwrap();
        assert_eq!(short(step.into_iter().collect()), [(4, Some(0), None)]);
        assert!(follower.try_next().is_none());
        Err::<(), _>(Error::Closed)
    });
    assert!(aborted.is_err());
    assert!(follower.try_next().is_none());
    let mut tx = db.begin_write().unwrap();
    tx.remove::<Item>(2).unwrap();
    assert!(follower.try_next().is_none());
    drop(tx);
    db.write(|tx| tx.remove::<Item>(3)).unwrap();
    let step = follower.try_next().unwrap();
    assert_eq!(short(step.into_iter().collect()), [(3, Some(0), None)]);
}
