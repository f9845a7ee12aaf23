//! A database on a disk that crashes, fails and fills up: what is found afterwards, and what goes on meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sapwood::pagefile::{Error as FileError, Storage};
use sapwood::{Database, Durability, Error, Revision, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize, Serializer};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{CRASHES, Crash, Failure, Random, SimDisk, filled};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "accounts")]
struct Account {
    #[key]
    id: u32,
    #[index]
    owner: String,
    #[index(unique)]
    code: Option<u16>,
    note: Vec<u8>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "entries", key(account, number))]
struct Entry {
    account: u32,
    number: u32,
    #[index]
    amount: i32,
}

const EVENTUAL: Durability = Durability::Eventual {
    within: Duration::from_micros(300),
};

fn open(storage: impl Storage + 'static, durability: Durability) -> Result<Database, Error> {
    Database::builder()
        .table::<Account>()
        .table::<Entry>()
        .durability(durability)
        .open_storage(Box::new(storage))
}

/// A disk that holds a database without rows, in pages as small as they can be.
fn empty() -> SimDisk {
    let disk = SimDisk::default();
    drop(disk.open().unwrap());
    open(disk.clone(), Durability::Immediate)
        .unwrap()
        .close()
        .unwrap();
    SimDisk::of(disk.image())
}

/// Changes both tables; always the same ones for the same number.
fn change(tx: &mut WriteTxn, number: u64) -> Result<(), Error> {
    let mut random = Random::new(number);
    for _ in 0..=random.below(5) {
        let id = random.below(12) as u32;
        match random.below(6) {
            0 => drop(tx.remove::<Account>(id)?),
            1 => drop(tx.remove_all(Entry::BY_ACCOUNT_NUMBER.prefix(id))?),
            2 | 3 => {
                let len = [0, 20, 200, 3000][random.below(4)];
                let account = Account {
                    id,
                    owner: format!("owner-{}", random.below(4)),
                    code: (!id.is_multiple_of(3)).then_some(id as u16 * 7),
                    note: filled(len, random.next()),
                };
                drop(tx.put(account)?);
            }
            _ => {
                let entry = Entry {
                    account: id,
                    number: random.below(9) as u32,
                    amount: random.next() as i32,
                };
                drop(tx.put(entry)?);
            }
        }
    }
    // Every transaction changes something.
    let amount = number as i32;
    tx.put(Entry {
        account: 99,
        number: 0,
        amount,
    })?;
    Ok(())
}

/// All that a snapshot shows: the revision, and both tables by each index, with the revisions of the rows.
#[derive(Clone, Debug, PartialEq)]
struct State {
    revision: Revision,
    accounts: Vec<(Account, Revision, Revision)>,
    entries: Vec<(Entry, Revision, Revision)>,
}

fn state(snapshot: &Snapshot) -> State {
    fn kept<T: Clone>(row: &Row<T>) -> (T, Revision, Revision) {
        (T::clone(row), row.created(), row.modified())
    }
    let accounts = [
        Account::ALL,
        Account::BY_OWNER.all(),
        Account::BY_CODE.all(),
    ];
    let entries = [Entry::ALL, Entry::BY_AMOUNT.all()];
    State {
        revision: snapshot.revision(),
        accounts: accounts
            .into_iter()
            .flat_map(|query| snapshot.list(query).map(kept))
            .collect(),
        entries: entries
            .into_iter()
            .flat_map(|query| snapshot.list(query).map(kept))
            .collect(),
    }
}

/// The states after each of so many commits, from a database that no disk disturbs.
fn states(commits: u64) -> Vec<State> {
    let db = Database::builder()
        .table::<Account>()
        .table::<Entry>()
        .in_memory()
        .unwrap();
    let mut states = vec![state(&db.snapshot())];
    for number in 1..=commits {
        db.write(|tx| change(tx, number)).unwrap();
        states.push(state(&db.snapshot()));
    }
    states
}

/// How far a workload is: which commit is the last that must survive, and which is the last that may.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicU64,
    started: AtomicU64,
}

/// What a crash left, and what may be found there.
struct Crashed {
    disk: SimDisk,
    what: String,
    acknowledged: u64,
    started: u64,
}

/// A disk that is looked at before every operation: what would be left if the power went now?
struct Recorder {
    disk: SimDisk,
    progress: Arc<Progress>,
    crashes: Mutex<SyncSender<Crashed>>,
    variants: u64,
}

impl Recorder {
    fn crash(&self) {
        let crashes = self.crashes.lock().unwrap();
        let op = self.disk.ops() as u64;
        for (kind, crash) in (0..).zip(CRASHES) {
            // Three of them have no chance in them.
            let chance = !matches!(
                crash,
                Crash::None | Crash::All | Crash::OnlyLast | Crash::AllButLast
            );
            for variant in 0..if chance { self.variants } else { 1 } {
                let seed = (op * 8 + kind) * 64 + variant;
                // The test that listens has failed if nobody does.
                let _ = crashes.send(Crashed {
                    disk: self.disk.crash(crash, seed),
                    what: format!("operation {op}, {crash:?}, seed {seed}"),
                    acknowledged: self.progress.acknowledged.load(Ordering::Acquire),
                    started: self.progress.started.load(Ordering::Acquire),
                });
            }
        }
    }
}

impl Storage for Recorder {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.crash();
        self.disk.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.crash();
        self.disk.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.crash();
        self.disk.sync()
    }
}

/// Runs commits, crashes before every operation on the disk in every way, and opens what is left: exactly one committed state, not before the last one
/// that was acknowledged as durable, nor after the last one begun; and from there it goes on.
fn every_crash_leaves_a_committed_state(durability: Durability, commits: u64, variants: u64) {
    let states = states(commits + 1);
    let (crashes, found) = sync_channel(8);
    let progress = Arc::new(Progress::default());
    let recorder = Recorder {
        disk: empty(),
        progress: Arc::clone(&progress),
        crashes: Mutex::new(crashes),
        variants,
    };
    let workload = thread::spawn(move || {
        let db = open(recorder, durability).unwrap();
        for number in 1..=commits {
            progress.started.store(number, Ordering::Release);
            db.write(|tx| change(tx, number)).unwrap();
            if durability != Durability::Immediate {
                if number % 5 != 0 {
                    continue;
                }
                db.sync().unwrap();
            }
            progress.acknowledged.store(number, Ordering::Release);
        }
        db.close().unwrap();
    });
    let mut seen = 0;
    for crashed in found {
        seen += 1;
        let what = &crashed.what;
        let db = open(crashed.disk.clone(), Durability::Immediate)
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let revision = db.revision().get();
        assert!(
            (crashed.acknowledged..=crashed.started).contains(&revision),
            "{what}: found {revision}, not from {} to {}",
            crashed.acknowledged,
            crashed.started
        );
        assert_eq!(state(&db.snapshot()), states[revision as usize], "{what}");
        // The next commit is durable, whatever was there before.
        if seen % 4 == 0 {
            db.write(|tx| change(tx, revision + 1)).unwrap();
            let again = open(crashed.disk.crash(Crash::None, 0), Durability::Immediate)
                .unwrap_or_else(|error| panic!("{what}, again: {error}"));
            let expected = &states[revision as usize + 1];
            assert_eq!(state(&again.snapshot()), *expected, "{what}, again");
        }
    }
    workload.join().unwrap();
    assert!(seen > commits, "the disk was looked at");
}

#[test]
fn a_crash_loses_no_acknowledged_commit() {
    every_crash_leaves_a_committed_state(Durability::Immediate, 40, 4);
}

#[test]
fn a_crash_loses_only_the_newest_of_eventual_commits() {
    every_crash_leaves_a_committed_state(EVENTUAL, 60, 3);
}

#[test]
fn a_crash_loses_only_what_came_after_the_checkpoint() {
    every_crash_leaves_a_committed_state(Durability::Checkpoint, 60, 4);
}

/// Whichever operation fails: the commit says so and is gone from memory, readers and watches never saw it, nothing is written any more, and
/// the file holds the state before it or, if its bytes arrived all the same, after it.
#[test]
fn a_failed_commit_is_never_seen() {
    let commits = 12;
    let (states, image) = (states(commits), empty().image());
    for forever in [false, true] {
        for at in 0.. {
            let disk = SimDisk::of(image.clone());
            let db = open(disk.clone(), Durability::Immediate).unwrap();
            let first = db.snapshot();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever,
            }));
            let failed = (1..=commits).find_map(|number| {
                let snapshot = db.snapshot();
                let watch = snapshot.watch(Entry::ALL);
                let result = db.write(|tx| change(tx, number));
                result.err().map(|error| (number, error, snapshot, watch))
            });
            let Some((number, error, snapshot, watch)) = failed else {
                assert!(at as u64 > commits, "every commit has an operation");
                break;
            };
            let what = format!("operation {at}, commit {number}: {error}");
            let before = &states[number as usize - 1];
            assert!(matches!(error, Error::File { .. }), "{what}");
            assert_eq!(state(&db.snapshot()), *before, "{what}");
            assert_eq!(state(&snapshot), *before, "{what}");
            assert_eq!(state(&first), states[0], "{what}");
            assert!(!watch.is_fired(), "{what}");
            // The disk may be well again: nobody knows what it holds.
            let refused = db.write(|tx| change(tx, number)).unwrap_err();
            assert!(matches!(refused, Error::Poisoned { .. }), "{refused}");
            assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
            assert!(matches!(db.sync(), Err(Error::Poisoned { .. })));
            assert_eq!(state(&db.snapshot()), *before, "{what}");
            assert!(matches!(db.close(), Err(Error::Poisoned { .. })));
            assert!(watch.is_closed());
            assert_eq!(state(&snapshot), *before, "{what}");
            for (seed, crash) in (0..).zip(CRASHES) {
                let what = format!("{what}, {crash:?}");
                let left = disk.crash(crash, seed + 1000 * at as u64);
                let db = open(left, Durability::Immediate)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                let found = state(&db.snapshot());
                assert!(
                    found == *before || found == states[number as usize],
                    "{what}: {found:?}"
                );
            }
        }
    }
}

/// Where commits are published first, a failing disk is told to whoever commits or asks later; what was published stays readable, and the
/// file holds some state that was committed, in order.
#[test]
fn a_failed_write_later_stops_writing_and_not_reading() {
    let commits = 12;
    let (states, image) = (states(commits), empty().image());
    for durability in [EVENTUAL, Durability::Checkpoint] {
        for at in 0.. {
            let disk = SimDisk::of(image.clone());
            let db = open(disk.clone(), durability).unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let mut error = None;
            for number in 1..=commits {
                let wrote = db.write(|tx| change(tx, number));
                let synced = wrote.and_then(|()| if number % 3 == 0 { db.sync() } else { Ok(()) });
                if let Err(failed) = synced {
                    error = Some(failed);
                    break;
                }
            }
            let Some(error) = error else {
                break;
            };
            let what = format!("operation {at}: {error}");
            assert!(
                matches!(error, Error::File { .. } | Error::Poisoned { .. }),
                "{what}"
            );
            let revision = db.revision().get();
            assert_eq!(state(&db.snapshot()), states[revision as usize], "{what}");
            assert!(matches!(db.sync(), Err(Error::Poisoned { .. })), "{what}");
            assert!(matches!(db.begin_write(), Err(Error::Poisoned { .. })));
            assert!(matches!(db.close(), Err(Error::Poisoned { .. })), "{what}");
            for (seed, crash) in (0..).zip(CRASHES) {
                let left = disk.crash(crash, seed + 1000 * at as u64);
                let db = open(left, durability)
                    .unwrap_or_else(|error| panic!("{what}, {crash:?}: {error}"));
                let found = db.revision().get();
                assert!(found <= revision, "{what}, {crash:?}");
                assert_eq!(state(&db.snapshot()), states[found as usize]);
            }
        }
    }
}

/// Rows that fill pages, one more each time.
fn grow(db: &Database, id: u32) -> Result<(), Error> {
    db.write(|tx| {
        tx.insert(Entry {
            account: id,
            number: 0,
            amount: 0,
        })?;
        tx.insert(Account {
            id,
            owner: "o".to_owned(),
            code: None,
            note: filled(20_000, id.into()),
        })
        .map(drop)
    })
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::File { source, .. } if matches!(**source, FileError::StorageFull { .. }))
}

/// A full disk refuses a commit, wholly and in its own words, and stops nothing: reading goes on, and once there is room, so does writing.
#[test]
fn a_full_disk_refuses_a_commit_and_takes_the_next_one() {
    let disk = empty();
    let db = open(disk.clone(), Durability::Immediate).unwrap();
    let mut id = 0;
    for round in 1..4 {
        disk.set_capacity(Some(disk.image().len() + round * 10_000));
        let error = loop {
            let before = state(&db.snapshot());
            match grow(&db, id) {
                Ok(()) => id += 1,
                Err(error) => {
                    assert_eq!(state(&db.snapshot()), before);
                    break error;
                }
            }
            assert!(id < 100, "the disk is never full");
        };
        assert!(is_full(&error), "{error}");
        assert!(is_full(&grow(&db, id).unwrap_err()));
        assert!(db.snapshot().get::<Account>(id).is_none());
        disk.set_capacity(None);
        grow(&db, id).unwrap();
        id += 1;
    }
    let expected = state(&db.snapshot());
    drop(db);
    let db = open(disk.crash(Crash::None, 0), Durability::Immediate).unwrap();
    assert_eq!(state(&db.snapshot()), expected);
    assert_eq!(db.snapshot().count(Account::ALL), id as usize);
}

/// Where commits are published first, a full disk is told to whoever asks for durability; the commits stay, and go out once there is room.
#[test]
fn a_full_disk_is_told_to_who_syncs() {
    for durability in [EVENTUAL, Durability::Checkpoint] {
        let disk = empty();
        let db = open(disk.clone(), durability).unwrap();
        disk.set_capacity(Some(disk.image().len() + 10_000));
        let mut id = 0;
        let error = loop {
            grow(&db, id).unwrap();
            id += 1;
            assert!(id < 100, "the disk is never full");
            if id.is_multiple_of(4)
                && let Err(error) = db.sync()
            {
                break error;
            }
        };
        assert!(is_full(&error), "{error}");
        grow(&db, id).unwrap();
        assert!(is_full(&db.sync().unwrap_err()));
        // Most likely long enough for the period to find the disk full, too.
        thread::sleep(Duration::from_millis(10));
        disk.set_capacity(None);
        let expected = state(&db.snapshot());
        let found = || {
            open(disk.crash(Crash::None, 0), durability)
                .unwrap()
                .revision()
        };
        if durability == Durability::Checkpoint {
            db.sync().unwrap();
        } else {
            // By itself, with its next period.
            let deadline = Instant::now() + Duration::from_secs(60);
            while found() < expected.revision {
                assert!(Instant::now() < deadline, "it is never tried again");
                thread::yield_now();
            }
        }
        let again = open(disk.crash(Crash::None, 0), durability).unwrap();
        assert_eq!(state(&again.snapshot()), expected);
        db.close().unwrap();
    }
}

/// A value that some rows have and no format can hold.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Mood {
    Good,
    Fails,
    Panics,
}

impl Serialize for Mood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Good => serializer.serialize_unit_variant("Mood", 0, "Good"),
            Self::Fails => Err(serde::ser::Error::custom("out of sorts")),
            // Without the words of the panic hook.
            Self::Panics => resume_unwind(Box::new("on purpose")),
        }
    }
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "moods")]
struct Moody {
    #[key]
    id: u32,
    #[index]
    weight: u8,
    mood: Mood,
}

fn moody(id: u32, mood: Mood) -> Moody {
    Moody {
        id,
        weight: id as u8 % 3,
        mood,
    }
}

fn open_moods(disk: &SimDisk, durability: Durability) -> Database {
    Database::builder()
        .table::<Moody>()
        .durability(durability)
        .open_storage(Box::new(disk.clone()))
        .unwrap()
}

/// A row that cannot be written refuses its commit, or panics through it; nothing of the commit stays, and the writer is free.
#[test]
fn a_row_that_cannot_be_written_leaves_nothing() {
    let disk = SimDisk::default();
    let db = open_moods(&disk, Durability::Immediate);
    for id in (0..40).step_by(4) {
        db.write(|tx| tx.insert(moody(id, Mood::Good))).unwrap();
        let revision = db.revision();
        let watch = db.snapshot().watch(Moody::ALL);
        let spoilt = |mood| {
            db.write(|tx| {
                tx.insert(moody(id + 1, Mood::Good))?;
                tx.remove::<Moody>(id)?;
                tx.insert(moody(id + 2, mood))?;
                tx.insert(moody(id + 3, Mood::Good)).map(drop)
            })
        };
        let error = spoilt(Mood::Fails).unwrap_err();
        assert!(
            matches!(&error, Error::Row { table: "moods", key, .. } if *key == (id + 2).to_string()),
            "{error}"
        );
        let panicked = catch_unwind(AssertUnwindSafe(|| spoilt(Mood::Panics)));
        assert!(panicked.is_err_and(|panic| panic.is::<&str>()));
        assert_eq!(db.revision(), revision);
        assert!(!watch.is_fired());
        let snapshot = db.snapshot();
        assert_eq!(snapshot.last(Moody::ALL).map(|row| row.id), Some(id));
        assert_eq!(snapshot.count(Moody::BY_WEIGHT.all()), id as usize / 4 + 1);
        assert!(db.try_begin_write().unwrap().is_some());
    }
    let expected: Vec<_> = db.snapshot().list(Moody::ALL).cloned().collect();
    drop(db);
    let db = open_moods(&disk.crash(Crash::None, 0), Durability::Immediate);
    assert!(db.snapshot().list(Moody::ALL).eq(&expected));
}

/// Where commits are published first, the row is refused by whoever asks for durability, and by closing; once it is gone, all is well.
#[test]
fn a_row_that_cannot_be_written_is_told_to_who_checkpoints() {
    let disk = SimDisk::default();
    let db = open_moods(&disk, Durability::Checkpoint);
    db.write(|tx| {
        tx.insert(moody(1, Mood::Good))?;
        tx.insert(moody(2, Mood::Fails))
    })
    .unwrap();
    assert!(matches!(db.checkpoint(), Err(Error::Row { .. })));
    db.write(|tx| tx.put(moody(2, Mood::Panics))).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| db.checkpoint()));
    assert!(panicked.is_err());
    assert!(
        open_moods(&disk.crash(Crash::None, 0), Durability::Checkpoint)
            .snapshot()
            .list(Moody::ALL)
            .len()
            == 0
    );
    db.write(|tx| tx.remove::<Moody>(2)).unwrap();
    db.checkpoint().unwrap();
    let again = open_moods(&disk.crash(Crash::None, 0), Durability::Checkpoint);
    assert_eq!(again.snapshot().count(Moody::ALL), 1);
    assert_eq!(again.revision(), db.revision());
    db.write(|tx| tx.insert(moody(3, Mood::Fails))).unwrap();
    assert!(matches!(db.close(), Err(Error::Row { .. })));
}

/// In the eventual mode such a row stops the writing, and closing does not wait for ever.
#[test]
fn a_row_that_cannot_be_written_later_poisons() {
    for mood in [Mood::Fails, Mood::Panics] {
        let disk = SimDisk::default();
        let db = open_moods(&disk, EVENTUAL);
        db.write(|tx| tx.insert(moody(1, Mood::Good))).unwrap();
        db.sync().unwrap();
        db.write(|tx| tx.insert(moody(2, mood))).unwrap();
        // Its time comes.
        let refused = loop {
            if let Err(error) = db.begin_write() {
                break error;
            }
            thread::yield_now();
        };
        assert!(matches!(refused, Error::Poisoned { .. }), "{refused}");
        assert_eq!(db.snapshot().count(Moody::ALL), 2);
        assert!(matches!(db.close(), Err(Error::Poisoned { .. })));
        let again = open_moods(&disk.crash(Crash::None, 0), EVENTUAL);
        assert_eq!(again.snapshot().count(Moody::ALL), 1);
    }
}

/// A transaction that outlives its database is refused: nobody would keep what it commits.
#[test]
fn a_commit_after_the_end_is_refused() {
    let modes = [Durability::Immediate, EVENTUAL, Durability::Checkpoint];
    let disks = modes.map(|mode| Some((empty(), mode)));
    for disk in disks.into_iter().chain([None]) {
        let db = match &disk {
            Some((disk, mode)) => open(disk.clone(), *mode),
            None => Database::builder()
                .table::<Account>()
                .table::<Entry>()
                .in_memory(),
        }
        .unwrap();
        db.write(|tx| change(tx, 1)).unwrap();
        let snapshot = db.snapshot();
        let mut tx = db.begin_write().unwrap();
        change(&mut tx, 2).unwrap();
        drop(db);
        assert!(matches!(tx.commit(), Err(Error::Closed)));
        if let Some((disk, mode)) = disk {
            let db = open(SimDisk::of(disk.image()), mode).unwrap();
            assert_eq!(state(&db.snapshot()), state(&snapshot));
        }
    }
}

/// Whenever the database is closed while others write: a commit that was acknowledged is in the file.
#[test]
fn closing_loses_no_acknowledged_commit() {
    for mode in [Durability::Immediate, EVENTUAL, Durability::Checkpoint] {
        for round in 0..60 {
            let disk = empty();
            let db = open(disk.clone(), mode).unwrap();
            let (writer, progress) = (db.clone(), Arc::new(Progress::default()));
            let shared = Arc::clone(&progress);
            let thread = thread::spawn(move || {
                for number in 1.. {
                    shared.started.store(number, Ordering::Release);
                    let written = writer.write(|tx| change(tx, number % 20));
                    if let Err(error) = written {
                        assert!(matches!(error, Error::Closed), "{error}");
                        break;
                    }
                    shared.acknowledged.store(number, Ordering::Release);
                }
            });
            while progress.started.load(Ordering::Acquire) < round % 20 {
                thread::yield_now();
            }
            db.close().unwrap();
            thread.join().unwrap();
            let found = open(disk.crash(Crash::None, 0), mode).unwrap().revision();
            let acknowledged = progress.acknowledged.load(Ordering::Acquire);
            assert!(found.get() >= acknowledged, "{found}, {acknowledged}");
        }
    }
}

/// Whichever byte of the file is another one: opening gives a typed error, or exactly a committed state.
#[test]
fn a_damaged_file_is_refused_or_right() {
    let commits = 30;
    let states = states(commits);
    let disk = empty();
    let db = open(disk.clone(), Durability::Immediate).unwrap();
    for number in 1..=commits {
        db.write(|tx| change(tx, number)).unwrap();
    }
    db.close().unwrap();
    let image = disk.image();
    // The rest is zeros that no commit has reached yet.
    let used = image.iter().rposition(|byte| *byte != 0).unwrap();
    let mut random = Random::new(1);
    let (mut refused, mut same) = (0, 0);
    for _ in 0..1500 {
        let mut damaged = image.clone();
        for _ in 0..=random.below(3) {
            damaged[random.below(used + 1)] ^= 1 + random.below(255) as u8;
        }
        match open(SimDisk::of(damaged), Durability::Immediate) {
            Ok(db) => {
                same += 1;
                let found = state(&db.snapshot());
                assert!(states.contains(&found), "{found:?}");
            }
            Err(error) => {
                refused += 1;
                assert!(matches!(error, Error::File { .. }), "{error}");
                assert!(error.to_string().starts_with("storage: "), "{error}");
            }
        }
    }
    assert!(refused > 100 && same > 100, "{refused} refused, {same} not");
}

/// A table that comes to the program later starts empty, and is in the file from then on.
#[test]
fn a_table_can_come_later() {
    let disk = SimDisk::default();
    let one = Database::builder()
        .table::<Moody>()
        .open_storage(Box::new(disk.clone()))
        .unwrap();
    one.write(|tx| tx.insert(moody(1, Mood::Good))).unwrap();
    one.close().unwrap();
    let both = || {
        Database::builder()
            .table::<Entry>()
            .table::<Moody>()
            .open_storage(Box::new(disk.clone()))
            .unwrap()
    };
    let db = both();
    assert_eq!(db.revision(), Revision::new(1));
    assert_eq!(db.snapshot().count(Entry::ALL), 0);
    let entry = Entry {
        account: 1,
        number: 2,
        amount: 3,
    };
    db.write(|tx| tx.insert(entry.clone())).unwrap();
    drop(db);
    let snapshot = both().snapshot();
    assert_eq!(**snapshot.first(Entry::ALL).unwrap(), entry);
    assert_eq!(snapshot.count(Moody::ALL), 1);
    let refused = open(disk, Durability::Immediate).unwrap_err();
    assert!(matches!(refused, Error::ForeignTable { .. }), "{refused}");
}
