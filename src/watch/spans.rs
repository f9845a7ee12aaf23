//! The watched spans `[start, end)`: an interval tree.
//!
//! A search tree by start, in which every node knows which span below it reaches furthest (Cormen, Leiserson, Rivest, Stein,
//! *Introduction to Algorithms*, "Interval trees"), kept balanced as a treap (Seidel and Aragon, *Randomized search trees*, 1996). One way
//! down finds a span that covers a key, if there is one, and a turn off that way every further one.

use std::cmp::Ordering;

use smallvec::{SmallVec, smallvec};

use super::chain::Chain;
use super::slab::{Id, Slab};
use crate::key::{KeyBuf, KeyRange};

#[derive(Debug)]
pub(super) struct Spans {
    nodes: Slab<Node>,
    root: Option<Id>,
    /// State of the priorities' generator (Marsaglia's xorshift), never 0.
    random: u32,
}

#[derive(Debug)]
struct Node {
    start: KeyBuf,
    end: Option<KeyBuf>,
    /// The watches of exactly this span.
    chain: Option<Chain>,
    parent: Option<Id>,
    left: Option<Id>,
    right: Option<Id>,
    /// The span below this one with the greatest end; `None` where it is this one itself.
    furthest: Option<Id>,
    /// No child's is greater.
    priority: u32,
}

impl Spans {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Slab::new(),
            root: None,
            random: 0x9E37_79B9,
        }
    }

    /// The chain at `node`, to be set or taken. A node whose chain is taken must be removed.
    pub(super) fn chain(&mut self, node: Id) -> &mut Option<Chain> {
        &mut self.nodes[node].chain
    }

    /// The node of a span, made where there is none; the caller hangs a chain there. O(log spans) comparisons of keys, expected.
    pub(super) fn enter(&mut self, start: KeyBuf, end: Option<KeyBuf>) -> Id {
        let mut parent = None;
        let mut side = Ordering::Equal;
        let mut next = self.root;
        while let Some(id) = next {
            let node = &self.nodes[id];
            side = start.cmp(&node.start);
            side = side.then_with(|| compare_ends(end.as_deref(), node.end.as_deref()));
            parent = Some(id);
            next = match side {
                Ordering::Less => node.left,
                Ordering::Greater => node.right,
                Ordering::Equal => return id,
            };
        }
        let priority = self.next_priority();
        let new = self.nodes.insert(Node {
            start,
            end,
            chain: None,
            parent,
            left: None,
            right: None,
            furthest: None,
            priority,
        });
        match (parent, side) {
            (None, _) => self.root = Some(new),
            (Some(parent), Ordering::Less) => self.nodes[parent].left = Some(new),
            (Some(parent), _) => self.nodes[parent].right = Some(new),
        }
        self.refresh_upwards(parent);
        while let Some(parent) = self.nodes[new].parent
            && self.nodes[parent].priority < priority
        {
            self.rotate_up(new);
        }
        new
    }

    /// Takes a span out. O(log spans), expected.
    pub(super) fn remove(&mut self, id: Id) {
        loop {
            let node = &self.nodes[id];
            let child = match (node.left, node.right) {
                (None, None) => break,
                (Some(child), None) | (None, Some(child)) => child,
                (Some(left), Some(right)) => {
                    if self.nodes[left].priority < self.nodes[right].priority {
                        right
                    } else {
                        left
                    }
                }
            };
            self.rotate_up(child);
        }
        let parent = self.nodes[id].parent;
        self.relink(parent, id, None);
        self.nodes.remove(id);
        self.refresh_upwards(parent);
    }

    /// Puts the spans that cover `key` into `found`. O(log spans) comparisons of keys, expected, and again for each that is found.
    ///
    /// Where all spans of a subtree start at the key or before it, the one that ends last covers the key if any does. So every turn off the
    /// one way down to the key finds something, or ends at its first step.
    pub(super) fn covering(&self, key: &[u8], found: &mut SmallVec<[Id; 8]>) {
        let mut todo: SmallVec<[Option<Id>; 32]> = smallvec![self.root];
        while let Some(next) = todo.pop() {
            let Some(id) = next else { continue };
            if !self.reaches_past(id, key) {
                continue;
            }
            let node = &self.nodes[id];
            if node.start.as_slice() <= key {
                if ends_past(node.end.as_deref(), key) {
                    found.push(id);
                }
                todo.push(node.right);
            }
            todo.push(node.left);
        }
    }

    /// All spans. O(slots).
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        self.nodes.iter().map(|(id, _)| id)
    }

    /// The span at a node. O(length of its keys).
    pub(super) fn range(&self, id: Id) -> KeyRange {
        let node = &self.nodes[id];
        KeyRange::Span {
            start: node.start.clone(),
            end: node.end.clone(),
        }
    }

    /// Whether any span of the subtree ends behind `key`.
    fn reaches_past(&self, subtree: Id, key: &[u8]) -> bool {
        ends_past(self.nodes[self.furthest(subtree)].end.as_deref(), key)
    }

    fn furthest(&self, subtree: Id) -> Id {
        self.nodes[subtree].furthest.unwrap_or(subtree)
    }

    /// Finds the furthest span of a node again from its children's.
    fn refresh(&mut self, id: Id) {
        let node = &self.nodes[id];
        let mut best = id;
        for child in [node.left, node.right].into_iter().flatten() {
            let candidate = self.furthest(child);
            let (a, b) = (&self.nodes[candidate].end, &self.nodes[best].end);
            if compare_ends(a.as_deref(), b.as_deref()).is_gt() {
                best = candidate;
            }
        }
        self.nodes[id].furthest = (best != id).then_some(best);
    }

    fn refresh_upwards(&mut self, mut from: Option<Id>) {
        while let Some(id) = from {
            self.refresh(id);
            from = self.nodes[id].parent;
        }
    }

    /// Turns a child and its parent around.
    fn rotate_up(&mut self, child: Id) {
        let Some(parent) = self.nodes[child].parent else {
            return;
        };
        let middle;
        if self.nodes[parent].left == Some(child) {
            middle = self.nodes[child].right.replace(parent);
            self.nodes[parent].left = middle;
        } else {
            middle = self.nodes[child].left.replace(parent);
            self.nodes[parent].right = middle;
        }
        if let Some(middle) = middle {
            self.nodes[middle].parent = Some(parent);
        }
        let above = self.nodes[parent].parent.replace(child);
        self.nodes[child].parent = above;
        self.relink(above, parent, Some(child));
        self.refresh(parent);
        self.refresh(child);
    }

    /// Puts `new` where `old` hangs below `parent`, or at the root.
    fn relink(&mut self, parent: Option<Id>, old: Id, new: Option<Id>) {
        match parent {
            None => self.root = new,
            Some(parent) if self.nodes[parent].left == Some(old) => self.nodes[parent].left = new,
            Some(parent) => self.nodes[parent].right = new,
        }
    }

    fn next_priority(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }

    /// Panics where an invariant is broken.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut seen = 0;
        let mut todo: Vec<_> = self.root.map(|root| (None, root)).into_iter().collect();
        while let Some((parent, id)) = todo.pop() {
            seen += 1;
            let node = &self.nodes[id];
            assert_eq!(node.parent, parent);
            assert!(node.chain.is_some(), "a span that nobody watches");
            let ends = |id: Id| self.nodes[id].end.as_deref();
            let furthest = ends(self.furthest(id));
            assert!(compare_ends(furthest, node.end.as_deref()).is_ge());
            for child in [node.left, node.right].into_iter().flatten() {
                assert!(self.nodes[child].priority <= node.priority);
                assert!(compare_ends(furthest, ends(self.furthest(child))).is_ge());
                let ordered = self.nodes[child].start <= node.start;
                assert!(ordered || node.right == Some(child), "out of order");
                todo.push((Some(id), child));
            }
        }
        assert_eq!(seen, self.nodes.len(), "a span that nothing leads to");
    }
}

/// Orders upper limits; none is the greatest.
fn compare_ends(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

fn ends_past(end: Option<&[u8]>, key: &[u8]) -> bool {
    end.is_none_or(|end| key < end)
}
