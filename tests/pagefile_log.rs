//! Commits that only put and delete keys are durable by one small write, and are all there whatever becomes of the file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use sapwood::pagefile::{Error, MemStorage, Options, PageFile, ReadTxn, ShrinkOptions, Stats};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Model, contents, contents_of, filled};

/// Keys are spread, so that each commit changes leaves far apart.
const SPREAD: u32 = 7919;
const ROWS: u32 = 4000;

fn options() -> Options {
    Options::new()
        .page_size(512)
        .grow_by(8192)
        .log_size(8192)
        .initial_size(512 * 1024)
}

/// A file of some hundred pages, and what it holds.
fn filled_file(file: &PageFile) -> Model {
    let mut model = Model::new();
    let rows = model.entry(b"rows".to_vec()).or_default();
    file.update(|tx| {
        let mut bucket = tx.create_bucket("rows")?;
        for key in 0..ROWS {
            bucket.put(key.to_be_bytes(), filled(40, key.into()))?;
            rows.insert(key.to_be_bytes().to_vec(), filled(40, key.into()));
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    model
}

/// A commit of some rows far apart.
fn commit(file: &PageFile, model: &mut Model, number: u32) -> u64 {
    let mut tx = file.begin_write().unwrap();
    let mut bucket = tx.bucket_mut("rows").unwrap().unwrap();
    let rows = model.get_mut(b"rows".as_slice()).unwrap();
    for i in 0..5 {
        let key = ((number * 5 + i) * SPREAD % ROWS).to_be_bytes();
        if i == 3 {
            assert_eq!(
                bucket.delete(key).unwrap(),
                rows.remove(key.as_slice()).is_some()
            );
        } else {
            let value = filled(30, u64::from(number));
            bucket.put(key, &value).unwrap();
            rows.insert(key.to_vec(), value);
        }
    }
    tx.commit().unwrap()
}

/// What a commit has cost: bytes written, write calls, syncs.
fn cost(before: &Stats, after: &Stats) -> (u64, u64, u64) {
    (
        after.bytes_written - before.bytes_written,
        after.writes - before.writes,
        after.syncs - before.syncs,
    )
}

fn is_clean(file: &PageFile, model: &Model) {
    let report = file.check().unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    let rows: usize = model.values().map(BTreeMap::len).sum();
    assert_eq!(report.rows, rows as u64);
}

fn open(path: &Path) -> PageFile {
    options().open(path).unwrap()
}

/// Proves that a commit of rows anywhere costs one write of what it did and one sync, not the pages that it changes; that it is durable and seen at once; and that
/// the log, once it is full, goes into the trees and begins anew.
#[test]
fn commit_costs_what_it_says_and_one_sync() {
    let file = options().in_memory().unwrap();
    let mut model = filled_file(&file);
    // The first one makes the log.
    commit(&file, &mut model, 0);
    let (mut small, mut full) = (0, 0);
    for number in 1..60 {
        let before = file.stats();
        let commit = commit(&file, &mut model, number);
        let after = file.stats();
        assert_eq!((after.commit, after.durable_commit), (commit, commit));
        if after.log_bytes > 0 {
            // 5 steps of 43 bytes each.
            assert_eq!(cost(&before, &after), (512, 1, 1));
            small += 1;
        } else {
            full += 1;
        }
        assert_eq!(contents(&file).unwrap(), model);
    }
    is_clean(&file, &model);
    assert!(small > 40 && full > 1, "{small} {full}");
}

/// Proves that what is in the log survives a process that ends without closing, for who reads only, too; and that closing leaves nothing in it.
#[test]
fn log_is_read_when_the_file_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = open(&path);
    let mut model = filled_file(&file);
    drop(file);
    let mut number = 0;
    for round in 0..12 {
        let file = open(&path);
        for _ in 0..round {
            commit(&file, &mut model, number);
            number += 1;
        }
        // Also where what the file was opened with has gone into the trees since.
        is_clean(&file, &model);
        let newest = file.stats().commit;
        drop(file);
        let bytes = std::fs::read(&path).unwrap();
        let file = options().read_only(true).open(&path).unwrap();
        assert_eq!(contents(&file).unwrap(), model);
        assert_eq!(file.stats().commit, newest);
        is_clean(&file, &model);
        drop(file);
        assert!(
            std::fs::read(&path).unwrap() == bytes,
            "reading has written"
        );
    }
    let file = open(&path);
    assert!(file.stats().log_bytes > 0);
    file.close().unwrap();
    let file = open(&path);
    assert_eq!(file.stats().log_bytes, 0);
    assert_eq!(contents(&file).unwrap(), model);
    is_clean(&file, &model);
}

/// Proves that readers keep the states of commits that are in the log, however often it goes into the trees meanwhile.
#[test]
fn readers_keep_states_of_the_log() {
    let file = options().in_memory().unwrap();
    let mut model = filled_file(&file);
    let mut held: Vec<(ReadTxn, Model)> = Vec::new();
    for number in 0..120 {
        commit(&file, &mut model, number);
        if number % 7 == 0 {
            held.push((file.begin_read(), model.clone()));
        }
        if number % 31 == 0 && held.len() > 4 {
            held.drain(..2);
        }
        for (read, model) in &held {
            assert_eq!(contents_of(read).unwrap(), *model);
        }
        is_clean(&file, &model);
    }
    drop(held);
    for number in 120..160 {
        commit(&file, &mut model, number);
    }
    // Nobody reads any more, and the states of both metas hold what two fillings of the log have changed.
    assert!(file.stats().held_pages < 500, "{}", file.stats().held_pages);
    is_clean(&file, &model);
}

/// Proves that copies hold what the log has: page by page and entry by entry, of the newest state and of one that is held.
#[test]
fn copies_hold_what_the_log_has() {
    let dir = tempfile::tempdir().unwrap();
    let file = options().in_memory().unwrap();
    let mut model = filled_file(&file);
    let mut copied = 0;
    for number in 0..40 {
        commit(&file, &mut model, number);
        if number % 3 > 0 {
            continue;
        }
        let (read, seen) = (file.begin_read(), model.clone());
        commit(&file, &mut model, 1000 + number);
        copied += u64::from(file.stats().log_bytes > 0);
        let mut bytes = Vec::new();
        let len = read.backup(&mut bytes).unwrap();
        assert_eq!(len, bytes.len() as u64);
        let copy = options()
            .open_storage(Box::new(MemStorage::new(bytes)))
            .unwrap();
        assert_eq!(contents(&copy).unwrap(), seen);
        assert_eq!(copy.stats().log_bytes, 0);
        is_clean(&copy, &seen);
        let mut next = seen.clone();
        commit(&copy, &mut next, 2000);
        is_clean(&copy, &next);
        let path = dir.path().join(format!("{number}"));
        read.compact(&path).unwrap();
        let copy = open(&path);
        assert_eq!(contents(&copy).unwrap(), seen);
        is_clean(&copy, &seen);
    }
    assert!(copied > 10, "{copied}");
}

/// Proves that what a transaction undoes does not come into the log, and that what no record says takes the other way, with all that is in the log.
#[test]
fn what_is_undone_is_not_logged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = open(&path);
    let mut model = filled_file(&file);
    commit(&file, &mut model, 0);
    let key = |number: u32| (number * SPREAD % ROWS).to_be_bytes();
    let mut tx = file.begin_write().unwrap();
    tx.bucket_mut("rows")
        .unwrap()
        .unwrap()
        .put(key(1), "kept")
        .unwrap();
    let savepoint = tx.savepoint();
    tx.bucket_mut("rows")
        .unwrap()
        .unwrap()
        .put(key(2), "undone")
        .unwrap();
    tx.create_bucket("undone").unwrap();
    tx.rollback_to(&savepoint).unwrap();
    let mut nested = tx.begin_nested();
    nested
        .bucket_mut("rows")
        .unwrap()
        .unwrap()
        .delete(key(3))
        .unwrap();
    drop(nested);
    let mut bucket = tx.bucket_mut("rows").unwrap().unwrap();
    bucket.put(key(4), "kept").unwrap();
    bucket.set_sequence(77);
    tx.commit().unwrap();
    assert!(file.stats().log_bytes > 0);
    let rows = model.get_mut(b"rows".as_slice()).unwrap();
    rows.insert(key(1).to_vec(), b"kept".to_vec());
    rows.insert(key(4).to_vec(), b"kept".to_vec());
    drop(file);
    let file = open(&path);
    assert_eq!(contents(&file).unwrap(), model);
    assert_eq!(
        file.begin_read()
            .bucket("rows")
            .unwrap()
            .unwrap()
            .sequence(),
        77
    );
    file.update(|tx| tx.create_bucket("more").map(drop))
        .unwrap();
    assert_eq!(file.stats().log_bytes, 0);
    model.insert(b"more".to_vec(), BTreeMap::new());
    drop(file);
    let file = open(&path);
    assert_eq!(contents(&file).unwrap(), model);
    is_clean(&file, &model);
}

/// Proves that commits which are not synced end the log for a while, that a crash loses them and nothing else, and that what is made durable stays.
#[test]
fn unsynced_commits_stand_on_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut file = open(&path);
    let mut model = filled_file(&file);
    let put = |file: &PageFile, value: &str| {
        let mut tx = file.begin_write().unwrap();
        tx.bucket_mut("rows")
            .unwrap()
            .unwrap()
            .put(7u32.to_be_bytes(), value)
            .unwrap();
        tx.commit_unsynced().unwrap()
    };
    for number in 0..30 {
        commit(&file, &mut model, number);
        let (value, is_kept) = (format!("{number}"), number % 3 == 0);
        put(&file, &value);
        if is_kept {
            file.sync().unwrap();
            let rows = model.get_mut(b"rows".as_slice()).unwrap();
            rows.insert(7u32.to_be_bytes().to_vec(), value.into_bytes());
            commit(&file, &mut model, 500 + number);
        }
        drop(file);
        file = open(&path);
        assert_eq!(contents(&file).unwrap(), model, "{number}");
        is_clean(&file, &model);
    }
}

/// Proves that a file which is shrunk has no log that holds its end, and has one again afterwards.
#[test]
fn shrinking_does_without_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = open(&path);
    let mut model = filled_file(&file);
    for number in 0..10 {
        commit(&file, &mut model, number);
    }
    assert!(file.stats().log_bytes > 0);
    let mut commits = 0;
    let shrunk = file.shrink_with(&ShrinkOptions::new(), |_| {
        commits += 1;
        ControlFlow::Continue(())
    });
    let shrunk = shrunk.unwrap();
    assert!(shrunk.held_back.is_none(), "{shrunk:?}");
    let report = file.check().unwrap();
    assert_eq!(report.journal_pages, 0);
    assert!(report.free_pages * 10 < report.pages, "{report:?}");
    assert_eq!(contents(&file).unwrap(), model);
    for number in 10..20 {
        commit(&file, &mut model, number);
    }
    assert!(file.stats().log_bytes > 0);
    drop(file);
    let file = open(&path);
    assert_eq!(contents(&file).unwrap(), model);
    is_clean(&file, &model);
}

/// Proves that a file which has no room for a log does without one, and that one which has no room for its trees keeps what is in the log.
#[test]
fn full_file_keeps_what_is_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = open(&path);
    let mut model = filled_file(&file);
    let size = file.stats().file_bytes;
    drop(file);
    let tight = || options().max_size(size).open(&path).unwrap();
    let file = tight();
    let put = |file: &PageFile, number: u32| {
        let mut tx = file.begin_write()?;
        let mut bucket = tx.bucket_or_create("rows")?;
        for i in 0..4 {
            bucket.put(((number * 4 + i) * SPREAD).to_be_bytes(), [9; 100])?;
        }
        tx.commit()
    };
    let mut refused = 0;
    for number in 0..2000 {
        match put(&file, number) {
            Ok(_) => {
                let rows = model.get_mut(b"rows".as_slice()).unwrap();
                for i in 0..4 {
                    rows.insert(
                        ((number * 4 + i) * SPREAD).to_be_bytes().to_vec(),
                        vec![9; 100],
                    );
                }
            }
            Err(Error::MaxSize { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 3);
    assert_eq!(contents(&file).unwrap(), model);
    file.close().unwrap();
    let file = open(&path);
    assert_eq!(contents(&file).unwrap(), model);
    is_clean(&file, &model);
    put(&file, 5000).unwrap();
}

/// Proves that a record which is damaged is an error where more stand behind it, and that the last one is passed over as what a crash left.
#[test]
fn damage_in_the_log_is_told() {
    let storage = sim::SimDisk::default();
    let open = |disk: &sim::SimDisk| options().open_storage(Box::new(disk.clone()));
    let file = open(&storage).unwrap();
    let mut model = filled_file(&file);
    commit(&file, &mut model, 0);
    let mut models = vec![model.clone()];
    let mut image = storage.image();
    let mut places = Vec::new();
    // The first one is in the log already, for the file is large from the start.
    for number in 1..5 {
        commit(&file, &mut model, number);
        models.push(model.clone());
        let next = storage.image();
        places.push(
            (0..next.len())
                .find(|&at| image.get(at) != next.get(at))
                .unwrap(),
        );
        image = next;
    }
    assert_eq!(file.stats().log_bytes, 5 * 512);
    drop(file);
    for (i, place) in places.iter().enumerate() {
        for at in [0, 1, 20, 47, 48, 60, 200, 511] {
            let mut bytes = image.clone();
            bytes[place / 512 * 512 + at] ^= 4;
            let outcome = open(&sim::SimDisk::of(bytes));
            if i + 1 < places.len() {
                assert!(matches!(outcome, Err(Error::Corrupted { .. })), "{i} {at}");
            } else {
                assert_eq!(contents(&outcome.unwrap()).unwrap(), models[i], "{at}");
            }
        }
    }
}

/// Proves that commits in the log are never done upon another state than theirs: where the slot is damaged that leads to it, and the other one leads to an older state, that is
/// an error.
#[test]
fn log_is_not_read_upon_another_state() {
    let disk = sim::SimDisk::default();
    let open = |disk: &sim::SimDisk| options().open_storage(Box::new(disk.clone()));
    let file = open(&disk).unwrap();
    let mut model = filled_file(&file);
    for number in 0..4 {
        commit(&file, &mut model, number);
    }
    // The log stays where it is, and both slots name it.
    let mut tx = file.begin_write().unwrap();
    tx.bucket_mut("rows")
        .unwrap()
        .unwrap()
        .put("x", "y")
        .unwrap();
    tx.commit_unsynced().unwrap();
    let before = disk.image();
    file.sync().unwrap();
    let synced = disk.image();
    model
        .get_mut(b"rows".as_slice())
        .unwrap()
        .insert(b"x".to_vec(), b"y".to_vec());
    commit(&file, &mut model, 4);
    assert!(file.stats().log_bytes > 0);
    drop(file);
    assert_eq!(contents(&open(&disk).unwrap()).unwrap(), model);
    let slot = [0, 4096]
        .into_iter()
        .find(|&at| before[at..at + 512] != synced[at..at + 512]);
    let mut image = disk.image();
    image[slot.unwrap()..slot.unwrap() + 512].fill(0);
    let outcome = open(&sim::SimDisk::of(image));
    assert!(
        matches!(outcome, Err(Error::Corrupted { .. })),
        "{outcome:?}"
    );
}

/// Proves that what opening has found is synced before a commit goes into the log behind it: a process that was killed can have left its last group in the caches of the system
/// only, and the sync of a commit need not be one of the whole file.
#[test]
fn what_was_found_is_synced_before_more_is_logged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let file = open(&path);
    let mut model = filled_file(&file);
    commit(&file, &mut model, 0);
    commit(&file, &mut model, 1);
    drop(file);
    let file = open(&path);
    for (number, syncs) in [(2, 2), (3, 1), (4, 1)] {
        let before = file.stats();
        commit(&file, &mut model, number);
        let after = file.stats();
        assert!(after.log_bytes > before.log_bytes);
        assert_eq!(after.syncs - before.syncs, syncs, "{number}");
    }
}
