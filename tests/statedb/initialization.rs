//! Initialisation of tables: named sources that must fill a table before it is said to be whole.

use std::thread;

use sapwood::{Change, Error};

use super::rows::{Object, Service, object, open, put, remove, service};

/// A table waits for its sources by their names, in order; each name once, by a typed error that leaves the transaction usable. A table without sources is ready.
#[test]
fn a_table_waits_for_its_sources_by_name() {
    let db = open();
    assert!(db.snapshot().is_ready::<Object>());
    let mut tx = db.begin_write().unwrap();
    tx.add_initializer::<Object>("two").unwrap();
    tx.add_initializer::<Object>("one").unwrap();
    let twice = tx.add_initializer::<Object>("two");
    assert!(matches!(twice, Err(Error::InitializerPending { .. })));
    tx.insert(object(1, &[])).unwrap();
    tx.commit().unwrap();
    let snap = db.snapshot();
    assert_eq!(snap.pending::<Object>(), ["one", "two"]);
    assert!(!snap.is_ready::<Object>() && snap.is_ready::<Service>());
    // It can be read all the same.
    assert_eq!(snap.count(Object::ALL), 1);
}

/// The last source that is done, and committed, makes the table ready: visible in its own transaction at once, to others with the commit, not by one that is
/// dropped; rows that come and go do not. To be done twice is to be done once.
#[test]
fn only_the_last_source_makes_a_table_ready() {
    let db = open();
    let (one, two) = db
        .write(|tx| {
            Ok::<_, Error>((
                tx.add_initializer::<Object>("one")?,
                tx.add_initializer::<Object>("two")?,
            ))
        })
        .unwrap();
    assert!(db.write(|tx| tx.initialized(&one)).unwrap());
    assert!(!db.write(|tx| tx.initialized(&one)).unwrap());
    assert_eq!(db.snapshot().pending::<Object>(), ["two"]);
    put(&db, 1, &[]);
    remove(&db, 1);
    let mut tx = db.begin_write().unwrap();
    tx.initialized(&two).unwrap();
    assert!(tx.is_ready::<Object>());
    drop(tx);
    assert!(!db.snapshot().is_ready::<Object>());
    let before = db.snapshot();
    db.write(|tx| {
        tx.insert(object(2, &[]))?;
        tx.initialized(&two)
    })
    .unwrap();
    assert!(db.snapshot().is_ready::<Object>());
    assert!(!before.is_ready::<Object>());
}

/// Who waits for a table gets a snapshot in which it is ready, with what came in the same commit; a watch is open while nothing is done, fires by a step on the way,
/// and from an old snapshot has fired. So a reconciler prunes by nothing before.
#[test]
fn whoever_waits_for_a_table_sees_it_ready() {
    let db = open();
    let source = db
        .write(|tx| tx.add_initializer::<Object>("source"))
        .unwrap();
    let old = db.snapshot();
    let watch = old.watch_ready::<Object>();
    put(&db, 1, &[]);
    assert!(!watch.is_fired());
    let waiter = {
        let db = db.clone();
        thread::spawn(move || db.wait_ready::<Object>().unwrap().count(Object::ALL))
    };
    db.write(|tx| {
        tx.insert(object(2, &[]))?;
        tx.initialized(&source)
    })
    .unwrap();
    assert_eq!(waiter.join().unwrap(), 2);
    assert!(watch.is_fired() && old.watch_ready::<Object>().is_fired());
    assert!(!db.snapshot().watch_ready::<Object>().is_fired());
}

/// A table that was ready can wait again, and be ready again; each snapshot keeps its answer.
#[test]
fn a_table_can_wait_again() {
    let db = open();
    let mut held = Vec::new();
    for round in 0..3 {
        let ready = db.snapshot();
        // The name is free again.
        let source = db
            .write(|tx| tx.add_initializer::<Object>("source"))
            .unwrap();
        put(&db, round, &[]);
        held.push((ready, db.snapshot()));
        db.write(|tx| tx.initialized(&source)).unwrap();
    }
    for (ready, waiting) in held {
        assert!(ready.is_ready::<Object>() && !waiting.is_ready::<Object>());
    }
    assert!(db.snapshot().is_ready::<Object>());
}

/// A table that is derived from another waits for a source that is done when the other table is ready and all of it was derived: in one commit with the last of it.
#[test]
fn a_derived_table_is_ready_after_its_source() {
    let db = open();
    let (input, output) = db
        .write(|tx| {
            Ok::<_, Error>((
                tx.add_initializer::<Object>("input")?,
                tx.add_initializer::<Service>("derived")?,
            ))
        })
        .unwrap();
    let mut changes = db.follow(Object::ALL).unwrap();
    let mut derive = || {
        let step = changes.try_next();
        let ready = changes.snapshot().is_ready::<Object>();
        db.write(|tx| {
            for row in step.iter().flatten().filter_map(Change::after) {
                tx.put(service(&row.id.to_string(), "z", None))?;
            }
            if ready {
                tx.initialized(&output)?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    };
    put(&db, 1, &[]);
    derive();
    assert!(!db.snapshot().is_ready::<Service>());
    put(&db, 2, &[]);
    db.write(|tx| tx.initialized(&input)).unwrap();
    assert!(!db.snapshot().is_ready::<Service>());
    derive();
    let snap = db.snapshot();
    assert!(snap.is_ready::<Service>());
    assert_eq!(snap.count(Service::ALL), 2);
}
