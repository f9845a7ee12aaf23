//! What a tree is made of: its nodes, counted.

use super::layout::Layout;
use super::node::{Kind, NodeRef};
use super::version::Version;

/// The nodes of one tree.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) rows: usize,
    pub(crate) buckets: usize,
    pub(crate) inner: usize,
    /// Nodes on the longest way down.
    pub(crate) depth: usize,
    /// Of all nodes' blocks.
    pub(crate) bytes: usize,
}

impl Census {
    /// Adds a node that lies so deep.
    pub(super) fn add(&mut self, node: NodeRef<'_>, depth: usize) {
        self.depth = self.depth.max(depth);
        self.bytes += node.size();
        match node.kind() {
            Kind::Inner => self.inner += 1,
            Kind::Bucket => {
                self.buckets += 1;
                self.rows += node.len();
            }
        }
    }
}

impl Version {
    /// Walks all nodes of a tree. O(nodes).
    pub(crate) fn census(&self, family: usize, tree: usize) -> Census {
        let mut census = Census::default();
        let mut open: Vec<_> = self
            .root(family, tree)
            .map(|root| (root, 1))
            .into_iter()
            .collect();
        while let Some((node, depth)) = open.pop() {
            census.add(node, depth);
            if node.kind() == Kind::Inner {
                open.extend((0..node.len()).map(|index| (node.child(index), depth + 1)));
            }
        }
        census
    }

    /// How many entries a tree has. O(1): a look at its root.
    pub(crate) fn entries(&self, family: usize, tree: usize) -> usize {
        self.root(family, tree).map_or(0, NodeRef::total)
    }

    fn root(&self, family: usize, tree: usize) -> Option<NodeRef<'_>> {
        // SAFETY: a version's nodes are alive and frozen for as long as it is.
        self.root_node(family, tree)
            .map(|node| unsafe { node.get() })
    }
}

impl Layout {
    /// The memory of one row of a family, without what it points at.
    pub(crate) fn row_bytes(&self, family: usize) -> usize {
        self.families[family].row.size()
    }
}
