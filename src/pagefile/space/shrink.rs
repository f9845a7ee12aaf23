//! Making a file smaller where it lies: what is near its end is moved into free space before it, and the end is given back.

use std::ops::ControlFlow;

use super::super::{
    Error, PageFile, ShrinkOptions, WriteTxn, opened::TOP, unsynced::make_durable, writer::Writer,
};
use super::{
    extents::Extents,
    survey::Survey,
    tail::{cut_sealed, seal},
};

/// What is looked for at once: memory for so many keys.
const MOST_PLACES: usize = 1 << 16;
/// Free pages that are left over, for the branches that a commit writes while those before are not free yet.
const SLACK: u64 = 8;

/// What shrinking a file has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shrunk {
    /// The length of the file before, in bytes.
    pub bytes_before: u64,
    /// Its length now.
    pub bytes_after: u64,
    /// Pages that were moved away from the end.
    pub pages_moved: u64,
    /// Commits that were made for it.
    pub commits: u64,
    /// Why it is not as short as was asked for; `None` where it is.
    pub held_back: Option<HeldBack>,
}

/// Why a file could not be made as short as was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeldBack {
    /// A read transaction holds a state that reaches to the end of the file, or a map that does. Once it is gone, commits and
    /// [`close`](PageFile::close) give the end back where it is [much](crate::pagefile::Stats::free_tail_pages); else shrink again.
    Reader {
        /// The oldest state that is read.
        commit: u64,
    },
    /// There is no free space before it that holds a value or a node of several pages, or other writers were quicker to take it.
    NoRoom,
    /// The caller ended it, or its commits were used up.
    Stopped,
}

impl PageFile {
    /// Makes the file smaller where it lies, with the default options. As [`shrink_with`](Self::shrink_with).
    ///
    /// ```
    /// use sapwood::pagefile::{Error, PageFile};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let file = PageFile::open(dir.path().join("state.sap"))?;
    /// file.update(|tx| {
    ///     tx.create_bucket("old")?.put("a", vec![0; 1_000_000])?;
    ///     tx.create_bucket("new")?.put("a", vec![1; 1_000_000])
    /// })?;
    /// file.update(|tx| tx.delete_bucket("old"))?;
    /// let shrunk = file.shrink()?;
    /// assert!(shrunk.bytes_after < 1_100_000 && shrunk.held_back.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`shrink_with`](Self::shrink_with).
    pub fn shrink(&self) -> Result<Shrunk, Error> {
        self.shrink_with(&ShrinkOptions::new(), |_| ControlFlow::Continue(()))
    }

    /// Moves what lies near the end of the file into free space before it, by commits of a bounded size, and then gives the end back. All commits that
    /// were not durable become so.
    ///
    /// Readers are not disturbed, and other write transactions get their turn between two commits. A reader that holds a state which reaches to the end holds
    /// the end back; this does not wait for it. `progress` is called after each commit with what was done so far, and can end it: the file is
    /// then shorter by what is free at its end already. A crash at any time leaves the file as it was read before, longer or shorter.
    ///
    /// Finding what is to be moved reads all branches and leaves, once or a few times. Each page that is moved is written once, with the branches above it. A
    /// commit takes one to three syncs, the end three.
    ///
    /// A file without any free page is made by [`compact`](Self::compact), which needs room for a copy.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Poisoned`], [`Error::Corrupted`], [`Error::Io`]. What was committed before stays.
    pub fn shrink_with(
        &self,
        options: &ShrinkOptions,
        progress: impl FnMut(&Shrunk) -> ControlFlow<()>,
    ) -> Result<Shrunk, Error> {
        // Finds the free pages, and refuses where nothing may be written.
        drop(self.begin_write()?);
        // It may lie at the end, and what it holds back is not free.
        let log_size = self.give_up_log()?;
        let shrunk = self.shrink_without_log(options, progress);
        self.resume_log(log_size);
        shrunk
    }

    fn shrink_without_log(
        &self,
        options: &ShrinkOptions,
        progress: impl FnMut(&Shrunk) -> ControlFlow<()>,
    ) -> Result<Shrunk, Error> {
        let bytes = self.stats().file_bytes;
        let mut shrinking = Shrinking {
            file: self,
            options,
            progress,
            last_reached: None,
            done: Shrunk {
                bytes_before: bytes,
                bytes_after: bytes,
                pages_moved: 0,
                commits: 0,
                held_back: None,
            },
        };
        while shrinking.pass()? {}
        shrinking.finish()
    }
}

struct Shrinking<'f, P> {
    file: &'f PageFile,
    options: &'f ShrinkOptions,
    progress: P,
    /// What the newest state reached before the last pass, if that looked at everything.
    last_reached: Option<u64>,
    done: Shrunk,
}

impl<P: FnMut(&Shrunk) -> ControlFlow<()>> Shrinking<'_, P> {
    fn step_pages(&self) -> u64 {
        let page_size = u64::from(self.file.shared.medium.page_size);
        (self.options.step / page_size).max(1)
    }

    /// Moves what lies behind the page where the file could end, and tells whether it is worth to look again.
    fn pass(&mut self) -> Result<bool, Error> {
        let commits = self.options.commits.saturating_sub(self.done.commits);
        let step = self.step_pages();
        let ends = self.with_writer(|file, writer| {
            settle(file, writer)?;
            let Some(reached) = writer.reached_until() else {
                return Ok(None);
            };
            let free = writer.free();
            let best = end_within(&free, reached, step, u64::MAX);
            // Half of what the commits write are the branches above, at worst.
            let budget = commits.saturating_mul(step) / 2;
            Ok(Some((
                reached,
                best,
                end_within(&free, reached, step, budget),
            )))
        })?;
        let Some((reached, best, end)) = ends else {
            return Ok(false);
        };
        if (reached - best).saturating_mul(100) <= reached * u64::from(self.options.spare) {
            return Ok(false);
        }
        if commits == 0 {
            self.done.held_back = Some(HeldBack::Stopped);
            return Ok(false);
        }
        if self.last_reached.is_some_and(|last| last <= reached) {
            self.done.held_back = Some(HeldBack::NoRoom);
            return Ok(false);
        }
        let survey = Survey::new(&self.file.shared.snapshot(), end, MOST_PLACES)?;
        self.last_reached = (survey.len() < MOST_PLACES).then_some(reached);
        if self.move_all(&survey, end)?.is_break() {
            self.done.held_back = Some(HeldBack::Stopped);
            return Ok(false);
        }
        Ok(true)
    }

    /// Moves what was found, as far as there is room before page `end`.
    fn move_all(&mut self, survey: &Survey, end: u64) -> Result<ControlFlow<()>, Error> {
        let mut at = 0;
        let step = self.step_pages();
        let mut most = usize::MAX;
        let mut is_settled = false;
        while at < survey.len() {
            if self.done.commits >= self.options.commits {
                return Ok(ControlFlow::Break(()));
            }
            let mut txn = self.file.begin_write()?;
            let batch = Batch::gather(&mut txn, survey, at, (most, step))?;
            if batch.places == 0 {
                at = batch.next;
                continue;
            }
            let freed = txn.work.freed.iter();
            let from_end = freed.filter(|run| run.start + run.pages > end);
            let moved = from_end.map(|run| run.pages).sum::<u64>();
            if txn.commit_before(end)?.is_some() {
                at = batch.next;
                most = most.saturating_mul(2);
                is_settled = false;
                self.done.commits += 1;
                self.done.pages_moved += moved;
                if (self.progress)(&self.done).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            } else if !is_settled {
                // What the commits before have replaced is not free yet.
                self.with_writer(settle)?;
                is_settled = true;
            } else if batch.places > 1 {
                most = batch.places / 2;
            } else {
                at = batch.next;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Gives back what is free at the end.
    fn finish(mut self) -> Result<Shrunk, Error> {
        let spare = u64::from(self.options.spare);
        let reader = self.with_writer(|file, writer| {
            let shared = &file.shared;
            settle(file, writer)?;
            let end = writer.used_until();
            let reached = writer.reached_until().unwrap_or(end);
            let mut is_held =
                end > reached || writer.held_pages().saturating_mul(100) > reached * spare;
            if end < writer.file_pages {
                if cut_sealed(shared, writer, end)? {
                    shared.set_poisoned(true);
                    shared.sync()?;
                    shared.set_poisoned(false);
                } else {
                    is_held = true;
                }
            }
            writer.show(shared);
            let newest = shared.snapshot().commit;
            Ok(is_held.then(|| writer.oldest_read().unwrap_or(newest)))
        })?;
        if self.done.held_back != Some(HeldBack::Stopped)
            && let Some(commit) = reader
        {
            self.done.held_back = Some(HeldBack::Reader { commit });
        }
        self.done.bytes_after = self.file.stats().file_bytes;
        Ok(self.done)
    }

    fn with_writer<R>(
        &self,
        act: impl FnOnce(&PageFile, &mut Writer) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let turn = self.file.shared.turn();
        self.file.shared.refuse_poisoned()?;
        act(self.file, &mut turn.writer())
    }
}

/// Makes everything free that no reader holds.
fn settle(file: &PageFile, writer: &mut Writer) -> Result<(), Error> {
    make_durable(&file.shared, writer)?;
    if writer.sealed {
        writer.release();
        return Ok(());
    }
    seal(&file.shared, writer)
}

/// What one commit moves.
struct Batch {
    /// How many places it brought into memory.
    places: usize,
    /// About how many pages it writes.
    pages: u64,
    /// The place to go on with.
    next: usize,
}

impl Batch {
    /// Takes places from one on, up to so many, or about so many pages.
    fn gather(
        txn: &mut WriteTxn,
        survey: &Survey,
        from: usize,
        (places, pages): (usize, u64),
    ) -> Result<Self, Error> {
        let mut batch = Self {
            places: 0,
            pages: 0,
            next: from,
        };
        while batch.next < survey.len() && batch.places < places && batch.pages < pages {
            let before = txn.work.freed.len();
            let source = &txn.base.source;
            let path = survey.path(batch.next);
            // A bucket that is gone has left its pages.
            if let Some(at) = txn.work.open_path(source, TOP, path)?
                && txn.work.relocate(source, at, survey.place(batch.next))?
            {
                batch.places += 1;
                let freed = txn.work.freed[before..].iter();
                batch.pages += freed.map(|run| run.pages).sum::<u64>();
            }
            batch.next += 1;
        }
        Ok(batch)
    }
}

/// The first page that the file could end before, if what lies behind it, up to page `reached`, were moved into what is free before it: with room for the branches of a
/// commit of `step` pages, and with no more than `budget` pages to move.
fn end_within(free: &Extents, reached: u64, step: u64, budget: u64) -> u64 {
    let mut extents: Vec<_> = free.iter().filter(|run| run.start < reached).collect();
    let mut room: u64 = extents.iter().map(|run| run.pages).sum();
    let mut end = reached;
    let mut moved = 0;
    loop {
        let extent = extents.pop();
        let used_from = extent.map_or(0, |extent| extent.start + extent.pages);
        let slack = SLACK + step.min(moved) / 8;
        let can = room.saturating_sub(slack + moved).min(budget - moved);
        let used = end - used_from;
        if used > can {
            return end - can;
        }
        moved += used;
        end = used_from;
        let Some(extent) = extent else { return end };
        let can = room.saturating_sub(slack + moved);
        if extent.pages > can {
            return end - can;
        }
        room -= extent.pages;
        end = extent.start;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::meta::Run, extents::Extents},
        SLACK, end_within,
    };

    /// The file ends where what lies behind has room before, and no page more is moved than is asked for.
    #[test]
    fn end_leaves_room_for_what_lies_behind() {
        let mut free = Extents::default();
        free.insert(Run {
            start: 10,
            pages: SLACK + 20,
        });
        let reached = 200;
        assert_eq!(end_within(&free, reached, 8, u64::MAX), 180);
        assert_eq!(end_within(&free, reached, 8, 5), 195);
        assert_eq!(end_within(&free, reached, 8, 0), 200);
        assert_eq!(end_within(&Extents::default(), reached, 8, 9), 200);
        // What is free near the end goes with it, and needs no room.
        free.insert(Run {
            start: 100,
            pages: 90,
        });
        let end = end_within(&free, reached, 8, u64::MAX);
        assert!(end < 100 && end > 10 + SLACK, "{end}");
    }
}
