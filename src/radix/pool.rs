//! Memory for nodes: freed blocks are kept by size for the next transaction.
//!
//! A commit copies a path and frees the one before it, block for block of the same sizes: nearly half of an update would be malloc and
//! free. The lists are short, so that a transaction that frees millions of nodes gives their memory back.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Sizes are multiples of this.
pub(super) const GRAIN: usize = 32;
/// Larger blocks are not kept.
const LARGEST: usize = 2048;
/// Blocks kept of each size: a few transactions' worth.
const KEPT: usize = 64;

/// Freed blocks, by size.
#[derive(Debug)]
pub(super) struct Pool {
    lists: [Vec<NonNull<u8>>; LARGEST / GRAIN + 1],
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            lists: [const { Vec::new() }; LARGEST / GRAIN + 1],
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
        if let Some(block) = self.lists.get_mut(size / GRAIN).and_then(Vec::pop) {
            return block;
        }
        let layout = layout(size);
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`take`](Self::take) of some pool with this size, and nobody uses it any more.
    pub(super) unsafe fn give(&mut self, block: NonNull<u8>, size: usize) {
        match self.lists.get_mut(size / GRAIN) {
            Some(list) if list.len() < KEPT => list.push(block),
            // SAFETY: passed on to the caller.
            _ => unsafe { dealloc(block.as_ptr(), layout(size)) },
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (class, list) in self.lists.iter().enumerate() {
            for block in list {
                // SAFETY: kept blocks were given back with this size, and belong to the pool alone.
                unsafe { dealloc(block.as_ptr(), layout(class * GRAIN)) };
            }
        }
    }
}

// SAFETY: the pool owns its blocks, which hold nothing.
unsafe impl Send for Pool {}

fn layout(size: usize) -> Layout {
    // The alignment of a node's widest field; the allocator gives 16 at no price.
    Layout::from_size_align(size, 16).unwrap_or(Layout::new::<[u64; 4]>())
}
