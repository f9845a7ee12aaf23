//! What public values show with `{:?}`: what tells one from another, and never all rows of a database.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::key::Total;
use sapwood::watch::WatchSet;
use sapwood::{Database, Error, NewIndex, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u8,
    #[index]
    load: Total<f32>,
}

fn database() -> Database {
    let db = Database::builder().table::<Pod>().in_memory().unwrap();
    db.write(|tx| {
        for id in 1..3 {
            let load = (f32::from(id) / 2.0).into();
            tx.insert(Pod { id, load })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

/// States and transactions show their revision.
#[test]
fn states_show_their_revision() {
    let db = database();
    assert_eq!(
        format!("{:?}", db.snapshot()),
        "Snapshot { revision: Revision(1), .. }"
    );
    let mut tx = db.begin_write().unwrap();
    assert_eq!(format!("{tx:?}"), "WriteTxn { revision: Revision(2), .. }");
    assert_eq!(format!("{:?}", tx.savepoint()), "Savepoint { .. }");
    let initializer = tx.add_initializer::<Pod>("list").unwrap();
    assert_eq!(
        format!("{initializer:?}"),
        "Initializer { table: \"pods\", source: \"list\", .. }"
    );
    let staged = tx.stage().unwrap();
    assert_eq!(
        format!("{staged:?}"),
        "Staged { revision: Revision(2), .. }"
    );
}

/// Queries, groupings and what asks them show their index; a watch what became of it, a set how many there are.
#[test]
fn questions_show_their_index() {
    let db = database();
    let query = format!("{:?}", Pod::BY_LOAD.eq(0.5));
    assert!(
        query.starts_with("Query { index: \"by_load\", range: "),
        "{query}"
    );
    let grouping = format!("{:?}", Pod::BY_LOAD.group_by_key());
    assert!(
        grouping.starts_with("Grouping(Query { index: \"by_load\""),
        "{grouping}"
    );
    let follower = format!("{:?}", db.follow(Pod::ALL).unwrap());
    assert!(
        follower.starts_with("Follow { query: Query { index: \"by_id\""),
        "{follower}"
    );
    let index = NewIndex::sparse("by_half", |pod: &Pod| pod.id.checked_sub(1)).unique();
    assert_eq!(
        format!("{:?}", index.when(|_| true)),
        "NewIndex { name: \"by_half\", unique: true, each: false, when: true, .. }"
    );
    let watch = db.snapshot().watch(Pod::ALL);
    let open = format!("{watch:?}");
    assert!(open.starts_with("Watch { outcome: "), "{open}");
    db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    assert_ne!(format!("{watch:?}"), open);
    let mut set = WatchSet::new();
    set.add(watch);
    assert_eq!(format!("{set:?}"), "WatchSet { len: 1, .. }");
}

/// Results show what is in them, from where they are, and are as before; the last of them is the one that comes last.
#[test]
fn results_show_what_is_in_them() {
    let db = database();
    let snapshot = db.snapshot();
    let mut rows = snapshot.list(Pod::BY_LOAD.all());
    assert_eq!(
        format!("{rows:?}"),
        "[Pod { id: 1, load: 0.5 }, Pod { id: 2, load: 1.0 }]"
    );
    rows.next();
    assert_eq!(format!("{rows:?}"), "[Pod { id: 2, load: 1.0 }]");
    assert_eq!(rows.clone().last().unwrap().id, 2);
    assert_eq!(rows.count(), 1);
    let mut groups = snapshot.groups(Pod::BY_LOAD.group_by_key());
    assert_eq!(format!("{groups:?}"), "{0.5: 1, 1.0: 1}");
    groups.next();
    assert_eq!(format!("{groups:?}"), "{1.0: 1}");
    assert_eq!(groups.count(), 1);
}
