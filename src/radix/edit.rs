//! Changing a tree: path copying.
//!
//! The editor walks down, making own each inner node on its way, and changes the bucket at the end. A node that is own already is changed in
//! place; another is copied once for each transaction, and the old one noted as unlinked. Then it goes up again: counts are mended, and
//! where one node became several ([`super::grow`]), its parent takes them in or is divided itself ([`super::divide`]). After a removal it
//! tidies up on its way ([`super::shrink`]).

use std::mem::ManuallyDrop;

use smallvec::SmallVec;

use super::digit::digit;
use super::find::{Fit, child_index, fit, position};
use super::grow::widened;
use super::heap::Heap;
use super::make::{Child, inner};
use super::node::{Kind, Node, NodeRef};
use super::pool::Pool;
use super::row::Handle;
use super::unpacked::Rows;
use crate::key::KeyBuf;

/// What a changed child is replaced by: one node, or several in order.
pub(super) type Group = SmallVec<[Child; 4]>;

/// Where a walk ended: at a bucket, or at an inner node whose prefix the key lacks; the position up to which the key was compared above it; and how
/// the key fits it.
type End = (Node, usize, Fit);

/// Where a look ended.
#[derive(Debug)]
struct Place {
    /// The root then: each change is of one tree, and leaves its root own.
    root: Option<Node>,
    key: KeyBuf,
    end: End,
}

/// The running transaction's hand on the trees. One transaction leaves it to the next, for the memory of its lists; they are empty between two.
#[derive(Debug)]
pub(super) struct Editor {
    /// The history's; given back when the transaction ends, and never unmapped with it.
    pub(super) pool: ManuallyDrop<Pool>,
    /// As the pool.
    pub(super) heap: ManuallyDrop<Heap>,
    /// Nodes of this birth are own.
    pub(super) stamp: u64,
    /// Nodes that older versions may see and the newest no more.
    pub(super) unlinked: Vec<Node>,
    /// Rows, each with its family, of which the same is true.
    pub(super) gone: Vec<(Handle, usize)>,
    /// For each family, the newest commit that wrote a row of it, this one included.
    pub(super) families: Vec<u64>,
    /// Rows that the transaction brought.
    pub(super) created: Vec<(Handle, usize)>,
    /// Whether a row was taken out, without another in its place; perhaps in a part of the transaction that was undone.
    pub(super) has_removed: bool,
    /// Where the last look ended, with the path to it, for a change at the same place right after.
    place: Option<Place>,
    /// Own inner nodes from the root down, with the child that the way goes to.
    pub(super) path: Vec<(Node, usize)>,
    pub(super) rows: Rows,
}

impl Editor {
    pub(super) fn new() -> Self {
        Self {
            pool: ManuallyDrop::new(Pool::default()),
            heap: ManuallyDrop::new(Heap::default()),
            stamp: 0,
            unlinked: Vec::new(),
            gone: Vec::new(),
            families: Vec::new(),
            created: Vec::new(),
            has_removed: false,
            place: None,
            path: Vec::new(),
            rows: Rows::default(),
        }
    }

    /// Nobody sees `node` in the newest version any more.
    pub(super) fn dispose(&mut self, node: Node) {
        // SAFETY: nodes of the tree that is edited are alive.
        if unsafe { node.get() }.birth() == self.stamp {
            // SAFETY: own, and just taken out of the tree: nobody else ever had its address.
            unsafe { node.free(&mut self.pool) };
        } else {
            self.unlinked.push(node);
        }
    }

    /// Puts `node` where the last step of the path leads, or at the root.
    fn link(&self, root: &mut Option<Node>, node: Node) {
        match self.path.last() {
            // SAFETY: nodes on the path are own, and the index is one of theirs.
            Some(&(parent, index)) => unsafe { parent.set_child(index, node) },
            None => *root = Some(node),
        }
    }

    /// Makes `node`, at the end of the path, own.
    fn own(&mut self, root: &mut Option<Node>, node: Node) -> Node {
        // SAFETY: nodes of the tree that is edited are alive.
        if unsafe { node.get() }.birth() == self.stamp {
            return node;
        }
        // SAFETY: as above.
        let copy = unsafe { node.copy(self.stamp, &mut self.pool) };
        node.prefetch_page();
        self.unlinked.push(node);
        self.link(root, copy);
        copy
    }

    /// Walks down to where `key` is or belongs, and leaves the inner nodes on the path, made own. Gives the node at its end, the position up to
    /// which the key was compared above it, and how the key fits the node: a bucket, or an inner node whose prefix it lacks.
    fn walk(&mut self, root: &mut Option<Node>, top: Node, key: &[u8]) -> End {
        self.path.clear();
        let mut node = top;
        let mut depth = 0;
        loop {
            // SAFETY: nodes of the tree that is edited are alive, and not written to here.
            let view = unsafe { node.get() };
            let fits = fit(view, key, depth);
            if view.kind() == Kind::Bucket || fits != Fit::Inside {
                return (node, depth, fits);
            }
            depth = view.stop();
            let index = child_index(view, digit(key, depth));
            let child = view.child(index).node();
            // The child's memory comes while its parent is copied.
            NodeRef::prefetch(child);
            let own = self.own(root, node);
            self.path.push((own, index));
            node = child;
        }
    }

    /// As [`walk`](Self::walk), without a step if the last look was for this key.
    fn descend(&mut self, root: &mut Option<Node>, top: Node, key: &[u8]) -> End {
        if let Some(place) = self.place.take()
            && (place.root, &*place.key) == (*root, key)
        {
            return place.end;
        }
        self.walk(root, top, key)
    }

    /// The row under `key`, which is about to be changed: the way there is made own, and need not be found again.
    pub(super) fn look(&mut self, root: &mut Option<Node>, key: &[u8]) -> Option<Handle> {
        let (mut node, depth, fits) = self.walk(root, (*root)?, key);
        // SAFETY: alive, and not written to here.
        let view = unsafe { node.get() };
        let row = match (view.kind(), fits) {
            (Kind::Bucket, Fit::Inside) => position(view, key).ok().map(|index| view.rows()[index]),
            _ => None,
        };
        if let Some(row) = row {
            // The row's memory comes while the bucket is copied.
            row.prefetch();
            node = self.own(root, node);
        }
        self.place = Some(Place {
            root: *root,
            key: KeyBuf::from_slice(key),
            end: (node, depth, fits),
        });
        row
    }

    /// What was looked up is not the way any more: nodes are frozen, or trees are others.
    pub(super) fn forget(&mut self) {
        self.place = None;
    }

    /// The bucket and the place in it of the entry `key` that points at `row`, with the path to it made own.
    fn locate(
        &mut self,
        root: &mut Option<Node>,
        key: &[u8],
        row: Handle,
    ) -> Option<(Node, usize)> {
        let (node, _, fits) = self.descend(root, (*root)?, key);
        // SAFETY: alive, and not written to meanwhile.
        let view = unsafe { node.get() };
        if view.kind() == Kind::Inner || fits != Fit::Inside {
            return None;
        }
        let index = position(view, key).ok()?;
        (view.rows()[index] == row).then_some((node, index))
    }

    /// Points the entry `key` at `new` instead of `old`. `false` if there is no such entry that points at `old`.
    pub(super) fn swap(
        &mut self,
        root: &mut Option<Node>,
        key: &[u8],
        old: Handle,
        new: Handle,
    ) -> bool {
        let Some((node, index)) = self.locate(root, key, old) else {
            return false;
        };
        let own = self.own(root, node);
        // SAFETY: own, and the index is of one of its rows.
        unsafe { own.set_row(index, new) };
        true
    }

    /// Adds an entry; its key is at most [`MAX_KEY`](super::node::MAX_KEY) bytes. Refused with the row that has the key already.
    pub(super) fn insert(
        &mut self,
        root: &mut Option<Node>,
        key: &[u8],
        row: Handle,
    ) -> Result<(), Handle> {
        let Some(top) = *root else {
            *root = Some(self.single(0, key, row).node);
            return Ok(());
        };
        let (node, depth, fits) = self.descend(root, top, key);
        // SAFETY: alive, and disposed of only when `view` is not used any more.
        let view = unsafe { node.get() };
        let group = match (view.kind(), fits) {
            (Kind::Bucket, Fit::Inside) => match position(view, key) {
                Ok(index) => return Err(view.rows()[index]),
                Err(index) => self.grown(view, depth, index, key, row),
            },
            (Kind::Bucket, Fit::Before(at)) if widened(view, at, key) => {
                self.relaid(view, depth, 0, key, row)
            }
            (Kind::Bucket, Fit::Behind(at)) if widened(view, at, key) => {
                self.relaid(view, depth, view.len(), key, row)
            }
            (_, Fit::Before(at)) => self.beside(view, depth, at, true, key, row),
            (_, Fit::Behind(at)) => self.beside(view, depth, at, false, key, row),
            (Kind::Inner, Fit::Inside) => return Ok(()),
        };
        self.ascend(root, group);
        Ok(())
    }

    /// Puts `group`, with one row more than what it replaces, where the path leads, and goes up.
    fn ascend(&mut self, root: &mut Option<Node>, mut group: Group) {
        while let Some((parent, index)) = self.path.pop() {
            // SAFETY: nodes on the path are own; the index is one of theirs.
            unsafe {
                parent.set_child(index, group[0].node);
                parent.set_count(index, group[0].count);
            }
            let mut added = 0;
            while let Some(child) = group.get(added + 1) {
                // SAFETY: own, and the index is at most its length.
                if !unsafe { parent.insert_child(index + 1 + added, child) } {
                    break;
                }
                added += 1;
            }
            if added + 1 == group.len() {
                return self.count_up();
            }
            group = self.divided(parent, index + 1 + added, &group[1 + added..]);
        }
        *root = Some(match group[..] {
            [only] => only.node,
            _ => inner(self.stamp, 0, &self.rows.bytes, &group, &mut self.pool),
        });
    }

    /// One row more below everything on the path.
    fn count_up(&mut self) {
        for &(node, index) in &self.path {
            // SAFETY: nodes on the path are own; no reference into them is held; the index is one of theirs.
            unsafe {
                let count = node.get().counts()[index];
                node.set_count(index, count + 1);
            }
        }
    }

    /// Removes the entry `key`. `false` if there is none that points at `row`.
    pub(super) fn remove(&mut self, root: &mut Option<Node>, key: &[u8], row: Handle) -> bool {
        let Some((bucket, index)) = self.locate(root, key, row) else {
            return false;
        };
        // SAFETY: alive; disposed of only when `view` is not used any more.
        let view = unsafe { bucket.get() };
        if view.len() == 1 {
            self.dispose(bucket);
            self.pluck(root);
        } else {
            let shrunk = self.shrunk(view, index);
            self.dispose(bucket);
            self.settle(root, shrunk);
        }
        true
    }
}
