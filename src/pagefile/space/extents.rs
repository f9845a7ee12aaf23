//! Free space, as extents of pages in persistent maps: a clone is O(1), so a commit works on its own and throws it away when it fails.

use im::{OrdMap, OrdSet};

use super::super::meta::Run;

/// Pages that nothing reaches. No two extents touch: neighbours are joined.
#[derive(Clone, Default)]
pub(in crate::pagefile) struct Extents {
    /// First page to number of pages.
    by_start: OrdMap<u64, u64>,
    /// Number of pages and first page, but for extents of one page: most are such, and they come and go with each commit.
    by_size: OrdSet<(u64, u64)>,
    /// How many extents have one page.
    singles: u64,
    pages: u64,
}

impl Extents {
    /// How many pages are free.
    pub(in crate::pagefile) fn pages(&self) -> u64 {
        self.pages
    }

    /// Adds pages that are not in yet. O(log extents).
    pub(in crate::pagefile) fn insert(&mut self, run: Run) {
        if run.pages == 0 {
            return;
        }
        self.pages += run.pages;
        let (mut start, mut pages) = (run.start, run.pages);
        let end = start + pages;
        let before = self.by_start.get_prev(&start).map(|(s, p)| (*s, *p));
        if let Some((before_start, before_pages)) = before
            && before_start + before_pages == start
        {
            self.forget_size(before_start, before_pages);
            start = before_start;
            pages += before_pages;
        }
        if let Some(after_pages) = self.by_start.get(&end).copied() {
            self.by_start.remove(&end);
            self.forget_size(end, after_pages);
            pages += after_pages;
        }
        self.hold(start, pages);
    }

    /// Adds runs that are not in yet. O(runs · log extents).
    pub(in crate::pagefile) fn insert_all(&mut self, mut runs: Vec<Run>) {
        runs.sort_unstable_by_key(|run| run.start);
        let mut joined = Run { start: 0, pages: 0 };
        for run in runs {
            if joined.start + joined.pages == run.start {
                joined.pages += run.pages;
            } else {
                self.insert(joined);
                joined = run;
            }
        }
        self.insert(joined);
    }

    /// Takes pages out of the extent that holds all of them. O(log extents).
    pub(in crate::pagefile) fn remove(&mut self, run: Run) {
        let holder = self.by_start.get_prev(&run.start).map(|(s, p)| (*s, *p));
        let Some((start, pages)) = holder else { return };
        let (end, run_end) = (start + pages, run.start + run.pages);
        if run.pages == 0 || run_end > end {
            return;
        }
        self.forget_size(start, pages);
        self.pages -= run.pages;
        if start < run.start {
            self.hold(start, run.start - start);
        } else {
            self.by_start.remove(&start);
        }
        if run_end < end {
            self.hold(run_end, end - run_end);
        }
    }

    /// The smallest extent of at least `pages`, the first of its size. O(log extents), and for one page O(extents) where nearly none is so small.
    pub(in crate::pagefile) fn smallest_of(&self, pages: u64) -> Option<Run> {
        if pages <= 1 && self.singles > 0 {
            return self.iter().find(|run| run.pages == 1);
        }
        let (pages, start) = self.by_size.range((pages, 0)..).next()?;
        Some(Run {
            start: *start,
            pages: *pages,
        })
    }

    /// The extents, largest first.
    pub(in crate::pagefile) fn largest(&self) -> impl Iterator<Item = Run> + '_ {
        let larger = self.by_size.iter().rev().map(|(pages, start)| Run {
            start: *start,
            pages: *pages,
        });
        let singles = self.by_start.iter().rev().filter(|(_, pages)| **pages == 1);
        larger.chain(singles.map(|(start, pages)| Run {
            start: *start,
            pages: *pages,
        }))
    }

    /// The extent behind all others. O(log extents).
    pub(in crate::pagefile) fn last(&self) -> Option<Run> {
        let (start, pages) = self.by_start.get_max()?;
        Some(Run {
            start: *start,
            pages: *pages,
        })
    }

    /// The extents in the order of their place.
    pub(in crate::pagefile) fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.by_start.iter().map(|(start, pages)| Run {
            start: *start,
            pages: *pages,
        })
    }

    fn hold(&mut self, start: u64, pages: u64) {
        self.by_start.insert(start, pages);
        if pages == 1 {
            self.singles += 1;
        } else {
            self.by_size.insert((pages, start));
        }
    }

    fn forget_size(&mut self, start: u64, pages: u64) {
        if pages == 1 {
            self.singles -= 1;
        } else {
            self.by_size.remove(&(pages, start));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Extents, Run};

    proptest! {
        /// Whatever is freed and taken, the extents hold exactly the free pages, joined, in both orders.
        #[test]
        fn extents_are_the_set_of_free_pages(ops in prop::collection::vec((0u64..40, 1u64..8), 1..80)) {
            let mut extents = Extents::default();
            let mut model = BTreeSet::new();
            for (start, pages) in ops {
                let run = Run { start, pages };
                let range = start..start + pages;
                if range.clone().all(|page| model.contains(&page)) {
                    extents.remove(run);
                    range.for_each(|page| { model.remove(&page); });
                } else if range.clone().all(|page| !model.contains(&page)) {
                    extents.insert(run);
                    model.extend(range);
                }
                let held: Vec<u64> = extents.iter().flat_map(|run| run.start..run.start + run.pages).collect();
                prop_assert_eq!(&held, &model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(extents.pages(), model.len() as u64);
                let runs: Vec<Run> = extents.iter().collect();
                prop_assert!(runs.windows(2).all(|pair| pair[0].start + pair[0].pages < pair[1].start));
                let smallest = runs.iter().filter(|run| run.pages >= 3).min_by_key(|run| (run.pages, run.start));
                prop_assert_eq!(extents.last(), runs.last().copied());
                prop_assert_eq!(extents.smallest_of(3), smallest.copied());
                let smallest = runs.iter().min_by_key(|run| (run.pages, run.start));
                prop_assert_eq!(extents.smallest_of(1), smallest.copied());
                let mut by_size = runs.clone();
                by_size.sort_by_key(|run| std::cmp::Reverse((run.pages, run.start)));
                prop_assert_eq!(extents.largest().collect::<Vec<_>>(), by_size);
            }
        }
    }
}
