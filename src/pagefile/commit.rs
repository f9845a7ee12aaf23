//! Committing: changed nodes get their pages, pages and meta go out together, one sync makes them durable, and then the new state is published.
//! What a crash at each step leaves is told in docs/format.md.

use std::sync::Arc;

use super::{
    Error,
    checksum::Chain,
    meta::{MAX_RUNS, Meta, Run, SLOT_DISTANCE},
    page::{BucketRecord, PageRef},
    placement::place,
    shared::{Shared, Snapshot},
    source::Source,
    tree::{Child, Edit, NewValue, Pages, page_counts, reference, store},
    write_txn::WriteTxn,
    writer::Writer,
};

/// A commit of more bytes syncs its pages before its meta: a second sync costs little then, and verifying so much at open would cost more.
const MOST_ONE_PHASE: u64 = 4 << 20;
/// The most that goes out as one write, in bytes.
const PIECE: usize = 1 << 20;

/// Commits what is changed in `txn`, and gives the number of the commit. Unless it is to be `durable`, no meta is written, and nothing synced.
pub(super) fn commit(txn: &mut WriteTxn, writer: &mut Writer, durable: bool) -> Result<u64, Error> {
    let shared = Arc::clone(&txn.shared);
    let page_size = shared.medium.page_size as usize;
    shared.refuse_poisoned()?;
    let commit = writer.highest + 1;

    let counts = count_pages(txn, page_size)?;
    writer.release();
    let placement = place(&counts, &writer.free(), writer.file_pages);
    writer.grow(&shared, placement.file_pages)?;
    // Up to here nothing that anybody reads was written. The map grows with the file; readers keep the one that they have.
    let end = placement.runs.iter().map(|run| run.start + run.pages).max();
    let source = if txn.base.source.reaches(end.unwrap_or(0)) {
        txn.base.source.clone()
    } else {
        shared.medium.source(writer.file_pages)?
    };

    // From here on a failure, or a panic of the storage, leaves nobody knows what in the file.
    shared.set_poisoned(true);
    let mut out = Output::new(&shared, commit, &placement.runs);
    let root = store_all(txn, page_size, &mut out)?;
    out.flush()?;
    let mut meta = Meta {
        page_size: shared.medium.page_size,
        commit,
        pages: txn.base.source.pages.max(end.unwrap_or(0)),
        root,
        buckets: txn.buckets,
        runs_sum: out.chain.sum(),
        runs: placement.runs.clone(),
    };
    let pages: u64 = meta.runs.iter().map(|run| run.pages).sum();
    let is_large = pages * page_size as u64 > MOST_ONE_PHASE || meta.runs.len() > MAX_RUNS;
    if durable {
        // The runs of one commit say nothing about the pages of those before it that were not synced.
        if shared.medium.two_phase || is_large || writer.has_unsynced() {
            meta.runs.clear();
            meta.runs_sum = 0;
            shared.sync()?;
        }
        let slot = 1 - writer.slot;
        shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
        shared.sync()?;
        writer.commit(&placement.runs, txn.take_freed(), Arc::clone(&txn.base));
        writer.made_durable(&shared, slot, commit);
    } else {
        writer.commit(&placement.runs, txn.take_freed(), Arc::clone(&txn.base));
        writer.left_unsynced(&placement.runs);
    }
    shared.set_poisoned(false);
    writer.highest = commit;
    publish(&shared, &meta, source);
    writer.show(&shared);
    Ok(commit)
}

fn publish(shared: &Shared, meta: &Meta, source: Source) {
    shared.publish(Arc::new(Snapshot::new(meta, source)));
}

/// Brings the tree of buckets to its last shape, and counts what is to be written.
fn count_pages(txn: &mut WriteTxn, page_size: usize) -> Result<Vec<u32>, Error> {
    let mut counts = Vec::new();
    for bucket in txn.open.values().filter(|bucket| bucket.is_changed) {
        if let Some(root) = &bucket.root {
            page_counts(root, page_size, &mut counts);
        }
    }
    // The records are written again once it is known where the buckets lie; they do not change their size.
    put_records(txn)?;
    if let Some(root) = &txn.root {
        page_counts(root, page_size, &mut counts);
    }
    Ok(counts)
}

/// Stores all changed buckets, then the tree of buckets, and gives the place of the latter.
fn store_all(
    txn: &mut WriteTxn,
    page_size: usize,
    out: &mut Output<'_>,
) -> Result<Option<PageRef>, Error> {
    for bucket in txn.open.values_mut().filter(|bucket| bucket.is_changed) {
        if let Some(root) = &mut bucket.root {
            store(root, page_size, out)?;
        }
    }
    put_records(txn)?;
    match &mut txn.root {
        None => Ok(None),
        Some(root) => store(root, page_size, out).map(Some),
    }
}

fn put_records(txn: &mut WriteTxn) -> Result<(), Error> {
    let mut edit = Edit {
        source: &txn.base.source,
        freed: &mut txn.freed,
    };
    for (name, bucket) in txn.open.iter().filter(|(_, bucket)| bucket.is_changed) {
        let record = BucketRecord {
            root: bucket.root.as_ref().and_then(Child::stored),
            rows: bucket.rows,
            sequence: bucket.sequence,
        };
        edit.put(&mut txn.root, name, NewValue::Bucket(record))?;
    }
    Ok(())
}

/// Pages on their way out, gathered to whole runs.
struct Output<'o> {
    shared: &'o Shared,
    commit: u64,
    runs: std::slice::Iter<'o, Run>,
    /// What is left of the run that is being filled.
    run: Run,
    /// Pages not yet written; they come before those of `run`.
    buffer: Vec<u8>,
    chain: Chain,
}

impl<'o> Output<'o> {
    fn new(shared: &'o Shared, commit: u64, runs: &'o [Run]) -> Self {
        Self {
            shared,
            commit,
            runs: runs.iter(),
            run: Run { start: 0, pages: 0 },
            buffer: Vec::new(),
            chain: Chain::new(shared.medium.page_size as usize),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.chain.add(&self.buffer);
        let end = self.run.start * u64::from(self.shared.medium.page_size);
        let start = end - self.buffer.len() as u64;
        self.shared.write(start, &self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Pages for Output<'_> {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn write(&mut self, pages: u32, fill: &mut dyn FnMut(&mut [u8])) -> Result<PageRef, Error> {
        if self.run.pages == 0 {
            self.flush()?;
            self.run = self.runs.next().copied().unwrap_or(self.run);
        }
        let page = self.run.start;
        let at = self.buffer.len();
        let len = pages as usize * self.shared.medium.page_size as usize;
        self.buffer.resize(at + len, 0);
        fill(&mut self.buffer[at..]);
        let stored = reference(page, pages, &self.buffer[at..]);
        self.run.start += u64::from(pages);
        self.run.pages = self.run.pages.saturating_sub(u64::from(pages));
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(stored)
    }
}
