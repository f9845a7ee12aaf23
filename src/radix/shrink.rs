//! After a row was removed: small neighbours become one bucket, and so does a node with few rows; a node with one child gives way to it.

use smallvec::SmallVec;

use super::digit::bytes_of;
use super::divide::children;
use super::edit::Editor;
use super::gap;
use super::make::{Child, Without, bucket, inner};
use super::node::{Kind, MAX_ROWS, Node, NodeRef};

/// Neighbours are merged when together they have no more rows than this: three quarters of a bucket.
const MERGED: usize = MAX_ROWS * 3 / 4;

impl Editor {
    /// A bucket without its row `index`.
    pub(super) fn shrunk(&mut self, view: NodeRef<'_>, index: usize) -> Child {
        let tails = view.tails().without(view.tail(index).len());
        let node = gap::without(self.stamp, view, index, tails, &mut self.pool);
        Child {
            bound: 0,
            node,
            count: view.len() as u32 - 1,
        }
    }

    /// The bucket at the end of the path is gone.
    pub(super) fn pluck(&mut self, root: &mut Option<Node>) {
        let Some((parent, index)) = self.path.pop() else {
            *root = None;
            return;
        };
        // SAFETY: nodes on the path are own; the index is one of theirs.
        unsafe { parent.remove_child(index) };
        self.tidy(root, parent);
    }

    /// Puts a bucket that lost a row at the end of the path, and merges it with a neighbour if both are small.
    pub(super) fn settle(&mut self, root: &mut Option<Node>, shrunk: Child) {
        let Some((parent, index)) = self.path.pop() else {
            *root = Some(shrunk.node);
            return;
        };
        // SAFETY: nodes on the path are own; the index is one of theirs.
        unsafe {
            parent.set_child(index, shrunk.node);
            parent.set_count(index, shrunk.count);
        }
        // SAFETY: own, and not written to while its length is read.
        let len = unsafe { parent.get() }.len();
        let merged = index + 1 < len && self.merge(parent, index);
        if !merged && index > 0 {
            self.merge(parent, index - 1);
        }
        self.tidy(root, parent);
    }

    /// Makes one bucket of the children `index` and `index + 1`, if they are buckets and small enough together.
    pub(super) fn merge(&mut self, parent: Node, index: usize) -> bool {
        // SAFETY: own; not written to while the views are used.
        let view = unsafe { parent.get() };
        let counts = view.counts();
        let count = counts[index] + counts[index + 1];
        let (left, right) = (view.child(index), view.child(index + 1));
        if count as usize > MERGED || left.kind() == Kind::Inner || right.kind() == Kind::Inner {
            return false;
        }
        self.rows.clear(view.stop());
        self.rows.take(left, 0, left.len());
        self.rows.take(right, 0, right.len());
        let len = self.rows.len();
        if !self.rows.fits(0, len) {
            return false;
        }
        let merged = self.pack(0, len, self.rows.base);
        let (left, right) = (left.node(), right.node());
        // SAFETY: own, no reference into it is used any more, and it has both children.
        unsafe {
            parent.remove_child(index + 1);
            parent.set_child(index, merged);
            parent.set_count(index, count);
        }
        self.dispose(left);
        self.dispose(right);
        true
    }

    /// `node`, own and once at the end of the path, lost a row, and so did all above it: where few are left below a node, a bucket takes its
    /// place; where one child is left, that child.
    pub(super) fn tidy(&mut self, root: &mut Option<Node>, mut node: Node) {
        loop {
            // SAFETY: own; not written to while the view is used.
            let view = unsafe { node.get() };
            let total = view.total();
            // SAFETY: as above.
            let above = self
                .path
                .last()
                .map_or(0, |(parent, _)| unsafe { parent.get() }.stop());
            let mut place = node;
            if total <= MERGED && self.gather(view, above) {
                place = self.pack(0, total, above);
                self.dispose_below(node);
            } else if view.len() == 1 {
                place = self.raised(view, above);
                self.dispose(node);
            }
            let Some((parent, index)) = self.path.pop() else {
                *root = Some(place);
                return;
            };
            // SAFETY: nodes on the path are own; the index is one of theirs.
            unsafe {
                parent.set_child(index, place);
                parent.set_count(index, total as u32);
            }
            node = parent;
        }
    }

    /// Collects all rows below `view`. `false` if they don't fit one bucket.
    pub(super) fn gather(&mut self, view: NodeRef<'_>, base: usize) -> bool {
        self.rows.clear(base);
        // The bytes between `base` and where each bucket begins are those of the nodes above it.
        let mut before: Vec<u8> = Vec::new();
        let mut open = vec![(view, 0usize)];
        while let Some((node, len)) = open.pop() {
            before.truncate(len);
            let known = base + before.len();
            match node.kind() {
                Kind::Bucket => {
                    let skip = known - node.start();
                    for index in 0..node.len() {
                        let (head, len) = bytes_of(node.digits()[index]);
                        self.rows.bytes.extend_from_slice(&before);
                        self.rows.bytes.extend_from_slice(&node.prefix()[skip..]);
                        self.rows.bytes.extend_from_slice(&head[..len]);
                        self.rows.bytes.extend_from_slice(node.tail(index));
                        self.rows.ends.push(self.rows.bytes.len());
                        self.rows.handles.push(node.rows()[index]);
                    }
                }
                Kind::Inner => {
                    before.extend_from_slice(&node.prefix()[known - node.start()..]);
                    let len = before.len();
                    open.extend((0..node.len()).rev().map(|index| (node.child(index), len)));
                }
            }
        }
        self.rows.fits(0, self.rows.len())
    }

    /// The only child of `view`, beginning at `above` or before, as it must in its parent's place.
    pub(super) fn raised(&mut self, view: NodeRef<'_>, above: usize) -> Node {
        let child = view.child(0);
        if child.start() <= above {
            return child.node();
        }
        let mut prefix = SmallVec::<[u8; 64]>::from_slice(
            &view.prefix()[above - view.start()..child.start() - view.start()],
        );
        prefix.extend_from_slice(child.prefix());
        let node = match child.kind() {
            Kind::Inner => inner(self.stamp, above, &prefix, &children(child), &mut self.pool),
            Kind::Bucket => {
                let entries = Without {
                    view: child,
                    next: 0,
                    at: usize::MAX,
                };
                bucket(
                    self.stamp,
                    above,
                    &prefix,
                    entries,
                    child.tails(),
                    &mut self.pool,
                )
            }
        };
        self.dispose(child.node());
        node
    }

    /// Disposes of a whole subtree, which has few nodes.
    pub(super) fn dispose_below(&mut self, node: Node) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            // SAFETY: alive until it is disposed of, below.
            let view = unsafe { node.get() };
            if view.kind() == Kind::Inner {
                open.extend_from_slice(view.children());
            }
            self.dispose(node);
        }
    }
}
