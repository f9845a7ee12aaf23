//! Memory for nodes: blocks of one size side by side, in pages, in large regions.
//!
//! A commit copies a path and frees the one before it, block for block of the same sizes: nearly half of an update would be malloc and free.
//! And a search in a large tree spends its time on the first touch of a node, most of it on address translation. So nodes have memory of
//! their own: a *region* of 2 MiB, on huge memory pages where the system has them, holds 32 *pages*; a page holds blocks of one size and
//! knows how many are in use. A page without any goes back to its region, and such a region to the system. Finding a block's page is a mask.
//!
//! With `--cfg sapwood_plain_memory` every block comes from the allocator instead, so that `AddressSanitizer` sees each one.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::node::{prefetch, prefetch_early};
use super::region::{ALL_PAGES, PAGE, PAGES, Region};

/// Sizes are multiples of this: a cache line.
pub(super) const GRAIN: usize = 64;
/// Larger blocks come from the allocator.
const LARGEST: usize = 4096;
/// So many cache lines of a block that was never used are asked for before it is taken: most blocks have no more.
const AHEAD: usize = 24;

/// The blocks of one history.
#[derive(Debug)]
pub(super) struct Pool {
    /// By size: the first of the pages that have room.
    roomy: [Option<NonNull<Page>>; LARGEST / GRAIN + 1],
    regions: Vec<Option<Pages>>,
    /// Blocks that were taken and not given back.
    #[cfg(test)]
    pub(super) blocks: usize,
}

/// A region, and its pages that hold no blocks, a bit for each.
#[derive(Debug)]
struct Pages {
    region: Region,
    free: u32,
}

/// What stands at the beginning of each page, in one grain.
#[derive(Debug)]
struct Page {
    /// Blocks that were given back.
    free: Option<NonNull<Free>>,
    /// Where the blocks begin that were never used.
    fresh: u32,
    used: u32,
    size: u32,
    region: u32,
    /// The pages with room for the same size.
    previous: Option<NonNull<Page>>,
    next: Option<NonNull<Page>>,
}

/// A block that nobody uses.
struct Free {
    next: Option<NonNull<Free>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            roomy: [None; LARGEST / GRAIN + 1],
            regions: Vec::new(),
            #[cfg(test)]
            blocks: 0,
        }
    }
}

impl Pool {
    /// The size of the block that [`take`](Self::take) gives for `size` bytes.
    pub(super) fn rounded(size: usize) -> usize {
        size.next_multiple_of(GRAIN)
    }

    /// A block of `size` bytes, which is a multiple of [`GRAIN`] and not zero. Its content is anything.
    pub(super) fn take(&mut self, size: usize) -> NonNull<u8> {
        debug_assert!(size != 0 && size.is_multiple_of(GRAIN));
        #[cfg(test)]
        {
            self.blocks += 1;
        }
        if size > LARGEST || cfg!(sapwood_plain_memory) {
            let layout = layout(size);
            // SAFETY: the size is not zero.
            return NonNull::new(unsafe { alloc(layout) })
                .unwrap_or_else(|| handle_alloc_error(layout));
        }
        let page = match self.roomy[size / GRAIN] {
            Some(page) => page,
            None => self.new_page(size),
        };
        // SAFETY: pages in the lists are mapped, and the pool alone writes to their headers and free blocks.
        unsafe {
            let header = &mut *page.as_ptr();
            header.used += 1;
            let block = if let Some(free) = header.free {
                header.free = (*free.as_ptr()).next;
                if let Some(next) = header.free {
                    prefetch_early(next.as_ptr().cast());
                }
                free.cast()
            } else {
                let block = page.cast::<u8>().add(header.fresh as usize);
                header.fresh += header.size;
                // No cache has the one behind it, which is the next one.
                for line in 0..(size / GRAIN).min(AHEAD) {
                    prefetch_early(block.as_ptr().wrapping_add(size + GRAIN * line));
                }
                block
            };
            if header.is_full() {
                self.unlink(page);
            }
            block
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`take`](Self::take) of this pool with this size, or of any pool if it is larger than a page's blocks, and nobody uses it any more.
    pub(super) unsafe fn give(&mut self, block: NonNull<u8>, size: usize) {
        #[cfg(test)]
        {
            self.blocks -= 1;
        }
        if size > LARGEST || cfg!(sapwood_plain_memory) {
            // SAFETY: it came from the allocator with this layout.
            return unsafe { dealloc(block.as_ptr(), layout(size)) };
        }
        let into_page = block.addr().get() % PAGE;
        // SAFETY: the block lies in a page of this pool, which begins at a multiple of its size; the block is free to be written to.
        unsafe {
            let page = block.sub(into_page).cast::<Page>();
            let header = &mut *page.as_ptr();
            debug_assert!(header.size as usize == size);
            let was_full = header.is_full();
            let free = block.cast::<Free>();
            free.write(Free { next: header.free });
            header.free = Some(free);
            header.used -= 1;
            let used = header.used;
            if was_full {
                self.link(page);
            }
            // One empty page of a size stays: a commit frees what the next one takes.
            if used == 0 && self.roomy[size / GRAIN] != Some(page) {
                self.unlink(page);
                self.free_page(page);
            }
        }
    }

    /// Asks the processor for what [`give`](Self::give) will write to when it gets this block: of a large history, another page's beginning each time.
    #[inline]
    pub(super) fn prefetch(block: NonNull<u8>) {
        let block = block.as_ptr();
        prefetch(block.wrapping_sub(block.addr() % PAGE));
    }

    /// A page for blocks of this size, with room.
    fn new_page(&mut self, size: usize) -> NonNull<Page> {
        let place = self
            .regions
            .iter()
            .position(|region| region.as_ref().is_some_and(|region| region.free != 0));
        let place = place.unwrap_or_else(|| self.new_region());
        let Some(Pages { region, free }) = &mut self.regions[place] else {
            unreachable!("a region with free pages is there");
        };
        let index = free.trailing_zeros();
        *free &= !(1 << index);
        let page = region.page(index).cast::<Page>();
        // SAFETY: the region is mapped, and this page of it holds nothing.
        unsafe {
            page.write(Page {
                free: None,
                fresh: GRAIN as u32,
                used: 0,
                size: size as u32,
                region: place as u32,
                previous: None,
                next: None,
            });
        }
        self.link(page);
        page
    }

    fn new_region(&mut self) -> usize {
        // A small database keeps to ordinary pages.
        let huge = self.regions.iter().any(Option::is_some);
        let region = Pages {
            region: Region::map(huge),
            free: ALL_PAGES,
        };
        let place = self.free_place();
        self.regions[place] = Some(region);
        place
    }

    /// A place for a region.
    fn free_place(&mut self) -> usize {
        let place = self.regions.iter().position(Option::is_none);
        place.unwrap_or_else(|| {
            self.regions.push(None);
            self.regions.len() - 1
        })
    }

    /// Gives an unlinked page without blocks back to its region, and the region to the system if that was its last one.
    fn free_page(&mut self, page: NonNull<Page>) {
        // SAFETY: the page is mapped.
        let place = unsafe { (*page.as_ptr()).region } as usize;
        let Some(Pages { region, free }) = &mut self.regions[place] else {
            unreachable!("a page's region is there");
        };
        let index = (page.addr().get() - region.base.addr().get()) / PAGE;
        *free |= 1 << index;
        if *free == ALL_PAGES {
            self.regions[place] = None;
        }
    }

    /// Takes over all blocks of another pool.
    pub(super) fn absorb(&mut self, mut other: Self) {
        #[cfg(test)]
        {
            self.blocks += other.blocks;
        }
        for list in other.roomy {
            let mut next = list;
            while let Some(page) = next {
                // SAFETY: pages in the lists are mapped; it is linked anew.
                next = unsafe { (*page.as_ptr()).next };
                self.link(page);
            }
        }
        for pages in std::mem::take(&mut other.regions).into_iter().flatten() {
            let place = self.free_place();
            for index in (0..PAGES).filter(|index| pages.free & (1 << index) == 0) {
                let page = pages.region.page(index).cast::<Page>();
                // SAFETY: the region is mapped, and this page of it holds blocks, so it has a header, which is the pool's.
                unsafe { (*page.as_ptr()).region = place as u32 };
            }
            self.regions[place] = Some(pages);
        }
    }

    fn link(&mut self, page: NonNull<Page>) {
        // SAFETY: pages in the lists are mapped, and only the pool writes to their headers.
        unsafe {
            let list = &mut self.roomy[(*page.as_ptr()).size as usize / GRAIN];
            (*page.as_ptr()).previous = None;
            (*page.as_ptr()).next = *list;
            if let Some(next) = *list {
                (*next.as_ptr()).previous = Some(page);
            }
            *list = Some(page);
        }
    }

    fn unlink(&mut self, page: NonNull<Page>) {
        // SAFETY: as above.
        unsafe {
            let Page {
                previous,
                next,
                size,
                ..
            } = *page.as_ptr();
            match previous {
                Some(previous) => (*previous.as_ptr()).next = next,
                None => self.roomy[size as usize / GRAIN] = next,
            }
            if let Some(next) = next {
                (*next.as_ptr()).previous = previous;
            }
        }
    }
}

impl Page {
    fn is_full(&self) -> bool {
        self.free.is_none() && self.fresh as usize + self.size as usize > PAGE
    }
}

// SAFETY: the pool owns its pages; who holds a block of it sees to it that the pool outlives the block.
unsafe impl Send for Pool {}

const _: () = assert!(size_of::<Page>() <= GRAIN && PAGES == 32);

fn layout(size: usize) -> Layout {
    // A cache line; what is too large to be a layout is not asked for.
    Layout::from_size_align(size, GRAIN).unwrap_or(Layout::new::<[u64; 8]>())
}
