//! A disk that fails: what is told, what goes on, and what is found afterwards.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sapwood::pagefile::{Error, Options, PageFile, Storage};

use super::{
    found::open_clean,
    sim::{CRASHES, Crash, Failure, Model, SimDisk, change, contents, options},
};

/// The state after so many commits of the workload.
fn state_after(commits: u64) -> Model {
    let file = options().in_memory().unwrap();
    let mut model = Model::new();
    for seed in 0..commits {
        change(&file, &mut model, seed).unwrap();
    }
    model
}

/// Proves that a failed write or sync refuses all further writes, that readers go on, and that the file opens again to a committed state.
#[test]
fn failed_operations_poison() {
    for at in 0.. {
        let disk = SimDisk::default();
        let file = disk.open().unwrap();
        let mut model = Model::new();
        for seed in 0..5 {
            change(&file, &mut model, seed).unwrap();
        }
        disk.fail(Some(Failure {
            at: disk.ops() + at,
            forever: false,
        }));
        let mut failed = None;
        for seed in 5..9 {
            let mut next = model.clone();
            match change(&file, &mut next, seed) {
                Ok(_) => model = next,
                Err(Error::Io { .. }) if failed.is_none() => failed = Some(seed),
                Err(Error::Poisoned) if failed.is_some() => {}
                Err(error) => panic!("operation {at}: {error}"),
            }
            assert_eq!(contents(&file).unwrap(), model);
        }
        let Some(seed) = failed else { break };
        assert!(matches!(file.begin_write(), Err(Error::Poisoned)));
        for crash in CRASHES {
            let (_, found) = open_clean(
                &disk.crash(crash, seed),
                &format!("operation {at}, {crash:?}"),
            );
            assert!(found == model || found == state_after(seed + 1));
        }
        assert!(matches!(file.close(), Err(Error::Poisoned)));
    }
}

/// A disk that does as it should, but for one write: behind how many others.
struct Odd {
    disk: SimDisk,
    left: Arc<AtomicUsize>,
    panics: bool,
}

impl Storage for Odd {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            assert!(!self.panics, "an odd disk");
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.write_at(offset, bytes)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }
    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }
}

/// Proves that a write which panics, or finds no room where there must be some, refuses all further writes as any other failure does: of pages, of the meta, of a
/// commit, and of those that were left unsynced.
#[test]
fn odd_failures_poison() {
    for (panics, unsynced) in [(false, false), (true, false), (false, true), (true, true)] {
        for at in 0..8 {
            let left = Arc::new(AtomicUsize::new(usize::MAX));
            let odd = Odd {
                disk: SimDisk::default(),
                left: Arc::clone(&left),
                panics,
            };
            // So long that no write makes it longer.
            let options = Options::new().page_size(512).initial_size(256 * 1024);
            let disk = odd.disk.clone();
            let file = options.open_storage(Box::new(odd)).unwrap();
            let put = |value: u8| {
                let mut tx = file.begin_write()?;
                tx.bucket_or_create("b")?.put("key", [value])?;
                tx.bucket_or_create("c")?.put("key", [value])?;
                if unsynced {
                    tx.commit_unsynced()?;
                    return file.sync();
                }
                tx.commit().map(drop)
            };
            put(1).unwrap();
            left.store(at, Ordering::Relaxed);
            let outcome = catch_unwind(AssertUnwindSafe(|| put(2)));
            // After the one that failed it counts from the highest number.
            if left.swap(usize::MAX, Ordering::Relaxed) <= at {
                assert!(at > 1, "nothing was written");
                break;
            }
            assert!(!matches!(outcome, Ok(Ok(()))));
            let refused = file.begin_write();
            assert!(
                matches!(refused, Err(Error::Poisoned)),
                "write {at}, panics: {panics}, unsynced: {unsynced}"
            );
            drop(refused);
            let found = |file: &PageFile| contents(file).unwrap()[&b"b"[..]][&b"key"[..]].clone();
            assert!([[1], [2]].iter().any(|value| found(&file) == *value));
            let again = disk.crash(Crash::All, 1).open().unwrap();
            assert!(again.check().unwrap().is_clean());
            assert!([[1], [2]].iter().any(|value| found(&again) == *value));
        }
    }
}

/// Proves that a failed read is an error of the operation that needed it and of nothing else: the transaction is as it was, and the file is not poisoned.
#[test]
fn failed_reads_pass_by() {
    let disk = SimDisk::default();
    let mut model = Model::new();
    let mut failures = 0;
    for seed in 0..400 {
        // Opened again and again, so that free pages are looked for, too.
        let file = disk.open().unwrap();
        if seed % 3 > 0 {
            change(&file, &mut model, seed).unwrap();
        }
        disk.fail_read(Some(seed as usize / 10));
        let mut next = model.clone();
        match change(&file, &mut next, 1000 + seed) {
            Ok(_) => model = next,
            Err(Error::Io { action: "read", .. }) => failures += 1,
            Err(error) => panic!("{error}"),
        }
        disk.fail_read(None);
        assert_eq!(contents(&file).unwrap(), model);
        assert!(file.check().unwrap().is_clean());
    }
    assert!(failures > 50, "{failures}");
}

/// Proves that an operation that a failed read has ended has changed nothing, that its transaction goes on, and that what it commits is sound: also
/// where the failed operation alone had touched a bucket.
#[test]
fn failed_operations_change_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..40 {
        change(&file, &mut model, seed).unwrap();
    }
    let mut failures = [0; 4];
    for round in 0..400usize {
        let mut tx = file.begin_write().unwrap();
        let names = model.keys().filter(|name| *name != b"late");
        let name = names.cycle().nth(round / 48).unwrap();
        let (path, to) = (path_of(name), [b"moved"]);
        disk.fail_read(Some(round / 4 % 12));
        let kind = round % 4;
        let outcome = match kind {
            0 => tx
                .bucket_mut_at(&path)
                .and_then(|bucket| bucket.unwrap().put("key-030", "changed"))
                .map(drop),
            1 => tx
                .bucket_mut_at(&path)
                .and_then(|bucket| bucket.unwrap().delete("key-030"))
                .map(drop),
            2 => tx.move_bucket(&path, to),
            _ => tx.delete_bucket(&path[0]).map(drop),
        };
        disk.fail_read(None);
        if outcome.is_ok() {
            continue;
        }
        failures[kind] += 1;
        let mut late = tx.bucket_or_create("late").unwrap();
        late.put("round", round.to_be_bytes()).unwrap();
        tx.commit().unwrap();
        let row = (b"round".to_vec(), round.to_be_bytes().to_vec());
        model.insert(b"late".to_vec(), [row].into());
        assert_eq!(contents(&file).unwrap(), model, "round {round}");
        let report = file.check().unwrap();
        assert!(report.is_clean(), "round {round}: {:?}", report.problems);
    }
    assert!(
        failures.iter().all(|failures| *failures > 10),
        "{failures:?}"
    );
}

fn path_of(name: &[u8]) -> Vec<Vec<u8>> {
    name.split(|byte| *byte == b'/')
        .map(<[u8]>::to_vec)
        .collect()
}

/// Proves that a panic in the closure, or in the storage itself, leaves the writer's turn free, and a half-done commit refused.
#[test]
fn panics_free_the_turn() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    struct Panics(SimDisk);
    impl Storage for Panics {
        fn len(&self) -> std::io::Result<u64> {
            self.0.len()
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
            self.0.read_at(offset, buffer)
        }
        fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
            self.0.write_at(offset, bytes)
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.0.set_len(len)
        }
        fn sync(&self) -> std::io::Result<()> {
            assert!(self.0.sync().is_ok(), "simulated panic");
            Ok(())
        }
    }
    let disk = SimDisk::default();
    let file = options()
        .open_storage(Box::new(Panics(disk.clone())))
        .unwrap();
    let mut model = Model::new();
    change(&file, &mut model, 1).unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        file.update(|tx| -> Result<(), Error> {
            tx.create_bucket("half")?;
            panic!("in the closure")
        })
    }));
    assert!(outcome.is_err());
    change(&file, &mut model, 2).unwrap();
    let size = file.stats().file_bytes;
    disk.fail(Some(Failure {
        at: disk.ops() + 2,
        forever: false,
    }));
    let outcome = catch_unwind(AssertUnwindSafe(|| change(&file, &mut model.clone(), 3)));
    assert!(outcome.is_err() && file.stats().file_bytes == size);
    assert!(matches!(file.begin_write(), Err(Error::Poisoned)));
    assert_eq!(contents(&file).unwrap(), model);
}
