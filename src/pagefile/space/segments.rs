//! How much of each stretch of the file is in use: where little is, it is worth to move that away.

use super::super::meta::Run;

/// The pages of a segment.
pub(in crate::pagefile) const SEGMENT: u64 = 32;

/// For each segment, how many of its pages the newest state does not reach.
#[derive(Default)]
pub(in crate::pagefile) struct Segments {
    spare: Vec<u8>,
}

impl Segments {
    /// Notes that the newest state does not reach these pages, or no longer. O(segments of the run).
    pub(in crate::pagefile) fn give(&mut self, run: Run) {
        self.each(run, |spare, pages| *spare += pages);
    }

    /// Notes that the newest state reaches these pages, which it did not before. O(segments of the run).
    pub(in crate::pagefile) fn take(&mut self, run: Run) {
        self.each(run, |spare, pages| *spare -= pages);
    }

    /// How many pages are in use in the segment of this page.
    pub(in crate::pagefile) fn used(&self, page: u64) -> u32 {
        let segment = usize::try_from(page / SEGMENT).unwrap_or(usize::MAX);
        let spare = self.spare.get(segment).copied().unwrap_or(0);
        SEGMENT as u32 - u32::from(spare)
    }

    fn each(&mut self, run: Run, mut change: impl FnMut(&mut u8, u8)) {
        let end = run.start + run.pages;
        let mut at = run.start;
        while at < end {
            let segment = usize::try_from(at / SEGMENT).unwrap_or(usize::MAX);
            let next = end.min((at / SEGMENT + 1) * SEGMENT);
            if segment >= self.spare.len() {
                self.spare.resize(segment + 1, 0);
            }
            change(&mut self.spare[segment], (next - at) as u8);
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Run, SEGMENT, Segments};

    /// Pages that are given and taken change the segments that they lie in, and no other.
    #[test]
    fn segments_count_what_is_used() {
        let mut segments = Segments::default();
        assert_eq!(segments.used(1000), 32);
        let run = |start, pages| Run { start, pages };
        segments.give(run(28, 4 + 32 + 1));
        let used = |segments: &Segments| [0, 1, 2, 3].map(|i| segments.used(i * SEGMENT));
        assert_eq!(used(&segments), [28, 0, 31, 32]);
        segments.take(run(31, 2));
        assert_eq!(used(&segments), [29, 1, 31, 32]);
    }
}
