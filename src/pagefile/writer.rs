//! What only the one writer knows: which pages are free, and which will be.

use std::{
    collections::{HashSet, VecDeque},
    io,
    sync::Arc,
};

use super::{
    Error,
    extents::Extents,
    log::Log,
    meta::{Meta, Run, first_page},
    open::Found,
    placement::FREE_SHARE,
    segments::Segments,
    settle::Settled,
    shared::{Medium, Shared, Snapshot},
    stats::set,
    storage::PIECE,
    tail::Calm,
    walk::Walk,
};

/// Growth is a share of the file up to this, in bytes.
const LARGEST_GROWTH: u64 = 16 << 20;
/// So much at once, in bytes, where the commit itself does not need more: no commit shall have to wait for much.
const MOST_AT_ONCE: u64 = 2 << 20;
/// Growth is for so many commits, at most.
const COMMITS_AHEAD: u64 = 64;

/// Pages that a commit has freed, and the last state that reaches them.
struct Held {
    /// The number of that state.
    commit: u64,
    /// `None` for the state of the older meta at open, which nobody here reads.
    snapshot: Option<Arc<Snapshot>>,
    runs: Vec<Run>,
    /// Of commits since the newest durable one: no meta reaches them.
    unsynced: Vec<Run>,
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
    /// In the order of the commits: what somebody may read.
    held: VecDeque<Held>,
    /// In the order of the commits: what nobody reads, but a meta may reach, with the number of the last state that reaches it.
    kept: VecDeque<(u64, Vec<Run>)>,
    held_pages: u64,
    /// The meta that is not the newest one, where it could still be used at the next open.
    older: Option<Meta>,
    /// The states of the newest and of the older meta.
    durable: u64,
    older_durable: u64,
    /// How many pages the metas say there are: the newest one, and the other.
    meta_pages: (u64, u64),
    /// The pages that commits have taken since the newest durable one.
    unsynced: HashSet<u64>,
    has_unsynced: bool,
    /// The oldest state that somebody reads, as far as pages are held for it.
    oldest_read: Option<u64>,
    /// The whole pages that the file has.
    pub(super) file_pages: u64,
    /// The slot of the newest meta: 0 or 1.
    pub(super) slot: u64,
    /// The highest commit number that was seen in any slot. A new commit takes a higher one, so that no page of it can be taken for one of a
    /// commit that was lost.
    pub(super) highest: u64,
    /// Whether both slots hold the newest state, and hold it as complete.
    pub(super) sealed: bool,
    pub(super) settled: Settled,
    pub(super) calm: Calm,
    /// Memory for the pages of a commit, kept for the next one.
    pub(super) buffer: Vec<u8>,
    pub(super) log: Log,
}

impl Writer {
    pub(super) fn new(file_pages: u64, found: Found) -> Self {
        let Found {
            newest,
            older,
            slot,
            highest,
            ..
        } = found;
        Self {
            free: None,
            segments: Segments::default(),
            held: VecDeque::new(),
            kept: VecDeque::new(),
            held_pages: 0,
            durable: newest.commit,
            older_durable: older.as_ref().map_or(newest.commit, |older| older.commit),
            meta_pages: (newest.pages, found.other_pages),
            older,
            unsynced: HashSet::new(),
            has_unsynced: false,
            oldest_read: None,
            file_pages,
            slot,
            highest,
            sealed: found.sealed,
            // Whoever made a new file has synced it.
            settled: if found.sealed && newest.commit == 0 {
                Settled::Is
            } else {
                Settled::Not {
                    has_lost: highest > newest.commit,
                }
            },
            calm: Calm::default(),
            buffer: Vec::new(),
            log: Log::default(),
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
        for run in newest.journal.runs() {
            if !used.insert_run(run) {
                let reason = "the journal lies in it, and it is reached too";
                return Err(newest.source.corrupted(run.start, reason));
            }
        }
        if let Some(meta) = self.older.take() {
            let mut source = newest.source.clone();
            source.pages = meta.pages;
            let mut walk = Walk::beyond(&source, meta.commit, self.file_pages, &used);
            // Where the older state is damaged, nothing can fall back to it; what of it was found is held for no use, which is harmless.
            if let Err(error @ Error::Io { .. }) = walk.state(&meta.directory, meta.buckets) {
                return Err(error);
            }
            let mut only_older = walk.into_seen();
            for page in meta
                .journal
                .runs()
                .flat_map(|run| run.start..run.start + run.pages)
            {
                if !used.contains(page) {
                    only_older.insert(page);
                }
            }
            self.hold(meta.commit, None, only_older.runs(0, true).collect());
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

    fn hold(&mut self, commit: u64, snapshot: Option<Arc<Snapshot>>, freed: Vec<Run>) {
        for run in &freed {
            self.held_pages += run.pages;
            self.segments.give(*run);
        }
        // A run was taken by one commit, all of it.
        let is_unsynced = |run: &Run| self.unsynced.contains(&run.start);
        let (unsynced, runs) = freed.into_iter().partition(is_unsynced);
        self.held.push_back(Held {
            commit,
            snapshot,
            runs,
            unsynced,
        });
    }

    /// The free pages, and with them those that have become free since.
    pub(super) fn free(&self) -> Extents {
        self.free.clone().unwrap_or_default()
    }

    /// Pages that the newest state does not need and that are not free.
    pub(super) fn held_runs(&self) -> impl Iterator<Item = Run> + '_ {
        let held = self.held.iter();
        let held = held.flat_map(|held| held.runs.iter().chain(&held.unsynced));
        let kept = self.kept.iter().flat_map(|(_, runs)| runs);
        held.chain(kept).copied()
    }

    pub(super) fn segments(&self) -> &Segments {
        &self.segments
    }

    pub(super) fn held_pages(&self) -> u64 {
        self.held_pages
    }

    /// Frees what no reader and neither meta reaches.
    pub(super) fn release(&mut self) {
        let Some(free) = &mut self.free else { return };
        let mut give = |runs: Vec<Run>| {
            self.held_pages -= runs.iter().map(|run| run.pages).sum::<u64>();
            free.insert_all(runs);
        };
        while let Some(first) = self.held.front_mut()
            && !first.is_read()
        {
            give(std::mem::take(&mut first.unsynced));
            let runs = std::mem::take(&mut first.runs);
            self.kept.push_back((first.commit, runs));
            self.held.pop_front();
        }
        self.oldest_read = self.held.front().map(|held| held.commit);
        while let Some((commit, runs)) = self.kept.front_mut()
            && *commit < self.older_durable
        {
            give(std::mem::take(runs));
            self.kept.pop_front();
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
        self.hold(before.commit, Some(before), freed);
        self.sealed = false;
    }

    /// After a commit that was not synced and took `runs`.
    pub(super) fn left_unsynced(&mut self, runs: &[Run]) {
        self.has_unsynced = true;
        let pages = runs.iter().flat_map(|run| run.start..run.start + run.pages);
        self.unsynced.extend(pages);
    }

    /// Whether there are commits since the newest durable one.
    pub(super) fn has_unsynced(&self) -> bool {
        self.has_unsynced
    }

    /// The newest meta is this one now, in `slot`.
    pub(super) fn made_durable(&mut self, shared: &Shared, slot: u64, meta: &Meta) {
        let commit = meta.commit;
        self.slot = slot;
        self.older_durable = self.durable;
        self.durable = commit;
        self.meta_pages = (meta.pages, self.meta_pages.0);
        self.unsynced.clear();
        self.has_unsynced = false;
        set(&shared.counters.durable_commit, commit);
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// Makes the file at least `pages` long, for a commit of `commit_pages`. A full disk leaves it as it was, and so does its maximum; any other failure
    /// poisons.
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
        let step = growth_step(&shared.medium, self.file_pages);
        // A file of small commits uses again what they free, and needs little. And none is grown beyond what the next commits would grow it to.
        let free = self.free.as_ref().map_or(0, Extents::pages);
        let used = pages - free.min(pages);
        let full = used.saturating_add(used / (FREE_SHARE - 1));
        let step = step
            .min(MOST_AT_ONCE / page_size)
            .min(commit_pages.saturating_mul(COMMITS_AHEAD))
            .min(full.saturating_sub(self.file_pages))
            .max(least / page_size);
        let max = most_pages(shared, pages)?;
        let wished = pages.max(self.file_pages.saturating_add(step));
        let wished = wished.min(max);
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
        self.has_grown(shared, grown);
        Ok(())
    }

    /// Makes the file at least `pages` long, for a commit that fills with its own pages what comes new, so that zeros would be written for nothing. Where
    /// the disk is full, it is only this that notices.
    pub(super) fn lengthen(&mut self, shared: &Shared, pages: u64) -> Result<(), Error> {
        if pages <= self.file_pages {
            return Ok(());
        }
        most_pages(shared, pages)?;
        let len = pages * u64::from(shared.medium.page_size);
        match shared.medium.storage.set_len(len) {
            Err(source) if is_full(&source) => Err(self.shorten(shared, self.file_pages, source)),
            Err(source) => {
                shared.set_poisoned(true);
                Err(Error::io("grow")(source))
            }
            Ok(()) => {
                self.has_grown(shared, pages);
                Ok(())
            }
        }
    }

    /// Gives back what the file was made longer by, for the disk is full: nothing that anybody reaches was written. Gives the error to tell of it.
    pub(super) fn shorten(&mut self, shared: &Shared, pages: u64, source: io::Error) -> Error {
        let page_size = u64::from(shared.medium.page_size);
        let needed = (self.file_pages - pages) * page_size;
        // Where that fails, the file only stays longer than it need be.
        let _ = shared.medium.storage.set_len(pages * page_size);
        let new = Run {
            start: pages,
            pages: self.file_pages - pages,
        };
        if let Some(free) = &mut self.free {
            free.remove(new);
            self.segments.take(new);
        }
        self.file_pages = pages;
        set(&shared.counters.file_bytes, pages * page_size);
        shared.set_poisoned(false);
        Error::StorageFull { needed, source }
    }

    fn has_grown(&mut self, shared: &Shared, pages: u64) {
        let new = Run {
            start: self.file_pages,
            pages: pages - self.file_pages,
        };
        if let Some(free) = &mut self.free {
            free.insert(new);
            self.segments.give(new);
        }
        self.file_pages = pages;
        let bytes = pages * u64::from(shared.medium.page_size);
        set(&shared.counters.file_bytes, bytes);
    }

    /// Zeros from the end of the file up to page `until`: written, not just reserved, for a sync into pages that were never written costs more.
    fn write_zeros(&self, shared: &Shared, until: u64) -> io::Result<()> {
        let page_size = u64::from(shared.medium.page_size);
        let start = self.file_pages * page_size;
        let end = until
            .checked_mul(page_size)
            .ok_or(io::ErrorKind::StorageFull)?;
        let zeros = vec![0; PIECE];
        let mut at = start;
        while at < end {
            let len = PIECE - usize::try_from(at % PIECE as u64).unwrap_or_default();
            let len = len.min(usize::try_from(end - at).unwrap_or(len));
            if let Err(error) = shared.write_raw(at, &zeros[..len]) {
                // Gives back what was taken. Where that fails too, the file only stays longer than it need be.
                let _ = shared.medium.storage.set_len(start);
                return Err(error);
            }
            at += len as u64;
        }
        Ok(())
    }

    /// Where the free end of the file begins: no state that is read or that a meta leads to has this page, or one behind it.
    pub(super) fn used_until(&self) -> u64 {
        let free = self.free.as_ref();
        free.map_or(self.file_pages, |free| free_end(free, self.file_pages))
    }

    /// Behind which page the newest state has none; `None` until the free pages are known. O(held runs).
    pub(super) fn reached_until(&self) -> Option<u64> {
        let mut idle = self.free.clone()?;
        for run in self.held_runs() {
            idle.insert(run);
        }
        Some(free_end(&idle, self.file_pages))
    }

    /// What the file must hold so that every state is in it that is read or that a meta leads to, and that is as long as these metas say.
    pub(super) fn needed_until(&self, newest: &Snapshot) -> u64 {
        let (newest_meta, other_meta) = self.meta_pages;
        let pages = newest.source.pages.max(newest_meta).max(other_meta);
        pages.max(self.used_until())
    }

    /// The slot that is not that of the newest meta holds the newest state too, as complete, and says that it has so many pages.
    pub(super) fn sealed_other(&mut self, pages: u64) {
        self.older_durable = self.durable;
        self.meta_pages.1 = pages;
        self.sealed = true;
    }

    /// The slot of the newest meta holds it as complete, and says that it has so many pages.
    pub(super) fn sealed_own(&mut self, pages: u64) {
        self.meta_pages.0 = pages;
    }

    /// How many pages the metas say there are: the newest one, and the other.
    pub(super) fn meta_pages(&self) -> (u64, u64) {
        self.meta_pages
    }

    /// The snapshot `before` has been replaced by another one of the same state: who reads it holds that state as well.
    pub(super) fn replaced(&mut self, before: Arc<Snapshot>) {
        self.hold(before.commit, Some(before), Vec::new());
    }

    /// The oldest state that somebody reads and that was not the newest at the last release.
    pub(super) fn oldest_read(&self) -> Option<u64> {
        self.oldest_read
    }

    /// Makes the file end before page `until`, behind which nothing is needed and nothing mapped. Not synced: nothing depends on it.
    pub(super) fn cut(&mut self, shared: &Shared, until: u64) -> Result<(), Error> {
        let page_size = u64::from(shared.medium.page_size);
        let storage = &shared.medium.storage;
        let outcome = storage.set_len(until * page_size);
        let mut pages = until;
        if outcome.is_err() {
            // It may have been done all the same.
            let len = storage.len();
            if len.is_err() {
                shared.set_poisoned(true);
            }
            let left = len.map_or(self.file_pages, |len| len / page_size);
            pages = left.clamp(until, self.file_pages);
        }
        let gone = Run {
            start: pages,
            pages: self.file_pages - pages,
        };
        if let Some(free) = &mut self.free {
            free.remove(gone);
            self.segments.take(gone);
        }
        self.file_pages = pages;
        set(&shared.counters.file_bytes, pages * page_size);
        outcome.map_err(Error::io("shorten"))
    }

    /// Takes pages side by side, for something that is not written by the commit itself.
    pub(super) fn take(&mut self, shared: &Shared, pages: u64) -> Result<Run, Error> {
        let fits = |writer: &Self| writer.free().smallest_of(pages);
        if fits(self).is_none() {
            let last = self.free().last();
            let at_end = last.filter(|last| last.start + last.pages == self.file_pages);
            let missing = pages - at_end.map_or(0, |last| last.pages);
            self.grow(shared, self.file_pages.saturating_add(missing), missing)?;
        }
        let Some(extent) = fits(self) else {
            unreachable!("the file has grown by what was missing")
        };
        let run = Run {
            start: extent.start,
            pages,
        };
        if let Some(free) = &mut self.free {
            free.remove(run);
            self.segments.take(run);
        }
        Ok(run)
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back(&mut self, run: Run) {
        if let Some(free) = &mut self.free {
            free.insert(run);
            self.segments.give(run);
        }
    }

    pub(super) fn show(&self, shared: &Shared) {
        let free = self.free.as_ref().map_or(0, Extents::pages);
        set(&shared.counters.free_pages, free);
        let tail = self.file_pages - self.used_until();
        set(&shared.counters.free_tail_pages, tail);
        set(&shared.counters.held_pages, self.held_pages);
        let oldest = self.oldest_read.map_or(0, |commit| commit + 1);
        set(&shared.counters.oldest_read, oldest);
    }
}

/// What a file of so many pages grows by, in pages, where nothing speaks for less.
pub(super) fn growth_step(medium: &Medium, file_pages: u64) -> u64 {
    let page_size = u64::from(medium.page_size);
    let least = medium.grow_by;
    let most = LARGEST_GROWTH.max(least);
    (file_pages * page_size / 8).clamp(least, most) / page_size
}

/// Where the extent begins that ends with the file; the end where there is none.
fn free_end(free: &Extents, file_pages: u64) -> u64 {
    match free.last() {
        Some(last) if last.start + last.pages == file_pages => last.start,
        _ => file_pages,
    }
}

/// The most pages that the file may have, if these are not more.
fn most_pages(shared: &Shared, pages: u64) -> Result<u64, Error> {
    let page_size = u64::from(shared.medium.page_size);
    let max = shared.medium.max_size;
    if pages > max / page_size {
        let needed = pages.saturating_mul(page_size);
        return Err(Error::MaxSize { max, needed });
    }
    Ok(max / page_size)
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
