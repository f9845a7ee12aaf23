//! Restoring as a write among others: out of a file that was not closed, and within a transaction.

use sapwood::{Database, Error, Inspect, RestoreOptions, Revision};

use super::{Host, Pod, earlier, host, names, pod, pods};

/// Any file of a database is a backup: also one that was not closed, with what only its journal has. A restore that is larger than the journal is durable when it returns, as any commit with
/// `Immediate` is.
#[test]
fn a_file_that_was_not_closed_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| {
        let builder = Database::builder().table::<Pod>().journal_size(64 << 10);
        builder.open(path(name)).unwrap()
    };
    let from = open("from.sap");
    let note = || Some("some words ".repeat(20));
    from.write(|tx| {
        (0..2000).try_for_each(|id| {
            let name = format!("pod-{id}");
            tx.insert(Pod {
                id,
                name,
                note: note(),
            })
            .map(drop)
        })
    })
    .unwrap();
    from.checkpoint().unwrap();
    from.write(|tx| {
        tx.remove::<Pod>(0)?;
        tx.insert(pod(5000, "last"))
    })
    .unwrap();
    std::fs::copy(path("from.sap"), path("crashed.sap")).unwrap();
    let db = open("state.sap");
    db.write(|tx| tx.insert(pod(7, "other"))).unwrap();
    let restored = db.restore_from(path("crashed.sap")).unwrap();
    assert_eq!((restored.inserted, restored.updated), (1999, 1));
    assert_eq!(restored.backup, from.revision());
    // As a crash would leave it.
    std::fs::copy(path("state.sap"), path("again.sap")).unwrap();
    let again = open("again.sap");
    assert_eq!(again.revision(), restored.revision);
    assert_eq!(names(&again), names(&from));
}

/// Restoring is a write: not within another one, not in a database that is closed, and told of by its progress.
#[test]
fn restoring_is_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    let db = pods();
    db.write(|tx| (0..1000).try_for_each(|id| tx.insert(pod(id, &format!("{id}"))).map(drop)))
        .unwrap();
    db.backup_to(&path).unwrap();
    let tx = db.begin_write().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::NestedWrite)));
    drop(tx);
    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    let mut told = Vec::new();
    let backup = Inspect::open(&path).unwrap();
    let mut tell = |done, all| told.push((done, all));
    db.restore_with(&backup, &RestoreOptions::new(), &mut tell)
        .unwrap();
    assert_eq!(told.last(), Some(&(1000, 1000)));
    assert!(told.len() > 2 && told.is_sorted());
    // The same, once more.
    db.restore_with(&backup, &RestoreOptions::new(), &mut |_, _| ())
        .unwrap();
    db.close().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::Closed)));
}

/// As a part of a transaction: what it wrote before is replaced, what it writes afterwards stays, and at whatever revision it is published, that is the one of all rows that were written. Where it is refused, in a later table
/// even, the transaction is as it was, and goes on.
#[test]
fn a_transaction_restores() {
    let open = || {
        Database::builder()
            .table::<Host>()
            .table::<Pod>()
            .in_memory()
            .unwrap()
    };
    let from = open();
    from.write(|tx| {
        tx.insert(host("h"))?;
        tx.insert(pod(1, "a"))?;
        tx.insert(pod(2, "b"))
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    from.backup_to(&path).unwrap();
    let backup = Inspect::open(&path).unwrap();
    let options = RestoreOptions::new();

    let db = open();
    db.write(|tx| tx.insert(pod(2, "b"))).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod(1, "x")).unwrap();
    tx.insert(pod(9, "a")).unwrap();
    let restored = tx.restore_with(&backup, &options, &mut |_, _| ()).unwrap();
    let counts = (
        restored.inserted,
        restored.updated,
        restored.removed,
        restored.equal,
    );
    assert_eq!((restored.revision, counts), (tx.revision(), (1, 1, 1, 1)));
    tx.insert(pod(3, "c")).unwrap();
    let staged = tx.stage().unwrap();
    assert_eq!(staged.publish_at(Revision::new(70)).unwrap().get(), 70);
    let now = db.snapshot();
    let revisions = now.list(Pod::ALL).map(|pod| (pod.id, pod.modified().get()));
    assert!(revisions.eq([(1, 70), (2, 1), (3, 70)]));
    assert_eq!(now.get::<Host>("h").unwrap().created().get(), 70);

    // Names are unique by now, and were not.
    let twice = Database::builder()
        .table::<Host>()
        .table::<earlier::Pod>()
        .in_memory()
        .unwrap();
    twice
        .write(|tx| {
            tx.insert(host("new"))?;
            let pod = |id| earlier::Pod {
                gone: 0,
                id,
                name: "same".into(),
            };
            tx.insert(pod(1))?;
            tx.insert(pod(2))
        })
        .unwrap();
    let path = folder.path().join("twice.sap");
    twice.backup_to(&path).unwrap();
    let backup = Inspect::open(&path).unwrap();
    db.write(|tx| {
        tx.insert(pod(4, "d"))?;
        let refused = tx.restore_with(&backup, &options, &mut |_, _| ());
        assert!(
            matches!(refused, Err(Error::Duplicate { .. })),
            "{refused:?}"
        );
        assert_eq!((tx.count(Host::ALL), tx.count(Pod::ALL)), (1, 4));
        assert!(tx.get::<Host>("new").is_none());
        tx.insert(pod(5, "e"))
    })
    .unwrap();
    assert_eq!(db.snapshot().count(Pod::ALL), 5);
}
