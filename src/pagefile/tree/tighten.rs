//! Leaves side by side that a commit writes anyway are closed up before: a bulk load at random keys leaves them four fifths full, a bulk removal emptier, and
//! what they have in common is that the next commits are about other things. So file, caches and commits are smaller.

use std::sync::Arc;

use super::{
    super::page::HEADER,
    node::{Child, Node},
    split::shortest_between,
};

/// So many changed leaves in a row are looked at, at least: a transaction that has changed fewer may well come back to them.
const LEAST: usize = 8;
/// So many leaves in a row become one less, at least, or stay as they are.
const SAVED: usize = 8;

/// Closes leaves at and below `child` up, to no more than `most` bytes each.
pub(in super::super) fn tighten(child: &mut Child, most: usize, page_size: usize) {
    let Child::Dirty(node) = child else { return };
    if node.level() == 0 || (node.level() == 1 && node.children.len() < LEAST) {
        return;
    }
    let node = Arc::make_mut(node);
    if node.level() > 1 {
        for child in node.children.iter_mut() {
            tighten(child, most, page_size);
        }
        return;
    }
    // From the end, so that places before stay what they are.
    let mut end = node.count();
    while end > 0 {
        let leaf = |i: usize| match node.children.get(i) {
            Some(Child::Dirty(leaf)) if !leaf.has_large() => Some(leaf),
            _ => None,
        };
        let leaves: Vec<&Arc<Node>> = (0..end).rev().map_while(leaf).collect();
        let start = end - leaves.len();
        if leaves.len() >= LEAST {
            let leaves: Vec<Arc<Node>> = leaves.into_iter().rev().cloned().collect();
            close_up(node, start, leaves, most, page_size);
        }
        end = start.saturating_sub(1);
    }
}

/// Closes up the leaves that are the children from `start` on.
fn close_up(branch: &mut Node, start: usize, old: Vec<Arc<Node>>, most: usize, page_size: usize) {
    let bytes: usize = old.iter().map(|leaf| leaf.size() - HEADER).sum();
    let room = most - HEADER;
    let wanted = bytes.div_ceil(room).max(1);
    if wanted + wanted.div_ceil(SAVED) > old.len() {
        return;
    }
    // About as much in each, so that the last is no emptier than the others.
    let each = bytes.div_ceil(wanted);
    let count = old.len();
    let mut leaves: Vec<Node> = Vec::with_capacity(wanted + 1);
    let new = || Node::new(0, Node::room(page_size));
    let (mut leaf, mut size) = (new(), 0);
    for node in old {
        let mut from = 0;
        for i in 0..node.count() {
            let entry = node.entry_size(i);
            if size >= each || (size > 0 && size + entry > room) {
                leaf.append(&node, from..i);
                leaves.push(std::mem::replace(&mut leaf, new()));
                (from, size) = (i, 0);
            }
            size += entry;
        }
        leaf.append(&node, from..node.count());
    }
    leaves.push(leaf);
    if leaves.len() >= count {
        return;
    }
    leaves.iter_mut().for_each(Node::close);
    for at in (start + leaves.len()..start + count).rev() {
        branch.remove_child(at);
    }
    for (i, pair) in leaves.windows(2).enumerate() {
        let (left, right) = (&pair[0], &pair[1]);
        let separator = shortest_between(left.key(left.count() - 1), right.key(0));
        branch.set_key(start + 1 + i, &separator);
    }
    for (i, leaf) in leaves.into_iter().enumerate() {
        *branch.child_mut(start + i) = Child::Dirty(Arc::new(leaf));
    }
}
