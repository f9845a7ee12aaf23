//! The checksum of pages: XXH3-64, seed 0.

use twox_hash::XxHash3_64;

use super::field::put;

/// The checksum of a page, a run, or a meta slot.
pub(in crate::pagefile) fn of(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// The checksum over pages in a row, out of those of each of them: what a commit knows for the references to its pages need not be computed again.
#[derive(Clone, Copy, Default)]
pub(in crate::pagefile) struct Chain {
    sum: u64,
}

impl Chain {
    /// Adds a page by its checksum.
    pub(in crate::pagefile) fn add(&mut self, page: u64) {
        let mut link = [0; 16];
        put(&mut link, 0, &self.sum.to_le_bytes());
        put(&mut link, 8, &page.to_le_bytes());
        self.sum = of(&link);
    }

    pub(in crate::pagefile) fn sum(self) -> u64 {
        self.sum
    }
}
