//! Large pieces of memory from the system, on huge memory pages where it has them.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use memmap2::{MmapMut, MmapOptions};

/// Bytes of a region: a huge memory page. Regions begin at multiples of it.
pub(super) const REGION: usize = 2 * 1024 * 1024;
/// Bytes of a page: many blocks of each size, and few of them unused in a small database.
pub(super) const PAGE: usize = 64 * 1024;
/// Pages in a region.
pub(super) const PAGES: u32 = (REGION / PAGE) as u32;
/// A bit for each page of a region.
pub(super) const ALL_PAGES: u32 = u32::MAX >> (32 - PAGES);

/// A fork is made, tried and dropped, again and again, and to map its two regions and to touch their first pages took three quarters of that. So the
/// last regions of small histories are kept for the next ones: as many as this, for the whole process.
const SPARES: usize = 4;
static SPARE: Mutex<Vec<Mapped>> = Mutex::new(Vec::new());

/// A region, which holds anything. When it is dropped it is unmapped, or kept for the next small history.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) base: NonNull<u8>,
    huge: bool,
    /// Always there, until it is dropped.
    memory: Option<MmapMut>,
}

/// A region that nobody uses.
struct Mapped {
    base: NonNull<u8>,
    memory: MmapMut,
}

// SAFETY: it owns its memory, into which nobody has a pointer.
unsafe impl Send for Mapped {}

impl Region {
    /// Gives one. `huge` asks for a huge page, which is filled with zeros as a whole when it is first touched: not for a small database.
    pub(super) fn map(huge: bool) -> Self {
        let spare = if huge { None } else { spares().pop() };
        let Mapped { base, memory } = spare.unwrap_or_else(|| Mapped::new(huge));
        Self {
            base,
            huge,
            memory: Some(memory),
        }
    }

    /// The page of this number, below [`PAGES`].
    pub(super) fn page(&self, index: u32) -> NonNull<u8> {
        debug_assert!(index < PAGES);
        // SAFETY: within the region.
        unsafe { self.base.add(index as usize * PAGE) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let Some(memory) = self.memory.take() else {
            return;
        };
        let mut spares = spares();
        if !self.huge && spares.len() < SPARES {
            let base = self.base;
            spares.push(Mapped { base, memory });
        }
    }
}

fn spares() -> MutexGuard<'static, Vec<Mapped>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mapped {
    fn new(huge: bool) -> Self {
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
        Self { base, memory }
    }
}

fn exhausted() -> ! {
    let layout = Layout::from_size_align(REGION, REGION).unwrap_or(Layout::new::<u8>());
    handle_alloc_error(layout)
}
