//! The free end of a file is given back by itself, where it is much and has been for long: without a sync, without a reader noticing, and whatever a crash leaves
//! of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;

use sapwood::pagefile::{Options, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{CRASHES, Failure, SimDisk, contents, contents_of, filled};

const SMALL: usize = 20_000;
const BIG: usize = 400_000;
/// Commits after which a free end counts as no longer needed.
const CALM: usize = 64;

fn options() -> Options {
    Options::new().grow_by(16 * 1024)
}

fn put(file: &PageFile, key: &str, len: usize) {
    let value = filled(len, len as u64);
    file.update(|tx| tx.bucket_or_create("b")?.put(key, &value))
        .unwrap();
}

/// A file whose end is free: what lay there was deleted.
fn emptied(file: &PageFile) {
    put(file, "stays", SMALL);
    put(file, "goes", 3 * BIG);
    for len in 1..8 {
        put(file, "goes", len);
    }
}

/// Proves that the end is given back after so many commits, with no sync but their own, that a step of growth is left, that the figures tell it, and that the
/// file grows again when it has to.
#[test]
fn free_end_is_given_back() {
    let disk = SimDisk::default();
    let file = options().open_storage(Box::new(disk.clone())).unwrap();
    emptied(&file);
    let before = file.stats();
    assert!(before.file_bytes > BIG as u64);
    let mut cut_at = None;
    for i in 0..CALM + 8 {
        put(&file, "i", i);
        let stats = file.stats();
        assert_eq!(stats.file_bytes, disk.image().len() as u64);
        if stats.file_bytes < before.file_bytes && cut_at.is_none() {
            assert!(stats.free_tail_pages * 4096 >= 16 * 1024, "{stats:?}");
            cut_at = Some(i);
        }
    }
    assert!(
        cut_at.is_some_and(|i| (CALM - 4..CALM + 4).contains(&i)),
        "{cut_at:?}"
    );
    let after = file.stats();
    assert!(after.file_bytes < 100_000, "{after:?}");
    assert_eq!(after.syncs - before.syncs, (CALM + 8) as u64);
    assert!(file.check().unwrap().is_clean());
    put(&file, "goes", BIG);
    put(&file, "i", 5);
    assert!(file.check().unwrap().is_clean());
    assert_eq!(disk.image().len() as u64, file.stats().file_bytes);
    let model = contents(&file).unwrap();
    drop(file);
    assert_eq!(contents(&disk.open().unwrap()).unwrap(), model);
}

/// Proves that a file which needs its end now and then keeps it: its length does not swing.
#[test]
fn length_does_not_swing() {
    let file = options().in_memory().unwrap();
    emptied(&file);
    let mut lengths = Vec::new();
    for round in 0..8 * CALM {
        let len = if round % (CALM - 8) == 0 { BIG } else { 1 };
        put(&file, "goes", len);
        lengths.push(file.stats().file_bytes);
    }
    lengths.drain(..2 * CALM);
    lengths.dedup();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
    assert!(lengths[0] > BIG as u64);
}

/// Proves that closing gives the end back at once, but not below the initial size, and that a file which is opened and closed without a change is left alone.
#[test]
fn closing_gives_the_end_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let len = || fs::metadata(&path).unwrap().len();
    let file = options().open(&path).unwrap();
    emptied(&file);
    let before = len();
    let model = contents(&file).unwrap();
    file.close().unwrap();
    let after = len();
    assert!(after < 100_000 && before > BIG as u64, "{before} {after}");
    let file = options().open(&path).unwrap();
    assert_eq!(contents(&file).unwrap(), model);
    file.close().unwrap();
    assert_eq!(len(), after);
    let file = options().initial_size(300_000).open(&path).unwrap();
    emptied(&file);
    file.close().unwrap();
    assert!((300_000..350_000).contains(&len()), "{}", len());
}

/// Proves that a file is not cut below what the map of a reader covers, though the reader needs nothing there, and that it is once the reader is gone.
#[test]
fn mapped_readers_hold_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = options().open(&path).unwrap();
    emptied(&file);
    let old = file.begin_read();
    let seen = contents_of(&old).unwrap();
    let length = file.stats().file_bytes;
    for i in 0..CALM + 4 {
        put(&file, "i", i);
        assert_eq!(contents_of(&old).unwrap(), seen);
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    let reader = file.begin_read();
    let new = contents_of(&reader).unwrap();
    drop(old);
    for i in 0..8 {
        put(&file, "j", i);
        assert_eq!(contents_of(&reader).unwrap(), new);
    }
    // The map of this one ends before the cut.
    assert!(file.stats().file_bytes < length / 2);
    assert_eq!(fs::metadata(&path).unwrap().len(), file.stats().file_bytes);
    assert!(file.check().unwrap().is_clean());
}

/// Proves that a crash at any operation around the cut leaves a committed state, with the file as long as it was or shorter, and that it is
/// written and read from there.
#[test]
fn crash_around_the_cut() {
    let disk = SimDisk::default();
    let file = options().open_storage(Box::new(disk.clone())).unwrap();
    emptied(&file);
    drop(file);
    let image = disk.image();
    let mut lengths = [0, 0];
    for at in (3 * CALM - 12)..(3 * CALM + 20) {
        for (seed, crash) in (0..).zip(CRASHES) {
            let disk = SimDisk::of(image.clone());
            let file = options().open_storage(Box::new(disk.clone())).unwrap();
            disk.fail(Some(Failure {
                at: disk.ops() + at,
                forever: true,
            }));
            let mut acknowledged = 0;
            for i in 1.. {
                let value = [i as u8; 4];
                let outcome = file.update(|tx| tx.bucket_or_create("b")?.put("i", value));
                if outcome.is_err() {
                    break;
                }
                acknowledged = i;
                // Grows it again soon after the cut.
                if i == CALM + 4
                    && file
                        .update(|tx| tx.bucket_or_create("b")?.put("goes", vec![1; BIG]))
                        .is_err()
                {
                    break;
                }
            }
            let found = disk.crash(crash, at as u64 * 8 + seed);
            lengths[usize::from(found.image().len() < image.len())] += 1;
            let file = options().open_storage(Box::new(found.clone())).unwrap();
            let report = file.check().unwrap();
            assert!(report.is_clean(), "{at} {crash:?}: {:?}", report.problems);
            let model = contents(&file).unwrap();
            let row = model[&b"b"[..]].get(&b"i"[..]);
            let row = row.map_or(0, |value| usize::from(value[0]));
            assert!(
                row == acknowledged || row == acknowledged + 1,
                "{at} {crash:?}"
            );
            put(&file, "goes", BIG);
            put(&file, "goes", 2);
            assert!(file.check().unwrap().is_clean());
        }
    }
    assert!(lengths.iter().all(|images| *images > 10), "{lengths:?}");
}
