//! Versions: the revision of the commit that wrote an object, and what a stale copy of it may do.

use std::thread;

use sapwood::{Error, Revision};

use super::tables::{Service, Task, open, populate, service};

/// An object that was written knows the commit that wrote it, which is the very one that followers and watchers are told, and the one that made it. Theirs has the
/// number before.
#[test]
fn the_version_is_the_commit_that_wrote_the_object() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    let made = tx.insert(service("id1", "a")).unwrap();
    let first = tx.revision();
    assert_eq!((made.created(), made.modified()), (first, first));
    assert_eq!(tx.commit().unwrap(), first);
    db.write(|tx| tx.insert(service("id2", "b"))).unwrap();
    let mut follower = db.follow(Service::BY_ID.eq("id1")).unwrap();
    follower.next();
    db.write(|tx| tx.update::<Service>("id1", |service| service.name = "c".to_owned()))
        .unwrap();
    let row = db.snapshot().get::<Service>("id1").unwrap().clone();
    assert_eq!(row.created(), first);
    assert_eq!(row.modified(), db.revision());
    assert_eq!(follower.next().unwrap().to(), row.modified());
    // Made anew after a removal, it is another object.
    db.write(|tx| tx.remove::<Service>("id1")).unwrap();
    db.write(|tx| tx.insert(service("id1", "d"))).unwrap();
    assert_eq!(
        db.snapshot().get::<Service>("id1").unwrap().created(),
        db.revision()
    );
}

/// An update by a stale copy is refused with both versions, and changes nothing; by the right one it works, and what it gives is the version for the next one.
#[test]
fn a_stale_copy_is_refused() {
    let db = open();
    db.write(|tx| tx.insert(service("id1", "a"))).unwrap();
    let mine = db.snapshot().get::<Service>("id1").unwrap().clone();
    db.write(|tx| tx.update::<Service>("id1", |service| service.name = "theirs".to_owned()))
        .unwrap();
    let mut copy = Service::clone(&mine);
    copy.name = "mine".to_owned();
    let stale = db.write(|tx| tx.put_if(copy.clone(), mine.modified()));
    match stale {
        Err(Error::WrongRevision {
            expected, found, ..
        }) => {
            assert_eq!((expected, found), (Revision::new(1), Revision::new(2)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(db.snapshot().get::<Service>("id1").unwrap().name, "theirs");
    let now = db.snapshot().get::<Service>("id1").unwrap().modified();
    db.write(|tx| tx.put_if(copy.clone(), now)).unwrap();
    // Chained: each version comes from the write before.
    let mut version = db.revision();
    for n in 0..5 {
        let mut tx = db.begin_write().unwrap();
        tx.update_if::<Service>("id1", version, |service| service.name = n.to_string())
            .unwrap();
        version = tx.commit().unwrap();
    }
    assert_eq!(db.snapshot().get::<Service>("id1").unwrap().name, "4");
}

/// A stale copy is caught within one transaction too: what it wrote has its own number already. Theirs is not, since all writes of a transaction have the version
/// at which it began.
#[test]
fn a_stale_copy_is_refused_in_the_same_transaction() {
    let db = open();
    db.write(|tx| tx.insert(service("id1", "a"))).unwrap();
    let seen = db.revision();
    let mut tx = db.begin_write().unwrap();
    let rename = |service: &mut Service| service.name.push('x');
    tx.update_if::<Service>("id1", seen, rename).unwrap();
    assert!(matches!(
        tx.update_if::<Service>("id1", seen, rename),
        Err(Error::WrongRevision { .. })
    ));
    let now = tx.get::<Service>("id1").unwrap().modified();
    assert_eq!(now, tx.revision());
    tx.update_if::<Service>("id1", now, rename).unwrap();
    tx.commit().unwrap();
    assert_eq!(db.snapshot().get::<Service>("id1").unwrap().name, "axx");
}

/// A removal by a stale copy is refused, and so is one of what is gone; a creation that must be the first is refused by what is there.
#[test]
fn removals_and_creations_can_be_guarded() {
    let db = open();
    populate(&db);
    let seen = db.revision();
    db.write(|tx| tx.update::<Task>("t1", |task| task.slot = 9))
        .unwrap();
    let stale = db.write(|tx| tx.remove_if::<Task>("t1", seen));
    assert!(matches!(stale, Err(Error::WrongRevision { .. })));
    db.write(|tx| tx.remove_if::<Task>("t2", seen))
        .unwrap()
        .unwrap();
    let gone = db.write(|tx| tx.remove_if::<Task>("t2", seen));
    assert!(matches!(gone, Err(Error::WrongRevision { .. })));
    let task = Task::clone(db.snapshot().get::<Task>("t3").unwrap());
    let there = db.write(|tx| tx.put_if(task, Revision::ZERO));
    assert!(matches!(there, Err(Error::WrongRevision { .. })));
}

/// Without a guard a write is a write: their mode for restores and replays, where nobody checks versions.
#[test]
fn unguarded_writes_check_no_version() {
    let db = open();
    db.write(|tx| tx.insert(service("id1", "a"))).unwrap();
    for name in ["b", "c"] {
        db.write(|tx| tx.put(service("id1", name))).unwrap();
    }
    assert_eq!(db.snapshot().get::<Service>("id1").unwrap().name, "c");
}

/// Many threads that each read, change and write back by version, and read again when they were late, lose no update of each other.
#[test]
fn no_update_is_lost_under_contention() {
    let db = open();
    db.write(|tx| tx.insert(service("id1", ""))).unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer: u8| {
            let db = db.clone();
            thread::spawn(move || {
                for _ in 0..50 {
                    loop {
                        let seen = db.snapshot().get::<Service>("id1").unwrap().clone();
                        let mut next = Service::clone(&seen);
                        next.name.push(char::from(b'a' + writer));
                        match db.write(|tx| tx.put_if(next, seen.modified())) {
                            Ok(_) => break,
                            Err(Error::WrongRevision { .. }) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let name = db.snapshot().get::<Service>("id1").unwrap().name.clone();
    for letter in ['a', 'b', 'c', 'd'] {
        assert_eq!(name.matches(letter).count(), 50);
    }
    assert_eq!(db.revision(), Revision::new(201));
}
