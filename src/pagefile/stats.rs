//! Figures about a page file.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What a page file holds and has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The size of a page, in bytes.
    pub page_size: u32,
    /// The number of the newest commit.
    pub commit: u64,
    /// The number of the newest durable commit: what a crash now would leave, at least.
    pub durable_commit: u64,
    /// The length of the file, in bytes.
    pub file_bytes: u64,
    /// The length of the file, in pages.
    pub pages: u64,
    /// Pages that the next commit may take. Zero until the first write transaction has found them.
    pub free_pages: u64,
    /// Those of them that lie side by side at the end of the file: what it could be shorter by at once. Where they are a quarter of the file or more, and more than
    /// two steps of growth, at 64 commits in a row, the file gives them back but for one step; it does so at [`close`](super::PageFile::close) too.
    pub free_tail_pages: u64,
    /// Pages that the newest state does not need, but an older one that is still read, or that a crash could bring back.
    pub held_pages: u64,
    /// The bytes of commits that are durable in the log, and not yet in the trees of the file.
    pub log_bytes: u64,
    /// Syncs done.
    pub syncs: u64,
    /// Writes done.
    pub writes: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// The time that the syncs took together.
    pub sync_time: Duration,
    /// Read transactions begun.
    pub read_txns: u64,
    /// Write transactions begun. Those that are neither running nor in `commits` were aborted, or changed nothing.
    pub write_txns: u64,
    /// Commits made, durable or not.
    pub commits: u64,
    /// The oldest state, before the newest, that a read transaction held when the last commit was made: what keeps `held_pages` from being free.
    pub oldest_read: Option<u64>,
}

/// Counters that change as the file is written.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) file_bytes: AtomicU64,
    pub(super) durable_commit: AtomicU64,
    pub(super) free_pages: AtomicU64,
    pub(super) free_tail_pages: AtomicU64,
    pub(super) held_pages: AtomicU64,
    pub(super) log_bytes: AtomicU64,
    pub(super) syncs: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) bytes_written: AtomicU64,
    pub(super) sync_nanos: AtomicU64,
    pub(super) read_txns: AtomicU64,
    pub(super) write_txns: AtomicU64,
    pub(super) commits: AtomicU64,
    /// One more than the number of the state; 0 for none.
    pub(super) oldest_read: AtomicU64,
}

impl Counters {
    pub(super) fn stats(&self, page_size: u32, commit: u64) -> Stats {
        let file_bytes = get(&self.file_bytes);
        Stats {
            page_size,
            commit,
            durable_commit: get(&self.durable_commit),
            file_bytes,
            pages: file_bytes / u64::from(page_size),
            free_pages: get(&self.free_pages),
            free_tail_pages: get(&self.free_tail_pages),
            held_pages: get(&self.held_pages),
            log_bytes: get(&self.log_bytes),
            syncs: get(&self.syncs),
            writes: get(&self.writes),
            bytes_written: get(&self.bytes_written),
            sync_time: Duration::from_nanos(get(&self.sync_nanos)),
            read_txns: get(&self.read_txns),
            write_txns: get(&self.write_txns),
            commits: get(&self.commits),
            oldest_read: get(&self.oldest_read).checked_sub(1),
        }
    }
}

// Relaxed everywhere: each figure stands for itself.
fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

pub(super) fn set(counter: &AtomicU64, value: u64) {
    counter.store(value, Ordering::Relaxed);
}

pub(super) fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}
