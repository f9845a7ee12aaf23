//! Backup and compaction: a copy is one committed state, whole, and a file of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fs, io,
    sync::atomic::{AtomicBool, Ordering},
};

use sapwood::pagefile::{Error, MemStorage, Options, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Model, Random, SimDisk, change, contents, filled, options};

fn open(copy: Vec<u8>) -> PageFile {
    let storage = Box::new(MemStorage::new(copy));
    options().open_storage(storage).unwrap()
}

/// The state as a new file has it, read back.
fn compacted(file: &PageFile) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small");
    let bytes = file.compact(&path).unwrap();
    let copy = fs::read(&path).unwrap();
    assert_eq!(copy.len() as u64, bytes);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    copy
}

fn assert_clean(file: &PageFile) -> sapwood::pagefile::Report {
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    report
}

/// Proves that backups and compacted files made while a thread commits are each exactly one state of those committed, never an older one than the
/// newest at the start, and that they open, check clean and can be written.
#[test]
fn copies_are_single_states_while_writing_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = options().open(dir.path().join("file")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=150u64 {
                file.update(|tx| {
                    let mut bucket = tx.bucket_or_create("b")?;
                    for key in 0..40u8 {
                        let mut value = number.to_le_bytes().to_vec();
                        value.resize(8 + usize::from(key) * 9, key);
                        bucket.put([key], value)?;
                    }
                    Ok::<_, Error>(())
                })
                .unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let mut round = 0;
        while !done.load(Ordering::Acquire) || round < 2 {
            let least = file.begin_read().commit_number();
            let copy = if round % 2 == 0 {
                let mut copy = Vec::new();
                let bytes = file.backup(&mut copy).unwrap();
                assert_eq!(copy.len() as u64, bytes);
                copy
            } else {
                compacted(&file)
            };
            round += 1;
            let restored = open(copy);
            let commit = restored.begin_read().commit_number();
            assert!(commit >= least);
            for rows in contents(&restored).unwrap().values() {
                assert_eq!(rows.len(), 40);
                assert!(rows.values().all(|v| v[..8] == commit.to_le_bytes()));
            }
            assert_clean(&restored);
            let more = restored.update(|tx| tx.bucket_or_create("c")?.put("more", "1"));
            more.unwrap();
            assert_clean(&restored);
        }
    });
}

/// Proves that a state that is held is copied as it was, however much was committed since; that the same state gives the same bytes; and that
/// nothing that was deleted is in the copy.
#[test]
fn held_state_is_copied_as_it_was() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    file.update(|tx| {
        tx.create_bucket("gone")?
            .put("key", "a secret that is deleted")
    })
    .unwrap();
    file.update(|tx| tx.delete_bucket("gone")).unwrap();
    for seed in 0..60 {
        change(&file, &mut model, seed).unwrap();
        if seed % 10 != 9 {
            continue;
        }
        let held = file.begin_read();
        let then = model.clone();
        let mut first = Vec::new();
        held.backup(&mut first).unwrap();
        for seed in 0..10 {
            change(&file, &mut model, 1000 + seed).unwrap();
        }
        let mut second = Vec::new();
        held.backup(&mut second).unwrap();
        assert!(first == second);
        assert!(!first.windows(8).any(|bytes| bytes == b"a secret"));
        assert_eq!(contents(&open(first)).unwrap(), then);
        let dir = tempfile::tempdir().unwrap();
        held.compact(dir.path().join("small")).unwrap();
        let small = fs::read(dir.path().join("small")).unwrap();
        assert_eq!(contents(&open(small)).unwrap(), then);
    }
}

/// A place that takes so many bytes.
struct Limited(usize);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        match taken {
            0 => Err(io::ErrorKind::StorageFull.into()),
            taken => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Proves that a place without room, damage and a failing disk are errors, that a failed copy leaves no file, and that the file goes on.
#[test]
fn failed_copy_leaves_nothing_behind() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let mut model = Model::new();
    for seed in 0..40 {
        change(&file, &mut model, seed).unwrap();
    }
    let whole = file.backup(&mut Vec::new()).unwrap();
    for room in [0, 1, 8192, 10_000, whole as usize - 1] {
        let failed = file.backup(&mut Limited(room));
        assert!(matches!(failed, Err(Error::Io { .. })), "{room}");
    }
    let dir = tempfile::tempdir().unwrap();
    for reads in 0..20 {
        disk.fail_read(Some(reads));
        let failed = file.backup(&mut Vec::new());
        assert!(matches!(failed, Err(Error::Io { .. })));
        disk.fail_read(Some(reads));
        let failed = file.compact(dir.path().join("small"));
        assert!(matches!(failed, Err(Error::Io { .. })));
    }
    disk.fail_read(None);
    change(&file, &mut model, 1000).unwrap();
    assert_eq!(contents(&file).unwrap(), model);
    file.close().unwrap();
    let whole = disk.image();
    let mut found = 0;
    for at in (8192..whole.len()).step_by(512) {
        let mut image = whole.clone();
        image[at + 100] ^= 1;
        let file = SimDisk::of(image).open().unwrap();
        if file.check().unwrap().is_clean() {
            continue;
        }
        found += 1;
        let mut copy = Vec::new();
        let failed = file.backup(&mut copy);
        assert!(matches!(failed, Err(Error::Corrupted { .. })));
        assert!(copy.is_empty());
        let failed = file.compact(dir.path().join("small"));
        assert!(matches!(failed, Err(Error::Corrupted { .. })));
    }
    assert!(found > 20);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Proves that compaction never touches a file that there is.
#[test]
fn compaction_replaces_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = PageFile::open(&path).unwrap();
    file.update(|tx| tx.create_bucket("b")?.put("a", "1"))
        .unwrap();
    fs::write(dir.path().join("diary"), "dear").unwrap();
    for name in ["diary", "file"] {
        let before = fs::read(dir.path().join(name)).unwrap();
        let refused = file.compact(dir.path().join(name));
        assert!(matches!(
            refused,
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists
        ));
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), before);
    }
    assert!(file.compact(dir.path().join("no/such/folder")).is_err());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

/// Proves that a compacted file has the same rows, no free page, and bytes that do not depend on how the rows came about, so that compacting it
/// again changes nothing; and that it can be written on.
#[test]
fn compacted_file_is_dense_and_the_same_again() {
    for page_size in [512, 4096, 65_536] {
        let options = Options::new().page_size(page_size).grow_by(8192);
        let file = options.in_memory().unwrap();
        let mut random = Random::new(u64::from(page_size));
        let mut model = BTreeMap::new();
        for _ in 0..12 {
            file.update(|tx| {
                let mut bucket = tx.bucket_or_create("b")?;
                for _ in 0..60 {
                    // Some keys are longer than a small page.
                    let len = [1, 4, 30, 200, 700][random.below(5)];
                    let key = filled(len, random.next() % 300);
                    if random.below(4) == 0 {
                        bucket.delete(&key)?;
                        model.remove(&key);
                    } else {
                        let len = [0, 3, 40, 129, 2000, 20_000][random.below(6)];
                        let value = filled(len, random.next());
                        bucket.put(&key, &value)?;
                        model.insert(key, value);
                    }
                }
                bucket.set_sequence(77);
                tx.bucket_or_create("empty")?;
                Ok::<_, Error>(())
            })
            .unwrap();
        }
        // The same rows put in their order, with the same number of commits.
        let other = options.in_memory().unwrap();
        for commit in 1..=12 {
            other
                .update(|tx| {
                    let mut bucket = tx.bucket_or_create("b")?;
                    for (key, value) in &model {
                        bucket.put(key, if commit < 12 { b"-" } else { &value[..] })?;
                    }
                    bucket.set_sequence(77);
                    tx.bucket_or_create("empty")?;
                    Ok::<_, Error>(())
                })
                .unwrap();
        }
        let copy = compacted(&file);
        assert!(copy == compacted(&other));
        let small = open(copy.clone());
        assert_eq!(contents(&small).unwrap(), contents(&file).unwrap());
        assert_eq!(contents(&small).unwrap()[&b"b"[..]], model);
        let read = small.begin_read();
        assert_eq!(read.bucket("b").unwrap().unwrap().sequence(), 77);
        assert_eq!(read.commit_number(), 12);
        let report = assert_clean(&small);
        assert_eq!((report.free_pages, report.held_pages), (0, 0));
        assert!(copy == compacted(&small));
        drop(read);
        for _ in 0..20 {
            small
                .update(|tx| {
                    let mut bucket = tx.bucket_or_create("b")?;
                    for _ in 0..20 {
                        let key = model.keys().nth(random.below(model.len())).unwrap();
                        let key = key.clone();
                        bucket.delete(&key)?;
                        model.remove(&key);
                        let (key, value) = (filled(9, random.next()), filled(50, random.next()));
                        bucket.put(&key, &value)?;
                        model.insert(key, value);
                    }
                    Ok::<_, Error>(())
                })
                .unwrap();
            assert_eq!(contents(&small).unwrap()[&b"b"[..]], model);
            assert_clean(&small);
        }
    }
}

/// Proves that leaves of a compacted file are nearly full, also where the file had been thinned out.
#[test]
fn compacted_leaves_are_full() {
    let file = options().in_memory().unwrap();
    file.update(|tx| {
        let mut bucket = tx.create_bucket("b")?;
        for key in 0..20_000u32 {
            bucket.put(key.to_be_bytes(), [7; 20])?;
        }
        for key in (0..20_000u32).filter(|key| key % 5 != 0) {
            bucket.delete(key.to_be_bytes())?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let small = open(compacted(&file));
    let report = assert_clean(&small);
    // An entry has 8 bytes of slot, 4 of lengths, 4 of key and 20 of value; a page of 512 bytes 24 of header.
    assert_eq!(report.leaf_pages, 4000u64.div_ceil(488 / 36) + 1);
    assert!(report.branch_pages * 9 < report.leaf_pages);
}

/// Proves that a file without buckets can be copied.
#[test]
fn empty_file_is_copied() {
    let file = options().in_memory().unwrap();
    let mut copy = Vec::new();
    file.backup(&mut copy).unwrap();
    assert!(copy == compacted(&file));
    assert_eq!(copy.len(), 8192);
    assert_eq!(open(copy).begin_read().bucket_count(), 0);
}
