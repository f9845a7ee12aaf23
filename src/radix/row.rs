//! Rows: shared, immutable values with what the database knows of them.
//!
//! A [`Row`] is a counted pointer to the value. The trees hold rows as bare [`Handle`]s and count nothing: however many
//! entries point at a row, the history that it belongs to holds it once, and lets go when no live version can reach it.

use std::alloc::Layout;
use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::process::abort;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use super::heap::Heap;
use super::node::{prefetch, prefetch_early};
use crate::revision::Revision;

/// A stored row: dereferences to the value, and knows the commits that wrote it.
///
/// A `&Row<T>` borrows from the snapshot or transaction that it was read in. A clone costs one count, and keeps the row for as long as its
/// owner likes, whatever happens to the database. Nobody can change a stored row in place.
#[repr(transparent)]
pub struct Row<T> {
    ptr: NonNull<Inner<T>>,
    owns: PhantomData<Inner<T>>,
}

/// What stands before each value. Its address is the row's handle.
#[repr(C)]
struct Header {
    refs: AtomicU32,
    /// How many entries of how many trees point here.
    entries: u32,
    /// These two are written again by [`Handle::renumber`], while nobody but the writer and holders of a clone can have the row. Relaxed: each is a number
    /// of its own, and whoever finds the row in a published version saw the publication, which comes after.
    created: AtomicU64,
    modified: AtomicU64,
}

#[repr(C)]
struct Inner<T> {
    header: Header,
    value: T,
}

/// The memory of a row whose value is gone.
struct Block<T>(NonNull<Inner<T>>);

impl<T> Drop for Block<T> {
    fn drop(&mut self) {
        // SAFETY: it came from a heap with this layout, and nobody uses it any more.
        unsafe { Heap::give(self.0.cast(), Layout::new::<Inner<T>>()) };
    }
}

/// A row as the trees hold it: without its type and not counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(super) struct Handle(NonNull<Header>);

/// The type of a row that stands behind handles, and how to let go of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowType {
    id: TypeId,
    size: usize,
    release: unsafe fn(Handle),
}

impl RowType {
    pub(super) fn of<T: Send + Sync + 'static>() -> Self {
        Self {
            id: TypeId::of::<T>(),
            size: Heap::rounded(Layout::new::<Inner<T>>()),
            release: |handle| {
                // SAFETY: the caller hands over one count of a row of this type.
                drop(unsafe { Row::<T>::from_handle(handle) });
            },
        }
    }

    /// Bytes of the block of a row.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn is<T: 'static>(&self) -> bool {
        self.id == TypeId::of::<T>()
    }

    /// Gives back the one count that the history held.
    ///
    /// # Safety
    /// `handle` is a row of this type, and its count is not used again.
    pub(super) unsafe fn release(&self, handle: Handle) {
        // SAFETY: passed on to the caller.
        unsafe { (self.release)(handle) }
    }
}

/// How many bytes a cache line has.
const LINE: usize = 64;

/// How much of a row a scan asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// All of it lies in a cache line.
    Line,
    /// Its first two.
    Lines,
}

impl Width {
    /// Of rows with such values.
    pub(super) const fn of<T>() -> Self {
        if size_of::<Inner<T>>() <= LINE {
            Self::Line
        } else {
            Self::Lines
        }
    }
}

impl Handle {
    /// One of several, all different, behind which there is nothing.
    #[cfg(test)]
    pub(super) fn example(number: usize) -> Self {
        Self(
            NonNull::dangling().map_addr(|first: std::num::NonZero<usize>| {
                first.saturating_add(size_of::<Header>() * number)
            }),
        )
    }

    /// Asks the processor for the row's memory, which is about to be read.
    pub(super) fn prefetch(self) {
        prefetch(self.0.as_ptr().cast());
    }

    /// As [`prefetch`](Self::prefetch), for a row that is read a little later, and many at once.
    #[inline]
    pub(super) fn prefetch_early(self, width: Width) {
        let value = self.0.as_ptr().wrapping_add(1).cast::<u8>();
        prefetch_early(value);
        if width == Width::Lines {
            // The compiler puts a struct's small fields last.
            prefetch_early(value.wrapping_add(LINE));
        }
    }

    /// The revision that wrote this row: since when versions can reach it.
    ///
    /// # Safety
    /// The row is alive.
    pub(super) unsafe fn modified(self) -> u64 {
        // SAFETY: the row is alive, and what changes in its header is atomic.
        unsafe { self.0.as_ref() }.modified.load(Ordering::Relaxed)
    }

    /// Puts the revision `to` in the place of `from` in what the row says of its commits.
    ///
    /// # Safety
    /// The row is alive.
    pub(super) unsafe fn renumber(self, from: u64, to: u64) {
        // SAFETY: the row is alive, and what changes in its header is atomic.
        let header = unsafe { self.0.as_ref() };
        for revision in [&header.created, &header.modified] {
            if revision.load(Ordering::Relaxed) == from {
                revision.store(to, Ordering::Relaxed);
            }
        }
    }
}

impl<T> Row<T> {
    /// Whether it lies in a heap of rows, or comes from the allocator.
    const IN_HEAP: bool = Heap::takes(Layout::new::<Inner<T>>());

    pub(super) fn new(
        heap: &mut Heap,
        value: T,
        created: Revision,
        modified: Revision,
        entries: u32,
    ) -> Self {
        let header = Header {
            refs: AtomicU32::new(1),
            entries,
            created: AtomicU64::new(created.get()),
            modified: AtomicU64::new(modified.get()),
        };
        let inner = Inner { header, value };
        let ptr = if Self::IN_HEAP {
            let block = heap.take(Layout::new::<Inner<T>>()).cast();
            // SAFETY: a block of this layout, and nobody else's.
            unsafe { block.write(inner) };
            block
        } else {
            NonNull::from(Box::leak(Box::new(inner)))
        };
        Self {
            ptr,
            owns: PhantomData,
        }
    }

    /// The revision of the commit that first stored a row with this key.
    pub fn created(&self) -> Revision {
        Revision::new(self.inner().header.created.load(Ordering::Relaxed))
    }

    /// The revision of the commit that last wrote this row.
    ///
    /// A row that a running transaction gave out says the number that the transaction hopes for: if it is published [at
    /// another](crate::Staged::publish_at), the row says that one from then on.
    pub fn modified(&self) -> Revision {
        Revision::new(self.inner().header.modified.load(Ordering::Relaxed))
    }

    /// Whether both are the same stored row, not merely equal ones.
    pub fn same(&self, other: &Self) -> bool {
        self.ptr == other.ptr
    }

    pub(super) fn entries(&self) -> u32 {
        self.inner().header.entries
    }

    fn inner(&self) -> &Inner<T> {
        // SAFETY: a row counts what it points at, or borrows from a version that does; the value is never written to.
        unsafe { self.ptr.as_ref() }
    }

    pub(super) fn handle(&self) -> Handle {
        Handle(self.ptr.cast())
    }

    /// Makes a bare handle of it, and its count the caller's.
    pub(super) fn into_handle(self) -> Handle {
        let handle = self.handle();
        std::mem::forget(self);
        handle
    }

    /// # Safety
    /// `handle` came from a `Row<T>`, and the caller hands over one count.
    pub(super) unsafe fn from_handle(handle: Handle) -> Self {
        Self {
            ptr: handle.0.cast(),
            owns: PhantomData,
        }
    }

    /// The handle in a tree, seen as the row that it is.
    ///
    /// # Safety
    /// `handle` came from a `Row<T>` that is alive for as long as the reference.
    pub(super) unsafe fn from_slot(handle: &Handle) -> &Self {
        // SAFETY: both are transparent around one pointer to the row's header, which stands first in it.
        unsafe { &*std::ptr::from_ref(handle).cast::<Self>() }
    }
}

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        // Relaxed as in `std::sync::Arc`: whoever clones holds a count already.
        let before = self.inner().header.refs.fetch_add(1, Ordering::Relaxed);
        if before > u32::MAX / 2 {
            // Two thousand million leaked clones: a count that wraps would free a row that is in use.
            abort();
        }
        Self {
            ptr: self.ptr,
            owns: PhantomData,
        }
    }
}

impl<T> Drop for Row<T> {
    fn drop(&mut self) {
        if self.inner().header.refs.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            if Self::IN_HEAP {
                // Given back even if the value's own `Drop` panics.
                let _block = Block(self.ptr);
                // SAFETY: this was the last count, and what others did before they gave up theirs is seen through the fence.
                unsafe { self.ptr.drop_in_place() };
            } else {
                // SAFETY: as above, and it came from the allocator.
                drop(unsafe { Box::from_raw(self.ptr.as_ptr()) });
            }
        }
    }
}

// SAFETY: a row is a counted pointer to an immutable value, as `Arc` is.
unsafe impl<T: Send + Sync> Send for Row<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Row<T> {}

impl<T> Deref for Row<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner().value
    }
}

impl<T> AsRef<T> for Row<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: fmt::Debug> fmt::Debug for Row<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: PartialEq> PartialEq for Row<T> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || **self == **other
    }
}

impl<T: Eq> Eq for Row<T> {}
