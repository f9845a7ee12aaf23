//! Commits that wait for the disk together: the writer's seat is free meanwhile, the next ones stand on what is not durable yet, and all of them are published, or
//! refused, as one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sapwood::pagefile::{Error as FileError, Storage};
use sapwood::{Database, Error, Revision, Table};
use serde::{Deserialize, Serialize};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Crash, Failure, SimDisk};

/// Rows that are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Counted(());

impl Default for Counted {
    fn default() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    id: u32,
    #[index(unique)]
    code: u32,
    note: Vec<u8>,
    #[serde(skip)]
    #[allow(dead_code, reason = "counted by its drop")]
    counted: Counted,
}

/// One test at a time, at whose end no row is left.
struct Alone(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

fn alone() -> Alone {
    static ONE: Mutex<()> = Mutex::new(());
    Alone(ONE.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(ALIVE.load(Ordering::Relaxed), 0, "rows are left");
        }
    }
}

fn job(id: u32, note: usize) -> Job {
    Job {
        id,
        code: id + 100,
        note: vec![7; note],
        counted: Counted::default(),
    }
}

/// A disk whose syncs wait while the gate is shut.
#[derive(Clone)]
struct Gated {
    disk: SimDisk,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

#[derive(Default)]
struct Gate {
    shut: bool,
    waiting: usize,
    /// Who came last.
    by: Option<thread::ThreadId>,
}

impl Gated {
    fn new() -> Self {
        Self {
            disk: SimDisk::default(),
            gate: Arc::default(),
        }
    }

    fn shut(&self, shut: bool) {
        self.gate.0.lock().unwrap().shut = shut;
        self.gate.1.notify_all();
    }

    /// Until somebody is before the gate.
    fn await_sync(&self) {
        let gate = self.gate.0.lock().unwrap();
        drop(self.gate.1.wait_while(gate, |gate| gate.waiting == 0));
    }
}

impl Storage for Gated {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.write_at(offset, bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        let (gate, changed) = &*self.gate;
        let mut state = gate.lock().unwrap();
        state.waiting += 1;
        state.by = Some(thread::current().id());
        changed.notify_all();
        let mut state = changed.wait_while(state, |gate| gate.shut).unwrap();
        state.waiting -= 1;
        drop(state);
        self.disk.sync()
    }
}

fn open(storage: &Gated, journal: u64) -> Database {
    let db = Database::builder().table::<Job>().journal_size(journal);
    db.open_storage(Box::new(storage.clone())).unwrap()
}

/// Starts so many writers, the first of which is before the gate when this returns, and the others staged behind it.
fn writers(
    db: &Database,
    gated: &Gated,
    note: usize,
) -> Vec<thread::JoinHandle<Result<Revision, Error>>> {
    let base = db.revision().get();
    gated.shut(true);
    (1..=5u32)
        .map(|id| {
            let db_of = db.clone();
            let writer = thread::spawn(move || {
                let mut tx = db_of.begin_write()?;
                assert_eq!(tx.revision().get(), base + u64::from(id));
                tx.put(job(id, if id == 1 { 10 } else { note }))?;
                tx.commit()
            });
            if id == 1 {
                gated.await_sync();
            }
            // The seat is free again, and the next one stands on it.
            loop {
                let tx = db.begin_write().unwrap();
                if tx.revision().get() > base + u64::from(id) {
                    break;
                }
                drop(tx);
                thread::yield_now();
            }
            writer
        })
        .collect()
}

/// While one commit is before the disk, others are staged upon it: they see it, readers and watches do not; then one sync is enough for all of them.
#[test]
fn those_behind_share_a_sync() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 1 << 20);
    db.write(|tx| tx.put(job(50, 0))).unwrap();
    let watch = db.snapshot().watch(Job::ALL);
    let waits = db.watch_revision(Revision::new(2));
    let writers = writers(&db, &gated, 10);
    // A transaction reads, and compares with, what is staged.
    let tx = db.begin_write().unwrap();
    assert_eq!(tx.get::<Job>(5).unwrap().modified(), Revision::new(6));
    drop(tx);
    assert_eq!(db.revision(), Revision::new(1));
    assert_eq!(db.durable_revision(), Revision::new(1));
    assert_eq!(db.snapshot().count(Job::ALL), 1);
    assert!(!watch.is_fired() && !waits.is_fired());
    let before = db.counters().disk.unwrap();
    gated.shut(false);
    for (number, writer) in (2..).zip(writers) {
        assert_eq!(writer.join().unwrap().unwrap(), Revision::new(number));
    }
    assert!(watch.is_fired() && waits.is_fired());
    assert_eq!(db.durable_revision(), Revision::new(6));
    let after = db.counters();
    assert_eq!(after.commits.count, 6);
    assert_eq!(after.disk.unwrap().groups - before.groups, 2);
    assert_eq!(db.snapshot().count(Job::BY_CODE.all()), 6);
    let again = Gated {
        disk: gated.disk.crash(Crash::None, 0),
        gate: Arc::default(),
    };
    assert_eq!(open(&again, 1 << 20).snapshot().count(Job::ALL), 6);
}

/// Those whose commits were written last are waited for, and the last of them writes for all: it runs, and the others need not be woken for that.
#[test]
fn who_comes_last_writes_for_those_who_wait() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 1 << 20);
    db.write(|tx| tx.put(job(50, 0))).unwrap();
    let mut writers = writers(&db, &gated, 10);
    // A leader waits for half as long as the disk took.
    thread::sleep(Duration::from_secs(1));
    let before = db.counters().disk.unwrap();
    let opened = Instant::now();
    gated.shut(false);
    // Five were staged or written when that one ended; four are staged now.
    writers.remove(0).join().unwrap().unwrap();
    db.write(|tx| tx.put(job(51, 0))).unwrap();
    // On a machine that stood still meanwhile, the others did not wait so long.
    if opened.elapsed() < Duration::from_millis(400) {
        assert_eq!(
            gated.gate.0.lock().unwrap().by,
            Some(thread::current().id())
        );
        assert_eq!(db.counters().disk.unwrap().groups - before.groups, 2);
    }
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
    assert_eq!(db.snapshot().count(Job::ALL), 7);
}

/// However threads come, stay away and come again, none is left waiting, and each commit is published once, in order.
#[test]
fn nobody_is_left_waiting() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 1 << 20);
    thread::scope(|scope| {
        for writer in 0..8u32 {
            let db = &db;
            scope.spawn(move || {
                let mut last = Revision::ZERO;
                for round in 0..200u32 {
                    let row = job(writer, 1);
                    let revision = if (round + writer) % 3 == 0 {
                        // Some give up waiting for their turn, and come again.
                        let limit = Duration::from_micros(u64::from(round));
                        let tx = db.begin_write_timeout(limit).unwrap();
                        let Some(mut tx) = tx else { continue };
                        tx.put(row).unwrap();
                        tx.commit().unwrap()
                    } else {
                        db.write(|tx| tx.put(row)).unwrap();
                        db.snapshot().get::<Job>(writer).unwrap().modified()
                    };
                    assert!(last < revision);
                    last = revision;
                    if (round * 7 + writer) % 5 == 0 {
                        thread::sleep(Duration::from_micros(u64::from(writer) * 50));
                    }
                }
            });
        }
    });
    assert_eq!(db.counters().commits.count, db.revision().get());
}

/// A transaction that changed nothing has perhaps read what is not durable: it ends when that is.
#[test]
fn who_only_read_waits_for_what_was_read() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 1 << 20);
    db.write(|tx| tx.put(job(50, 0))).unwrap();
    let writers = writers(&db, &gated, 10);
    let (reader, ended) = (db.clone(), Arc::new(AtomicUsize::new(0)));
    let ends = Arc::clone(&ended);
    let reader = thread::spawn(move || {
        let mut tx = reader.begin_write().unwrap();
        assert!(tx.get::<Job>(5).is_some());
        assert!(!tx.initialized(&other_source()).unwrap());
        let revision = tx.commit();
        ends.store(1, Ordering::Release);
        revision
    });
    while db.counters().seat.now.is_some() {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(5));
    assert_eq!(ended.load(Ordering::Acquire), 0);
    gated.shut(false);
    assert_eq!(reader.join().unwrap().unwrap(), Revision::new(6));
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
}

/// A source that the database has never heard of.
fn other_source() -> sapwood::Initializer<Job> {
    let other = Database::builder().table::<Job>().in_memory().unwrap();
    other
        .write(|tx| tx.add_initializer::<Job>("other"))
        .unwrap()
}

/// The disk fails with several waiting, and one in the midst of its transaction: all of them are told, nothing of them is seen by anybody, readers go on, writing is refused
/// from then on, and all rows are let go of in the end. The file has what was acknowledged, and of the group that failed all or nothing.
#[test]
fn a_failure_refuses_all_that_wait() {
    let _alone = alone();
    for _ in 0..3 {
        let gated = Gated::new();
        let db = open(&gated, 1 << 20);
        db.write(|tx| tx.put(job(50, 0))).unwrap();
        let watch = db.snapshot().watch(Job::ALL);
        let writers = writers(&db, &gated, 10);
        let mut tx = db.begin_write().unwrap();
        tx.put(job(9, 0)).unwrap();
        gated.disk.fail(Some(Failure {
            at: gated.disk.ops(),
            forever: false,
        }));
        gated.shut(false);
        for writer in writers {
            let error = writer.join().unwrap().unwrap_err();
            assert!(matches!(error, Error::File { .. }), "{error}");
        }
        let error = tx.commit().unwrap_err();
        assert!(
            matches!(error, Error::File { .. } | Error::Poisoned { .. }),
            "{error}"
        );
        assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
        assert!(matches!(
            db.wait_durable(Revision::new(3)),
            Err(Error::Poisoned { .. })
        ));
        assert_eq!(db.revision(), Revision::new(1));
        assert_eq!(db.snapshot().count(Job::BY_CODE.all()), 1);
        assert!(!watch.is_fired());
        assert_eq!(db.counters().commits.refused, 6);
        for seed in 0..20 {
            let left = Gated {
                disk: gated.disk.crash(Crash::Subset, seed),
                gate: Arc::default(),
            };
            let found = open(&left, 1 << 20).snapshot();
            assert!([1, 2].contains(&found.revision().get()), "{found:?}");
            assert_eq!(found.count(Job::ALL) as u64, found.revision().get());
        }
        drop(db);
    }
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::File { source, .. } if matches!(**source, FileError::StorageFull { .. }))
}

/// A disk without room refuses all that wait as well, and who stands on them, but nothing is lost: the next commits stand on what was published, and go through once there is
/// room.
#[test]
fn a_full_disk_refuses_all_that_wait_and_takes_the_next() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 64 << 10);
    db.write(|tx| tx.put(job(50, 0))).unwrap();
    let held = db.snapshot();
    for round in 1..4 {
        let base = db.revision().get();
        // The first goes into the journal. Those behind it are too long for that, and the file cannot grow for them.
        gated.disk.set_capacity(Some(gated.disk.image().len()));
        let mut writers = writers(&db, &gated, 1 << 20);
        let mut tx = db.begin_write().unwrap();
        tx.put(job(9, 0)).unwrap();
        gated.shut(false);
        assert_eq!(writers.remove(0).join().unwrap().unwrap().get(), base + 1);
        for writer in writers {
            let error = writer.join().unwrap().unwrap_err();
            assert!(is_full(&error), "{error}");
        }
        let error = tx.commit().unwrap_err();
        assert!(is_full(&error), "{error}");
        assert_eq!(db.revision().get(), base + 1);
        assert_eq!(db.snapshot().count(Job::BY_CODE.all()), 1 + round);
        gated.disk.set_capacity(None);
        let mut tx = db.begin_write().unwrap();
        assert!(tx.get::<Job>(5).is_none());
        tx.put(job(100 + round as u32, 100)).unwrap();
        tx.remove::<Job>(1).unwrap();
        assert_eq!(tx.commit().unwrap().get(), base + 2);
        assert_eq!(held.count(Job::ALL), 1);
    }
    // The trees of the file may hold an older version.
    db.checkpoint().unwrap();
    db.reclaim().unwrap();
    assert_eq!(ALIVE.load(Ordering::Relaxed), 4);
    drop((held, db));
    let again = open(&gated, 64 << 10);
    assert_eq!(again.snapshot().count(Job::BY_CODE.all()), 4);
}

/// Closing lets all that are staged get to their end.
#[test]
fn closing_waits_for_those_who_wait() {
    let _alone = alone();
    let gated = Gated::new();
    let db = open(&gated, 1 << 20);
    db.write(|tx| tx.put(job(50, 0))).unwrap();
    let writers = writers(&db, &gated, 10);
    let closing = {
        let db = db.clone();
        thread::spawn(move || db.close())
    };
    while !db.is_closed() {
        thread::yield_now();
    }
    gated.shut(false);
    for writer in writers {
        writer.join().unwrap().unwrap();
    }
    closing.join().unwrap().unwrap();
    assert_eq!(db.revision(), Revision::new(6));
    assert_eq!(open(&gated, 1 << 20).snapshot().count(Job::ALL), 6);
}
