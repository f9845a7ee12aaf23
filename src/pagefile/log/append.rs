//! Committing into the log, and bringing the trees up to date with it.

use std::{mem, sync::Arc};

use super::super::{
    Error,
    commit::commit,
    journal::{Appender, Stretch},
    meta::Run,
    opened::Opened,
    settle::settle_found,
    shared::{Shared, Snapshot},
    stats::set,
    write_txn::WriteTxn,
    writer::Writer,
};

/// A file is so many times as long as its log, at least: a smaller one has few pages to write anyway.
const LEAST_FILE: u64 = 32;
/// The commits in the log have replaced at most one page in so many of the file: these are not free, and those that take their place are in memory.
const MOST_REPLACED: u64 = 16;
/// A record has at most one part in so many of the log. What changes more is as well written at once.
const LARGEST: u64 = 2;

/// What only the writer knows of the log.
#[derive(Default)]
pub(in super::super) struct Log {
    appender: Appender,
    /// Its length, in bytes; 0 where there is to be none.
    size: u64,
    /// Pages of the stored state that the commits in the log have replaced.
    pub(in super::super) freed: Vec<Run>,
}

/// Of a state that is in the log: what the trees of the file do not have.
pub(in super::super) struct Logged {
    /// The state that these have.
    pub(in super::super) stored: Arc<Snapshot>,
    /// The buckets that were changed since.
    pub(in super::super) opened: Opened,
}

impl Log {
    pub(in super::super) fn new(appender: Appender, size: u64) -> Self {
        Self {
            appender,
            size,
            freed: Vec::new(),
        }
    }

    /// The most bytes of a record; 0 where commits are not logged now.
    pub(in super::super) fn largest(&self) -> usize {
        if self.size == 0 || !self.appender.is_there() {
            return 0;
        }
        usize::try_from(self.size / LARGEST).unwrap_or(usize::MAX)
    }

    /// Whether a meta names it.
    pub(in super::super) fn is_there(&self) -> bool {
        self.appender.is_there()
    }

    /// From now on commits are logged in so many bytes; with 0 they are not. Gives what it was before. What is in the log stays there until the next commit.
    pub(in super::super) fn resize(&mut self, size: u64) -> u64 {
        mem::replace(&mut self.size, size)
    }

    /// How long the log is to be from the next commit on that goes into the trees; `None` where such a commit need not touch it.
    fn due(&self, file_bytes: u64) -> Option<u64> {
        let is_large = file_bytes / LEAST_FILE >= self.size;
        let wanted = if is_large { self.size } else { 0 };
        let is_unwanted = self.size == 0 && self.appender.is_there();
        let is_missing = wanted > 0 && !self.appender.is_there();
        (!self.appender.is_empty() || is_unwanted || is_missing).then_some(wanted)
    }

    fn show(&self, shared: &Shared) {
        set(&shared.counters.log_bytes, self.appender.bytes());
    }
}

fn pages_of(runs: &[Run]) -> u64 {
    runs.iter().map(|run| run.pages).sum()
}

/// Commits what is changed in `txn` into the log, and gives the number of the commit; `None`, and nothing was done, where it is not for the log.
pub(in super::super) fn append(
    txn: &mut WriteTxn,
    writer: &mut Writer,
) -> Result<Option<u64>, Error> {
    if txn.moved.is_some() || writer.has_unsynced() || writer.log.largest() == 0 {
        return Ok(None);
    }
    let shared = Arc::clone(&txn.shared);
    shared.refuse_poisoned()?;
    settle_found(&shared, writer)?;
    let replaced = pages_of(&writer.log.freed) + pages_of(&txn.work.freed);
    if replaced > writer.file_pages / MOST_REPLACED {
        return Ok(None);
    }
    let commit = writer.highest + 1;
    let Some(record) = txn.work.recorded.record(txn.base.commit, commit) else {
        return Ok(None);
    };
    // A crash up to here leaves the state before, in the midst of it that or this one.
    if !writer.log.appender.append(&shared, &[record], commit)? {
        return Ok(None);
    }
    writer.log.freed.append(&mut txn.work.freed);
    writer.highest = commit;
    writer.sealed = false;
    shared.show_log(commit, writer);
    let logged = Logged {
        stored: Snapshot::stored(&txn.base),
        opened: txn.work.opened.kept(),
    };
    shared.publish(Arc::new(Snapshot::logged(commit, logged)));
    Ok(Some(commit))
}

/// Commits what is changed in `txn`, and all that is in the log, into the trees, and gives the number of the commit.
pub(in super::super) fn store(
    txn: &mut WriteTxn,
    writer: &mut Writer,
    durable: bool,
) -> Result<u64, Error> {
    let shared = Arc::clone(&txn.shared);
    let file_bytes = writer.file_pages * u64::from(shared.medium.page_size);
    let is_free = durable && txn.moved.is_none() && !txn.base.journal.is_foreign();
    let Some(size) = writer.log.due(file_bytes).filter(|_| is_free) else {
        return commit(txn, writer, durable);
    };
    let mark = writer.highest;
    let mut moved = writer.log.appender.moved(&shared, mark, size);
    moved.stretches.is_log = true;
    moved.is_optional = true;
    // Nothing in it counts once this commit is durable, and nothing is written into it before both metas say so: the same pages serve again, under another number.
    let pages = size / u64::from(shared.medium.page_size);
    if let [stretch] = txn.base.journal.list[..]
        && stretch.run.pages == pages
    {
        moved.stretches.page = 0;
        moved.stretches.list = vec![Stretch {
            number: writer.highest + 1,
            ..stretch
        }];
        moved.pages = 0;
    }
    txn.moved = Some(moved);
    let commit = commit(txn, writer, durable)?;
    writer.log.appender.has_moved(&shared, mark);
    writer.log.show(&shared);
    Ok(commit)
}

impl Shared {
    /// The newest state that the trees of the file have.
    pub(in super::super) fn stored(&self) -> Arc<Snapshot> {
        Snapshot::stored(&self.snapshot())
    }

    pub(super) fn show_log(&self, commit: u64, writer: &Writer) {
        set(&self.counters.durable_commit, commit);
        writer.log.show(self);
    }
}

impl Writer {
    /// Takes note of the journal that was found: where it is the log, what of it is in no tree.
    pub(super) fn found_log(&mut self, appender: Appender, size: u64, freed: Vec<Run>) {
        self.log = Log::new(appender, size);
        self.log.freed = freed;
    }
}
