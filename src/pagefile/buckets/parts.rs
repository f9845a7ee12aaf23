//! Cutting a bucket into parts, for several threads to read.

use super::super::{
    Bucket,
    page::PageRef,
    source::Source,
    tree::{NodePage, Root},
};

impl Bucket<'_> {
    /// Keys that cut the bucket into parts of about so many leaves, ascending. Reads the pages above the leaves. What cannot be read is not cut: who reads that part meets the
    /// error.
    pub(crate) fn cuts(&self, leaves: usize) -> Vec<Vec<u8>> {
        let mut cuts = Cuts {
            source: self.source(),
            leaves: leaves.max(1),
            since: 0,
            left: self.source().pages,
            keys: Vec::new(),
        };
        if let Root::Stored(root) = self.root() {
            cuts.below(root, None);
        }
        cuts.keys
    }
}

struct Cuts<'t> {
    source: &'t Source,
    leaves: usize,
    /// Leaves behind the last cut.
    since: usize,
    /// So many nodes may still be read: a tree has no more than there are pages, whatever its branches say.
    left: u64,
    keys: Vec<Vec<u8>>,
}

impl Cuts<'_> {
    fn below(&mut self, page: PageRef, level: Option<u8>) {
        let Some(left) = self.left.checked_sub(1) else {
            return;
        };
        self.left = left;
        let Ok(node) = self.source.node(page, level) else {
            return;
        };
        if node.level() > 0 {
            (0..node.count()).for_each(|i| self.child(&node, i));
        }
    }

    fn child(&mut self, node: &NodePage<'_>, i: usize) {
        let (Ok(key), Ok((_, child))) = (node.key(i), node.branch_entry(i)) else {
            return;
        };
        // The first child's key is empty: its bound is that of its parent.
        if self.since >= self.leaves && i > 0 && self.keys.last().is_none_or(|last| **last < *key) {
            self.keys.push(key.to_vec());
            self.since = 0;
        }
        if node.level() == 1 {
            self.since += 1;
        } else {
            self.below(child, Some(node.level() - 1));
        }
    }
}
