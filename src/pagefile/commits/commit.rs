//! Committing: changed nodes get their pages, pages and meta go out together, one sync makes them durable, and then the new state is published.
//! What a crash at each step leaves is told in docs/format.md.

use std::{mem, sync::Arc};

use super::super::{
    Error,
    journal::{Moved, Stretch, Stretches},
    meta::{Directory, Meta, ROOM, RUN_LEN, Run, SLOT_DISTANCE},
    opened::TOP,
    placement::{FEW, FREE_SHARE, Placement, fit, grow, near_front, pack},
    segments::Segments,
    shared::Snapshot,
    source::Source,
    tail::{give_back, seal_with},
    tree::{
        Edit, Life, Moves, NewValue, Pages, Units, count_units, inline, inline_len, store, tighten,
    },
    work::Work,
    write_txn::WriteTxn,
    writer::{Writer, is_full},
};
use super::{output::Output, settle::settle_found};

/// A commit of more bytes syncs its pages before its meta: a second sync costs little then, and verifying so much at open would cost more.
const MOST_ONE_PHASE: u64 = 4 << 20;
/// The pieces of a commit with one sync are no more than this. Its meta names them.
const MANY: usize = 24;
/// The pieces of a commit with two syncs have so many pages, on average at least.
const LEAST_PIECE: u64 = 8;
/// Leaves that are closed up are filled to so many percent, at most: there is room for an entry or two.
const TIGHT: usize = 94;
/// Leaves are moved out of segments with no more pages in use than this.
const FULLEST: u32 = 24;

/// Commits what is changed in `txn`, and gives the number of the commit. Unless it is to be `durable`, no meta is written, and nothing synced.
pub(in crate::pagefile) fn commit(
    txn: &mut WriteTxn,
    writer: &mut Writer,
    durable: bool,
) -> Result<u64, Error> {
    let changed = begin(txn, writer)?;
    let journal = stretches(txn, writer)?;
    let plan = plan(txn, &changed, writer, journal.room());
    let commit = write(txn, writer, durable, &changed, &plan, journal)?;
    give_back(&txn.shared, writer);
    writer.show(&txn.shared);
    Ok(commit)
}

/// Commits what is changed in `txn` into free pages before page `end`, durably; `None` where there is not enough of them, and nothing was done.
pub(in crate::pagefile) fn commit_before(
    txn: &mut WriteTxn,
    writer: &mut Writer,
    end: u64,
) -> Result<Option<u64>, Error> {
    let changed = begin(txn, writer)?;
    let journal = stretches(txn, writer)?;
    let inline_len = inline_room(&txn.work, FEW, journal.room());
    let units = count(&txn.work, &txn.base.source, &changed, inline_len);
    let Some(placement) = pack(&units, &writer.free(), end, writer.file_pages) else {
        return Ok(None);
    };
    let plan = Plan {
        units,
        placement,
        inline_len,
    };
    let commit = write(txn, writer, true, &changed, &plan, journal)?;
    writer.show(&txn.shared);
    Ok(Some(commit))
}

/// Brings everything into the shape in which it is stored, and gives the buckets to store, in that order.
fn begin(txn: &mut WriteTxn, writer: &mut Writer) -> Result<Vec<usize>, Error> {
    txn.shared.refuse_poisoned()?;
    settle_found(&txn.shared, writer)?;
    writer.find_free(&txn.shared, &Snapshot::stored(&txn.base))?;
    // The records are written again once it is known where the buckets lie; they do not change their size.
    let changed = prepare(&mut txn.work, &txn.base.source)?;
    writer.release();
    Ok(changed)
}

fn write(
    txn: &mut WriteTxn,
    writer: &mut Writer,
    durable: bool,
    changed: &[usize],
    plan: &Plan,
    journal: NamedJournal,
) -> Result<u64, Error> {
    let shared = Arc::clone(&txn.shared);
    let page_size = u64::from(shared.medium.page_size);
    let commit = writer.highest + 1;
    let placement = &plan.placement;
    let bytes = plan.units.pages() * page_size;
    let before = writer.file_pages;
    let is_large = bytes > MOST_ONE_PHASE;
    // What a commit of many pages writes fills the file as far as it grows; a new stretch of the journal it does not fill.
    let is_filling = is_large || txn.base.logged.is_some();
    if is_filling && journal.taken.is_none() {
        writer.lengthen(&shared, placement.file_pages)?;
    } else {
        let grown = writer.grow(&shared, placement.file_pages, plan.units.pages());
        if let (Err(_), Some(run)) = (&grown, journal.taken) {
            writer.give_back(run);
        }
        grown?;
    }
    // Up to here nothing that anybody reads was written. The map grows with the file; readers keep the one that they have.
    let runs = placement.runs();
    let room = journal.room();
    let end_of = |end: u64, run: Run| end.max(run.start + run.pages);
    let end = runs.iter().copied().fold(0, end_of);
    let end = journal.named.runs().fold(end, end_of);
    let source = if txn.base.source.reaches(end) {
        txn.base.source.clone()
    } else {
        let before = Some(&txn.base.source);
        shared.medium.source(writer.file_pages, before)?
    };
    // What other states hold lies before this, too; they are why it may be more than this one needs.
    let pages = writer.used_until().max(end);

    // From here on a failure, or a panic of the storage, leaves nobody knows what in the file.
    shared.set_poisoned(true);
    // The runs of one commit say nothing about the pages of those before it that were not synced.
    let is_one_phase = durable
        && !writer.has_unsynced()
        && !shared.medium.two_phase
        && !is_large
        && runs.len() * RUN_LEN + plan.inline_len <= room;
    let buffer = mem::take(&mut writer.buffer);
    let mut out = Output::new(&shared, &source, commit, placement, is_one_phase, buffer);
    let is_inline = plan.inline_len > 0;
    let WriteTxn { work, base, .. } = txn;
    let stored = store_all(work, &base.source, changed, is_inline, commit, &mut out);
    let stored = stored.and_then(|directory| Ok((directory, out.finish()?)));
    let (directory, (runs_sum, buffer)) = match stored {
        Err(Error::Io { source, .. }) if writer.file_pages > before && is_full(&source) => {
            // Nobody reaches what was written.
            if let Some(run) = journal.taken {
                writer.give_back(run);
            }
            return Err(writer.shorten(&shared, before, source));
        }
        stored => stored?,
    };
    writer.buffer = buffer;
    let meta = Meta {
        page_size: shared.medium.page_size,
        commit,
        pages,
        directory,
        buckets: txn.work.opened.get(TOP).buckets,
        runs_sum,
        runs: if is_one_phase {
            runs.clone()
        } else {
            Vec::new()
        },
        journal: Arc::new(journal.named.clone()),
    };
    let mut freed = mem::take(&mut writer.log.freed);
    freed.append(&mut txn.work.freed);
    freed.extend(journal.dropped);
    // Whoever reads a state that is in the log holds the one before it, whose pages it has.
    let before = Snapshot::stored(&txn.base);
    if durable {
        if !is_one_phase {
            shared.sync()?;
        }
        let slot = 1 - writer.slot;
        shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
        shared.sync()?;
        writer.commit(&runs, freed, before);
        writer.made_durable(&shared, slot, &meta);
    } else {
        writer.commit(&runs, freed, before);
        writer.left_unsynced(&runs);
    }
    shared.set_poisoned(false);
    writer.highest = commit;
    if durable && journal.moves {
        // So no damage to one slot makes the file forget where its journal goes on.
        seal_with(&shared, writer, &meta.complete())?;
    }
    shared.publish(Arc::new(Snapshot::new(&meta, source)));
    Ok(commit)
}

/// The journal as a commit names it.
struct NamedJournal {
    named: Stretches,
    /// The run that was taken for a new stretch.
    taken: Option<Run>,
    dropped: Vec<Run>,
    /// Whether the commit moves its beginning, or names another stretch.
    moves: bool,
}

impl NamedJournal {
    /// What it leaves of the meta for runs and the tree of buckets, in bytes.
    fn room(&self) -> usize {
        ROOM - Stretches::len(self.named.list.len())
    }
}

/// Finds out what becomes of the journal, and a place for a new stretch of it.
fn stretches(txn: &mut WriteTxn, writer: &mut Writer) -> Result<NamedJournal, Error> {
    let before = &txn.base.journal;
    let Some(Moved {
        stretches,
        pages,
        is_optional,
    }) = txn.moved.take()
    else {
        return Ok(NamedJournal {
            named: Stretches::clone(before),
            taken: None,
            dropped: Vec::new(),
            moves: false,
        });
    };
    let mut named = stretches;
    let is_kept = |old: &Stretch| named.list.iter().any(|stretch| stretch.run == old.run);
    let dropped = before.list.iter().filter(|old| !is_kept(old));
    let dropped = dropped.map(|stretch| stretch.run).collect();
    let taken = match pages {
        0 => None,
        pages => match writer.take(&txn.shared, pages) {
            Err(Error::StorageFull { .. } | Error::MaxSize { .. }) if is_optional => None,
            taken => Some(taken?),
        },
    };
    // Groups are written into stretches only that both metas name, so the number of one of the log is forgotten by no crash.
    let number = named.is_log.then_some(writer.highest + 1);
    named.list.extend(taken.map(|run| match number {
        Some(number) => Stretch { number, run },
        None => Stretch::new(run),
    }));
    Ok(NamedJournal {
        named,
        taken,
        dropped,
        moves: true,
    })
}

/// Brings all trees to their last shape, and gives the buckets to store, in that order.
fn prepare(work: &mut Work, source: &Source) -> Result<Vec<usize>, Error> {
    let changed = work.opened.changed();
    let page_size = source.page_size as usize;
    for &at in &changed {
        put_records(work, source, at)?;
        let bucket = work.opened.get_mut(at);
        if let Some(root) = &mut bucket.root {
            let most = TIGHT.min(usize::from(bucket.fill)) * page_size / 100;
            tighten(root, most, page_size);
        }
    }
    Ok(changed)
}

/// The pages that a commit would write, and how many buckets are changed.
pub(in crate::pagefile) fn preview(work: &mut Work, source: &Source) -> Result<(u64, u64), Error> {
    let changed = prepare(work, source)?;
    let units = count(work, source, &changed, inline_room(work, FEW, ROOM));
    Ok((units.pages(), changed.len() as u64 - 1))
}

/// What a commit writes, and where.
struct Plan {
    units: Units,
    placement: Placement,
    /// The bytes of the tree of buckets in the meta; 0 where it has pages.
    inline_len: usize,
}

/// The bytes of the tree of buckets, if in so many bytes of the meta it leaves room for so many runs; else 0.
fn inline_room(work: &Work, runs: usize, room: usize) -> usize {
    let top = work.opened.get(TOP).root.as_ref();
    let len = top.and_then(inline_len).unwrap_or(0);
    if len <= room - runs * RUN_LEN { len } else { 0 }
}

/// Counts what is to be written.
fn count(work: &Work, source: &Source, changed: &[usize], inline_len: usize) -> Units {
    let page_size = source.page_size as usize;
    let mut units = Units::default();
    for &at in changed {
        let Some(root) = &work.opened.get(at).root else {
            continue;
        };
        if at != TOP {
            count_units(root, Life::Long, page_size, &mut units);
        } else if inline_len == 0 {
            count_units(root, Life::Short, page_size, &mut units);
        }
    }
    units
}

/// How many pieces a commit may go into before anything else is tried: a small one is not scattered page by page.
fn few(units: &Units) -> usize {
    let pages = usize::try_from(units.pages()).unwrap_or(usize::MAX);
    FEW.min(3 + pages / 16)
}

/// Chooses where the commit goes, and what is moved with it.
fn plan(txn: &mut WriteTxn, changed: &[usize], writer: &Writer, room: usize) -> Plan {
    let WriteTxn { work, base, .. } = txn;
    let source = &base.source;
    let free = writer.free();
    let file_pages = writer.file_pages;
    // A tree of buckets that leaves room for the runs of most commits lies in the meta.
    let mut inline_len = inline_room(work, FEW, room);
    let units = count(work, source, changed, inline_len);
    let placed = near_front(&units, &free, file_pages);
    let placed = placed.or_else(|| fit(&units, &free, few(&units), file_pages));
    let placed = placed.or_else(|| {
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
    move_leaves(work, source, changed, &units, writer.segments());
    if inline_len > room - MANY * RUN_LEN {
        inline_len = 0;
    }
    let units = count(work, source, changed, inline_len);
    let page_size = u64::from(source.page_size);
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
fn move_leaves(
    work: &mut Work,
    source: &Source,
    changed: &[usize],
    units: &Units,
    segments: &Segments,
) {
    let page_size = u64::from(source.page_size);
    let room = (MOST_ONE_PHASE / page_size).checked_sub(units.pages());
    // One for each page that will live long: with two, half of the bytes of a commit were theirs.
    let most = units.long.len() as u32;
    let most = room.map_or(most, |room| most.min(room as u32));
    let mut moves = Moves::default();
    let buckets = || changed.iter().copied().filter(|&at| at != TOP);
    for at in buckets() {
        if let Some(root) = &work.opened.get(at).root {
            moves.count(root, segments);
        }
    }
    moves.decide(most, FULLEST);
    for at in buckets() {
        if let Some(root) = &mut work.opened.get_mut(at).root {
            moves.mark(root, segments, source, &mut work.freed);
        }
    }
}

/// Stores all changed buckets, each before the one that it lies in, and gives where the tree of buckets is.
fn store_all(
    work: &mut Work,
    source: &Source,
    changed: &[usize],
    is_inline: bool,
    commit: u64,
    out: &mut dyn Pages,
) -> Result<Directory, Error> {
    for &at in changed {
        put_records(work, source, at)?;
        if at != TOP
            && let Some(root) = &mut work.opened.get_mut(at).root
        {
            store(root, Life::Long, source, out)?;
        }
    }
    let Some(root) = &mut work.opened.get_mut(TOP).root else {
        return Ok(Directory::Empty);
    };
    if is_inline && let Some(leaf) = inline(root, commit) {
        return Ok(Directory::Inline(leaf));
    }
    store(root, Life::Short, source, out).map(Directory::Stored)
}

/// Stores what is changed somewhere else than in the file, and gives where the tree of buckets is.
pub(in crate::pagefile) fn store_to(
    work: &mut Work,
    source: &Source,
    commit: u64,
    out: &mut dyn Pages,
) -> Result<Directory, Error> {
    let changed = prepare(work, source)?;
    let is_inline = inline_room(work, 0, ROOM) > 0;
    store_all(work, source, &changed, is_inline, commit, out)
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
