//! Figures about a page file tell what happened.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::pagefile::{Error, PageFile};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::SimDisk;

fn put(file: &PageFile, value: u32) -> u64 {
    let mut tx = file.begin_write().unwrap();
    let mut bucket = tx.bucket_or_create("b").unwrap();
    bucket.put("a", value.to_le_bytes()).unwrap();
    tx.commit().unwrap()
}

/// Proves that transactions, commits, syncs and writes are counted as they happen, and that aborts are what is left.
#[test]
fn transactions_are_counted() {
    let disk = SimDisk::default();
    let file = disk.open().unwrap();
    let stats = file.stats();
    assert_eq!(
        (stats.read_txns, stats.write_txns, stats.commits),
        (0, 0, 0)
    );
    put(&file, 1);
    drop(file.begin_write().unwrap());
    file.begin_write().unwrap().commit().unwrap();
    let failed = file.update(|_| Err::<(), _>(Error::Poisoned));
    assert!(failed.is_err());
    let _ = (file.begin_read(), file.begin_read());
    let mut tx = file.begin_write().unwrap();
    tx.create_bucket("c").unwrap();
    assert_eq!(tx.commit_unsynced().unwrap(), 2);
    let stats = file.stats();
    assert_eq!(
        (stats.read_txns, stats.write_txns, stats.commits),
        (2, 5, 2)
    );
    assert_eq!((stats.commit, stats.durable_commit), (2, 1));
    assert_eq!(stats.syncs, 1);
    assert!(stats.sync_time.as_nanos() > 0 && stats.bytes_written >= 8192);
    assert_eq!(stats.file_bytes, disk.image().len() as u64);
}

/// Proves that a reader that keeps pages from being used again is named by its state, and is gone from the figures when it is gone.
#[test]
fn oldest_reader_is_named() {
    let file = SimDisk::default().open().unwrap();
    put(&file, 0);
    assert_eq!(file.stats().oldest_read, None);
    let old = file.begin_read();
    let newer = (1..10).map(|value| (put(&file, value), file.begin_read()));
    let newer: Vec<_> = newer.collect();
    assert_eq!(file.stats().oldest_read, Some(old.commit_number()));
    let held = file.stats().held_pages;
    drop(old);
    put(&file, 10);
    assert_eq!(file.stats().oldest_read, Some(newer[0].0));
    drop(newer);
    put(&file, 11);
    let stats = file.stats();
    assert_eq!(stats.oldest_read, None);
    assert!(stats.held_pages < held);
}
