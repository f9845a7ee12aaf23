//! The watched prefixes: a path-compressed trie, each prefix at its node.
//!
//! A node keeps its number for as long as it carries a chain: a split puts a new node **above** it, and a node that is merged away carries
//! none. So a watch remembers the number of its node, and leaves without walking down again.

use smallvec::SmallVec;

use super::chain::Chain;
use super::slab::{Id, Slab};
use crate::key::KeyBuf;

#[derive(Debug)]
pub(super) struct Trie {
    nodes: Slab<Node>,
    root: Option<Id>,
}

#[derive(Debug)]
struct Node {
    parent: Option<Id>,
    /// The watches of exactly this prefix.
    chain: Option<Chain>,
    /// The bytes between the parent's prefix and this one; empty at most at the root.
    label: SmallVec<[u8; 16]>,
    /// By the first byte of their label, in order.
    children: SmallVec<[(u8, Id); 2]>,
}

impl Trie {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Slab::new(),
            root: None,
        }
    }

    /// The chain at `node`, to be set or taken. A node whose chain is taken must be pruned.
    pub(super) fn chain(&mut self, node: Id) -> &mut Option<Chain> {
        &mut self.nodes[node].chain
    }

    /// The node of `prefix`, made where there is none; the caller hangs a chain there. O(prefix length).
    pub(super) fn enter(&mut self, prefix: &[u8]) -> Id {
        let mut parent = None;
        let mut rest = prefix;
        loop {
            let Some(mut node) = self.child(parent, rest) else {
                let leaf = self.nodes.insert(Node {
                    parent,
                    chain: None,
                    label: SmallVec::from_slice(rest),
                    children: SmallVec::new(),
                });
                self.link(parent, rest.first().copied(), leaf);
                return leaf;
            };
            let shared = shared_len(&self.nodes[node].label, rest);
            if shared < self.nodes[node].label.len() {
                node = self.split(node, shared);
            }
            rest = &rest[shared..];
            if rest.is_empty() {
                return node;
            }
            parent = Some(node);
        }
    }

    /// Puts the nodes with a chain whose prefix `key` starts with into `found`. O(key length).
    pub(super) fn covering(&self, key: &[u8], found: &mut SmallVec<[Id; 8]>) {
        let mut rest = key;
        let mut next = self.root;
        while let Some(id) = next {
            let node = &self.nodes[id];
            let Some(below) = rest.strip_prefix(node.label.as_slice()) else {
                return;
            };
            if node.chain.is_some() {
                found.push(id);
            }
            if below.is_empty() {
                return;
            }
            next = self.child(Some(id), below);
            rest = below;
        }
    }

    /// Takes `node` out if nobody watches it, and whatever that leaves without a purpose. O(key length).
    pub(super) fn prune(&mut self, mut id: Id) {
        while self.nodes[id].chain.is_none() {
            match *self.nodes[id].children.as_slice() {
                [] => {
                    let node = self.nodes.remove(id);
                    let Some(parent) = node.parent else {
                        self.root = None;
                        return;
                    };
                    let siblings = &mut self.nodes[parent].children;
                    siblings.retain(|&mut (_, child)| child != id);
                    id = parent;
                }
                [(_, child)] => {
                    let node = self.nodes.remove(id);
                    let below = &mut self.nodes[child];
                    below.label.insert_from_slice(0, &node.label);
                    below.parent = node.parent;
                    let digit = below.label.first().copied();
                    self.link(node.parent, digit, child);
                    return;
                }
                _ => return,
            }
        }
    }

    /// The nodes with a chain. O(slots).
    pub(super) fn occupied(&self) -> impl Iterator<Item = Id> {
        let occupied = self.nodes.iter().filter(|(_, node)| node.chain.is_some());
        occupied.map(|(id, _)| id)
    }

    /// The whole prefix of a node. O(prefix length).
    pub(super) fn prefix(&self, node: Id) -> KeyBuf {
        let mut backwards = KeyBuf::new();
        let mut next = Some(node);
        while let Some(id) = next {
            backwards.extend(self.nodes[id].label.iter().rev().copied());
            next = self.nodes[id].parent;
        }
        backwards.reverse();
        backwards
    }

    /// The node that `rest` leads to below `parent`, or the root.
    fn child(&self, parent: Option<Id>, rest: &[u8]) -> Option<Id> {
        let Some(parent) = parent else {
            return self.root;
        };
        let children = &self.nodes[parent].children;
        let digit = rest.first()?;
        let at = children.binary_search_by_key(digit, |&(byte, _)| byte);
        at.ok().map(|at| children[at].1)
    }

    /// Hangs `child` below `parent` at `digit`, in place of what is there; or at the root.
    fn link(&mut self, parent: Option<Id>, digit: Option<u8>, child: Id) {
        let (Some(parent), Some(digit)) = (parent, digit) else {
            self.root = Some(child);
            return;
        };
        let children = &mut self.nodes[parent].children;
        match children.binary_search_by_key(&digit, |&(byte, _)| byte) {
            Ok(at) => children[at].1 = child,
            Err(at) => children.insert(at, (digit, child)),
        }
    }

    /// Puts a node above `lower` that takes over the first `shared` bytes of its label, and gives it back.
    fn split(&mut self, lower: Id, shared: usize) -> Id {
        let node = &mut self.nodes[lower];
        let parent = node.parent;
        let label: SmallVec<[u8; 16]> = SmallVec::from_slice(&node.label[..shared]);
        let rest = SmallVec::from_slice(&node.label[shared..]);
        let digit = label.first().copied();
        let lower_digit = node.label[shared];
        node.label = rest;
        let upper = self.nodes.insert(Node {
            parent,
            chain: None,
            label,
            children: SmallVec::from_slice(&[(lower_digit, lower)]),
        });
        self.nodes[lower].parent = Some(upper);
        self.link(parent, digit, upper);
        upper
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
            assert!(node.parent.is_none() || !node.label.is_empty());
            assert!(
                node.chain.is_some() || node.children.len() > 1,
                "a node without a purpose"
            );
            assert!(node.children.is_sorted_by(|a, b| a.0 < b.0));
            for &(digit, child) in &node.children {
                assert_eq!(self.nodes[child].label.first(), Some(&digit));
                todo.push((Some(id), child));
            }
        }
        assert_eq!(seen, self.nodes.len(), "a node that nothing leads to");
    }
}

fn shared_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
