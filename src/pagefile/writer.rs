//! What only the one writer knows: which pages are free, and which will be.

use std::{collections::VecDeque, io, sync::Arc};

use super::{
    Error,
    extents::Extents,
    meta::{Meta, Run, first_page},
    placement::FREE_SHARE,
    segments::Segments,
    shared::{Shared, Snapshot},
    stats::set,
    walk::Walk,
};

/// Growth is a share of the file up to this, in bytes.
const LARGEST_GROWTH: u64 = 16 << 20;
/// Growth is for so many commits, at most.
const COMMITS_AHEAD: u64 = 64;
/// The zeros of one write, in bytes.
const ZEROS: usize = 1 << 20;

/// Pages that a commit has freed, and the last state that reaches them.
struct Held {
    /// `None` for the state of the older meta at open, which nobody here reads.
    snapshot: Option<Arc<Snapshot>>,
    runs: Vec<Run>,
}

impl Held {
    fn is_read(&mut self) -> bool {
        // `get_mut` succeeds where this is the only share, and then everything that the readers did lies before what we do.
        self.snapshot
            .as_mut()
            .is_some_and(|snapshot| Arc::get_mut(snapshot).is_none())
    }
}

pub(super) struct Writer {
    /// `None` until the first write transaction walks the trees.
    free: Option<Extents>,
    /// How much of the file the newest state reaches, once `free` is known.
    segments: Segments,
    /// In the order of the commits. Of these, the last entry is reached by the older meta.
    held: VecDeque<Held>,
    held_pages: u64,
    /// The meta that is not the newest one, where it could still be used at the next open.
    older: Option<Meta>,
    /// The whole pages that the file has.
    pub(super) file_pages: u64,
    /// The slot of the newest meta: 0 or 1.
    pub(super) slot: u64,
    /// The highest commit number that was seen in any slot. A new commit takes a higher one, so that no page of it can be taken for one of a
    /// commit that was lost.
    pub(super) highest: u64,
    /// Whether both slots hold the newest state, and hold it as complete.
    pub(super) sealed: bool,
}

impl Writer {
    pub(super) fn new(file_pages: u64, slot: u64, highest: u64, older: Option<Meta>) -> Self {
        Self {
            free: None,
            segments: Segments::default(),
            held: VecDeque::new(),
            held_pages: 0,
            older,
            file_pages,
            slot,
            highest,
            sealed: false,
        }
    }

    /// Finds the free pages where that was not done: what neither meta reaches. O(pages of the trees), once for each open.
    pub(super) fn find_free(&mut self, shared: &Shared, newest: &Snapshot) -> Result<(), Error> {
        if self.free.is_some() {
            return Ok(());
        }
        let mut walk = Walk::new(&newest.source, newest.commit, self.file_pages);
        walk.state(&newest.directory, newest.buckets)?;
        let mut used = walk.into_seen();
        if let Some(meta) = &self.older {
            let mut source = newest.source.clone();
            source.pages = meta.pages;
            let mut walk = Walk::beyond(&source, meta.commit, self.file_pages, &used);
            // Where the older state is damaged, nothing can fall back to it; what of it was found is held for no use, which is harmless.
            if let Err(error @ Error::Io { .. }) = walk.state(&meta.directory, meta.buckets) {
                return Err(error);
            }
            let only_older = walk.into_seen();
            self.hold(None, only_older.runs(0, true).collect());
            self.older = None;
            used.merge(&only_older);
        }
        let mut free = Extents::default();
        let first = first_page(newest.source.page_size);
        for run in used.runs(first, false) {
            free.insert(run);
            self.segments.give(run);
        }
        self.free = Some(free);
        self.show(shared);
        Ok(())
    }

    fn hold(&mut self, snapshot: Option<Arc<Snapshot>>, runs: Vec<Run>) {
        for run in &runs {
            self.held_pages += run.pages;
            self.segments.give(*run);
        }
        self.held.push_back(Held { snapshot, runs });
    }

    /// The free pages, and with them those that have become free since.
    pub(super) fn free(&self) -> Extents {
        self.free.clone().unwrap_or_default()
    }

    /// Pages that the newest state does not need and that are not free.
    pub(super) fn held_runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.held.iter().flat_map(|held| held.runs.iter().copied())
    }

    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(super) fn held_pages(&self) -> u64 {
        self.held_pages
    }

    /// Frees what no reader and neither meta reaches. The last commit's pages stay: the older meta reaches them.
    pub(super) fn release(&mut self) {
        let Some(free) = &mut self.free else { return };
        while self.held.len() > 1 && !self.held[0].is_read() {
            let Some(held) = self.held.pop_front() else {
                return;
            };
            for run in held.runs {
                self.held_pages -= run.pages;
                free.insert(run);
            }
        }
    }

    /// After a commit: `runs` are no longer free, and `freed` is what `before` was the last to reach.
    pub(super) fn commit(&mut self, runs: &[Run], freed: Vec<Run>, before: Arc<Snapshot>) {
        if let Some(free) = &mut self.free {
            for run in runs {
                free.remove(*run);
                self.segments.take(*run);
            }
        }
        self.hold(Some(before), freed);
        self.sealed = false;
    }

    /// Makes the file at least `pages` long, for a commit of `commit_pages`. A full disk leaves it as it was; any other failure poisons.
    pub(super) fn grow(
        &mut self,
        shared: &Shared,
        pages: u64,
        commit_pages: u64,
    ) -> Result<(), Error> {
        if pages <= self.file_pages {
            return Ok(());
        }
        let page_size = u64::from(shared.medium.page_size);
        let least = shared.medium.grow_by;
        let most = LARGEST_GROWTH.max(least);
        let step = (self.file_pages * page_size / 8).clamp(least, most) / page_size;
        // A file of small commits uses again what they free, and needs little. And none is grown beyond what the next commits would grow it to.
        let free = self.free.as_ref().map_or(0, Extents::pages);
        let used = pages - free.min(pages);
        let full = used.saturating_add(used / (FREE_SHARE - 1));
        let step = step
            .min(commit_pages.saturating_mul(COMMITS_AHEAD))
            .min(full.saturating_sub(self.file_pages))
            .max(least / page_size);
        let wished = pages.max(self.file_pages.saturating_add(step));
        let grown = match self.write_zeros(shared, wished) {
            Err(error) if is_full(&error) && wished > pages => {
                self.write_zeros(shared, pages).map(|()| pages)
            }
            other => other.map(|()| wished),
        };
        let grown = grown.map_err(|source| {
            if is_full(&source) {
                let needed = (pages - self.file_pages) * page_size;
                Error::StorageFull { needed, source }
            } else {
                shared.set_poisoned(true);
                Error::io("grow")(source)
            }
        })?;
        let new = Run {
            start: self.file_pages,
            pages: grown - self.file_pages,
        };
        if let Some(free) = &mut self.free {
            free.insert(new);
            self.segments.give(new);
        }
        self.file_pages = grown;
        set(&shared.counters.file_bytes, grown * page_size);
        Ok(())
    }

    /// Zeros from the end of the file up to page `until`: written, not just reserved, for a sync into pages that were never written costs more.
    fn write_zeros(&self, shared: &Shared, until: u64) -> io::Result<()> {
        let page_size = u64::from(shared.medium.page_size);
        let start = self.file_pages * page_size;
        let end = until
            .checked_mul(page_size)
            .ok_or(io::ErrorKind::StorageFull)?;
        let zeros = vec![0; ZEROS.min(usize::try_from(end - start).unwrap_or(ZEROS))];
        let mut at = start;
        while at < end {
            let len = zeros.len().min(usize::try_from(end - at).unwrap_or(ZEROS));
            if let Err(error) = shared.write_raw(at, &zeros[..len]) {
                // Gives back what was taken. Where that fails too, the file only stays longer than it need be.
                let _ = shared.medium.storage.set_len(start);
                return Err(error);
            }
            at += len as u64;
        }
        Ok(())
    }

    pub(super) fn show(&self, shared: &Shared) {
        let free = self.free.as_ref().map_or(0, Extents::pages);
        set(&shared.counters.free_pages, free);
        set(&shared.counters.held_pages, self.held_pages);
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
