//! Large pieces of memory from the system, on huge memory pages where it has them.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

use memmap2::{MmapMut, MmapOptions};

/// Bytes of a region: a huge memory page. Regions begin at multiples of it.
pub(super) const REGION: usize = 2 * 1024 * 1024;
/// Bytes of a page: many blocks of each size, and few of them unused in a small database.
pub(super) const PAGE: usize = 64 * 1024;
/// Pages in a region.
pub(super) const PAGES: u32 = (REGION / PAGE) as u32;
/// A bit for each page of a region.
pub(super) const ALL_PAGES: u32 = u32::MAX >> (32 - PAGES);

/// A region of zeros, unmapped when this is dropped.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) base: NonNull<u8>,
    _memory: MmapMut,
}

impl Region {
    /// Maps one. `huge` asks for a huge page, which is filled with zeros as a whole when it is first touched: not for a small database.
    pub(super) fn map(huge: bool) -> Self {
        // As much again, so that an aligned region lies in it; what is not touched takes no memory.
        let mapped = MmapOptions::new().len(2 * REGION).map_anon();
        let Ok(mut memory) = mapped else { exhausted() };
        #[cfg(target_os = "linux")]
        if huge {
            // A hint; without it all is the same but slower.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        let _ = huge;
        let start = memory.as_mut_ptr();
        let gap = start.addr().next_multiple_of(REGION) - start.addr();
        let Some(base) = NonNull::new(start.wrapping_add(gap)) else {
            exhausted()
        };
        Self {
            base,
            _memory: memory,
        }
    }

    /// The page of this number, below [`PAGES`].
    pub(super) fn page(&self, index: u32) -> NonNull<u8> {
        debug_assert!(index < PAGES);
        // SAFETY: within the region.
        unsafe { self.base.add(index as usize * PAGE) }
    }
}

fn exhausted() -> ! {
    let layout = Layout::from_size_align(REGION, REGION).unwrap_or(Layout::new::<u8>());
    handle_alloc_error(layout)
}
