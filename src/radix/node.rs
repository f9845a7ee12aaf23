//! Nodes: the bytes of inner nodes and buckets, and nothing of what they mean together.
//!
//! Every node is one block, a [`Header`] and behind it, without gaps but for alignment,
//!
//! ```text
//! inner    header 24 | prefix, padded to 8 | bounds 8·cap | children 8·cap | counts 4·cap
//! bucket   header 24 | prefix, padded to 8 | heads  8·cap | rows     8·cap | ends   2·cap | tails
//! bucket   header 24 | prefix, padded to 8 | heads  8·cap | rows     8·cap | tails, all of one length
//! ```
//!
//! `bounds` and `heads` are digits ([`super::digit`]). A bucket's `tails` hold what follows each head of a key that is longer than
//! its digit reaches, one behind the other in the order of the rows; `ends` says where each stops. Where all are of one length, which keys with
//! an id of fixed width have, there are no `ends`: two bytes a row less, and one cache miss less on the way to a tail.
//!
//! **Who may touch what.** A node is *own* while the transaction that made it runs: only that transaction's editor has its address, and may write
//! to it. When the transaction ends the node is frozen for ever. It is freed when no live version reaches it ([`super::history`]).
//! [`Node`] is a bare address and promises nothing; [`NodeRef`] is a node that is alive, and not written to, for `'v`: what is reached
//! from it is alive for as long.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::slice;

use super::make::Child;
use super::pool::Pool;
use super::row::Handle;

/// The most children of an inner node. Wide digits want wide nodes: 64 were best on compound keys, and equal on others.
pub(super) const MAX_CHILDREN: usize = if cfg!(test) { 5 } else { 64 };
/// The most rows of a bucket. 16 left many buckets nearly empty where fan-out is 16, 64 made updates slower.
pub(super) const MAX_ROWS: usize = if cfg!(test) { 4 } else { 32 };
/// A bucket of more than one row holds at most this many bytes of tails, so that long keys stay cheap to copy.
pub(super) const MAX_TAILS: usize = if cfg!(test) { 64 } else { 3072 };
/// The longest key, in bytes.
pub(super) const MAX_KEY: usize = 32 * 1024;

const HEADER: usize = size_of::<Header>();
/// How many cache lines of a node hold its header, its digits and what they lead to.
const LINES: usize = 18;
/// How many of a bucket hold its header, its heads and its rows.
const BUCKET_LINES: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Inner,
    Bucket,
}

#[repr(C)]
#[derive(Debug)]
struct Header {
    /// The stamp of the transaction that made the node.
    birth: u64,
    /// Bytes of the block.
    size: u32,
    /// Where in the key the prefix begins.
    start: u16,
    /// How long the prefix is.
    prefix: u16,
    kind: Kind,
    /// Children or rows.
    len: u8,
    cap: u8,
    /// The length of each tail of a bucket, or [`MIXED`].
    tail: u16,
}

/// The tails of a bucket are of several lengths, longer than any single one.
const MIXED: u16 = u16::MAX;

/// How long the tails of a bucket are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tails {
    /// All together.
    pub(super) bytes: usize,
    each: u16,
}

impl Tails {
    /// Of a bucket with tails of these lengths.
    pub(super) fn of(mut lens: impl Iterator<Item = usize>) -> Self {
        let first = lens.next().unwrap_or(0);
        let tails = Self {
            bytes: first,
            each: first as u16,
        };
        lens.fold(tails, Self::with)
    }

    /// With one more.
    pub(super) fn with(self, len: usize) -> Self {
        Self {
            bytes: self.bytes + len,
            each: if usize::from(self.each) == len {
                self.each
            } else {
                MIXED
            },
        }
    }

    /// With one less.
    pub(super) fn without(self, len: usize) -> Self {
        Self {
            bytes: self.bytes - len,
            each: self.each,
        }
    }

    pub(super) fn mixed(self) -> bool {
        self.each == MIXED
    }
}

/// The address of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(super) struct Node(NonNull<Header>);

// SAFETY: an address; whoever dereferences it answers for what it finds.
unsafe impl Send for Node {}
// SAFETY: as above.
unsafe impl Sync for Node {}

impl Node {
    /// No node: a place that is filled before anybody looks.
    pub(super) fn dangling() -> Self {
        Self(NonNull::dangling())
    }

    /// # Safety
    /// The node is alive and not written to during `'v`, and so is all that can be reached from it.
    #[inline]
    pub(super) unsafe fn get<'v>(self) -> NodeRef<'v> {
        NodeRef {
            node: self,
            life: PhantomData,
        }
    }

    #[inline]
    fn at(self, offset: usize) -> *mut u8 {
        self.0.as_ptr().cast::<u8>().wrapping_add(offset)
    }

    /// Makes an exact copy that belongs to `birth`.
    ///
    /// # Safety
    /// The node is alive.
    pub(super) unsafe fn copy(self, birth: u64, pool: &mut Pool) -> Self {
        // SAFETY: it is alive, and its block is as long as its header says.
        unsafe {
            let size = (*self.0.as_ptr()).size as usize;
            let block = pool.take(size);
            self.at(0).copy_to_nonoverlapping(block.as_ptr(), size);
            let copy = Self(block.cast());
            (*copy.0.as_ptr()).birth = birth;
            copy
        }
    }

    /// Asks for the memory that giving the block back will write to. Mostly the next transaction does that.
    #[inline]
    pub(super) fn prefetch_page(self) {
        Pool::prefetch(self.0.cast());
    }

    /// Gives the block back. The rows and children that it names are not touched.
    ///
    /// # Safety
    /// Nobody can reach the node any more.
    pub(super) unsafe fn free(self, pool: &mut Pool) {
        // SAFETY: every node is a block of the pool's, of the size in its header.
        unsafe {
            let size = (*self.0.as_ptr()).size as usize;
            pool.give(self.0.cast(), size);
        }
    }
}

/// A node that is alive and not written to during `'v`.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeRef<'v> {
    node: Node,
    life: PhantomData<&'v Header>,
}

impl PartialEq for NodeRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl<'v> NodeRef<'v> {
    #[inline]
    fn header(self) -> &'v Header {
        // SAFETY: alive and unwritten for 'v; a header stands first in every node.
        unsafe { &*self.node.0.as_ptr() }
    }

    /// # Safety
    /// `len` values of type `T`, written, lie at `offset` in the node.
    #[inline]
    unsafe fn array<T>(self, offset: usize, len: usize) -> &'v [T] {
        let first = self.node.at(offset).cast::<T>();
        // SAFETY: the caller's promise, and the node is unwritten for 'v; blocks are aligned, and offsets of wider types are multiples of 8.
        unsafe { slice::from_raw_parts(first, len) }
    }

    /// Where the first array begins.
    #[inline]
    fn arrays(self) -> usize {
        HEADER + usize::from(self.header().prefix).next_multiple_of(8)
    }

    #[inline]
    fn cap(self) -> usize {
        usize::from(self.header().cap)
    }

    #[inline]
    pub(super) fn node(self) -> Node {
        self.node
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        self.header().kind
    }

    #[inline]
    pub(super) fn birth(self) -> u64 {
        self.header().birth
    }

    /// Children or rows.
    #[inline]
    pub(super) fn len(self) -> usize {
        usize::from(self.header().len)
    }

    /// Where in the key the prefix begins.
    #[inline]
    pub(super) fn start(self) -> usize {
        usize::from(self.header().start)
    }

    /// Where in the key the prefix stops and the digits begin.
    #[inline]
    pub(super) fn stop(self) -> usize {
        self.start() + usize::from(self.header().prefix)
    }

    /// What all keys below have from [`start`](Self::start) to [`stop`](Self::stop).
    #[inline]
    pub(super) fn prefix(self) -> &'v [u8] {
        // SAFETY: the prefix stands behind the header.
        unsafe { self.array(HEADER, usize::from(self.header().prefix)) }
    }

    /// Bytes of memory.
    pub(super) fn size(self) -> usize {
        self.header().size as usize
    }

    /// An inner node's bounds, or a bucket's heads.
    #[inline]
    pub(super) fn digits(self) -> &'v [u64] {
        // SAFETY: both kinds have their digits first.
        unsafe { self.array(self.arrays(), self.len()) }
    }

    /// An inner node's children.
    #[inline]
    pub(super) fn children(self) -> &'v [Node] {
        debug_assert!(self.kind() == Kind::Inner);
        // SAFETY: an inner node has its children second.
        unsafe { self.array(self.arrays() + 8 * self.cap(), self.len()) }
    }

    /// An inner node's child. `index` is below its length.
    #[inline]
    pub(super) fn child(self, index: usize) -> NodeRef<'v> {
        // SAFETY: an inner node's children are alive as long as itself.
        unsafe { self.children()[index].get() }
    }

    /// How many rows each child of an inner node has below it.
    #[inline]
    pub(super) fn counts(self) -> &'v [u32] {
        debug_assert!(self.kind() == Kind::Inner);
        // SAFETY: an inner node has its counts third.
        unsafe { self.array(self.arrays() + 16 * self.cap(), self.len()) }
    }

    /// A bucket's rows.
    #[inline]
    pub(super) fn rows(self) -> &'v [Handle] {
        debug_assert!(self.kind() == Kind::Bucket);
        // SAFETY: a bucket has its rows second.
        unsafe { self.array(self.arrays() + 8 * self.cap(), self.len()) }
    }

    #[inline]
    fn ends(self) -> &'v [u16] {
        debug_assert!(self.kind() == Kind::Bucket && self.header().tail == MIXED);
        // SAFETY: a bucket of mixed tails has its ends third.
        unsafe { self.array(self.arrays() + 16 * self.cap(), self.len()) }
    }

    /// What follows the head of row `index` in its key.
    #[inline]
    pub(super) fn tail(self, index: usize) -> &'v [u8] {
        assert!(index < self.len());
        let each = self.header().tail;
        if each != MIXED {
            let each = usize::from(each);
            // SAFETY: tails of one length lie behind the rows, and there are as many.
            return unsafe { self.array(self.arrays() + 16 * self.cap() + index * each, each) };
        }
        let ends = self.ends();
        let from = if index == 0 {
            0
        } else {
            usize::from(ends[index - 1])
        };
        let len = usize::from(ends[index]) - from;
        // SAFETY: tails lie behind the ends, one behind the other.
        unsafe { self.array(self.arrays() + 18 * self.cap() + from, len) }
    }

    /// All tails of a bucket one behind the other, where they are of one length.
    pub(super) fn even_tails(self) -> Option<&'v [u8]> {
        let each = self.header().tail;
        // SAFETY: tails of one length lie behind the rows, and there are as many.
        let tails = || unsafe {
            self.array(
                self.arrays() + 16 * self.cap(),
                usize::from(each) * self.len(),
            )
        };
        (each != MIXED).then(tails)
    }

    /// How long the tails of a bucket are.
    pub(super) fn tails(self) -> Tails {
        let each = self.header().tail;
        let bytes = match each {
            MIXED => self.ends().last().map_or(0, |&end| usize::from(end)),
            each => usize::from(each) * self.len(),
        };
        Tails { bytes, each }
    }

    /// Asks the processor for the node's memory, which lies side by side: for all of what a search reads, at once.
    #[inline]
    pub(super) fn prefetch(node: Node) {
        for line in 0..LINES {
            prefetch(node.at(64 * line));
        }
    }

    /// As [`prefetch`](Self::prefetch), for what a scan reads of a bucket a little later.
    #[inline]
    pub(super) fn prefetch_rows(node: Node) {
        for line in 0..BUCKET_LINES {
            prefetch_early(node.at(64 * line));
        }
    }

    /// How many rows are at or below the node. O(1) for buckets, O(children) else.
    #[inline]
    pub(super) fn total(self) -> usize {
        match self.kind() {
            Kind::Bucket => self.len(),
            Kind::Inner => sum(self.counts()),
        }
    }
}

/// Asks the processor for the memory at this address, without waiting. A hint, which may name any address.
#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// As [`prefetch`], into the second cache, which can wait for several times as many lines at once; for memory that is read a little later.
#[inline]
pub(super) fn prefetch_early(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The sum of some children's rows.
#[inline]
pub(super) fn sum(counts: &[u32]) -> usize {
    // Trees hold fewer than 2^32 rows.
    counts.iter().sum::<u32>() as usize
}

/// Writes the common parts of a new node; its arrays hold anything.
pub(super) fn blank(
    kind: Kind,
    birth: u64,
    start: usize,
    prefix: &[u8],
    cap: usize,
    tails: Tails,
    pool: &mut Pool,
) -> Node {
    let width = match kind {
        Kind::Inner => 20,
        Kind::Bucket if tails.mixed() => 18,
        Kind::Bucket => 16,
    };
    let arrays = HEADER + prefix.len().next_multiple_of(8);
    let size = Pool::rounded(arrays + width * cap + tails.bytes);
    let block = pool.take(size);
    let node = Node(block.cast());
    // SAFETY: a new block that is larger than what is written, aligned for a header.
    unsafe {
        node.0.write(Header {
            birth,
            size: size as u32,
            start: start as u16,
            prefix: prefix.len() as u16,
            kind,
            len: 0,
            cap: cap as u8,
            tail: tails.each,
        });
        node.at(HEADER)
            .copy_from_nonoverlapping(prefix.as_ptr(), prefix.len());
    }
    node
}

/// Changes to own nodes. All of them ask that the node is own and that no reference into it is held.
impl Node {
    unsafe fn arrays(self) -> usize {
        // SAFETY: own, and no reference outlives the call.
        unsafe { self.get().arrays() }
    }

    unsafe fn cap(self) -> usize {
        // SAFETY: own, and no reference outlives the call.
        unsafe { self.get().cap() }
    }

    /// # Safety
    /// Own, with so many children or rows written.
    pub(super) unsafe fn set_len(self, len: usize) {
        // SAFETY: own.
        unsafe { (*self.0.as_ptr()).len = len as u8 }
    }

    /// The place of a value in the array at `offset`.
    ///
    /// # Safety
    /// Own.
    pub(super) unsafe fn slot<T>(self, offset: usize, index: usize) -> *mut T {
        // SAFETY: own.
        let arrays = unsafe { self.arrays() };
        self.at(arrays + offset).cast::<T>().wrapping_add(index)
    }

    /// # Safety
    /// Own and inner, with room for `index`; what the three slots hold is replaced.
    pub(super) unsafe fn write_child(self, index: usize, child: &Child) {
        // SAFETY: the caller's promise.
        unsafe {
            let cap = self.cap();
            debug_assert!(index < cap);
            self.slot::<u64>(0, index).write(child.bound);
            self.slot::<Node>(8 * cap, index).write(child.node);
            self.slot::<u32>(16 * cap, index).write(child.count);
        }
    }

    /// # Safety
    /// Own and inner, `index` below its length.
    pub(super) unsafe fn set_bound(self, index: usize, bound: u64) {
        // SAFETY: the caller's promise.
        unsafe { self.slot::<u64>(0, index).write(bound) }
    }

    /// # Safety
    /// Own and inner, `index` below its length, `child` at least as old as this.
    pub(super) unsafe fn set_child(self, index: usize, child: Node) {
        // SAFETY: the caller's promise.
        unsafe { self.slot::<Node>(8 * self.cap(), index).write(child) }
    }

    /// # Safety
    /// Own and inner, `index` below its length.
    pub(super) unsafe fn set_count(self, index: usize, count: u32) {
        // SAFETY: the caller's promise.
        unsafe { self.slot::<u32>(16 * self.cap(), index).write(count) }
    }

    /// Puts a child in at `index`, if there is room.
    ///
    /// # Safety
    /// Own and inner, `index` at most its length.
    pub(super) unsafe fn insert_child(self, index: usize, child: &Child) -> bool {
        // SAFETY: own, so that what lies behind the index can be moved up by one within the room that there is.
        unsafe {
            let (len, cap) = (self.get().len(), self.cap());
            if len == cap {
                return false;
            }
            let behind = len - index;
            let bound = self.slot::<u64>(0, index);
            bound.copy_to(bound.add(1), behind);
            let node = self.slot::<Node>(8 * cap, index);
            node.copy_to(node.add(1), behind);
            let count = self.slot::<u32>(16 * cap, index);
            count.copy_to(count.add(1), behind);
            self.write_child(index, child);
            self.set_len(len + 1);
            self.set_bound(0, 0);
        }
        true
    }

    /// Takes the child at `index` out.
    ///
    /// # Safety
    /// Own and inner, `index` below its length.
    pub(super) unsafe fn remove_child(self, index: usize) {
        // SAFETY: own, so that what lies behind the index can be moved down by one.
        unsafe {
            let (len, cap) = (self.get().len(), self.cap());
            let behind = len - index - 1;
            let bound = self.slot::<u64>(0, index);
            bound.copy_from(bound.add(1), behind);
            let node = self.slot::<Node>(8 * cap, index);
            node.copy_from(node.add(1), behind);
            let count = self.slot::<u32>(16 * cap, index);
            count.copy_from(count.add(1), behind);
            self.set_len(len - 1);
            self.set_bound(0, 0);
        }
    }

    /// Points an entry of a bucket at another row.
    ///
    /// # Safety
    /// Own and a bucket, `index` below its length.
    pub(super) unsafe fn set_row(self, index: usize, row: Handle) {
        // SAFETY: the caller's promise.
        unsafe { self.slot::<Handle>(8 * self.cap(), index).write(row) }
    }
}
