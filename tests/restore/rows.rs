//! Rows whose unique keys move, and rows of structs that have changed.

use sapwood::{Change, Database, Error};

use super::{Host, Pod, copy_of, earlier, host, names, pod, pods};

/// Unique keys go round between rows, and from one that goes to one that comes: what counts is how it ends. Each is told as an update.
#[test]
fn unique_keys_move() {
    let db = pods();
    for (id, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        db.write(|tx| tx.insert(pod(id, name))).unwrap();
    }
    let copy = copy_of(&db);
    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    for (id, name) in [(1, "b"), (2, "c"), (3, "a"), (5, "d")] {
        db.write(|tx| tx.insert(pod(id, name))).unwrap();
    }
    let mut changes = db.follow(Pod::ALL).unwrap();
    changes.next();
    let restored = db.restore(&copy[..]).unwrap();
    assert_eq!(
        (restored.inserted, restored.updated, restored.removed),
        (1, 3, 1)
    );
    let step = changes.next().unwrap();
    let told = step.iter().map(|change| match change {
        Change::Inserted(new) => ("inserted", new.id),
        Change::Updated { new, .. } => ("updated", new.id),
        Change::Removed(old) => ("removed", old.id),
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            ("updated", 1),
            ("updated", 2),
            ("updated", 3),
            ("inserted", 4),
            ("removed", 5)
        ]
    );
    let expected = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
    assert_eq!(names(&db), expected.map(|(id, name)| (id, name.to_owned())));
}

/// Rows of an earlier struct are read as they are when a file is opened: those that come out equal are not written. What breaks the rules of the struct of today is refused: two rows with one
/// key in an index that is unique by now, a key of another type.
#[test]
fn rows_of_earlier_structs() {
    let old = |id, name: &str| earlier::Pod {
        gone: 5,
        id,
        name: name.into(),
    };
    let from = Database::builder()
        .table::<earlier::Pod>()
        .in_memory()
        .unwrap();
    from.write(|tx| {
        tx.insert(old(1, "a"))?;
        tx.insert(old(2, "b"))
    })
    .unwrap();
    let db = pods();
    db.write(|tx| {
        tx.insert(pod(1, "a"))?;
        tx.insert(Pod {
            note: Some("new".into()),
            ..pod(2, "b")
        })
    })
    .unwrap();
    let kept = db.snapshot().get::<Pod>(1).unwrap().clone();
    let restored = db.restore(&copy_of(&from)[..]).unwrap();
    assert_eq!((restored.updated, restored.equal), (1, 1));
    let now = db.snapshot();
    assert!(now.get::<Pod>(1).unwrap().same(&kept));
    assert_eq!(**now.get::<Pod>(2).unwrap(), pod(2, "b"));

    from.write(|tx| tx.insert(old(3, "a"))).unwrap();
    let error = db.restore(&copy_of(&from)[..]).unwrap_err();
    assert!(
        matches!(error, Error::Duplicate { table: "pods", .. }),
        "{error}"
    );
    let from = Database::builder()
        .table::<earlier::Host>()
        .in_memory()
        .unwrap();
    from.write(|tx| tx.insert(earlier::Host { name: 1 }))
        .unwrap();
    let db = Database::builder().table::<Host>().in_memory().unwrap();
    db.write(|tx| tx.insert(host("h"))).unwrap();
    let error = db.restore(&copy_of(&from)[..]).unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    assert_eq!(db.snapshot().count(Host::ALL), 1);
}
