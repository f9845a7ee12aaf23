//! A bucket with one row more, or one less: what lies before the place and what lies behind it are copied as a whole.

use super::make::{Entry, With, Without, bucket};
use super::node::{Kind, Node, NodeRef, Tails, blank};
use super::pool::Pool;
use super::row::Handle;

/// A copy of a bucket with one row more, at `at`; `tails` are those of all.
pub(super) fn with(
    birth: u64,
    view: NodeRef<'_>,
    at: usize,
    new: Entry<'_>,
    tails: Tails,
    pool: &mut Pool,
) -> Node {
    let (start, prefix, len) = (view.start(), view.prefix(), view.len() + 1);
    let Some(old) = view.even_tails().filter(|_| !tails.mixed()) else {
        let entries = With {
            view,
            next: 0,
            at,
            new: Some(new),
        };
        return bucket(birth, start, prefix, entries, tails, pool);
    };
    assert!(at < len && old.len() + new.tail.len() == tails.bytes);
    let node = blank(Kind::Bucket, birth, start, prefix, len, tails, pool);
    // SAFETY: own, just made, with room for `len` rows and for `tails`, which are the old ones and the new one, all of one length.
    unsafe {
        opened(node.slot::<u64>(0, 0), view.digits(), at, &[new.head]);
        opened(node.slot::<Handle>(8 * len, 0), view.rows(), at, &[new.row]);
        let place = at * new.tail.len();
        opened(node.slot::<u8>(16 * len, 0), old, place, new.tail);
        node.set_len(len);
    }
    node
}

/// A copy of a bucket of several rows without that at `at`; `tails` are those of the others.
pub(super) fn without(
    birth: u64,
    view: NodeRef<'_>,
    at: usize,
    tails: Tails,
    pool: &mut Pool,
) -> Node {
    let (start, prefix, len) = (view.start(), view.prefix(), view.len() - 1);
    let Some(old) = view.even_tails() else {
        let entries = Without { view, next: 0, at };
        return bucket(birth, start, prefix, entries, tails, pool);
    };
    let each = old.len() - tails.bytes;
    let node = blank(Kind::Bucket, birth, start, prefix, len, tails, pool);
    // SAFETY: own, just made, with room for `len` rows, all but one of the old ones, and for their tails.
    unsafe {
        closed(node.slot::<u64>(0, 0), view.digits(), at, 1);
        closed(node.slot::<Handle>(8 * len, 0), view.rows(), at, 1);
        closed(node.slot::<u8>(16 * len, 0), old, at * each, each);
        node.set_len(len);
    }
    node
}

/// Writes `from` with `new` in it at `at`.
///
/// # Safety
/// There is room for both at `to`, and nobody else has it.
unsafe fn opened<T: Copy>(to: *mut T, from: &[T], at: usize, new: &[T]) {
    let (before, behind) = from.split_at(at);
    // SAFETY: the caller's promise; the three parts lie one behind the other.
    unsafe {
        to.copy_from_nonoverlapping(before.as_ptr(), at);
        to.add(at).copy_from_nonoverlapping(new.as_ptr(), new.len());
        to.add(at + new.len())
            .copy_from_nonoverlapping(behind.as_ptr(), behind.len());
    }
}

/// Writes `from` without the `count` at `at`.
///
/// # Safety
/// There is room for what is left at `to`, and nobody else has it.
unsafe fn closed<T: Copy>(to: *mut T, from: &[T], at: usize, count: usize) {
    let (before, behind) = (&from[..at], &from[at + count..]);
    // SAFETY: the caller's promise; the two parts lie one behind the other.
    unsafe {
        to.copy_from_nonoverlapping(before.as_ptr(), at);
        to.add(at)
            .copy_from_nonoverlapping(behind.as_ptr(), behind.len());
    }
}

#[cfg(test)]
mod tests {
    use std::mem::ManuallyDrop;

    use proptest::prelude::*;

    use super::{Entry, Handle, Kind, Node, Pool, Tails, bucket, with, without};
    use crate::radix::node::MAX_ROWS;

    /// Entries with tails of these lengths, and rows that nobody looks at.
    fn entries(tails: &[Vec<u8>]) -> Vec<Entry<'_>> {
        let entry = |(index, tail)| Entry {
            head: index as u64 + 1,
            tail,
            row: Handle::example(index),
        };
        let tails = tails.iter().map(Vec::as_slice).enumerate();
        tails.map(entry).collect()
    }

    fn made(entries: &[Entry<'_>], pool: &mut Pool) -> Node {
        let tails = Tails::of(entries.iter().map(|entry| entry.tail.len()));
        bucket(7, 3, b"prefix", entries.iter().copied(), tails, pool)
    }

    fn same(a: Node, b: Node) -> bool {
        // SAFETY: both were made by the test, and are not written to.
        let (a, b) = unsafe { (a.get(), b.get()) };
        let tails = |index| a.tail(index) == b.tail(index);
        (a.kind(), a.start(), a.prefix()) == (Kind::Bucket, b.start(), b.prefix())
            && a.size() == b.size()
            && a.digits() == b.digits()
            && a.rows() == b.rows()
            && (0..a.len()).all(tails)
    }

    proptest! {
        // However long its tails are, a bucket with one row more or less is what it would be if it were made of all its rows.
        #[test]
        fn one_row_more_or_less_is_as_made_anew(
            each in 0_usize..20,
            mixed in any::<bool>(),
            len in 2..=MAX_ROWS,
            at in any::<prop::sample::Index>(),
        ) {
            let tails: Vec<Vec<u8>> = (0..len)
                .map(|index| vec![index as u8; each + if mixed { index % 3 } else { 0 }])
                .collect();
            let all = entries(&tails);
            let at = at.index(len);
            let mut rest = all.clone();
            rest.remove(at);
            let mut pool = ManuallyDrop::new(Pool::default());
            let (more, less) = (made(&all, &mut pool), made(&rest, &mut pool));
            // SAFETY: made above, alive until the end.
            let (view, rest_view) = unsafe { (more.get(), less.get()) };
            let tails = rest_view.tails().with(all[at].tail.len());
            let opened = with(7, rest_view, at, all[at], tails, &mut pool);
            prop_assert!(same(opened, more));
            let tails = view.tails().without(all[at].tail.len());
            let closed = without(7, view, at, tails, &mut pool);
            // A bucket of mixed tails stays one where those that are left are even.
            prop_assert!(same(closed, less) || view.tails().mixed());
            for node in [more, less, opened, closed] {
                // SAFETY: nobody uses them any more.
                unsafe { node.free(&mut pool) };
            }
            drop(ManuallyDrop::into_inner(pool));
        }
    }
}
