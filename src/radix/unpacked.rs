//! Rows that were taken out of their buckets, with their keys spelled out, to be laid out anew.

use super::digit::{SPAN, bytes_of, common, digit};
use super::node::{MAX_ROWS, MAX_TAILS, NodeRef, Tails};
use super::row::Handle;

/// Rows taken out of buckets to be laid out anew: their keys from `base` on, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) base: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
    pub(super) handles: Vec<Handle>,
}

impl Rows {
    pub(super) fn clear(&mut self, base: usize) {
        self.base = base;
        self.bytes.clear();
        self.ends.clear();
        self.handles.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.handles.len()
    }

    /// The key of row `index`, from `base` on.
    pub(super) fn key(&self, index: usize) -> &[u8] {
        let from = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[from..self.ends[index]]
    }

    pub(super) fn push(&mut self, key: &[u8], row: Handle) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        self.handles.push(row);
    }

    /// Takes the rows `from..to` of a bucket, which begins at or before `base`.
    pub(super) fn take(&mut self, bucket: NodeRef<'_>, from: usize, to: usize) {
        let before = &bucket.prefix()[self.base - bucket.start()..];
        for index in from..to {
            let (head, len) = bytes_of(bucket.digits()[index]);
            self.bytes.extend_from_slice(before);
            self.bytes.extend_from_slice(&head[..len]);
            self.bytes.extend_from_slice(bucket.tail(index));
            self.ends.push(self.bytes.len());
            self.handles.push(bucket.rows()[index]);
        }
    }

    /// What the rows `from..to` have in common from `base` on.
    pub(super) fn shared(&self, from: usize, to: usize) -> usize {
        if from + 1 == to {
            return self.key(from).len();
        }
        common(self.key(from), self.key(to - 1))
    }

    /// The tails that a bucket of the rows `from..to` would have.
    pub(super) fn tails(&self, from: usize, to: usize) -> Tails {
        let reach = self.shared(from, to) + SPAN;
        Tails::of((from..to).map(|index| self.key(index).len().saturating_sub(reach)))
    }

    pub(super) fn fits(&self, from: usize, to: usize) -> bool {
        to - from == 1 || (to - from <= MAX_ROWS && self.tails(from, to).bytes <= MAX_TAILS)
    }
}

/// The digit at `at` of the shortest key that is greater than `low` and not greater than `high`.
pub(super) fn separator(low: &[u8], high: &[u8], at: usize) -> u64 {
    digit(&high[..=common(low, high).min(high.len() - 1)], at)
}
