//! One kind of operation that fails, once or from then on, at each place where it happens.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sapwood::pagefile::{Error, Options, PageFile, Storage};

use super::{
    faults::{
        change::Shape,
        disk::Disk,
        state::{State, read},
    },
    scenario::{SCENARIOS, Scenario},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Len,
    Read,
    Write,
    SetLen,
    Sync,
}

/// A disk on which the operation of one kind with this number fails.
#[derive(Clone)]
struct Failing {
    disk: Disk,
    kind: Kind,
    at: usize,
    forever: bool,
    done: Arc<AtomicUsize>,
    /// How many bytes a file can have.
    room: Arc<AtomicUsize>,
}

impl Failing {
    fn new(kind: Kind, at: usize, forever: bool) -> Self {
        Self {
            disk: Disk::default(),
            kind,
            at,
            forever,
            done: Arc::default(),
            room: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    fn count(&self, kind: Kind) -> io::Result<()> {
        if kind != self.kind {
            return Ok(());
        }
        let number = self.done.fetch_add(1, Ordering::Relaxed);
        if number == self.at || self.forever && number > self.at {
            return Err(io::Error::other("simulated failure"));
        }
        Ok(())
    }

    fn has_failed(&self) -> bool {
        self.done.load(Ordering::Relaxed) > self.at
    }
}

impl Storage for Failing {
    fn len(&self) -> io::Result<u64> {
        self.count(Kind::Len)?;
        self.disk.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.count(Kind::Read)?;
        self.disk.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count(Kind::Write)?;
        let room = self.room.load(Ordering::Relaxed);
        let part = bytes.len().min(room.saturating_sub(offset as usize));
        self.disk.write_at(offset, &bytes[..part])?;
        if part < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.count(Kind::SetLen)?;
        self.disk.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.count(Kind::Sync)?;
        self.disk.sync()
    }
}

/// Opening, commits of every kind, and closing, up to the first error; gives the state that readers saw last.
fn work(scenario: &Scenario, storage: &Failing) -> (State, Option<(Error, Option<PageFile>)>) {
    let mut state = State::new();
    let file = match scenario.options().open_storage(Box::new(storage.clone())) {
        Ok(file) => file,
        Err(error) => return (state, Some((error, None))),
    };
    for seed in 0..12 {
        let outcome = if seed % 5 == 4 {
            file.sync()
        } else {
            // In a log are only those that are durable.
            let is_durable = seed % 5 < 2 || scenario.log.0 > 0;
            scenario
                .commit(&file, &mut state, seed, is_durable)
                .map(drop)
        };
        if let Err(error) = outcome {
            return (state, Some((error, Some(file))));
        }
    }
    match file.close() {
        Ok(()) => (state, None),
        Err(error) => (state, Some((error, None))),
    }
}

/// Proves that whichever operation fails, of whichever kind, once or from then on: it is told as an error of input and output and never a panic,
/// readers see what they saw, and after a failed write or sync nothing is acknowledged any more, though the disk may be well again; a failed read
/// costs the operation that needed it, and no more.
#[test]
fn each_kind_of_failure_is_told_and_contained() {
    let logged = SCENARIOS.iter().find(|scenario| scenario.log.0 > 0);
    for scenario in [&SCENARIOS[0], logged.unwrap()] {
        each_kind_of_failure(scenario);
    }
}

fn each_kind_of_failure(scenario: &Scenario) {
    for kind in [Kind::Len, Kind::Read, Kind::Write, Kind::Sync] {
        let mut failures = 0;
        for (at, forever) in (0..).flat_map(|at| [(at, false), (at, true)]) {
            let storage = Failing::new(kind, at, forever);
            let what = format!("{kind:?} {at}, forever: {forever}");
            let (mut state, failed) = work(scenario, &storage);
            let Some((error, file)) = failed else {
                assert!(!storage.has_failed(), "{what}: nobody was told");
                break;
            };
            failures += 1;
            assert!(matches!(error, Error::Io { .. }), "{what}: {error}");
            let Some(file) = file else { continue };
            if kind != Kind::Read {
                assert!(matches!(file.begin_write(), Err(Error::Poisoned)), "{what}");
                // Where all that readers see is durable, there is nothing to sync.
                let figures = file.stats();
                let is_durable = figures.durable_commit >= figures.commit;
                let synced = file.sync();
                assert!(
                    matches!(synced, Err(Error::Poisoned)) || is_durable && synced.is_ok(),
                    "{what}: {synced:?}"
                );
                let ops = storage.disk.ops();
                assert_eq!(read(&file).unwrap(), state, "{what}");
                let closed = file.close();
                assert!(
                    matches!(closed, Err(Error::Poisoned)) || is_durable && closed.is_ok(),
                    "{what}: {closed:?}"
                );
                assert_eq!(storage.disk.ops(), ops, "{what}: it has written");
            } else if !forever {
                assert_eq!(read(&file).unwrap(), state, "{what}");
                let next = scenario.commit(&file, &mut state, 77, true);
                assert!(next.is_ok(), "{what}: {next:?}");
                assert_eq!(read(&file).unwrap(), state, "{what}");
                assert!(file.check().unwrap().is_clean(), "{what}");
            } else {
                assert!(matches!(read(&file), Err(Error::Io { .. })) || state.is_empty());
            }
        }
        assert!(failures > 1, "{kind:?}: {failures}");
    }
}

/// Proves that a full disk which does not even take back what it gave is survived all the same: the commit is refused, the file stays longer, the
/// next ones use what it has, and there is no more of it each time.
#[test]
fn full_disk_that_cannot_be_cut_is_survived() {
    let scenario = Scenario {
        shape: Shape {
            keys: 200,
            longest: 900,
            most: 8,
            structure: false,
        },
        grow_by: 1024,
        ..SCENARIOS[0]
    };
    let storage = Failing::new(Kind::SetLen, 0, true);
    storage.room.store(40_000, Ordering::Relaxed);
    let file = scenario.options().open_storage(Box::new(storage.clone()));
    let file = file.unwrap();
    let mut state = State::new();
    let (mut refused, mut done) = (0, 0);
    for seed in 0..200 {
        match scenario.commit(&file, &mut state, seed, true) {
            Ok(_) => done += 1,
            Err(Error::StorageFull { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        assert_eq!(read(&file).unwrap(), state);
        assert!(file.check().unwrap().is_clean());
        assert!(storage.disk.image().len() <= 40_000);
    }
    assert!(storage.has_failed() && refused > 10, "{refused}");
    storage.room.store(usize::MAX, Ordering::Relaxed);
    for seed in 200..220 {
        scenario.commit(&file, &mut state, seed, true).unwrap();
        done += 1;
    }
    assert!(done > 20);
    file.close().unwrap();
    let disk = Disk::of(storage.disk.image());
    let file = Options::new().open_storage(Box::new(disk)).unwrap();
    assert_eq!(read(&file).unwrap(), state);
    assert!(file.check().unwrap().is_clean());
}
