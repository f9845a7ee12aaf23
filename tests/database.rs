//! The verbs of a database, one promise a test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::{Change, Database, Durability, Error, Key, Only, Revision, Table};
use serde::{Deserialize, Serialize};

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Pending,
    Running,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
#[table(index(by_node_phase, on(node, phase)))]
#[table(index(by_owner_name, on(owner, name), unique))]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: Option<String>,
    #[index(each)]
    labels: BTreeSet<String>,
    owner: String,
    name: String,
    phase: Phase,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    name: String,
}

fn pod(id: u64, node: Option<&str>, name: &str) -> Pod {
    Pod {
        id,
        node: node.map(str::to_owned),
        labels: [format!("team={}", id % 2), "app".to_owned()].into(),
        owner: "o".to_owned(),
        name: name.to_owned(),
        phase: if node.is_some() {
            Phase::Running
        } else {
            Phase::Pending
        },
    }
}

fn open() -> Database {
    Database::builder()
        .table::<Pod>()
        .table::<Node>()
        .in_memory()
        .unwrap()
}

fn ids<'a>(rows: impl Iterator<Item = &'a sapwood::Row<Pod>>) -> Vec<u64> {
    rows.map(|row| row.id).collect()
}

#[test]
fn queries_find_exactly_their_rows_in_order() {
    let db = open();
    db.write(|tx| {
        for (id, node) in [
            (1, Some("n1")),
            (2, Some("n10")),
            (3, None),
            (4, Some("n1")),
        ] {
            tx.insert(pod(id, node, &format!("p{id}")))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snap = db.snapshot();
    // An exact lookup never matches a longer key.
    assert_eq!(ids(snap.list(Pod::BY_NODE.eq("n1"))), [1, 4]);
    assert_eq!(ids(snap.list(Pod::BY_NODE.starts_with("n1"))), [1, 4, 2]);
    assert_eq!(ids(snap.list(Pod::BY_NODE.eq(None::<&str>))), [3]);
    assert_eq!(
        ids(snap.list(Pod::BY_NODE_PHASE.prefix("n1")).rev()),
        [4, 1]
    );
    assert_eq!(
        ids(snap.list(Pod::BY_OWNER_NAME.range(("o", "p2")..=("o", "p3")))),
        [2, 3]
    );
    assert_eq!(snap.count(Pod::BY_LABELS.eq("app")), 4);
    assert_eq!(
        snap.only(Pod::BY_OWNER_NAME.starts_with(("o", "p4")))
            .one()
            .map(|row| row.id),
        Some(4)
    );
    assert_eq!(snap.only(Pod::BY_NODE.eq("n1")), Only::Many);
    assert_eq!(snap.first(Pod::ALL).map(|row| row.id), Some(1));
    assert_eq!(snap.last(Pod::ALL).map(|row| row.id), Some(4));
    assert!(snap.get::<Pod>(7).is_none());
}

#[test]
fn a_refused_operation_leaves_the_transaction_as_it_was() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod(1, None, "a")).unwrap();
    let error = tx.insert(pod(2, None, "a")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `pods`: index `by_owner_name` has (\"o\", \"a\") already, for the row 1; the row 2 was refused"
    );
    assert!(matches!(
        tx.insert(pod(1, None, "b")),
        Err(Error::Duplicate { .. })
    ));
    tx.insert(pod(3, None, "c")).unwrap();
    let error = tx
        .update::<Pod>(3, |pod| pod.name = "a".to_owned())
        .unwrap_err();
    assert!(matches!(error, Error::Duplicate { .. }));
    let error = tx.update::<Pod>(3, |pod| pod.id = 4).unwrap_err();
    assert!(matches!(error, Error::KeyChanged { .. }));
    assert!(matches!(
        tx.update::<Pod>(9, |_| {}),
        Err(Error::Missing { .. })
    ));
    assert_eq!(ids(tx.list(Pod::ALL)), [1, 3]);
    assert_eq!(ids(tx.list(Pod::BY_OWNER_NAME.all())), [1, 3]);
    assert_eq!(tx.commit().unwrap(), Revision::new(1));
    assert_eq!(db.snapshot().count(Pod::ALL), 2);
}

#[test]
fn compare_and_set_goes_by_the_revision_that_wrote_the_row() {
    let db = open();
    db.write(|tx| tx.put_if(pod(1, None, "a"), Revision::ZERO))
        .unwrap();
    let seen = db.snapshot().get::<Pod>(1).unwrap().modified();
    db.write(|tx| tx.update::<Pod>(1, |pod| pod.node = Some("n".to_owned())))
        .unwrap();
    let watch = db.snapshot().watch(Pod::ALL);
    let mut tx = db.begin_write().unwrap();
    assert!(matches!(
        tx.put_if(pod(1, None, "a"), Revision::ZERO),
        Err(Error::WrongRevision { .. })
    ));
    assert!(matches!(
        tx.put_if(pod(1, None, "a"), seen),
        Err(Error::WrongRevision { .. })
    ));
    assert!(matches!(
        tx.update_if::<Pod>(1, seen, |_| {}),
        Err(Error::WrongRevision { .. })
    ));
    assert!(matches!(
        tx.remove_if::<Pod>(1, seen),
        Err(Error::WrongRevision { .. })
    ));
    assert!(matches!(
        tx.remove_all_if(Pod::ALL, seen),
        Err(Error::WrongRevision { .. })
    ));
    // A failed compare-and-set makes no revision and wakes nobody.
    assert_eq!(tx.commit().unwrap(), db.revision());
    assert!(!watch.is_fired());
    let now = db.snapshot().get::<Pod>(1).unwrap().modified();
    assert_eq!(
        db.write(|tx| tx.remove_if::<Pod>(1, now))
            .unwrap()
            .unwrap()
            .created(),
        seen
    );
}

#[test]
fn an_error_or_a_panic_rolls_back_and_frees_the_writer() {
    let db = open();
    let result = db.write(|tx| {
        tx.insert(pod(1, None, "a"))?;
        tx.insert(pod(1, None, "a")).map(drop)
    });
    assert!(matches!(result, Err(Error::Duplicate { .. })));
    let other = db.clone();
    let panicked = thread::spawn(move || {
        other.write(|tx| -> Result<(), Error> {
            tx.insert(pod(1, None, "a"))?;
            panic!("on purpose")
        })
    });
    assert!(panicked.join().is_err());
    assert_eq!(db.revision(), Revision::ZERO);
    db.write(|tx| tx.insert(pod(1, None, "a"))).unwrap();
    assert_eq!(db.revision(), Revision::new(1));
}

#[test]
fn one_writer_at_a_time_and_none_waits_for_itself() {
    let db = open();
    let tx = db.begin_write().unwrap();
    assert!(matches!(db.begin_write(), Err(Error::NestedWrite)));
    assert!(matches!(db.try_begin_write(), Err(Error::NestedWrite)));
    let other = db.clone();
    thread::spawn(move || {
        assert!(other.try_begin_write().unwrap().is_none());
        assert!(
            other
                .begin_write_timeout(Duration::from_millis(5))
                .unwrap()
                .is_none()
        );
    })
    .join()
    .unwrap();
    drop(tx);
    assert!(db.try_begin_write().unwrap().is_some());
}

#[test]
fn a_snapshot_shows_the_same_for_as_long_as_it_is_held() {
    let db = open();
    db.write(|tx| tx.insert(pod(1, None, "a"))).unwrap();
    let snap = db.snapshot();
    let watch = snap.watch(Pod::BY_ID.eq(2));
    db.write(|tx| {
        tx.remove::<Pod>(1)?;
        tx.insert(pod(2, None, "b"))
    })
    .unwrap();
    assert!(watch.is_fired());
    let never = db.snapshot().watch(Pod::ALL);
    drop(db);
    assert!(never.is_closed());
    assert_eq!(ids(snap.list(Pod::ALL)), [1]);
    let row = snap.get::<Pod>(1).unwrap().clone();
    drop(snap);
    assert_eq!(row.name, "a");
}

#[test]
fn a_watch_fires_for_its_rows_and_no_neighbour() {
    let db = open();
    db.write(|tx| tx.insert(pod(1, Some("n1"), "a"))).unwrap();
    let snap = db.snapshot();
    let miss = snap.watch(Pod::BY_ID.eq(2));
    let hit = snap.watch(Pod::BY_ID.eq(1));
    let node = snap.watch(Pod::BY_NODE.eq("n1"));
    let prefix = snap.watch(Pod::BY_NODE.starts_with("n1"));
    db.write(|tx| tx.insert(pod(3, Some("n10"), "c"))).unwrap();
    assert!(!miss.is_fired() && !hit.is_fired() && !node.is_fired());
    assert!(prefix.is_fired());
    // Taken on an old snapshot, it has fired already if its rows changed since.
    assert!(snap.watch(Pod::BY_NODE.eq("n10")).is_fired());
    assert!(!snap.watch(Pod::BY_NODE.eq("n1")).is_fired());
    db.write(|tx| tx.remove_all(Pod::BY_LABELS.eq("app")))
        .unwrap();
    assert!(hit.is_fired() && node.is_fired() && !miss.is_fired());
    assert_eq!(db.snapshot().count(Pod::BY_LABELS.all()), 0);
}

/// A reader that was slow to watch what it had read learnt of the end of the database, and not of the commit before it: its state stayed old for ever.
#[test]
fn a_change_before_the_end_is_told_before_the_end() {
    let db = open();
    let before = db.snapshot();
    db.write(|tx| tx.insert(pod(1, None, "web"))).unwrap();
    db.close().unwrap();
    assert!(before.watch(Pod::ALL).is_fired());
    let last = db.wait_changed(&before, Pod::ALL).unwrap();
    assert!(last.get::<Pod>(1).is_some());
    assert!(last.watch(Pod::ALL).is_closed());
    let waited = db.wait_changed(&last, Pod::ALL);
    assert!(matches!(waited, Err(Error::Closed)));
}

#[test]
fn wait_changed_returns_only_for_another_result() {
    let db = open();
    let snap = db.snapshot();
    let (waiting, other) = (db.clone(), snap.clone());
    let (send, receive) = mpsc::channel();
    let thread = thread::spawn(move || {
        let changed = waiting.wait_changed(&other, Pod::BY_NODE.eq("n1")).unwrap();
        send.send(ids(changed.list(Pod::BY_NODE.eq("n1")))).unwrap();
    });
    db.write(|tx| tx.insert(pod(1, None, "a"))).unwrap();
    assert!(receive.recv_timeout(Duration::from_millis(20)).is_err());
    db.write(|tx| tx.insert(pod(2, Some("n1"), "b"))).unwrap();
    assert_eq!(receive.recv().unwrap(), [2]);
    thread.join().unwrap();
}

#[test]
fn a_follower_gets_first_the_rows_and_then_merged_steps() {
    let db = open();
    db.write(|tx| tx.insert(pod(1, Some("n1"), "a"))).unwrap();
    let mut follower = db.follow(Pod::BY_NODE.starts_with("n")).unwrap();
    let first = follower.next().unwrap();
    assert_eq!(first.from(), None);
    assert!(matches!(first.changes(), [Change::Inserted(row)] if row.id == 1));
    assert!(follower.try_next().is_none());
    // A move within the query is an update; one row is told once, whatever happened to it meanwhile.
    db.write(|tx| tx.update::<Pod>(1, |pod| pod.node = Some("n2".to_owned())))
        .unwrap();
    db.write(|tx| tx.update::<Pod>(1, |pod| pod.node = Some("n3".to_owned())))
        .unwrap();
    db.write(|tx| tx.insert(pod(2, Some("x"), "b"))).unwrap();
    let step = follower.next().unwrap();
    assert_eq!(
        (step.from(), step.to()),
        (Some(Revision::new(1)), Revision::new(4))
    );
    assert!(matches!(step.changes(), [Change::Updated { old, new }]
        if old.node.as_deref() == Some("n1") && new.node.as_deref() == Some("n3")));
    assert!(follower.next_timeout(Duration::from_millis(5)).is_none());
    // The last change is told before the end.
    db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    db.close().unwrap();
    assert!(matches!(follower.next().unwrap().changes(), [Change::Removed(row)] if row.id == 1));
    assert!(follower.next().is_none());
}

/// Another table of the same name.
mod other {
    use super::{Deserialize, Serialize, Table};
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    #[table(name = "pods")]
    pub(super) struct Pod {
        #[key]
        id: u32,
    }
}

#[test]
fn a_file_holds_what_was_committed_and_refuses_other_tables() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sap");
    for durability in [
        Durability::Immediate,
        Durability::Eventual {
            within: Duration::from_millis(2),
        },
        Durability::Checkpoint,
    ] {
        let builder = || {
            Database::builder()
                .table::<Pod>()
                .table::<Node>()
                .durability(durability)
        };
        let db = builder().open(&path).unwrap();
        let before = db.snapshot();
        let next = before.last(Pod::ALL).map_or(1, |row| row.id + 1);
        db.write(|tx| tx.insert(pod(next, Some("n1"), &format!("p{next}"))))
            .unwrap();
        db.write(|tx| tx.insert(pod(next + 1, None, &format!("p{}", next + 1))))
            .unwrap();
        db.write(|tx| tx.remove::<Pod>(next + 1)).unwrap();
        let snap = db.snapshot();
        db.close().unwrap();
        // The file is free, though a snapshot of it is still held.
        let again = builder().open(&path).unwrap();
        assert_eq!(again.revision(), snap.revision());
        let now = again.snapshot();
        assert!(now.list(Pod::ALL).eq(snap.list(Pod::ALL)));
        assert!(
            now.list(Pod::BY_NODE_PHASE.all())
                .eq(snap.list(Pod::BY_NODE_PHASE.all()))
        );
        for (now, then) in now.list(Pod::ALL).zip(snap.list(Pod::ALL)) {
            assert_eq!(
                (now.created(), now.modified()),
                (then.created(), then.modified())
            );
        }
        assert!(
            matches!(builder().open(&path), Err(Error::File { .. })),
            "locked"
        );
    }
    let refused = Database::builder()
        .table::<other::Pod>()
        .table::<Node>()
        .open(&path)
        .unwrap_err();
    assert!(matches!(&refused, Error::Schema { .. }), "{refused}");
    assert!(refused.to_string().contains("`pods`"), "{refused}");
    // Refused opens changed nothing.
    let db = Database::builder()
        .table::<Pod>()
        .table::<Node>()
        .open(&path)
        .unwrap();
    assert_eq!(db.snapshot().count(Pod::ALL), 3);
}

#[test]
fn handles_go_to_any_thread() {
    fn both<T: Send + Sync>() {}
    both::<Database>();
    both::<sapwood::Snapshot>();
    both::<sapwood::Row<Pod>>();
    both::<sapwood::Follow<Pod>>();
    both::<Error>();
}
