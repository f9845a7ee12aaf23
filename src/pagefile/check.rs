//! Checking a file.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    Damage, Error, Slot,
    inspect::{self, Paths, Place},
    meta::first_page,
    page_set::PageSet,
    shared::{Shared, Snapshot},
    walk::{Met, Walk},
    writer::Writer,
};

/// What a check has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The pages of the file, with those of the meta slots.
    pub pages: u64,
    /// Pages of branches.
    pub branch_pages: u64,
    /// Pages of leaves.
    pub leaf_pages: u64,
    /// Pages of values that lie in runs of their own.
    pub value_pages: u64,
    /// Pages of the journal.
    pub journal_pages: u64,
    /// Pages that the next commit may take.
    pub free_pages: u64,
    /// Pages that only older states reach.
    pub held_pages: u64,
    /// Buckets met.
    pub buckets: u64,
    /// Keys met in all buckets, but for those whose value cannot be read.
    pub rows: u64,
    /// What is wrong, up to a thousand things.
    pub problems: Vec<Error>,
    /// For those of the problems that are pages which can't be read: what is lost with them, by buckets.
    pub damage: Vec<Damage>,
    /// The meta slots as they lie in the file. One that is damaged, or whose commit is not complete, is no problem by itself: a crash in the midst of
    /// a commit leaves it, and the next commit writes it anew.
    pub slots: [Slot; 2],
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Checks the newest state: the trees that it lies in, with which what is in the log agrees. The writer is held off.
pub(super) fn check(
    shared: &Shared,
    writer: &mut Writer,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Error> {
    let slots = inspect::read_slots(&*shared.medium.storage)?;
    let snapshot = shared.snapshot();
    let newest = &*Snapshot::stored(&snapshot);
    let source = &newest.source;
    let (mut done, pages) = (0, writer.file_pages);
    let mut observe = |_: &Paths, _: Place, met: Met<'_>| {
        done += met.pages();
        progress(done, pages);
        ControlFlow::Continue(())
    };
    let mut walk = Walk::deep(source, newest.commit, pages).told_to(&mut observe);
    walk.state(&newest.directory, newest.buckets)?;
    let tally = walk.tally;
    let (mut seen, found) = walk.into_parts();
    let mut problems = found.problems;
    let mut report = Report {
        pages: writer.file_pages,
        branch_pages: tally.branch_pages,
        leaf_pages: tally.leaf_pages,
        value_pages: tally.value_pages,
        journal_pages: newest.journal.runs().map(|run| run.pages).sum(),
        free_pages: 0,
        held_pages: writer.held_pages(),
        buckets: tally.buckets,
        rows: tally.rows,
        problems: Vec::new(),
        damage: found.damage,
        slots,
    };
    // Where the trees are not sound, nothing can be said about what is free.
    if problems.is_empty() {
        writer.find_free(shared, newest)?;
        let free = writer.free();
        report.free_pages = free.pages();
        report.held_pages = writer.held_pages();
        for run in newest.journal.runs() {
            claim(&mut seen, run.start..run.start + run.pages, |page| {
                problems
                    .push(source.corrupted(page, "the journal lies in it, and it is reached too"));
            });
        }
        for run in free.iter().chain(writer.held_runs()) {
            claim(&mut seen, run.start..run.start + run.pages, |page| {
                problems
                    .push(source.corrupted(page, "it is free, and it is reached or free again"));
            });
        }
        for run in seen.runs(first_page(source.page_size), false) {
            problems.push(source.corrupted(run.start, "it is neither reached nor free"));
        }
    }
    if problems.is_empty() {
        let (came, went) = logged_rows(&snapshot)?;
        report.rows = (report.rows + came).saturating_sub(went);
    }
    report.problems = problems;
    Ok(report)
}

/// How many rows the buckets have that the log has changed, and how many their stored trees say.
fn logged_rows(snapshot: &Arc<Snapshot>) -> Result<(u64, u64), Error> {
    let Some(logged) = &snapshot.logged else {
        return Ok((0, 0));
    };
    let (mut now, mut before) = (0, 0);
    for (path, bucket) in logged.opened.below_top() {
        now += bucket.rows;
        let stored = logged.stored.top().bucket_at(path)?;
        before += stored.map_or(0, |bucket| bucket.len());
    }
    Ok((now, before))
}

fn claim(seen: &mut PageSet, pages: std::ops::Range<u64>, mut twice: impl FnMut(u64)) {
    for page in pages {
        if !seen.insert(page) {
            twice(page);
        }
    }
}
