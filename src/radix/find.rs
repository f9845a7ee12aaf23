//! Finding a key: down the tree, comparing each node's prefix and choosing by digit.

use std::cmp::Ordering;
use std::hint::select_unpredictable;

use super::digit::{MORE, SPAN, common, digit};
use super::node::{Kind, NodeRef};
use super::row::Handle;

/// The last of these digits, which ascend and are at least one, for which `holds`; the first where it holds for none. What holds for a digit holds for all
/// before it.
///
/// What `partition_point` does, but for its first and its last step. A read is a chain of misses, and the processor begins with the next read's as soon as it
/// sees them: so there should be few instructions on the way.
#[inline]
fn last(digits: &[u64], holds: impl Fn(u64) -> bool) -> usize {
    let mut index = 0;
    let mut left = digits.len();
    while left > 1 {
        let half = left / 2;
        let probe = index + half;
        // SAFETY: `index + left` is at most the length, and `half` less than `left`.
        let digit = unsafe { *digits.get_unchecked(probe) };
        index = select_unpredictable(holds(digit), probe, index);
        left -= half;
    }
    index
}

/// The child of an inner node where keys with this digit are.
#[inline]
pub(super) fn child_index(node: NodeRef<'_>, digit: u64) -> usize {
    last(node.digits(), |bound| bound <= digit)
}

/// How a key stands to a node's prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    /// It has the prefix.
    Inside,
    /// It differs at this position of the key, where it is less, or has ended.
    Before(usize),
    /// It differs at this position of the key, where it is greater.
    Behind(usize),
}

/// Compares `key`, which is known to fit up to `depth`, with the node's prefix.
#[inline]
pub(super) fn fit(node: NodeRef<'_>, key: &[u8], depth: usize) -> Fit {
    let prefix = &node.prefix()[depth - node.start()..];
    let rest = &key[depth..];
    if rest.starts_with(prefix) {
        return Fit::Inside;
    }
    let same = common(rest, prefix);
    if rest.get(same) > prefix.get(same) {
        Fit::Behind(depth + same)
    } else {
        Fit::Before(depth + same)
    }
}

/// Where `key`, which has the prefix of this bucket, is among its rows, or would be.
#[inline]
pub(super) fn position(bucket: NodeRef<'_>, key: &[u8]) -> Result<usize, usize> {
    let stop = bucket.stop();
    let head = digit(key, stop);
    let heads = bucket.digits();
    let mut index = last(heads, |other| other < head);
    index += usize::from(heads.get(index).is_some_and(|&other| other < head));
    if head & 0xFF < MORE {
        return if heads.get(index) == Some(&head) {
            Ok(index)
        } else {
            Err(index)
        };
    }
    let tail = &key[stop + SPAN..];
    while heads.get(index) == Some(&head) {
        match bucket.tail(index).cmp(tail) {
            Ordering::Less => index += 1,
            Ordering::Equal => return Ok(index),
            Ordering::Greater => break,
        }
    }
    Err(index)
}

/// The row with this key. O(key length).
#[inline]
pub(super) fn get<'v>(root: Option<NodeRef<'v>>, key: &[u8]) -> Option<&'v Handle> {
    let mut node = root?;
    let mut depth = 0;
    loop {
        let stop = node.stop();
        // Mostly there is nothing to compare: nodes of keys that differ early have no prefix.
        if stop > depth && key.get(depth..stop)? != &node.prefix()[depth - node.start()..] {
            return None;
        }
        match node.kind() {
            Kind::Inner => {
                node = node.child(child_index(node, digit(key, stop)));
                NodeRef::prefetch(node.node());
                depth = stop;
            }
            Kind::Bucket => {
                let index = position(node, key).ok()?;
                return node.rows().get(index);
            }
        }
    }
}
