//! Changing a tree: path copying, splits, merges.
//!
//! The editor walks down, making own each inner node on its way, and changes the bucket at the end. A node that is own already is changed in
//! place; another is copied once for each transaction, and the old one noted as unlinked. Then it goes up again: counts are mended, and
//! where one node became several, its parent takes them in or is split itself.
//!
//! How nodes are split decides the shape. Children of one node are told apart by their digit there, so a bucket is split where that digit
//! changes, nearest to its middle; if it changes nowhere, a node comes in between, where the keys first differ. An inner node is split
//! likewise, if one of its bounds is short enough to be a digit of its parent. After a split each half takes the longest prefix that its keys share.
//! An append at the end leaves the left half full.

use std::mem::ManuallyDrop;

use smallvec::SmallVec;

use super::digit::{SPAN, bytes_of, common, digit, shifted};
use super::find::{Fit, child_index, fit, position};
use super::node::{
    self, Child, Entry, Kind, MAX_CHILDREN, MAX_ROWS, MAX_TAILS, Node, NodeRef, Tails,
};
use super::pool::Pool;
use super::row::Handle;

/// Neighbours are merged when together they have no more rows than this: three quarters of a bucket.
const MERGED: usize = MAX_ROWS * 3 / 4;

/// What a changed child is replaced by: nothing, one node, or several in order.
type Group = SmallVec<[Child; 4]>;

/// The running transaction's hand on the trees.
#[derive(Debug)]
pub(super) struct Editor {
    /// The history's; given back when the transaction ends, and never unmapped with it.
    pub(super) pool: ManuallyDrop<Pool>,
    /// Nodes of this birth are own.
    pub(super) stamp: u64,
    /// Nodes that older versions may see and the newest no more.
    pub(super) unlinked: Vec<Node>,
    path: Vec<(Node, usize)>,
    rows: Rows,
}

/// Rows taken out of buckets to be laid out anew: their keys from `base` on, one behind the other.
#[derive(Debug, Default)]
struct Rows {
    base: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    rows: Vec<Handle>,
}

impl Rows {
    fn clear(&mut self, base: usize) {
        self.base = base;
        self.bytes.clear();
        self.ends.clear();
        self.rows.clear();
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    /// The key of row `index`, from `base` on.
    fn key(&self, index: usize) -> &[u8] {
        let from = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[from..self.ends[index]]
    }

    fn push(&mut self, key: &[u8], row: Handle) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        self.rows.push(row);
    }

    /// Takes the rows `from..to` of a bucket, which begins at or before `base`.
    fn take(&mut self, bucket: NodeRef<'_>, from: usize, to: usize) {
        let before = &bucket.prefix()[self.base - bucket.start()..];
        for index in from..to {
            let (head, len) = bytes_of(bucket.digits()[index]);
            self.bytes.extend_from_slice(before);
            self.bytes.extend_from_slice(&head[..len]);
            self.bytes.extend_from_slice(bucket.tail(index));
            self.ends.push(self.bytes.len());
            self.rows.push(bucket.rows()[index]);
        }
    }

    /// What the rows `from..to` have in common from `base` on.
    fn shared(&self, from: usize, to: usize) -> usize {
        if from + 1 == to {
            return self.key(from).len();
        }
        common(self.key(from), self.key(to - 1))
    }

    /// The tails that a bucket of the rows `from..to` would have.
    fn tails(&self, from: usize, to: usize) -> Tails {
        let reach = self.shared(from, to) + SPAN;
        Tails::of((from..to).map(|index| self.key(index).len().saturating_sub(reach)))
    }

    fn fits(&self, from: usize, to: usize) -> bool {
        to - from == 1 || (to - from <= MAX_ROWS && self.tails(from, to).bytes <= MAX_TAILS)
    }
}

impl Editor {
    pub(super) fn new(pool: Pool, stamp: u64) -> Self {
        Self {
            pool: ManuallyDrop::new(pool),
            stamp,
            unlinked: Vec::new(),
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
        self.unlinked.push(node);
        self.link(root, copy);
        copy
    }

    /// Walks down to where `key` is or belongs, leaving own inner nodes on the path. Gives the node at its end, the position up to
    /// which the key was compared above it, and how the key fits the node: a bucket, or an inner node whose prefix it lacks.
    fn descend(&mut self, root: &mut Option<Node>, top: Node, key: &[u8]) -> (Node, usize, Fit) {
        self.path.clear();
        let mut node = top;
        let mut depth = 0;
        loop {
            // SAFETY: alive, and not written to before `view` is used for the last time.
            let view = unsafe { node.get() };
            let fits = fit(view, key, depth);
            if view.kind() == Kind::Bucket || fits != Fit::Inside {
                return (node, depth, fits);
            }
            depth = view.stop();
            let index = child_index(view, digit(key, depth));
            let child = view.child(index).node();
            let own = self.own(root, node);
            self.path.push((own, index));
            node = child;
        }
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

    /// Adds an entry; its key is at most [`node::MAX_KEY`] bytes. Refused with the row that has the key already.
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

    /// A bucket of one row.
    fn single(&mut self, start: usize, key: &[u8], row: Handle) -> Child {
        let entry = Entry {
            head: 0,
            tail: &[],
            row,
        };
        let node = node::bucket(
            self.stamp,
            start,
            &key[start..],
            [entry].into_iter(),
            Tails::of(std::iter::once(0)),
            &mut self.pool,
        );
        Child {
            bound: 0,
            node,
            count: 1,
        }
    }

    /// A bucket with one row more, whose key has the bucket's prefix; or what it must be split into.
    fn grown(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        index: usize,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let stop = view.stop();
        let tail = key.get(stop + SPAN..).unwrap_or_default();
        let tails = view.tails().with(tail.len());
        if view.len() == MAX_ROWS || tails.bytes > MAX_TAILS {
            return self.relaid(view, depth, index, key, row);
        }
        let new = Entry {
            head: digit(key, stop),
            tail,
            row,
        };
        let entries = With {
            view,
            next: 0,
            at: index,
            new: Some(new),
        };
        let node = node::bucket(
            self.stamp,
            view.start(),
            view.prefix(),
            entries,
            tails,
            &mut self.pool,
        );
        let count = view.len() as u32 + 1;
        self.dispose(view.node());
        Group::from_slice(&[Child {
            bound: 0,
            node,
            count,
        }])
    }

    /// Lays a bucket's rows out anew, with one more at `index`: in one bucket, or in as many nodes as they need.
    fn relaid(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        index: usize,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let append = index == view.len();
        self.rows.clear(depth);
        self.rows.take(view, 0, index);
        self.rows.push(&key[depth..], row);
        self.rows.take(view, index, view.len());
        self.dispose(view.node());
        let mut group = Group::new();
        let digits = (!self.path.is_empty()).then_some(depth);
        self.lay_out(0, self.rows.len(), digits, append, &mut group);
        group
    }

    /// Makes nodes of the rows `from..to`, for a parent whose digits begin at `digits`. Goes no deeper than there are rows.
    fn lay_out(
        &mut self,
        from: usize,
        to: usize,
        digits: Option<usize>,
        append: bool,
        group: &mut Group,
    ) {
        let base = self.rows.base;
        let start = digits.unwrap_or(base);
        let count = (to - from) as u32;
        let bound = |rows: &Rows| match digits {
            Some(at) if from > 0 => separator(rows.key(from - 1), rows.key(from), at - base),
            _ => 0,
        };
        if self.rows.fits(from, to) {
            let bound = bound(&self.rows);
            let node = self.pack(from, to, start);
            group.push(Child { bound, node, count });
            return;
        }
        if let Some(at) = digits
            && let Some(middle) = self.cut(from, to, at - base, append)
        {
            self.lay_out(from, middle, digits, false, group);
            self.lay_out(middle, to, digits, append, group);
            return;
        }
        let shared = self.rows.shared(from, to);
        let mut below = Group::new();
        let Some(middle) = self.cut(from, to, shared, append) else {
            // Distinct keys differ behind what they share.
            return;
        };
        self.lay_out(from, middle, Some(base + shared), false, &mut below);
        self.lay_out(middle, to, Some(base + shared), append, &mut below);
        let bound = bound(&self.rows);
        let prefix = &self.rows.key(from)[start - base..shared];
        let node = node::inner(self.stamp, start, prefix, &below, &mut self.pool);
        group.push(Child { bound, node, count });
    }

    /// Where, nearest to the middle of `from..to`, the digit at `at` changes; near the end for an append.
    fn cut(&self, from: usize, to: usize, at: usize, append: bool) -> Option<usize> {
        let wanted = if append { to - 1 } else { from.midpoint(to) };
        let changes =
            |&index: &usize| digit(self.rows.key(index - 1), at) != digit(self.rows.key(index), at);
        (from + 1..to)
            .filter(changes)
            .min_by_key(|index| index.abs_diff(wanted))
    }

    /// One bucket of the rows `from..to`, whose prefix begins at `start`.
    fn pack(&mut self, from: usize, to: usize, start: usize) -> Node {
        let Self {
            rows, pool, stamp, ..
        } = self;
        let shared = rows.shared(from, to);
        let tails = rows.tails(from, to);
        let entries = (from..to).map(|index| {
            let key = rows.key(index);
            Entry {
                head: digit(key, shared),
                tail: key.get(shared + SPAN..).unwrap_or_default(),
                row: rows.rows[index],
            }
        });
        let prefix = &rows.key(from)[start - rows.base..shared];
        node::bucket(*stamp, start, prefix, entries, tails, pool)
    }

    /// Places a row whose key leaves the prefix of `view` at position `at`: beside it under their parent, if its digit tells them
    /// apart, else under a node that comes in between.
    fn beside(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        at: usize,
        before: bool,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let old = Child {
            bound: 0,
            node: view.node(),
            count: view.total() as u32,
        };
        let known = &view.prefix()[..at - view.start()];
        let differs = view.prefix()[at - view.start()];
        let between = self.path.is_empty() || at - depth >= SPAN;
        let digits = if between { at } else { depth };
        // The shortest key that is greater than what is left of it: the greater of the two, cut where they differ.
        let greater = if before { differs } else { key[at] };
        let mut edge: SmallVec<[u8; 16]> = SmallVec::from_slice(&key[digits..at]);
        edge.push(greater);
        let bound = digit(&edge, 0);
        let new = self.single(digits, key, row);
        let mut pair = if before { [new, old] } else { [old, new] };
        pair[1].bound = bound;
        if !between {
            return Group::from_slice(&pair);
        }
        let node = node::inner(self.stamp, view.start(), known, &pair, &mut self.pool);
        Group::from_slice(&[Child {
            bound: 0,
            node,
            count: old.count + 1,
        }])
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
            // SAFETY: own, and the index is at most its length.
            while added + 1 < group.len()
                && unsafe { parent.insert_child(index + 1 + added, &group[1 + added]) }
            {
                added += 1;
            }
            if added + 1 == group.len() {
                return self.count_up();
            }
            group = self.divided(parent, index + 1 + added, &group[1 + added..]);
        }
        *root = Some(match group[..] {
            [only] => only.node,
            _ => node::inner(self.stamp, 0, &self.rows.bytes, &group, &mut self.pool),
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

    /// An own inner node that has no room for `more` at `index` is made anew: larger, or as two. For two at the root, its prefix is left in `rows.bytes`.
    fn divided(&mut self, node: Node, index: usize, more: &[Child]) -> Group {
        // SAFETY: own; freed only when `view` is not used any more.
        let view = unsafe { node.get() };
        let mut children = children(view);
        children.insert_many(index, more.iter().copied());
        let (start, stop) = (view.start(), view.stop());
        let mut group = Group::new();
        if children.len() <= MAX_CHILDREN {
            group.push(Child {
                bound: 0,
                node: node::inner(self.stamp, start, view.prefix(), &children, &mut self.pool),
                count: count_of(&children),
            });
            self.dispose(node);
            return group;
        }
        let append = index + more.len() == children.len();
        // SAFETY: nodes on the path are alive and not written to here.
        let above = self
            .path
            .last()
            .map(|(parent, _)| unsafe { parent.get() }.stop());
        // Each half has two children at least, and no more than fit.
        let least = (children.len().saturating_sub(MAX_CHILDREN)).max(2);
        let most = (children.len() - 2).min(MAX_CHILDREN);
        let wanted = if append { most } else { children.len() / 2 };
        // A bound here is a digit there if it is short enough to stand behind what lies between.
        let short = |&at: &usize| {
            above.is_none_or(|above| {
                above == stop || children[at].bound as u8 as usize + stop - above <= SPAN
            })
        };
        let cut = (least..=most)
            .filter(short)
            .min_by_key(|at| at.abs_diff(wanted));
        let near = cut.filter(|cut| append || cut.abs_diff(wanted) <= wanted - wanted / 4);
        let cut = near.unwrap_or(wanted);
        // Where the parent can't tell the halves apart, a node with this one's prefix comes in between.
        let between = near.is_none() || above.is_none();
        let from = if between { stop } else { above.unwrap_or(0) };
        let (left, right) = children.split_at(cut);
        let halves = [left, right].map(|half| self.half(view, from, half));
        let mut pair = halves;
        pair[1].bound = right[0].bound;
        self.rows.clear(0);
        self.rows.bytes.extend_from_slice(view.prefix());
        if between && above.is_some() {
            group.push(Child {
                bound: 0,
                node: node::inner(self.stamp, start, view.prefix(), &pair, &mut self.pool),
                count: count_of(&pair),
            });
        } else {
            if stop > from {
                let mut edge: SmallVec<[u8; 16]> =
                    SmallVec::from_slice(&view.prefix()[from - start..]);
                let (bytes, len) = bytes_of(pair[1].bound);
                edge.extend_from_slice(&bytes[..len]);
                pair[1].bound = digit(&edge, 0);
            }
            group.extend(pair);
        }
        self.dispose(node);
        group
    }

    /// One half of a divided inner node, beginning at `from`, with the longest prefix that its keys share.
    fn half(&mut self, view: NodeRef<'_>, from: usize, half: &[Child]) -> Child {
        let stop = view.stop();
        // SAFETY: children of a live node are alive, and not written to here.
        let mut nodes = half.iter().map(|child| unsafe { child.node.get() });
        // After removals a child's prefix may be shorter than it could be; a parent's never reaches behind it.
        let limit = nodes.clone().map(NodeRef::stop).min().unwrap_or(stop) - stop;
        let low = nodes
            .next()
            .map(|first| edge_key(first, stop, false))
            .unwrap_or_default();
        let high = nodes
            .next_back()
            .map(|last| edge_key(last, stop, true))
            .unwrap_or_default();
        let shared = common(&low, &high);
        let cut = shared.min(SPAN).min(limit);
        let mut prefix = SmallVec::<[u8; 64]>::from_slice(&view.prefix()[from - view.start()..]);
        prefix.extend_from_slice(&low[..cut]);
        let mut moved: SmallVec<[Child; 64]> = SmallVec::from_slice(half);
        for child in &mut moved {
            child.bound = shifted(child.bound, cut);
        }
        Child {
            bound: 0,
            node: node::inner(self.stamp, from, &prefix, &moved, &mut self.pool),
            count: count_of(half),
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

    /// A bucket without its row `index`.
    fn shrunk(&mut self, view: NodeRef<'_>, index: usize) -> Child {
        let tails = view.tails().without(view.tail(index).len());
        let entries = Without {
            view,
            next: 0,
            at: index,
        };
        let node = node::bucket(
            self.stamp,
            view.start(),
            view.prefix(),
            entries,
            tails,
            &mut self.pool,
        );
        Child {
            bound: 0,
            node,
            count: view.len() as u32 - 1,
        }
    }

    /// The bucket at the end of the path is gone.
    fn pluck(&mut self, root: &mut Option<Node>) {
        let Some((parent, index)) = self.path.pop() else {
            *root = None;
            return;
        };
        // SAFETY: nodes on the path are own; the index is one of theirs.
        unsafe { parent.remove_child(index) };
        self.tidy(root, parent);
    }

    /// Puts a bucket that lost a row at the end of the path, and merges it with a neighbour if both are small.
    fn settle(&mut self, root: &mut Option<Node>, shrunk: Child) {
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
    fn merge(&mut self, parent: Node, index: usize) -> bool {
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
    fn tidy(&mut self, root: &mut Option<Node>, mut node: Node) {
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
    fn gather(&mut self, view: NodeRef<'_>, base: usize) -> bool {
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
                        self.rows.rows.push(node.rows()[index]);
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
    fn raised(&mut self, view: NodeRef<'_>, above: usize) -> Node {
        let child = view.child(0);
        if child.start() <= above {
            return child.node();
        }
        let mut prefix = SmallVec::<[u8; 64]>::from_slice(
            &view.prefix()[above - view.start()..child.start() - view.start()],
        );
        prefix.extend_from_slice(child.prefix());
        let node = match child.kind() {
            Kind::Inner => {
                node::inner(self.stamp, above, &prefix, &children(child), &mut self.pool)
            }
            Kind::Bucket => {
                let entries = Without {
                    view: child,
                    next: 0,
                    at: usize::MAX,
                };
                node::bucket(
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
    fn dispose_below(&mut self, node: Node) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            // SAFETY: alive until it is disposed of, below.
            let view = unsafe { node.get() };
            if view.kind() == Kind::Inner {
                open.extend((0..view.len()).map(|index| view.child(index).node()));
            }
            self.dispose(node);
        }
    }
}

/// Whether a bucket whose prefix is cut at `at` would still not hold too many bytes with `key` in it.
fn widened(view: NodeRef<'_>, at: usize, key: &[u8]) -> bool {
    let more = view.len() * (view.stop() - at);
    view.tails().bytes + more + (key.len() - at) <= MAX_TAILS
}

/// The digit at `at` of the shortest key that is greater than `low` and not greater than `high`.
pub(super) fn separator(low: &[u8], high: &[u8], at: usize) -> u64 {
    digit(&high[..=common(low, high).min(high.len() - 1)], at)
}

fn children(view: NodeRef<'_>) -> SmallVec<[Child; 65]> {
    (0..view.len())
        .map(|index| Child {
            bound: view.digits()[index],
            node: view.child(index).node(),
            count: view.counts()[index],
        })
        .collect()
}

fn count_of(children: &[Child]) -> u32 {
    children.iter().map(|child| child.count).sum()
}

/// The first or last key at or below `node`, from position `from` on, which lies at or behind the node's start.
fn edge_key(mut node: NodeRef<'_>, from: usize, last: bool) -> SmallVec<[u8; 64]> {
    let mut key = SmallVec::new();
    loop {
        let known = from + key.len();
        key.extend_from_slice(
            node.prefix()
                .get(known - node.start()..)
                .unwrap_or_default(),
        );
        let index = if last { node.len() - 1 } else { 0 };
        match node.kind() {
            Kind::Inner => node = node.child(index),
            Kind::Bucket => {
                let (head, len) = bytes_of(node.digits()[index]);
                key.extend_from_slice(&head[..len]);
                key.extend_from_slice(node.tail(index));
                return key;
            }
        }
    }
}

/// The entries of a bucket and one more.
struct With<'v> {
    view: NodeRef<'v>,
    next: usize,
    at: usize,
    new: Option<Entry<'v>>,
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
struct Without<'v> {
    view: NodeRef<'v>,
    next: usize,
    at: usize,
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
