//! Memory for rows: blocks of one size side by side, in pages, in regions.
//!
//! A scan reads rows in the order of their keys, and they lie in that of their making: each is a miss. With rows from a general allocator it is
//! often two, for it lets them straddle cache lines, and one of address translation. So rows have memory of their own, of the same kind as
//! [nodes](super::pool), with two differences:
//!
//! - a row of up to a cache line lies in one;
//! - a row is made by the writer alone, but its last owner may be any thread, and may be so long after the database is gone. So a
//!   block that is given back goes onto a stack, from which the writer takes all at once; and a region counts its blocks and the heap
//!   that it belongs to, and is unmapped by the last of them.
//!
//! Pages without rows go back to the system when [`Heap::trim`] looks for them.
//!
//! With `--cfg sapwood_plain_memory` rows come from the allocator instead, as large ones always do.

use std::alloc::Layout;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering, fence};

use super::node::prefetch_early;
use super::region::{ALL_PAGES, PAGE, PAGES, REGION, Region};

/// Sizes of blocks are multiples of this.
const GRAIN: usize = 32;
/// Larger rows come from the allocator.
const LARGEST: usize = 2048;
/// Pages begin with blocks at a multiple of this: a cache line, and the greatest alignment of a row.
const LINE: usize = 64;
const CLASSES: usize = LARGEST / GRAIN;

/// The rows' memory of one history: the writer's side.
pub(super) struct Heap {
    classes: [Class; CLASSES],
    regions: Vec<Option<NonNull<Head>>>,
    returned: Arc<Returned>,
}

/// Blocks of one size.
#[derive(Clone, Copy)]
struct Class {
    /// Blocks that were given back.
    free: *mut Free,
    /// The page that is being filled, and the offset in it of the first block that was never used.
    fresh: Option<(NonNull<u8>, usize)>,
}

/// A block that nobody uses.
struct Free {
    next: *mut Free,
}

/// Blocks that were given back and not taken yet, by their size.
struct Returned([AtomicPtr<Free>; CLASSES]);

/// What stands at the beginning of each region.
struct Head {
    /// Blocks in use, and one for the heap.
    users: AtomicUsize,
    returned: Arc<Returned>,
    region: Region,
    /// The rest is the writer's. Pages that hold no blocks, a bit for each.
    free: u32,
    number: u32,
    /// Of each page.
    classes: [u8; PAGES as usize],
}

/// Where the blocks of a page begin.
fn first_block(page: u32) -> usize {
    if page == 0 {
        size_of::<Head>().next_multiple_of(LINE)
    } else {
        0
    }
}

fn class_of(size: usize) -> usize {
    (size.max(1) - 1) / GRAIN
}

fn size_of_class(class: usize) -> usize {
    (class + 1) * GRAIN
}

fn page_of(block: NonNull<u8>) -> u32 {
    (block.addr().get() % REGION / PAGE) as u32
}

/// The head of the region that a block lies in.
///
/// # Safety
/// The region is mapped.
unsafe fn head_of(block: NonNull<u8>) -> NonNull<Head> {
    // SAFETY: regions begin at multiples of their size.
    unsafe { block.sub(block.addr().get() % REGION).cast() }
}

/// Gives up one use of a region, which must have been counted; unmaps it with the last.
///
/// # Safety
/// The caller does not touch the region any more.
unsafe fn leave(head: NonNull<Head>) {
    // SAFETY: the use that is given up kept it mapped.
    if unsafe { &(*head.as_ptr()).users }.fetch_sub(1, Ordering::Release) == 1 {
        fence(Ordering::Acquire);
        // SAFETY: nobody else uses it; what others did is seen through the fence. Read out first, for it lies in the memory that it unmaps.
        drop(unsafe { head.as_ptr().read() });
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self {
            classes: [Class {
                free: ptr::null_mut(),
                fresh: None,
            }; CLASSES],
            regions: Vec::new(),
            returned: Arc::new(Returned(
                [const { AtomicPtr::new(ptr::null_mut()) }; CLASSES],
            )),
        }
    }
}

impl Heap {
    /// A heap for another thread to fill, whose blocks come back here: to be [absorbed](Self::absorb).
    fn branch(&self) -> Self {
        let mut branch = Self::default();
        branch.returned = Arc::clone(&self.returned);
        branch
    }

    /// Takes over all memory of a branch.
    fn absorb(&mut self, mut branch: Self) {
        debug_assert!(Arc::ptr_eq(&self.returned, &branch.returned));
        for head in branch.regions.drain(..).flatten() {
            let place = self.free_place();
            // SAFETY: mapped, for the branch's use is this heap's now; this field is the writer's.
            unsafe { (*head.as_ptr()).number = place as u32 };
            self.regions[place] = Some(head);
        }
        for class in 0..CLASSES {
            let other = branch.classes[class];
            match (other.fresh, self.classes[class].fresh) {
                (Some(_), None) => self.classes[class].fresh = other.fresh,
                (Some((page, offset)), Some(_)) => self.free_rest(class, page, offset),
                (None, _) => {}
            }
            self.append_free(class, other.free);
        }
    }

    /// Puts the blocks of a page that were never used on the list of the free ones.
    fn free_rest(&mut self, class: usize, page: NonNull<u8>, mut offset: usize) {
        let size = size_of_class(class);
        while offset + size <= PAGE {
            // SAFETY: a block within the page, which is the heap's, and nobody uses it.
            unsafe {
                let block = page.add(offset).cast::<Free>();
                block.write(Free {
                    next: self.classes[class].free,
                });
                self.classes[class].free = block.as_ptr();
            }
            offset += size;
        }
    }

    /// Whether values of this layout come from here.
    pub(super) const fn takes(layout: Layout) -> bool {
        layout.size() <= LARGEST && layout.align() <= LINE && !cfg!(sapwood_plain_memory)
    }

    /// How large the block for a value of this layout is, here or from the allocator.
    pub(super) fn rounded(layout: Layout) -> usize {
        if Self::takes(layout) {
            size_of_class(class_of(layout.size()))
        } else {
            layout.size()
        }
    }

    /// A block for a value of a layout that it takes. Its content is anything.
    pub(super) fn take(&mut self, layout: Layout) -> NonNull<u8> {
        debug_assert!(Self::takes(layout));
        let class = class_of(layout.size());
        if self.classes[class].free.is_null() {
            self.collect(class);
        }
        let block = match NonNull::new(self.classes[class].free) {
            Some(free) => {
                // SAFETY: blocks in the list are mapped, and nobody's but the heap's.
                let next = unsafe { (*free.as_ptr()).next };
                self.classes[class].free = next;
                prefetch_early(next.cast());
                free.cast()
            }
            None => self.fresh(class),
        };
        // SAFETY: mapped, for the heap is counted.
        let users = unsafe { &(*head_of(block).as_ptr()).users };
        users.fetch_add(1, Ordering::Relaxed);
        block
    }

    /// Takes a block back, on any thread.
    ///
    /// # Safety
    /// It came from [`take`](Self::take) with this layout, of any heap, and nobody uses it any more.
    pub(super) unsafe fn give(block: NonNull<u8>, layout: Layout) {
        let free = block.cast::<Free>().as_ptr();
        // SAFETY: the block's own use keeps its region mapped until the last line. The block is nobody's until it is on the stack, and then
        // not touched here any more.
        unsafe {
            let head = head_of(block);
            let returned = &(*head.as_ptr()).returned;
            let stack = &returned.0[class_of(layout.size())];
            let mut top = stack.load(Ordering::Relaxed);
            loop {
                free.write(Free { next: top });
                match stack.compare_exchange_weak(top, free, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => break,
                    Err(now) => top = now,
                }
            }
            leave(head);
        }
    }

    /// Puts what was given back behind the blocks that are free already.
    fn collect(&mut self, class: usize) {
        let stack = &self.returned.0[class];
        if stack.load(Ordering::Relaxed).is_null() {
            return;
        }
        // Who takes takes all: a block that comes back meanwhile finds another top, and a branch that takes at the same time finds nothing.
        let taken = stack.swap(ptr::null_mut(), Ordering::Acquire);
        self.append_free(class, taken);
    }

    /// Puts a list of free blocks behind those that there are.
    fn append_free(&mut self, class: usize, taken: *mut Free) {
        if taken.is_null() {
            return;
        }
        let mut last = &raw mut self.classes[class].free;
        // SAFETY: blocks in the list are mapped, and nobody's but the heap's.
        unsafe {
            while !(*last).is_null() {
                last = &raw mut (**last).next;
            }
            *last = taken;
        }
    }

    /// A block that was never used.
    fn fresh(&mut self, class: usize) -> NonNull<u8> {
        let size = size_of_class(class);
        let (page, offset) = match self.classes[class].fresh {
            Some((page, offset)) if offset + size <= PAGE => (page, offset),
            _ => self.new_page(class),
        };
        self.classes[class].fresh = Some((page, offset + size));
        // SAFETY: within the page.
        let block = unsafe { page.add(offset) };
        // No cache has the one behind it, which is the next one.
        for line in (0..size).step_by(LINE) {
            prefetch_early(block.as_ptr().wrapping_add(size + line));
        }
        block
    }

    /// A page for blocks of this class, and where they begin in it.
    fn new_page(&mut self, class: usize) -> (NonNull<u8>, usize) {
        let roomy = self.regions.iter().flatten().copied().find(|head| {
            // SAFETY: the heap's regions are mapped; this field is the writer's.
            unsafe { (*head.as_ptr()).free != 0 }
        });
        let head = roomy.unwrap_or_else(|| self.new_region());
        // SAFETY: as above; others read other fields.
        unsafe {
            let index = (*head.as_ptr()).free.trailing_zeros();
            (*head.as_ptr()).free &= !(1 << index);
            (*head.as_ptr()).classes[index as usize] = class as u8;
            let page = (*head.as_ptr()).region.page(index);
            (page, first_block(index))
        }
    }

    /// A place for a region.
    fn free_place(&mut self) -> usize {
        let place = self.regions.iter().position(Option::is_none);
        place.unwrap_or_else(|| {
            self.regions.push(None);
            self.regions.len() - 1
        })
    }

    fn new_region(&mut self) -> NonNull<Head> {
        let place = self.free_place();
        // A small database keeps to ordinary pages.
        let region = Region::map(self.regions.iter().any(Option::is_some));
        let head = region.base.cast::<Head>();
        // SAFETY: just mapped, and aligned to more than the head needs.
        unsafe {
            head.write(Head {
                users: AtomicUsize::new(1),
                returned: Arc::clone(&self.returned),
                region,
                free: ALL_PAGES,
                number: place as u32,
                classes: [0; PAGES as usize],
            });
        }
        self.regions[place] = Some(head);
        head
    }

    /// Gives pages without rows back, and regions of nothing but such pages to the system. O(free blocks).
    pub(super) fn trim(&mut self) {
        // Free blocks in each page of each region.
        let mut counts = vec![[0usize; PAGES as usize]; self.regions.len()];
        for class in 0..CLASSES {
            self.collect(class);
            self.each_free(class, |number, page| {
                counts[number][page as usize] += 1;
                true
            });
        }
        for (number, counts) in counts.iter_mut().enumerate() {
            for (page, count) in counts.iter_mut().enumerate() {
                *count = usize::from(self.is_empty(number, page as u32, *count));
            }
        }
        for class in 0..CLASSES {
            self.each_free(class, |number, page| counts[number][page as usize] == 0);
        }
        for (number, counts) in counts.iter().enumerate() {
            let Some(head) = self.regions[number] else {
                continue;
            };
            for (page, &empty) in counts.iter().enumerate() {
                // SAFETY: the heap's regions are mapped; this field is the writer's.
                unsafe { (*head.as_ptr()).free |= (empty as u32) << page };
            }
            // SAFETY: as above.
            if unsafe { (*head.as_ptr()).free } == ALL_PAGES {
                self.regions[number] = None;
                // SAFETY: none of its blocks is in use nor in a list. Who gave the last one back may still be about to leave: the last one unmaps.
                unsafe { leave(head) };
            }
        }
    }

    /// Whether a page with this many free blocks has no others, and is not being filled.
    fn is_empty(&self, number: usize, page: u32, free: usize) -> bool {
        let Some(head) = self.regions[number] else {
            return false;
        };
        // SAFETY: the heap's regions are mapped; these fields are the writer's.
        let (class, start) = unsafe {
            let class = usize::from((*head.as_ptr()).classes[page as usize]);
            (class, (*head.as_ptr()).region.page(page))
        };
        let filled = self.classes[class].fresh.map(|(page, _)| page);
        filled != Some(start) && free == (PAGE - first_block(page)) / size_of_class(class)
    }

    /// Calls `keep` with the region and page of each free block of a class, and drops those from the list that it does not want.
    fn each_free(&mut self, class: usize, mut keep: impl FnMut(usize, u32) -> bool) {
        let mut link = &raw mut self.classes[class].free;
        // SAFETY: blocks in the list are mapped, and nobody's but the heap's.
        unsafe {
            while let Some(free) = NonNull::new(*link) {
                let block = free.cast::<u8>();
                let number = (*head_of(block).as_ptr()).number;
                if keep(number as usize, page_of(block)) {
                    link = &raw mut (*free.as_ptr()).next;
                } else {
                    *link = (*free.as_ptr()).next;
                }
            }
        }
    }

    /// How many regions it has.
    #[cfg(all(test, not(sapwood_plain_memory), not(sapwood_loom)))]
    fn regions(&self) -> usize {
        self.regions.iter().flatten().count()
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        for head in self.regions.drain(..).flatten() {
            // SAFETY: the heap's own use; rows that live on have theirs.
            unsafe { leave(head) };
        }
    }
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap")
            .field("regions", &self.regions.len())
            .finish_non_exhaustive()
    }
}

// SAFETY: free blocks are its own, and what it shares is atomic.
unsafe impl Send for Heap {}

/// Memory for rows that one thread makes while others make others: a [`Heap`], or a branch of one.
///
/// Rows that are let go of come back to the stack that all of them share, so none of them may go before the others. So one that is lost, and
/// does not come back to its heap, leaks.
#[derive(Debug)]
pub(crate) struct RowMemory(ManuallyDrop<Heap>);

impl RowMemory {
    /// Takes a heap apart for so many threads, one at least. The heap is empty until it is [put together](Self::join) again.
    pub(super) fn divide(heap: &mut Heap, threads: usize) -> Vec<Self> {
        let empty = heap.branch();
        let whole = std::mem::replace(heap, empty);
        let branches = (1..threads).map(|_| whole.branch());
        let mut parts: Vec<_> = branches.collect();
        parts.insert(0, whole);
        let parts = parts.into_iter();
        parts.map(|heap| Self(ManuallyDrop::new(heap))).collect()
    }

    /// Puts it together again.
    pub(super) fn join(parts: Vec<Self>, heap: &mut Heap) {
        for Self(part) in parts {
            heap.absorb(ManuallyDrop::into_inner(part));
        }
    }

    pub(super) fn heap(&mut self) -> &mut Heap {
        &mut self.0
    }
}

const _: () = assert!(size_of::<Head>() < PAGE && CLASSES <= 256);

#[cfg(all(test, not(sapwood_plain_memory), not(sapwood_loom)))]
mod tests;
