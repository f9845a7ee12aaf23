//! What is known of a table by number.

use super::rows::{Object, Service, open, put, remove, service};

/// A table has the revision of the last commit that wrote or removed one of its rows, and keeps it while others are written; in a transaction it is that of the
/// transaction once it has written there. Emptied, it does not go back.
#[test]
fn a_table_has_a_revision_of_its_own() {
    let db = open();
    put(&db, 1, &[]);
    let first = db.revision();
    db.write(|tx| tx.insert(service("a", "z", None))).unwrap();
    let snap = db.snapshot();
    assert_eq!(snap.table_revision::<Object>(), first);
    assert_eq!(snap.table_revision::<Service>(), snap.revision());
    let mut tx = db.begin_write().unwrap();
    assert_eq!(tx.table_revision::<Object>(), first);
    tx.remove::<Object>(1).unwrap();
    assert_eq!(tx.table_revision::<Object>(), tx.revision());
    drop(tx);
    assert_eq!(db.snapshot().table_revision::<Object>(), first);
    assert!(!remove(&db, 7));
    assert_eq!(db.snapshot().table_revision::<Object>(), first);
    remove(&db, 1);
    assert_eq!(db.snapshot().table_revision::<Object>(), db.revision());
    assert_eq!(snap.table_revision::<Object>(), first);
}
