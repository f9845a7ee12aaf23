//! Where the pages of a commit go: side by side if that can be had.

use super::{
    extents::Extents,
    meta::{MAX_RUNS, Run},
};

/// One of so many pages of the file must be free before a commit is laid in pieces; below that, the file grows. A scattered commit costs up to ten times as much time, growth costs space.
const SCATTER_SHARE: u64 = 2;

/// The runs of a commit, ascending, each filled from its start; and how many pages the file must have for them.
pub(super) struct Placement {
    pub(super) runs: Vec<Run>,
    pub(super) file_pages: u64,
}

/// Places units of `counts` pages each, none of them torn apart, in their order. `file_pages` is the length of the file.
pub(super) fn place(counts: &[u32], free: &Extents, file_pages: u64) -> Placement {
    let total = counts.iter().map(|&count| u64::from(count)).sum();
    if total == 0 {
        return Placement {
            runs: Vec::new(),
            file_pages,
        };
    }
    if let Some(extent) = free.smallest_of(total) {
        let run = Run {
            start: extent.start,
            pages: total,
        };
        return Placement {
            runs: vec![run],
            file_pages,
        };
    }
    // The end of the file can be made as long as it must be. Free pages just before it are used with it.
    let tail = free
        .last()
        .filter(|last| last.start + last.pages == file_pages);
    let end = tail.map_or(file_pages, |tail| tail.start);
    let mut pieces = Vec::new();
    if free.pages().saturating_mul(SCATTER_SHARE) >= file_pages {
        let mut missing = total;
        for extent in free.largest().filter(|extent| extent.start != end) {
            if missing == 0 || pieces.len() == MAX_RUNS - 1 {
                break;
            }
            missing = missing.saturating_sub(extent.pages);
            pieces.push(extent);
        }
        pieces.sort_by_key(|piece| piece.start);
    }
    let mut runs = Vec::new();
    let mut rest = counts;
    for piece in pieces {
        let mut pages = 0;
        while let Some((&count, behind)) = rest.split_first()
            && pages + u64::from(count) <= piece.pages
        {
            pages += u64::from(count);
            rest = behind;
        }
        if pages > 0 {
            let start = piece.start;
            runs.push(Run { start, pages });
        }
    }
    let pages = rest.iter().map(|&count| u64::from(count)).sum();
    if pages > 0 {
        runs.push(Run { start: end, pages });
    }
    Placement {
        runs,
        file_pages: file_pages.max(end + pages),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::extents::Extents, Run, place};

    fn free(runs: &[(u64, u64)]) -> Extents {
        let mut extents = Extents::default();
        for &(start, pages) in runs {
            extents.insert(Run { start, pages });
        }
        extents
    }

    fn runs(counts: &[u32], free: &Extents, file_pages: u64) -> (Vec<(u64, u64)>, u64) {
        let placement = place(counts, free, file_pages);
        let runs = placement.runs.iter().map(|run| (run.start, run.pages));
        (runs.collect(), placement.file_pages)
    }

    /// A commit goes into the smallest extent that holds all of it.
    #[test]
    fn smallest_sufficient_extent_is_taken() {
        let free = free(&[(2, 3), (10, 5), (20, 4)]);
        assert_eq!(runs(&[1, 2, 1], &free, 100), (vec![(20, 4)], 100));
    }

    /// With little free space the file grows, and free pages at its end are used.
    #[test]
    fn file_grows_where_little_is_free() {
        let free = free(&[(2, 3), (98, 2)]);
        assert_eq!(runs(&[4], &free, 100), (vec![(98, 4)], 102));
    }

    /// With much free space the pieces are used, and a unit is never torn apart.
    #[test]
    fn pieces_are_used_where_much_is_free() {
        let free = free(&[(2, 3), (10, 5)]);
        assert_eq!(
            runs(&[2, 2, 2, 2], &free, 16),
            (vec![(2, 2), (10, 4), (16, 2)], 18)
        );
    }
}
