//! Commits that are not synced: visible at once, and lost from the end or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::pagefile::{Error, PageFile, ReadTxn};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{CRASHES, Crash, Failure, Model, Random, SimDisk, contents, filled, options};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Unsynced,
    Durable,
    /// A durable commit that changes nothing.
    Empty,
    Sync,
}

fn step_of(seed: u64) -> Step {
    match Random::new(seed).below(8) {
        0 | 3 | 4 => Step::Durable,
        1 => Step::Sync,
        2 => Step::Empty,
        _ => Step::Unsynced,
    }
}

/// The step of this seed, on the file. What it changes depends on the seed only.
fn run(file: &PageFile, seed: u64) -> Result<(), Error> {
    let step = step_of(seed);
    if step == Step::Sync {
        return file.sync();
    }
    let mut tx = file.begin_write()?;
    if step == Step::Empty {
        return tx.commit().map(drop);
    }
    let mut random = Random::new(seed + 1_000_000);
    let mut bucket = tx.bucket_or_create([b'b', random.below(2) as u8])?;
    for _ in 0..=random.below(8) {
        let key = [random.below(60) as u8];
        if random.below(3) == 0 {
            bucket.delete(key)?;
        } else {
            let len = [3, 40, 129, 700, 2000][random.below(5)];
            bucket.put(key, filled(len, random.next()))?;
        }
    }
    bucket.put("seed", seed.to_le_bytes())?;
    match step {
        Step::Unsynced => tx.commit_unsynced().map(drop),
        _ => tx.commit().map(drop),
    }
}

/// The states after each step.
fn states(steps: u64) -> Vec<Model> {
    let file = options().in_memory().unwrap();
    let mut states = vec![Model::new()];
    for seed in 0..steps {
        run(&file, seed).unwrap();
        states.push(contents(&file).unwrap());
    }
    states
}

fn open_clean(disk: &SimDisk, what: &str) -> PageFile {
    let file = disk
        .open()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{what}: {:?}", report.problems);
    file
}

/// Proves that a crash at any operation leaves the newest durable state, or the one that was being made durable, never one between them; that
/// writing goes on from there; and that the disk may also fail and not crash.
#[test]
fn crash_loses_the_newest_commits_only() {
    let unsynced = |&steps: &u64| step_of(steps - 1) == Step::Unsynced;
    let steps = (50..100).find(unsynced).unwrap();
    let mut states = states(steps);
    // The last step is to close the file, which was left with unsynced commits.
    states.push(states[steps as usize].clone());
    let mut at = 0;
    let mut lost = 0;
    loop {
        let disk = SimDisk::default();
        let mut file = Some(disk.open().unwrap());
        disk.fail(Some(Failure {
            at: disk.ops() + at,
            forever: true,
        }));
        let mut durable = 0;
        let is_unsynced = |seed| seed < steps && step_of(seed) == Step::Unsynced;
        let failed = (0..=steps).find(|&seed| {
            let outcome = if seed < steps {
                run(file.as_ref().unwrap(), seed)
            } else {
                file.take().unwrap().close()
            };
            if outcome.is_ok() && !is_unsynced(seed) {
                durable = seed as usize + 1;
            }
            outcome.is_err()
        });
        let Some(failed) = failed else { break };
        let was_unsynced = is_unsynced(failed);
        let newest = failed as usize + 1;
        for (number, crash) in (0..).zip(CRASHES.into_iter().chain([Crash::Suffix; 4])) {
            let found = disk.crash(crash, at as u64 * 12 + number);
            let what = format!("{at} {crash:?}");
            let file = open_clean(&found, &what);
            let model = contents(&file).unwrap();
            let is_old = model == states[durable];
            assert!(
                is_old || (!was_unsynced && model == states[newest]),
                "{what}"
            );
            lost += usize::from(is_old && states[durable] != states[failed as usize]);
            for seed in 500..504 {
                run(&file, seed).unwrap();
            }
            file.sync().unwrap();
            let after = contents(&file).unwrap();
            let again = open_clean(&found.crash(Crash::None, 0), &what);
            assert_eq!(contents(&again).unwrap(), after);
        }
        at += 1;
    }
    assert!(at > 90 && lost > 100, "{at} operations, {lost} times lost");
}

/// Proves that the two newest durable states are whole on the disk after each step, whatever is committed on top of them: with the newest meta
/// destroyed, opening finds the one before.
#[test]
fn two_durable_states_are_whole_at_all_times() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut states = vec![(0, Model::new())];
    let mut fallbacks = 0;
    for seed in 0..250 {
        run(&file, seed).unwrap();
        let durable = file.stats().durable_commit;
        if durable > states[states.len() - 1].0 {
            assert_eq!(durable, file.stats().commit);
            states.push((durable, contents(&file).unwrap()));
        }
        let newest = &states[states.len() - 1];
        let found = open_clean(&disk.crash(Crash::All, 0), "newest");
        assert_eq!(found.begin_read().commit_number(), newest.0);
        assert_eq!(contents(&found).unwrap(), newest.1);
        let mut image = disk.image();
        let number = |at: usize| u64::from_le_bytes(image[at + 16..at + 24].try_into().unwrap());
        let slot = if number(0) > number(4096) { 0 } else { 4096 };
        image[slot + 20] ^= 1;
        let found = open_clean(&SimDisk::of(image), "older");
        let (_, older) = &states[states.len().saturating_sub(2)];
        assert_eq!(contents(&found).unwrap(), *older, "after {seed}");
        fallbacks += usize::from(older != &newest.1);
    }
    assert!(fallbacks > 100, "{fallbacks}");
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(read: &ReadTxn) -> Rows {
    let bucket = read.bucket("b").unwrap().unwrap();
    let rows = bucket.iter().map(|row| row.unwrap());
    rows.map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

/// Proves that states between syncs can be held and stay as they are, mapped or not, while pages of others are used again, and that every page is
/// accounted for at each step.
#[test]
fn states_between_syncs_can_be_held() {
    for map in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let file = options().memory_map(map).open(dir.path().join("file"));
        let file = file.unwrap();
        let mut random = Random::new(5);
        let mut held: Vec<(ReadTxn, Rows)> = Vec::new();
        for round in 0..300 {
            let mut tx = file.begin_write().unwrap();
            let mut bucket = tx.bucket_or_create("b").unwrap();
            for _ in 0..5 {
                let value = filled(random.below(600), random.next());
                bucket.put([random.below(40) as u8], value).unwrap();
            }
            tx.commit_unsynced().unwrap();
            if round % 17 == 0 {
                file.sync().unwrap();
            }
            if random.below(3) == 0 {
                let read = file.begin_read();
                let rows = rows(&read);
                held.push((read, rows));
            }
            if held.len() > 6 {
                held.swap_remove(random.below(7));
            }
            for (read, then) in &held {
                assert!(rows(read) == *then);
            }
            let report = file.check().unwrap();
            assert!(report.is_clean(), "{:?}", report.problems);
        }
    }
}

/// Proves that commits which are never synced use their own pages again: the file stays small, however many there are.
#[test]
fn unsynced_commits_do_not_fill_the_file() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut sizes = Vec::new();
    for number in 0..2000u32 {
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.bucket_or_create("b").unwrap();
        for key in 0..50u32 {
            let value = filled(40, u64::from(number * 50 + key));
            bucket.put(key.to_be_bytes(), value).unwrap();
        }
        tx.commit_unsynced().unwrap();
        sizes.push(file.stats().file_bytes);
    }
    assert_eq!(sizes[100], sizes[1999]);
    assert_eq!(file.stats().durable_commit, 0);
    assert_eq!(file.stats().syncs, 0);
}

/// Proves that closing makes everything durable, and that dropping the handle loses the unsynced commits and nothing else.
#[test]
fn closing_syncs_and_dropping_does_not() {
    let disk = SimDisk::default();
    for (round, is_closed) in (0..6u8).zip([true, false].into_iter().cycle()) {
        let file = disk.open().unwrap();
        file.update(|tx| tx.bucket_or_create("b")?.put([round], "durable"))
            .unwrap();
        let mut tx = file.begin_write().unwrap();
        let mut bucket = tx.bucket_or_create("b").unwrap();
        bucket.put([round], "unsynced").unwrap();
        let number = tx.commit_unsynced().unwrap();
        assert_eq!(file.begin_read().commit_number(), number);
        let seen = contents(&file).unwrap();
        assert_eq!(seen[&b"b"[..]][&[round][..]], b"unsynced");
        if is_closed {
            file.close().unwrap();
        } else {
            drop(file);
        }
        let file = open_clean(&disk, "left");
        let value = &contents(&file).unwrap()[&b"b"[..]][&[round][..]];
        let expected: &[u8] = if is_closed { b"unsynced" } else { b"durable" };
        assert_eq!(value, expected);
    }
}

/// Proves that a sync that fails is told and ends writing, and that one with nothing to do writes nothing.
#[test]
fn failed_sync_poisons() {
    for at in 0..3 {
        let disk = SimDisk::default();
        let file = disk.open().unwrap();
        let ops = disk.ops();
        file.sync().unwrap();
        assert_eq!(disk.ops(), ops);
        let mut tx = file.begin_write().unwrap();
        tx.create_bucket("b").unwrap().put("a", "1").unwrap();
        tx.commit_unsynced().unwrap();
        disk.fail(Some(Failure {
            at: disk.ops() + at,
            forever: false,
        }));
        assert!(matches!(file.sync(), Err(Error::Io { .. })));
        assert!(matches!(file.sync(), Err(Error::Poisoned)));
        assert!(matches!(file.begin_write(), Err(Error::Poisoned)));
        assert_eq!(contents(&file).unwrap().len(), 1);
        assert!(matches!(file.close(), Err(Error::Poisoned)));
        open_clean(&disk.crash(Crash::None, 1), "failed");
    }
}
