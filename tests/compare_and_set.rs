//! A compare-and-set that fails leaves no trace.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::{Database, Error, Revision, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "locks")]
struct Lock {
    #[key]
    name: String,
    #[index]
    owner: u32,
}

fn lock(owner: u32) -> Lock {
    Lock {
        name: "leader".into(),
        owner,
    }
}

fn open() -> Database {
    Database::builder().table::<Lock>().in_memory().unwrap()
}

/// Revision zero means that there must be no row: the first put takes, later ones are told who has it; when the row is gone, it can be taken again.
#[test]
fn zero_means_that_there_must_be_none() {
    let db = open();
    let take = |owner| db.write(|tx| tx.put_if(lock(owner), Revision::ZERO));
    assert_eq!(take(1).unwrap(), None);
    let refused = take(2).unwrap_err();
    assert!(
        matches!(&refused, Error::WrongRevision { table: "locks", key, expected, found }
            if key == "\"leader\"" && *expected == Revision::ZERO && *found == Revision::new(1)),
        "{refused}"
    );
    assert_eq!(db.snapshot().get::<Lock>("leader").unwrap().owner, 1);
    // And the other way round: what is not there has no revision.
    let gone = db.write(|tx| tx.remove_if::<Lock>("other", Revision::ZERO));
    assert_eq!(gone.unwrap(), None);
    db.write(|tx| tx.remove_if::<Lock>("leader", Revision::new(1)))
        .unwrap();
    let refused = db.write(|tx| tx.put_if(lock(3), Revision::new(1)));
    assert!(matches!(
        refused,
        Err(Error::WrongRevision {
            found: Revision::ZERO,
            ..
        })
    ));
    assert_eq!(take(2).unwrap(), None);
}

/// A transaction whose every compare-and-set failed, and that is committed all the same, wakes no watch, makes no revision and no step of a follower, and moves no table.
#[test]
fn a_failed_one_that_is_committed_changes_nothing() {
    let db = open();
    db.write(|tx| tx.insert(lock(1))).unwrap();
    db.write(|tx| tx.put(lock(2))).unwrap();
    let before = db.snapshot();
    let watches = [Lock::ALL, Lock::BY_OWNER.all()].map(|query| before.watch(query));
    let revision = db.watch_revision(Revision::new(3));
    let mut follower = db.follow(Lock::ALL).unwrap();
    assert!(follower.try_next().is_some());
    let stale = Revision::new(1);
    for round in 0..3 {
        let mut tx = db.begin_write().unwrap();
        for result in [
            tx.put_if(lock(9), stale).map(drop),
            tx.put_if(lock(9), Revision::ZERO).map(drop),
            tx.update_if::<Lock>("leader", stale, |lock| lock.owner = 9)
                .map(drop),
            tx.remove_if::<Lock>("leader", stale).map(drop),
            tx.remove_all_if(Lock::ALL, stale).map(drop),
        ] {
            assert!(matches!(result, Err(Error::WrongRevision { .. })));
        }
        assert!(tx.changes::<Lock>().is_empty());
        let ended = match round {
            0 => tx.commit(),
            1 => tx.stage().unwrap().publish(),
            _ => {
                drop(tx);
                db.write(|tx| {
                    drop(tx.put_if(lock(9), stale));
                    Ok::<_, Error>(tx.revision())
                })
                .map(|_| db.revision())
            }
        };
        assert_eq!(ended.unwrap(), Revision::new(2));
    }
    assert!(watches.iter().all(|watch| !watch.is_fired()));
    assert!(!revision.is_fired());
    assert!(follower.try_next().is_none());
    let after = db.snapshot();
    assert_eq!(after.revision(), Revision::new(2));
    assert_eq!(after.table_revision::<Lock>(), Revision::new(2));
    assert!(
        after
            .get::<Lock>("leader")
            .unwrap()
            .same(before.get::<Lock>("leader").unwrap())
    );
}
