//! Committing: changed nodes get their pages, pages and meta go out together, one sync makes them durable, and then the new state is published.
//! What a crash at each step leaves is told in docs/format.md.

use std::sync::Arc;

use super::{
    Error,
    meta::{Directory, Meta, ROOM, RUN_LEN, SLOT_DISTANCE},
    output::Output,
    page::BucketRecord,
    placement::{FEW, FREE_SHARE, Placement, fit, grow},
    segments::Segments,
    shared::{Shared, Snapshot},
    source::Source,
    tree::{Child, Edit, Life, Moves, NewValue, Units, count_units, inline, inline_len, store},
    write_txn::WriteTxn,
    writer::Writer,
};

/// A commit of more bytes syncs its pages before its meta: a second sync costs little then, and verifying so much at open would cost more.
const MOST_ONE_PHASE: u64 = 4 << 20;
/// So many leaves are moved, at most, for each page that will live long.
const MOVES: u32 = 2;
/// The pieces of a commit with one sync are no more than this. Its meta names them.
const MANY: usize = 24;
/// The pieces of a commit with two syncs have so many pages, on average at least.
const LEAST_PIECE: u64 = 8;
/// Leaves are moved out of segments with no more pages in use than this.
const FULLEST: u32 = 24;

/// Commits what is changed in `txn`, and gives the number of the commit. Unless it is to be `durable`, no meta is written, and nothing synced.
pub(super) fn commit(txn: &mut WriteTxn, writer: &mut Writer, durable: bool) -> Result<u64, Error> {
    let shared = Arc::clone(&txn.shared);
    let page_size = u64::from(shared.medium.page_size);
    shared.refuse_poisoned()?;
    let commit = writer.highest + 1;

    // The records are written again once it is known where the buckets lie; they do not change their size.
    put_records(txn)?;
    writer.release();
    let plan = plan(txn, writer);
    let placement = &plan.placement;
    writer.grow(&shared, placement.file_pages, plan.units.pages())?;
    // Up to here nothing that anybody reads was written. The map grows with the file; readers keep the one that they have.
    let runs = placement.runs();
    let end = runs.last().map_or(0, |run| run.start + run.pages);
    let source = if txn.base.source.reaches(end) {
        txn.base.source.clone()
    } else {
        shared.medium.source(writer.file_pages)?
    };

    // From here on a failure, or a panic of the storage, leaves nobody knows what in the file.
    shared.set_poisoned(true);
    // The runs of one commit say nothing about the pages of those before it that were not synced.
    let is_one_phase = durable
        && !writer.has_unsynced()
        && !shared.medium.two_phase
        && plan.units.pages() * page_size <= MOST_ONE_PHASE
        && runs.len() * RUN_LEN + plan.inline_len <= ROOM;
    let mut out = Output::new(&shared, commit, placement, is_one_phase);
    let directory = store_all(txn, plan.inline_len > 0, commit, &mut out)?;
    let runs_sum = out.finish()?;
    let meta = Meta {
        page_size: shared.medium.page_size,
        commit,
        pages: txn.base.source.pages.max(end),
        directory,
        buckets: txn.buckets,
        runs_sum,
        runs: if is_one_phase {
            runs.clone()
        } else {
            Vec::new()
        },
    };
    let freed = txn.take_freed();
    if durable {
        if !is_one_phase {
            shared.sync()?;
        }
        let slot = 1 - writer.slot;
        shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
        shared.sync()?;
        writer.commit(&runs, freed, Arc::clone(&txn.base));
        writer.made_durable(&shared, slot, commit);
    } else {
        writer.commit(&runs, freed, Arc::clone(&txn.base));
        writer.left_unsynced(&runs);
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

/// What a commit writes, and where.
struct Plan {
    units: Units,
    placement: Placement,
    /// The bytes of the tree of buckets in the meta; 0 where it has pages.
    inline_len: usize,
}

/// Counts what is to be written.
fn count(txn: &WriteTxn, inline_len: usize) -> Units {
    let page_size = txn.base.source.page_size as usize;
    let mut units = Units::default();
    for root in txn.changed_trees() {
        count_units(root, Life::Long, page_size, &mut units);
    }
    if let Some(root) = &txn.root
        && inline_len == 0
    {
        count_units(root, Life::Short, page_size, &mut units);
    }
    units
}

/// How many pieces a commit may go into before anything else is tried: a small one is not scattered page by page.
fn few(units: &Units) -> usize {
    let pages = usize::try_from(units.pages()).unwrap_or(usize::MAX);
    FEW.min(3 + pages / 16)
}

/// Chooses where the commit goes, and what is moved with it.
fn plan(txn: &mut WriteTxn, writer: &Writer) -> Plan {
    let free = writer.free();
    let file_pages = writer.file_pages;
    // A tree of buckets that leaves room for the runs of most commits lies in the meta.
    let inline_len = txn.root.as_ref().and_then(inline_len);
    let mut inline_len =
        inline_len.map_or(0, |len| if len <= ROOM - FEW * RUN_LEN { len } else { 0 });
    let units = count(txn, inline_len);
    let placed = fit(&units, &free, few(&units), file_pages).or_else(|| {
        let is_little = free.pages().saturating_mul(FREE_SHARE) < file_pages;
        is_little.then(|| grow(&units, &free, 0, file_pages))
    });
    if let Some(placement) = placed {
        return Plan {
            units,
            placement,
            inline_len,
        };
    }
    move_leaves(txn, &units, writer.segments());
    if inline_len > ROOM - MANY * RUN_LEN {
        inline_len = 0;
    }
    let units = count(txn, inline_len);
    let page_size = u64::from(txn.base.source.page_size);
    let most = if units.pages() * page_size <= MOST_ONE_PHASE {
        MANY
    } else {
        usize::try_from(units.pages() / LEAST_PIECE).unwrap_or(MANY)
    };
    let placement = fit(&units, &free, most, file_pages);
    let placement = placement.unwrap_or_else(|| grow(&units, &free, most, file_pages));
    Plan {
        units,
        placement,
        inline_len,
    }
}

/// Chooses leaves to take along: as many as `units` allow, and not so many that they were why a second sync is due.
fn move_leaves(txn: &mut WriteTxn, units: &Units, segments: &Segments) {
    let page_size = u64::from(txn.base.source.page_size);
    let room = (MOST_ONE_PHASE / page_size).checked_sub(units.pages());
    let most = (units.long.len() as u32).saturating_mul(MOVES);
    let most = room.map_or(most, |room| most.min(room as u32));
    let mut moves = Moves::default();
    for root in txn.changed_trees() {
        moves.count(root, segments);
    }
    moves.decide(most, FULLEST);
    let WriteTxn {
        open, base, freed, ..
    } = txn;
    for bucket in open.values_mut().filter(|bucket| bucket.is_changed) {
        if let Some(root) = &mut bucket.root {
            moves.mark(root, segments, &base.source, freed);
        }
    }
}

/// Stores all changed buckets, then the tree of buckets, and gives the place of the latter.
fn store_all(
    txn: &mut WriteTxn,
    is_inline: bool,
    commit: u64,
    out: &mut Output<'_>,
) -> Result<Directory, Error> {
    for bucket in txn.open.values_mut().filter(|bucket| bucket.is_changed) {
        if let Some(root) = &mut bucket.root {
            store(root, Life::Long, &txn.base.source, out)?;
        }
    }
    put_records(txn)?;
    let Some(root) = &mut txn.root else {
        return Ok(Directory::Empty);
    };
    if is_inline && let Some(leaf) = inline(root, commit) {
        return Ok(Directory::Inline(leaf));
    }
    store(root, Life::Short, &txn.base.source, out).map(Directory::Stored)
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
