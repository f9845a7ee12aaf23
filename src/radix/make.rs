//! Making nodes: from children, from entries, from the entries of another bucket.

use super::node::{Kind, MAX_CHILDREN, MAX_ROWS, Node, NodeRef, Tails, blank};
use super::pool::Pool;
use super::row::Handle;

/// A child of an inner node that is about to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    /// The least digit that leads here.
    pub(super) bound: u64,
    pub(super) node: Node,
    /// Rows at or below it.
    pub(super) count: u32,
}

/// Makes an inner node of children in order of their bounds. The first bound becomes 0: what is below the second leads to the first child.
pub(super) fn inner(
    birth: u64,
    start: usize,
    prefix: &[u8],
    children: &[Child],
    pool: &mut Pool,
) -> Node {
    debug_assert!((1..=MAX_CHILDREN).contains(&children.len()));
    let cap = children.len().next_multiple_of(4).min(MAX_CHILDREN);
    let node = blank(
        Kind::Inner,
        birth,
        start,
        prefix,
        cap,
        Tails::of(std::iter::empty()),
        pool,
    );
    // SAFETY: own, just made, with room for `cap` children.
    unsafe {
        for (index, child) in children.iter().enumerate() {
            node.write_child(index, child);
        }
        node.set_len(children.len());
        node.set_bound(0, 0);
    }
    node
}

/// A row of a bucket that is about to be made: its key from the end of the bucket's prefix on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'k> {
    pub(super) head: u64,
    pub(super) tail: &'k [u8],
    pub(super) row: Handle,
}

/// Makes a bucket of rows in order of their keys; all tails together are at most 65,535 bytes.
pub(super) fn bucket<'k>(
    birth: u64,
    start: usize,
    prefix: &[u8],
    entries: impl ExactSizeIterator<Item = Entry<'k>>,
    tails: Tails,
    pool: &mut Pool,
) -> Node {
    let len = entries.len();
    debug_assert!((1..=MAX_ROWS).contains(&len) && u16::try_from(tails.bytes).is_ok());
    let node = blank(Kind::Bucket, birth, start, prefix, len, tails, pool);
    // SAFETY: own, just made, with room for `len` entries and `tails` bytes; the entries keep to both, as is asserted. Blocks are
    // aligned, and the offsets of the arrays keep it.
    unsafe {
        let heads = node.slot::<u64>(0, 0);
        let rows = node.slot::<Handle>(8 * len, 0);
        let ends = node.slot::<u8>(16 * len, 0);
        let bytes = if tails.mixed() {
            ends.add(2 * len)
        } else {
            ends
        };
        let mut end = 0;
        for (index, entry) in entries.enumerate() {
            assert!(index < len && end + entry.tail.len() <= tails.bytes);
            heads.add(index).write(entry.head);
            rows.add(index).write(entry.row);
            bytes
                .add(end)
                .copy_from_nonoverlapping(entry.tail.as_ptr(), entry.tail.len());
            end += entry.tail.len();
            if tails.mixed() {
                node.slot::<u16>(16 * len, index).write(end as u16);
            }
        }
        node.set_len(len);
    }
    node
}

/// The entries of a bucket and one more.
pub(super) struct With<'v> {
    pub(super) view: NodeRef<'v>,
    pub(super) next: usize,
    pub(super) at: usize,
    pub(super) new: Option<Entry<'v>>,
}

impl<'v> Iterator for With<'v> {
    type Item = Entry<'v>;

    fn next(&mut self) -> Option<Entry<'v>> {
        if self.next == self.at
            && let Some(new) = self.new.take()
        {
            return Some(new);
        }
        let entry = entry(self.view, self.next)?;
        self.next += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.view.len() - self.next + usize::from(self.new.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for With<'_> {}

/// The entries of a bucket but one.
pub(super) struct Without<'v> {
    pub(super) view: NodeRef<'v>,
    pub(super) next: usize,
    pub(super) at: usize,
}

impl<'v> Iterator for Without<'v> {
    type Item = Entry<'v>;

    fn next(&mut self) -> Option<Entry<'v>> {
        if self.next == self.at {
            self.next += 1;
        }
        let entry = entry(self.view, self.next)?;
        self.next += 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let to_come = self.at < self.view.len() && self.next <= self.at;
        let left = self.view.len() - self.next - usize::from(to_come);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Without<'_> {}

fn entry(view: NodeRef<'_>, index: usize) -> Option<Entry<'_>> {
    Some(Entry {
        head: *view.digits().get(index)?,
        tail: view.tail(index),
        row: view.rows()[index],
    })
}
