//! The checksum of pages: XXH3-64, seed 0.

use twox_hash::XxHash3_64;

/// The checksum of a page, a run, or a meta slot.
pub(super) fn of(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// The checksum over pages in a row: each page is hashed with the checksum so far as its seed. So it does not matter in what pieces they come.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    sum: u64,
    page_size: usize,
}

impl Chain {
    pub(super) fn new(page_size: usize) -> Self {
        Self { sum: 0, page_size }
    }

    /// Adds whole pages.
    pub(super) fn add(&mut self, pages: &[u8]) {
        for page in pages.chunks(self.page_size) {
            self.sum = XxHash3_64::oneshot_with_seed(self.sum, page);
        }
    }

    pub(super) fn sum(self) -> u64 {
        self.sum
    }
}
