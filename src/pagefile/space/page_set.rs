//! A set of page numbers: one bit for each page of the file.

use super::super::meta::Run;

pub(in crate::pagefile) struct PageSet {
    words: Vec<u64>,
    pages: u64,
}

impl PageSet {
    /// An empty set of the numbers below `pages`.
    pub(in crate::pagefile) fn new(pages: u64) -> Self {
        let words = usize::try_from(pages.div_ceil(64)).unwrap_or(0);
        Self {
            words: vec![0; words],
            pages,
        }
    }

    fn place(page: u64) -> (usize, u64) {
        (
            usize::try_from(page / 64).unwrap_or(usize::MAX),
            1 << (page % 64),
        )
    }

    pub(in crate::pagefile) fn contains(&self, page: u64) -> bool {
        let (word, bit) = Self::place(page);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds a page; `false` where it was in the set, or cannot be.
    pub(in crate::pagefile) fn insert(&mut self, page: u64) -> bool {
        let (word, bit) = Self::place(page);
        match self.words.get_mut(word) {
            Some(word) if page < self.pages && *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    pub(in crate::pagefile) fn remove(&mut self, page: u64) {
        let (word, bit) = Self::place(page);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Adds pages side by side; `false` where one of them was in the set, or cannot be.
    pub(in crate::pagefile) fn insert_run(&mut self, run: Run) -> bool {
        let mut are_new = true;
        for page in run.start..run.start + run.pages {
            are_new &= self.insert(page);
        }
        are_new
    }

    /// Adds all pages of a set of the same size.
    pub(in crate::pagefile) fn merge(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// The pages from `first` on that are in the set, or those that are not, as runs.
    pub(in crate::pagefile) fn runs(
        &self,
        first: u64,
        inside: bool,
    ) -> impl Iterator<Item = Run> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let start = self.next(at, inside);
            let end = self.next(start, !inside);
            at = end;
            (start < end).then(|| Run {
                start,
                pages: end - start,
            })
        })
    }

    /// The first page from `at` on that is in the set, or is not; the end where there is none.
    fn next(&self, mut at: u64, inside: bool) -> u64 {
        // What there is none of in a word is skipped with it.
        let none = if inside { 0 } else { u64::MAX };
        while at < self.pages {
            let (word, _) = Self::place(at);
            if at.is_multiple_of(64) && self.words.get(word) == Some(&none) {
                at += 64;
            } else if self.contains(at) == inside {
                return at;
            } else {
                at += 1;
            }
        }
        self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::PageSet;

    /// The runs inside and outside of a set are its pages and the others, also across words and at the end.
    #[test]
    fn runs_cover_every_page_once() {
        let mut set = PageSet::new(300);
        for page in (0..70).chain(130..131).chain(192..256).chain(299..300) {
            assert!(set.insert(page));
        }
        assert!(!set.insert(5) && !set.insert(300));
        let runs = |inside| -> Vec<(u64, u64)> {
            set.runs(0, inside)
                .map(|run| (run.start, run.pages))
                .collect()
        };
        assert_eq!(runs(true), [(0, 70), (130, 1), (192, 64), (299, 1)]);
        assert_eq!(runs(false), [(70, 60), (131, 61), (256, 43)]);
    }
}
