//! What survives a crash, a failing disk and a full one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::pagefile::{Error, PageFile, Storage};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{CRASHES, Crash, Failure, Model, SimDisk, change, contents, options};

/// A disk that fails from operation `at` on, with what the workload on it had acknowledged.
struct Stopped {
    disk: SimDisk,
    /// The states that may be found: from the last one acknowledged to the last one begun.
    allowed: Vec<Model>,
}

/// Runs commits until the disk fails; `None` where all were done before.
fn run_until(at: usize, commits: u64, two_phase: bool) -> Option<Stopped> {
    let disk = SimDisk::default();
    let file = options()
        .two_phase(two_phase)
        .open_storage(Box::new(disk.clone()))
        .unwrap();
    disk.fail(Some(Failure {
        at: disk.ops() + at,
        forever: true,
    }));
    let mut model = Model::new();
    for seed in 0..commits {
        let before = model.clone();
        if change(&file, &mut model, seed).is_err() {
            // The next state is what the workload gives on an undisturbed disk.
            let after = state_after(seed + 1);
            return Some(Stopped {
                disk,
                allowed: vec![before, after],
            });
        }
    }
    None
}

/// The state after so many commits of the workload.
fn state_after(commits: u64) -> Model {
    let file = options().in_memory().unwrap();
    let mut model = Model::new();
    for seed in 0..commits {
        change(&file, &mut model, seed).unwrap();
    }
    model
}

/// Opens, reads and checks; none of that may write.
fn open_clean(disk: &SimDisk, what: &str) -> (PageFile, Model) {
    let ops = disk.ops();
    let file = disk
        .open()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let model = contents(&file).unwrap_or_else(|error| panic!("{what}: {error}"));
    let report = file
        .check()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(report.is_clean(), "{what}: {:?}", report.problems);
    assert_eq!(disk.ops(), ops, "{what}: recovery has written");
    (file, model)
}

/// Proves that after a crash at any operation of any commit, whatever part of the pending writes is there, the file opens to exactly one
/// committed state, at least the last one acknowledged, and goes on from there; also when it crashes again while it does.
fn every_crash_leaves_a_committed_state(two_phase: bool, commits: u64) {
    let mut seed = 0;
    for at in 0.. {
        let Some(stopped) = run_until(at, commits, two_phase) else {
            break;
        };
        for crash in CRASHES {
            for _ in 0..6 {
                seed += 1;
                let what = format!("operation {at}, {crash:?}, seed {seed}, two_phase {two_phase}");
                let disk = stopped.disk.crash(crash, seed);
                let (file, mut model) = open_clean(&disk, &what);
                assert!(
                    stopped.allowed.contains(&model),
                    "{what}: no committed state"
                );
                // On from there: a commit, in the midst of which there is another crash. What was seen once must not go away again, and what was
                // not seen must not come back.
                let before = model.clone();
                let again = disk.ops() + (seed % 4) as usize;
                disk.fail(Some(Failure {
                    at: again,
                    forever: true,
                }));
                let _ = change(&file, &mut model, 1000 + seed);
                let acknowledged = model != before;
                let disk = disk.crash(CRASHES[(seed % 8) as usize], seed);
                let (_, found) = open_clean(&disk, &what);
                if acknowledged {
                    assert_eq!(found, model, "{what}: an acknowledged commit is lost");
                } else if found != before {
                    let mut expected = before.clone();
                    let replay = SimDisk::of(stopped.disk.crash(crash, seed).image());
                    change(&replay.open().unwrap(), &mut expected, 1000 + seed).unwrap();
                    assert_eq!(found, expected, "{what}: neither before nor after");
                }
            }
        }
    }
}

/// Proves it for commits whose pages and meta go out together.
#[test]
fn every_crash_leaves_a_committed_state_with_one_sync() {
    every_crash_leaves_a_committed_state(false, 24);
}

/// Proves it for commits with a sync between pages and meta.
#[test]
fn every_crash_leaves_a_committed_state_with_two_phases() {
    every_crash_leaves_a_committed_state(true, 10);
}

/// Proves that a commit which was lost in a crash never comes back, also where the same pages are written again: of the first try only the meta
/// arrives, of the second try, the very same transaction, only the pages.
#[test]
fn lost_commit_does_not_come_back() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..8 {
        change(&file, &mut model, seed).unwrap();
    }
    let mut lost = model.clone();
    let size = file.stats().file_bytes;
    disk.fail(Some(Failure {
        at: disk.ops() + 2,
        forever: true,
    }));
    assert!(change(&file, &mut lost, 8).is_err());
    assert_eq!(
        file.stats().file_bytes,
        size,
        "the third operation was not the sync"
    );
    let disk = disk.crash(Crash::OnlyLast, 1);
    let (file, found) = open_clean(&disk, "after the first crash");
    assert_eq!(found, model);
    disk.fail(Some(Failure {
        at: disk.ops() + 1,
        forever: true,
    }));
    assert!(change(&file, &mut lost, 8).is_err());
    let (_, found) = open_clean(&disk.crash(Crash::All, 1), "after the second crash");
    assert_eq!(
        found, model,
        "a commit that was seen to be lost has come back"
    );
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

/// Proves that a full disk is a typed error, loses nothing, and that the next commit works once there is room.
#[test]
fn full_disk_is_survived() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    let mut refused = 0;
    let mut room = disk.image().len();
    disk.set_capacity(Some(room));
    for seed in 0..80 {
        let mut next = model.clone();
        match change(&file, &mut next, seed) {
            Ok(_) => model = next,
            Err(Error::StorageFull { needed, .. }) => {
                assert!(needed > 0);
                refused += 1;
                assert_eq!(disk.image().len() as u64, file.stats().file_bytes);
                assert_eq!(contents(&file).unwrap(), model);
                room += 3 * 1024;
                disk.set_capacity(Some(room));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 5, "the disk was never full");
    assert_eq!(contents(&file).unwrap(), model);
    let (_, found) = open_clean(&disk.crash(Crash::None, 1), "after the full disk");
    assert_eq!(found, model);
}

/// Proves that a closed file holds its state twice, and that closing can crash anywhere.
#[test]
fn closing_loses_nothing() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..9 {
        change(&file, &mut model, seed).unwrap();
    }
    let twin = SimDisk::of(disk.image());
    file.close().unwrap();
    for slot in [0, 4096] {
        let mut image = disk.image();
        image[slot..slot + 512].fill(0);
        assert_eq!(open_clean(&SimDisk::of(image), "one slot").1, model);
    }
    for crash in CRASHES {
        for seed in 0..10 {
            let disk = SimDisk::of(twin.image());
            let file = disk.open().unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + 1,
                forever: true,
            }));
            assert!(file.close().is_err());
            assert_eq!(
                open_clean(&disk.crash(crash, seed), "while closing").1,
                model
            );
        }
    }
}

/// Proves that at every moment both metas lead to a whole state: should the newest one be lost with its slot, even in the midst of the next commit,
/// the state before it is all there.
#[test]
fn older_state_stays_whole() {
    for until in 2..25 {
        for at in 0..4 {
            let disk = SimDisk::default();
            let file = disk.open().unwrap();
            let mut models = vec![Model::new()];
            let mut model = Model::new();
            let mut seed = 0;
            while models.len() <= until {
                // A transaction that happens to change nothing makes no commit.
                let number = change(&file, &mut model, seed).unwrap();
                seed += 1;
                models.resize(number as usize + 1, model.clone());
            }
            // The next commit gets as far as its meta, without it.
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let meta_is_written = (0..2).map(|slot| number(&disk, slot)).max();
            let _ = change(&file, &mut model, seed);
            if (0..2).map(|slot| number(&disk, slot)).max() != meta_is_written {
                break;
            }
            let mut image = disk.image();
            let newest = (0..2).max_by_key(|slot| number(&disk, *slot)).unwrap() * 4096;
            image[newest..newest + 512].fill(0);
            let (_, found) = open_clean(&SimDisk::of(image), "the newest slot is lost");
            assert_eq!(found, models[until - 1], "commit {until}, operation {at}");
        }
    }
}

/// The commit number in a slot, where the format has it.
fn number(disk: &SimDisk, slot: usize) -> u64 {
    let at = slot * 4096 + 16;
    u64::from_le_bytes(disk.image()[at..at + 8].try_into().unwrap())
}
