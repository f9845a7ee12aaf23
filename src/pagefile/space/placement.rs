//! Where the pages of a commit go: into few pieces, for each costs a syncing disk as much time as ten pages do, and into space that is there already.

use super::super::{meta::Run, tree::Units};
use super::extents::Extents;

/// A commit is laid into so many pieces of free space rather than that the file grows, or anything is moved.
pub(in crate::pagefile) const FEW: usize = 6;
/// The file grows for a commit of more pieces while less than one page in so many is free.
pub(in crate::pagefile) const FREE_SHARE: u64 = 3;
/// Most of the file is free where one page in so many is.
const MOSTLY: u64 = 2;
/// How many extents are looked at to find one near the front.
const FIRST: usize = 64;

/// Where a commit goes.
pub(in crate::pagefile) struct Placement {
    /// Runs for pages that will live long, in the order in which they are filled, each from its start.
    pub(in crate::pagefile) long: Vec<Run>,
    /// As `long`, for the others.
    pub(in crate::pagefile) short: Vec<Run>,
    /// How many pages the file must have for them.
    pub(in crate::pagefile) file_pages: u64,
}

impl Placement {
    /// All of it, ascending, what touches joined.
    pub(in crate::pagefile) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = self.long.iter().chain(&self.short).copied().collect();
        runs.sort_by_key(|run| run.start);
        runs.dedup_by(|next, run| {
            let touch = run.start + run.pages == next.start;
            if touch {
                run.pages += next.pages;
            }
            touch
        });
        runs
    }
}

fn sum(units: &[u32]) -> u64 {
    units.iter().map(|&pages| u64::from(pages)).sum()
}

/// Places all units in free space, in up to `most` pieces; `None` where that cannot be. O(pieces · log extents).
pub(in crate::pagefile) fn fit(
    units: &Units,
    free: &Extents,
    most: usize,
    file_pages: u64,
) -> Option<Placement> {
    let mut placement = Placement {
        long: Vec::new(),
        short: Vec::new(),
        file_pages,
    };
    let (long, short) = (sum(&units.long), sum(&units.short));
    if let Some(extent) = free.smallest_of(long + short) {
        let middle = extent.start + long;
        push(&mut placement.long, extent.start, long);
        push(&mut placement.short, middle, short);
        return Some(placement);
    }
    let mut free = free.clone();
    fill(&units.long, &mut free, most, &mut placement.long)?;
    let most = most - placement.long.len();
    fill(&units.short, &mut free, most, &mut placement.short)?;
    Some(placement)
}

/// Places all units in one of the first free extents, where most of the file is free: so that what is written often leaves the end of the file, which can
/// then be given back.
pub(in crate::pagefile) fn near_front(
    units: &Units,
    free: &Extents,
    file_pages: u64,
) -> Option<Placement> {
    if free.pages() * MOSTLY < file_pages {
        return None;
    }
    let (long, short) = (sum(&units.long), sum(&units.short));
    let mut first = free.iter().take(FIRST);
    let extent = first.find(|extent| extent.pages >= long + short)?;
    let mut placement = Placement {
        long: Vec::new(),
        short: Vec::new(),
        file_pages,
    };
    push(&mut placement.long, extent.start, long);
    push(&mut placement.short, extent.start + long, short);
    Some(placement)
}

/// Places units where nothing else than growing is left: the largest extents as far as they go, then the end of the file.
pub(in crate::pagefile) fn grow(
    units: &Units,
    free: &Extents,
    most: usize,
    file_pages: u64,
) -> Placement {
    let mut pieces = Vec::new();
    let mut rest = free.clone();
    // Free pages just before the end are used with it.
    let end = match free.last() {
        Some(last) if last.start + last.pages == file_pages => {
            rest.remove(last);
            last.start
        }
        _ => file_pages,
    };
    let mut missing = sum(&units.long) + sum(&units.short);
    for extent in rest.largest().take(most.saturating_sub(3)) {
        if missing == 0 {
            break;
        }
        missing = missing.saturating_sub(extent.pages);
        pieces.push(extent);
    }
    let mut placement = Placement {
        long: Vec::new(),
        short: Vec::new(),
        file_pages,
    };
    let mut end = end;
    let mut pieces = pieces.into_iter();
    for (units, runs) in [
        (&units.long, &mut placement.long),
        (&units.short, &mut placement.short),
    ] {
        let mut units = &units[..];
        while !units.is_empty() {
            let Some(piece) = pieces.next() else { break };
            let pages = take(&mut units, piece.pages);
            push(runs, piece.start, pages);
        }
        let pages = sum(units);
        push(runs, end, pages);
        end += pages;
    }
    placement.file_pages = file_pages.max(end);
    placement
}

/// Places each unit into the smallest extent before page `end` that holds it, so that large extents are left for large units; `None` where that cannot be.
/// O((extents + units) · log extents).
pub(in crate::pagefile) fn pack(
    units: &Units,
    free: &Extents,
    end: u64,
    file_pages: u64,
) -> Option<Placement> {
    let mut before = Extents::default();
    for run in free.iter().take_while(|run| run.start < end) {
        let pages = run.pages.min(end - run.start);
        before.insert(Run { pages, ..run });
    }
    let mut place = |units: &[u32]| {
        let mut runs: Vec<Run> = Vec::new();
        for &pages in units {
            let pages = u64::from(pages);
            let start = before.smallest_of(pages)?.start;
            before.remove(Run { start, pages });
            match runs.last_mut() {
                Some(last) if last.start + last.pages == start => last.pages += pages,
                _ => runs.push(Run { start, pages }),
            }
        }
        Some(runs)
    };
    Some(Placement {
        long: place(&units.long)?,
        short: place(&units.short)?,
        file_pages,
    })
}

/// Lays units into the extents that make the fewest pieces, and takes these.
fn fill(mut units: &[u32], free: &mut Extents, most: usize, runs: &mut Vec<Run>) -> Option<()> {
    let mut missing = sum(units);
    while !units.is_empty() {
        if runs.len() == most {
            return None;
        }
        let extent = free
            .smallest_of(missing)
            .or_else(|| free.largest().next())?;
        let pages = take(&mut units, extent.pages);
        if pages == 0 {
            return None;
        }
        missing -= pages;
        let start = extent.start;
        runs.push(Run { start, pages });
        free.remove(Run { start, pages });
    }
    Some(())
}

/// Takes the first of the units, as many as have room in so many pages, and gives their pages.
fn take(units: &mut &[u32], room: u64) -> u64 {
    let mut pages = 0;
    while let Some((&count, behind)) = units.split_first()
        && pages + u64::from(count) <= room
    {
        pages += u64::from(count);
        *units = behind;
    }
    pages
}

fn push(runs: &mut Vec<Run>, start: u64, pages: u64) {
    if pages > 0 {
        runs.push(Run { start, pages });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::extents::Extents, Placement, Run, Units, fit, grow};

    fn free(runs: &[(u64, u64)]) -> Extents {
        let mut extents = Extents::default();
        for &(start, pages) in runs {
            extents.insert(Run { start, pages });
        }
        extents
    }

    fn units(long: &[u32], short: &[u32]) -> Units {
        Units {
            long: long.to_vec(),
            short: short.to_vec(),
        }
    }

    type Pairs = Vec<(u64, u64)>;

    fn pairs(placement: &Placement) -> (Pairs, Pairs) {
        let pairs = |runs: &[Run]| runs.iter().map(|run| (run.start, run.pages)).collect();
        (pairs(&placement.long), pairs(&placement.short))
    }

    /// A commit goes into the smallest extent that holds all of it, long lives before short ones.
    #[test]
    fn smallest_sufficient_extent_is_taken() {
        let free = free(&[(2, 3), (10, 5), (20, 4)]);
        let placement = fit(&units(&[1, 2], &[1]), &free, 6, 100);
        let placement = placement.expect("there is room");
        assert_eq!(pairs(&placement), (vec![(20, 3)], vec![(23, 1)]));
        let runs = placement.runs();
        assert_eq!(
            runs,
            [Run {
                start: 20,
                pages: 4
            }]
        );
        assert_eq!(placement.file_pages, 100);
    }

    /// Where no extent holds all, each sequence takes the fewest pieces; no unit is torn apart, and no page given twice.
    #[test]
    fn pieces_are_few() {
        let free = free(&[(2, 3), (10, 5), (20, 4)]);
        let placement = fit(&units(&[2, 2, 2], &[1, 1, 1]), &free, 6, 100);
        let placement = placement.expect("there is room");
        assert_eq!(pairs(&placement), (vec![(10, 4), (2, 2)], vec![(20, 3)]));
        assert!(fit(&units(&[2, 2, 2], &[1, 1, 1]), &free, 2, 100).is_none());
        assert!(fit(&units(&[6], &[1]), &free, 6, 100).is_none());
    }

    /// A file that grows for a commit takes it side by side, free pages at its end included; or the largest extents first.
    #[test]
    fn file_grows() {
        let free = free(&[(2, 3), (10, 5), (98, 2)]);
        let units = units(&[2, 2, 2], &[3, 1]);
        let placement = grow(&units, &free, 0, 100);
        assert_eq!(pairs(&placement), (vec![(98, 6)], vec![(104, 4)]));
        assert_eq!(placement.file_pages, 108);
        let placement = grow(&units, &free, 5, 100);
        assert_eq!(pairs(&placement), (vec![(10, 4), (2, 2)], vec![(98, 4)]));
        assert_eq!(placement.file_pages, 102);
    }
}
