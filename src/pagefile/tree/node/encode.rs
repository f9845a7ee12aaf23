//! Nodes on their way into their pages.

use super::super::super::{
    page::{HEADER, NodeHeader, put_children, put_slot},
    slots::{SLOT, head, head_of, place},
};
use super::Node;

impl Node {
    /// Writes the node into its page, or pages, which are zeros. All children must be stored.
    pub(in super::super) fn encode(&self, commit: u64, page: &mut [u8]) {
        let header = if self.is_as_stored {
            self.copy(commit, page)
        } else {
            self.lay_out(commit, page)
        };
        header.encode(page);
        let changed = self.children.iter();
        let changed = changed.filter_map(|(i, child)| Some((i, child.stored()?)));
        put_children(page, changed);
    }

    /// Copies slots and entries as they are.
    fn copy(&self, commit: u64, page: &mut [u8]) -> NodeHeader {
        let start = HEADER + self.count() * SLOT;
        for (i, from) in self.slots.iter().enumerate() {
            put_slot(page, i, start + place(*from), head_of(*from));
        }
        page[start..self.size].copy_from_slice(&self.heap);
        NodeHeader {
            level: self.level,
            count: self.count(),
            commit,
            used: self.size,
            prefix: self.prefix,
        }
    }

    /// Lays entries side by side, in their order.
    fn lay_out(&self, commit: u64, page: &mut [u8]) -> NodeHeader {
        let first = usize::from(self.level > 0);
        let prefix = self.common_prefix();
        let mut at = HEADER + self.count() * SLOT;
        // Entries that lie side by side are copied as one.
        let mut copied = 0..0;
        for i in 0..self.count() {
            let entry = self.entry(i);
            let head = if prefix == self.prefix || i < first {
                head_of(self.slots[i])
            } else {
                head(self.key(i), prefix)
            };
            put_slot(page, i, at + copied.len(), head);
            if entry.start == copied.end {
                copied.end = entry.end;
            } else {
                page[at..at + copied.len()].copy_from_slice(&self.heap[copied.clone()]);
                at += copied.len();
                copied = entry;
            }
        }
        page[at..at + copied.len()].copy_from_slice(&self.heap[copied.clone()]);
        at += copied.len();
        NodeHeader {
            level: self.level,
            count: self.count(),
            commit,
            used: at,
            prefix,
        }
    }
}
