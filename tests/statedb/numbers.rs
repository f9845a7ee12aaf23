//! What their metrics and their `db` command tell.

use std::sync::mpsc;
use std::thread;

use super::rows::{Object, Service, object, open, put, remove};

/// Rows, revision, commits, watches and what is held follow what is done: by a transaction that is dropped nothing but the count of such; by a held snapshot what
/// removed rows it keeps, until it is let go of. Theirs count a graveyard, and who keeps it.
#[test]
fn numbers_follow_what_is_done() {
    let db = open();
    for id in 0..10 {
        put(&db, id, &["t"]);
    }
    let held = db.snapshot();
    let watch = held.watch(Object::BY_ID.eq(3));
    for id in 0..4 {
        remove(&db, id);
    }
    drop(db.begin_write().unwrap());
    let numbers = db.counters();
    assert_eq!(numbers.revision, db.revision());
    assert_eq!(
        (
            numbers.commits.count,
            numbers.commits.rows,
            numbers.commits.aborted
        ),
        (14, 14, 1)
    );
    let rows = |name: &str| {
        numbers
            .tables
            .iter()
            .find(|table| table.name == name)
            .map(|table| table.rows)
    };
    assert_eq!((rows("objects"), rows("services")), (Some(6), Some(0)));
    assert!(watch.is_fired());
    assert_eq!((numbers.watches.set, numbers.watches.fired), (0, 1));
    assert_eq!(numbers.seat.held.count, 15);
    let oldest = numbers.versions.oldest.unwrap();
    assert_eq!(
        (oldest.revision, numbers.versions.unlinked.rows),
        (held.revision(), 4)
    );
    let indexes: Vec<_> = db.stats().tables[0]
        .indexes
        .iter()
        .map(|index| (index.name.clone(), index.entries))
        .collect();
    assert_eq!(
        indexes,
        [("by_id".to_owned(), 6), ("by_tags".to_owned(), 6)]
    );
    drop((held, watch));
    db.reclaim().unwrap();
    let numbers = db.counters();
    assert_eq!(
        (numbers.versions.held, numbers.versions.unlinked.rows),
        (0, 0)
    );
    assert_eq!(db.snapshot().count(Service::ALL), 0);
}

/// Who has the writer's seat is known while it has it: its thread, and where its transaction began; and that somebody waits. Theirs knows the last one's name and
/// for how long.
#[test]
fn whoever_holds_the_writers_seat_is_known() {
    let db = open();
    assert!(db.counters().seat.now.is_none());
    let (sit, seated) = mpsc::channel();
    let (rise, may_rise) = mpsc::channel::<()>();
    let writer = {
        let db = db.clone();
        let named = thread::Builder::new().name("syncer".to_owned());
        named.spawn(move || {
            db.write(|tx| {
                sit.send(()).unwrap();
                may_rise.recv().unwrap();
                tx.insert(object(1, &[]))
            })
            .unwrap();
        })
    };
    seated.recv().unwrap();
    let sitting = db.counters().seat.now.unwrap();
    assert_eq!(sitting.thread.as_deref(), Some("syncer"));
    assert!(sitting.began.contains("numbers.rs"), "{}", sitting.began);
    assert!(db.try_begin_write().unwrap().is_none());
    rise.send(()).unwrap();
    writer.unwrap().join().unwrap();
    let seat = db.counters().seat;
    assert!(seat.now.is_none());
    assert_eq!((seat.held.count, seat.waiting), (1, 0));
}
