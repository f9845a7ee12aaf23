//! Committing: changed nodes get their pages, pages and meta go out together, one sync makes them durable, and then the new state is published.
//! What a crash at each step leaves is told in docs/format.md.

use std::{mem, sync::Arc};

use super::{
    Error,
    checksum::Chain,
    meta::{MAX_RUNS, Meta, Run, SLOT_DISTANCE},
    opened::TOP,
    page::PageRef,
    placement::place,
    shared::{Shared, Snapshot},
    source::Source,
    tree::{Edit, NewValue, Pages, page_counts, reference, store},
    work::Work,
    write_txn::WriteTxn,
    writer::Writer,
};

/// A commit of more bytes syncs its pages before its meta: a second sync costs little then, and verifying so much at open would cost more.
const MOST_ONE_PHASE: u64 = 4 << 20;
/// The most that goes out as one write, in bytes.
const PIECE: usize = 1 << 20;

/// Commits what is changed in `txn`, and gives the number of the commit.
pub(super) fn commit(txn: &mut WriteTxn, writer: &mut Writer) -> Result<u64, Error> {
    let shared = Arc::clone(&txn.shared);
    let page_size = shared.medium.page_size as usize;
    shared.refuse_poisoned()?;
    let commit = writer.highest + 1;

    let changed = txn.work.opened.changed();
    let counts = count_pages(&mut txn.work, &txn.base.source, &changed)?;
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
    let root = store_all(&mut txn.work, &txn.base.source, &changed, &mut out)?;
    out.flush()?;
    let mut meta = Meta {
        page_size: shared.medium.page_size,
        commit,
        pages: txn.base.source.pages.max(end.unwrap_or(0)),
        root,
        buckets: txn.work.opened.get(TOP).buckets,
        runs_sum: out.chain.sum(),
        runs: placement.runs.clone(),
    };
    let pages: u64 = meta.runs.iter().map(|run| run.pages).sum();
    let is_large = pages * page_size as u64 > MOST_ONE_PHASE || meta.runs.len() > MAX_RUNS;
    if shared.medium.two_phase || is_large {
        meta.runs.clear();
        meta.runs_sum = 0;
        shared.sync()?;
    }
    let slot = 1 - writer.slot;
    shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
    shared.sync()?;
    shared.set_poisoned(false);

    writer.slot = slot;
    writer.highest = commit;
    let freed = mem::take(&mut txn.work.freed);
    writer.commit(&placement.runs, freed, Arc::clone(&txn.base));
    publish(&shared, &meta, source);
    writer.show(&shared);
    Ok(commit)
}

fn publish(shared: &Shared, meta: &Meta, source: Source) {
    shared.publish(Arc::new(Snapshot::new(meta, source)));
}

/// Brings all trees to their last shape, and counts what is to be written. `changed` are the buckets to store, in that order.
pub(super) fn count_pages(
    work: &mut Work,
    source: &Source,
    changed: &[usize],
) -> Result<Vec<u32>, Error> {
    let mut counts = Vec::new();
    for &at in changed {
        // The records are written again once it is known where the buckets lie; they do not change their size.
        put_records(work, source, at)?;
        if let Some(root) = &work.opened.get(at).root {
            page_counts(root, source.page_size as usize, &mut counts);
        }
    }
    Ok(counts)
}

/// Stores all changed buckets, each before the one that it lies in, and gives the place of the topmost.
fn store_all(
    work: &mut Work,
    source: &Source,
    changed: &[usize],
    out: &mut Output<'_>,
) -> Result<Option<PageRef>, Error> {
    for &at in changed {
        put_records(work, source, at)?;
        if let Some(root) = &mut work.opened.get_mut(at).root {
            store(root, source.page_size as usize, out)?;
        }
    }
    Ok(work.opened.get(TOP).record().root)
}

/// Puts the records of the changed buckets that lie in the one at `at` into its tree.
fn put_records(work: &mut Work, source: &Source, at: usize) -> Result<(), Error> {
    let mut edit = Edit {
        source,
        freed: &mut work.freed,
        fill: source.page_size as usize,
    };
    for (name, record) in work.opened.changed_below(at) {
        let root = &mut work.opened.get_mut(at).root;
        edit.put(root, &name, NewValue::Bucket(record))?;
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
