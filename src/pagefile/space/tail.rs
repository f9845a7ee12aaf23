//! The end of the file, and giving it back where nobody needs it.
//!
//! To cut the file takes that no state which is read or which a meta leads to has a page behind the cut, that no meta says that the file is longer, and that no
//! map goes beyond: who reads an old state must not touch a page that is not there any more, not even one that a damaged page names. Then it makes
//! no difference whether a crash leaves the file as long as it was or shorter.

use std::sync::Arc;

use super::super::{
    Error,
    meta::{Meta, SLOT_DISTANCE},
    settle::settle_found,
    shared::{Shared, Snapshot},
    source::Source,
    writer::{Writer, growth_step},
};

/// The free end of the file is given back where it is at least one page in so many.
const SHARE: u64 = 4;
/// And where it was that after so many commits in a row: a file that needs the space every now and then keeps it.
const CALM: u32 = 64;

/// Commits in a row that left so much free at the end of the file that it may be given back.
#[derive(Clone, Copy, Default)]
pub(in crate::pagefile) struct Calm {
    commits: u32,
    /// The most pages that the file needed after any of them.
    needed: u64,
}

/// Where the file may be cut that needs so many pages, if that is worth it. A step of growth is left, so that it does not grow again at once: between a cut and the next one
/// lie commits that have filled a step, and others that have freed it.
fn worthy_end(shared: &Shared, writer: &Writer, needed: u64) -> Option<u64> {
    let medium = &shared.medium;
    let kept = growth_step(medium, needed).max(1);
    let least = medium.min_size.div_ceil(u64::from(medium.page_size));
    let end = least.max(needed + kept);
    let is_much = (writer.file_pages - needed).saturating_mul(SHARE) >= writer.file_pages;
    (is_much && end + kept <= writer.file_pages).then_some(end)
}

/// After a commit: cuts the file where much of its end has been free for long. Nothing is synced for it. Where it cannot be, the file stays as it is.
pub(in crate::pagefile) fn give_back(shared: &Shared, writer: &mut Writer) {
    let needed = writer.needed_until(&shared.stored());
    let calm = Calm {
        commits: writer.calm.commits.saturating_add(1),
        needed: writer.calm.needed.max(needed),
    };
    let Some(end) = worthy_end(shared, writer, calm.needed) else {
        writer.calm = Calm::default();
        return;
    };
    writer.calm = calm;
    if calm.commits < CALM {
        return;
    }
    if shared.medium.maps.end_at(end) {
        // It is no failure of the commit, which is done; and the file is only longer than it need be.
        let _ = writer.cut(shared, end);
        writer.calm = Calm::default();
    } else if shared.stored().source.reaches(end + 1) {
        // Those who begin to read from now on have a shorter map. The longer ones will be gone at one of the next commits.
        let _ = shorten_map(shared, writer, end);
    }
}

/// Puts a snapshot in the place of the current one whose map ends with page `end`.
fn shorten_map(shared: &Shared, writer: &mut Writer, end: u64) -> Result<(), Error> {
    let current = shared.stored();
    let source = shared.medium.source(end, Some(&current.source))?;
    replace(shared, writer, &current.complete_meta(), source);
    Ok(())
}

fn replace(shared: &Shared, writer: &mut Writer, meta: &Meta, source: Source) {
    let before = shared.replace(Arc::new(Snapshot::new(meta, source)));
    writer.replaced(before);
}

/// Writes the newest state, which must be durable, as complete into the slot that does not hold it, with as few pages as it has. One sync. Then no meta leads
/// to an older state.
pub(in crate::pagefile) fn seal(shared: &Shared, writer: &mut Writer) -> Result<(), Error> {
    settle_found(shared, writer)?;
    let meta = sealing_meta(shared, writer);
    seal_with(shared, writer, &meta)
}

/// As [`seal`], with this meta, which is that of the newest state.
pub(in crate::pagefile) fn seal_with(
    shared: &Shared,
    writer: &mut Writer,
    meta: &Meta,
) -> Result<(), Error> {
    // Should this write be torn, the newest meta is still there, in its own slot.
    write_meta(shared, 1 - writer.slot, meta)?;
    writer.sealed_other(meta.pages);
    writer.release();
    Ok(())
}

/// After [`seal`]: makes the file end before page `end`, and tells whether; no, where somebody reads through a longer map. Nothing behind `end` may be
/// read. One or two syncs, or none.
pub(in crate::pagefile) fn cut_sealed(
    shared: &Shared,
    writer: &mut Writer,
    end: u64,
) -> Result<bool, Error> {
    let meta = sealing_meta(shared, writer);
    let source = shared.medium.source(end, Some(&shared.stored().source))?;
    replace(shared, writer, &meta, source);
    writer.release();
    if !shared.medium.maps.end_at(end) {
        return Ok(false);
    }
    // Both hold the newest state by now, so while one is written the other stands.
    let (own, other) = writer.meta_pages();
    if other > meta.pages {
        write_meta(shared, 1 - writer.slot, &meta)?;
        writer.sealed_other(meta.pages);
    }
    if own > meta.pages {
        write_meta(shared, writer.slot, &meta)?;
        writer.sealed_own(meta.pages);
    }
    writer.cut(shared, end).map(|()| true)
}

/// After [`seal`], when the file is closed: cuts it where that is worth it.
pub(in crate::pagefile) fn give_back_closing(
    shared: &Shared,
    writer: &mut Writer,
) -> Result<(), Error> {
    match worthy_end(shared, writer, writer.used_until()) {
        Some(end) => cut_sealed(shared, writer, end).map(drop),
        None => Ok(()),
    }
}

fn sealing_meta(shared: &Shared, writer: &Writer) -> Meta {
    let meta = shared.stored().complete_meta();
    Meta {
        pages: writer.reached_until().unwrap_or(meta.pages),
        ..meta
    }
}

fn write_meta(shared: &Shared, slot: u64, meta: &Meta) -> Result<(), Error> {
    shared.refuse_poisoned()?;
    shared.set_poisoned(true);
    shared.write(slot * SLOT_DISTANCE, &meta.encode())?;
    shared.sync()?;
    shared.set_poisoned(false);
    Ok(())
}
