//! A transaction can end in two steps: staged, it is nobody's to see and no disk has it; then it is published, here or on another thread, at its own revision or at one
//! that somebody else decided on, or it is as if it had never been.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sapwood::{Change, Database, Error, Revision, Staged, Table};
use serde::{Deserialize, Serialize, Serializer};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    id: u32,
    #[index(unique)]
    name: String,
    #[serde(serialize_with = "whole")]
    weight: u8,
}

/// One weight cannot be written.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn whole<S: Serializer>(weight: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    if *weight == 255 {
        return Err(serde::ser::Error::custom("too heavy"));
    }
    serializer.serialize_u8(*weight)
}

fn job(id: u32) -> Job {
    Job {
        id,
        name: format!("job-{id}"),
        weight: 1,
    }
}

fn open() -> Database {
    Database::builder().table::<Job>().in_memory().unwrap()
}

fn stage(db: &Database, jobs: impl IntoIterator<Item = u32>) -> Staged {
    let mut tx = db.begin_write().unwrap();
    for id in jobs {
        tx.insert(job(id)).unwrap();
    }
    tx.stage().unwrap()
}

fn rev(number: u64) -> Revision {
    Revision::new(number)
}

/// A staged commit is seen by no snapshot, watch or follower, and readers do not wait for it; published, it is a commit like any other.
#[test]
fn staged_is_seen_by_nobody_until_it_is_published() {
    let db = open();
    db.write(|tx| tx.insert(job(1))).unwrap();
    let watch = db.snapshot().watch(Job::ALL);
    let mut follower = db.follow(Job::ALL).unwrap();
    assert_eq!(follower.try_next().unwrap().len(), 1);

    let staged = stage(&db, [2]);
    assert_eq!(staged.revision(), rev(2));
    assert!(!staged.is_empty());
    assert_eq!(db.revision(), rev(1));
    assert_eq!(db.snapshot().count(Job::ALL), 1);
    assert!(!watch.is_fired());
    assert!(follower.try_next().is_none());

    assert_eq!(staged.publish().unwrap(), rev(2));
    assert_eq!(db.snapshot().count(Job::ALL), 2);
    assert!(watch.is_fired());
    let step = follower.try_next().unwrap();
    assert!(matches!(step.changes(), [Change::Inserted(row)] if row.id == 2));
}

/// Discarded or dropped, on this thread or another, it leaves nothing: no row, no revision, no wake-up, and a free seat. The next one has its number.
#[test]
fn discarded_is_as_if_it_had_never_been() {
    let db = open();
    db.write(|tx| tx.insert(job(1))).unwrap();
    let watch = db.snapshot().watch(Job::ALL);
    stage(&db, 2..50).discard();
    drop(stage(&db, 2..50));
    let staged = stage(&db, 2..50);
    thread::spawn(move || drop(staged)).join().unwrap();
    assert!(!watch.is_fired());
    assert_eq!(db.revision(), rev(1));
    assert_eq!(db.snapshot().count(Job::BY_NAME.all()), 1);
    assert_eq!(stage(&db, 2..50).publish().unwrap(), rev(2));
    assert_eq!(db.snapshot().count(Job::BY_NAME.all()), 49);
}

/// Published at a later revision, every row that the transaction wrote says that revision: created ones, replaced ones, rows that were replaced in the same transaction, and the
/// clones that the transaction gave out. Rows that it did not write say what they said, in old snapshots too. The next commit counts from there.
#[test]
fn rows_say_the_revision_that_they_are_published_at() {
    let db = open();
    db.write(|tx| (1..4).try_for_each(|id| tx.insert(job(id)).map(drop)))
        .unwrap();
    let before = db.snapshot();
    let mut tx = db.begin_write().unwrap();
    tx.update::<Job>(2, |job| job.weight = 2).unwrap();
    tx.remove::<Job>(3).unwrap();
    tx.insert(job(3)).unwrap();
    let given = tx.insert(job(4)).unwrap();
    let passed = tx.insert(job(5)).unwrap();
    tx.update::<Job>(5, |job| job.weight = 7).unwrap();
    assert_eq!(given.modified(), rev(2));
    let staged = tx.stage().unwrap();
    let published = thread::spawn(move || staged.publish_at(rev(100)))
        .join()
        .unwrap();
    assert_eq!(published.unwrap(), rev(100));

    let now = db.snapshot();
    assert_eq!(now.revision(), rev(100));
    assert_eq!(now.table_revision::<Job>(), rev(100));
    let metadata = |snapshot: &sapwood::Snapshot| {
        let rows = snapshot.list(Job::ALL);
        rows.map(|row| (row.id, row.created().get(), row.modified().get()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        metadata(&now),
        [
            (1, 1, 1),
            (2, 1, 100),
            (3, 100, 100),
            (4, 100, 100),
            (5, 100, 100)
        ]
    );
    assert_eq!(metadata(&before), [(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    assert_eq!(
        (given.created(), given.modified(), passed.modified()),
        (rev(100), rev(100), rev(100))
    );
    assert_eq!(
        db.write(|tx| tx.update_if::<Job>(4, rev(100), |job| job.weight = 9))
            .map(|row| row.id)
            .unwrap(),
        4
    );
    assert_eq!(db.revision(), rev(101));
}

/// Old snapshots show the same, and memory is let go of, whatever numbers were left out: each row's end is told once.
#[test]
fn history_is_kept_right_across_gaps() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ALIVE: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug)]
    struct Counted(());
    impl Default for Counted {
        fn default() -> Self {
            ALIVE.fetch_add(1, Ordering::Relaxed);
            Self(())
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    #[derive(Table, Debug, Serialize, Deserialize)]
    #[table(name = "counts")]
    struct Count {
        #[key]
        id: u32,
        round: u64,
        #[serde(skip)]
        #[allow(dead_code, reason = "counted by its drop")]
        counted: Counted,
    }

    let db = Database::builder().table::<Count>().in_memory().unwrap();
    let mut held = Vec::new();
    for round in 0..200u64 {
        let mut tx = db.begin_write().unwrap();
        for id in 0..40 {
            if (u64::from(id) + round).is_multiple_of(7) {
                tx.remove::<Count>(id).unwrap();
            } else if (u64::from(id) * round).is_multiple_of(3) {
                let counted = Counted::default();
                tx.put(Count { id, round, counted }).unwrap();
            }
        }
        let staged = tx.stage().unwrap();
        match round % 4 {
            0 => drop(staged.publish().unwrap()),
            1 => staged.discard(),
            n => {
                let at = rev(db.revision().get() + n * n);
                staged.publish_at(at).unwrap();
            }
        }
        if round % 5 == 0 {
            let snapshot = db.snapshot();
            let rows: Vec<_> = snapshot.list(Count::ALL).map(|row| row.round).collect();
            held.push((snapshot, rows));
        }
        if round % 9 == 0 {
            held.swap_remove(round as usize % held.len());
        }
        for (snapshot, rows) in &held {
            assert!(
                snapshot
                    .list(Count::ALL)
                    .map(|row| row.round)
                    .eq(rows.iter().copied())
            );
        }
    }
    held.clear();
    db.reclaim().unwrap();
    assert_eq!(
        ALIVE.load(Ordering::Relaxed),
        db.snapshot().count(Count::ALL)
    );
    drop(db);
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0);
}

/// A revision that is not greater than the published one, or beyond what leaves room for more, is refused; the commit is gone and the seat is free.
#[test]
fn a_revision_that_cannot_follow_is_refused() {
    let db = open();
    stage(&db, [1]).publish_at(rev(10)).unwrap();
    for number in [0, 1, 9, 10, Revision::MAX.get() + 1, u64::MAX] {
        let refused = stage(&db, [2]).publish_at(rev(number)).unwrap_err();
        assert!(
            matches!(refused, Error::RevisionOrder { revision, published }
                if revision == rev(number) && published == rev(10)),
            "{refused}"
        );
        assert_eq!(db.revision(), rev(10));
        assert_eq!(db.snapshot().count(Job::ALL), 1);
    }
    assert_eq!(stage(&db, [2]).publish_at(rev(11)).unwrap(), rev(11));
    assert_eq!(
        stage(&db, [3]).publish_at(Revision::MAX).unwrap(),
        Revision::MAX
    );
    // There is still room for all that will ever be written here.
    db.write(|tx| tx.insert(job(4))).unwrap();
}

/// A transaction that changed nothing makes no commit, unless somebody decided on a number for it: then the database has that revision.
#[test]
fn nothing_is_published_only_where_it_was_decided_on() {
    let db = open();
    let watch = db.snapshot().watch(Job::ALL);
    let staged = stage(&db, []);
    assert!(staged.is_empty() && staged.changes().unwrap().is_empty());
    assert_eq!(staged.publish().unwrap(), Revision::ZERO);
    assert_eq!(db.revision(), Revision::ZERO);
    assert_eq!(stage(&db, []).publish_at(rev(5)).unwrap(), rev(5));
    assert_eq!(db.revision(), rev(5));
    assert!(!watch.is_fired());
    assert_eq!(db.wait_for(rev(5)).unwrap().revision(), rev(5));
}

/// Other writers wait while a commit is staged, wherever it is, and get their turn when it ends.
#[test]
fn other_writers_wait_for_a_staged_commit() {
    let db = open();
    let staged = stage(&db, [1]);
    let (entered, enters) = mpsc::channel();
    let writer = {
        let db = db.clone();
        thread::spawn(move || {
            assert!(db.try_begin_write().unwrap().is_none());
            let short = Duration::from_millis(1);
            assert!(db.begin_write_timeout(short).unwrap().is_none());
            entered.send(()).unwrap();
            db.write(|tx| {
                assert_eq!(tx.revision(), rev(8));
                tx.insert(job(2))
            })
            .unwrap();
        })
    };
    enters.recv().unwrap();
    assert_eq!(db.snapshot().count(Job::ALL), 0);
    thread::spawn(move || staged.publish_at(rev(7)).unwrap())
        .join()
        .unwrap();
    writer.join().unwrap();
    assert_eq!(db.revision(), rev(8));
}

/// The thread that staged is refused a wait without end, for it might be for itself, wherever the commit has gone; with a limit it can wait. When the commit has
/// ended, on whichever thread, all is as before; and inside of a transaction even a limited wait is refused, as ever.
#[test]
fn the_thread_that_staged_does_not_wait_for_itself() {
    let db = open();
    let staged = stage(&db, [1]);
    assert!(matches!(db.begin_write(), Err(Error::NestedWrite)));
    assert!(matches!(db.reclaim(), Err(Error::NestedWrite)));
    assert!(db.try_begin_write().unwrap().is_none());
    let (go, went) = mpsc::channel::<()>();
    let elsewhere = thread::spawn(move || {
        went.recv().unwrap();
        staged.publish().unwrap()
    });
    assert!(matches!(
        db.write(|tx| tx.insert(job(2))),
        Err(Error::NestedWrite)
    ));
    go.send(()).unwrap();
    let tx = db.begin_write_timeout(Duration::from_secs(600)).unwrap();
    assert_eq!(tx.unwrap().revision(), rev(2));
    elsewhere.join().unwrap();
    let tx = db.begin_write().unwrap();
    assert!(matches!(db.try_begin_write(), Err(Error::NestedWrite)));
    drop(tx);
    db.write(|tx| tx.insert(job(2))).unwrap();
}

/// A row that cannot be written as bytes makes no list of changes; the commit stays staged, and can be published where no disk wants its bytes.
#[test]
fn a_row_that_cannot_be_written_has_no_changes() {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(Job {
        weight: 255,
        ..job(1)
    })
    .unwrap();
    let staged = tx.stage().unwrap();
    for _ in 0..2 {
        let refused = staged.changes().unwrap_err();
        assert!(matches!(refused, Error::Row { table: "jobs", .. }));
    }
    staged.publish().unwrap();
    assert_eq!(db.snapshot().count(Job::ALL), 1);
}

/// When the database is closed, a staged commit cannot be published any more; it does not keep the database from closing, nor its snapshots from being read.
#[test]
fn a_closed_database_refuses_what_was_staged() {
    let db = open();
    db.write(|tx| tx.insert(job(1))).unwrap();
    let staged = stage(&db, [2]);
    let snapshot = db.snapshot();
    db.close().unwrap();
    assert!(matches!(staged.publish(), Err(Error::Closed)));
    assert_eq!(snapshot.count(Job::ALL), 1);

    let db = open();
    let (one, snapshot) = (stage(&db, [1]), db.snapshot());
    drop(db);
    assert!(matches!(one.publish_at(rev(4)), Err(Error::Closed)));
    assert_eq!(snapshot.count(Job::ALL), 0);
}

/// It may go anywhere.
#[test]
fn staged_is_send() {
    fn send<T: Send + 'static>() {}
    send::<Staged>();
}
