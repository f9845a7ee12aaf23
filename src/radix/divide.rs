//! Dividing an inner node that has no room for another child.
//!
//! Its halves stand side by side under its parent if one of its bounds is short enough to be a digit there; else a node with its prefix comes
//! in between. Each half takes the longest prefix that its keys share.

use smallvec::SmallVec;

use super::digit::{SPAN, bytes_of, common, digit, shifted};
use super::edit::{Editor, Group};
use super::grow::Lean;
use super::make::{Child, inner};
use super::node::{Kind, MAX_CHILDREN, Node, NodeRef};

impl Editor {
    /// An own inner node that has no room for `more` at `index` is made anew: larger, or as two. For two at the root, its prefix is left in `rows.bytes`.
    pub(super) fn divided(&mut self, node: Node, index: usize, more: &[Child]) -> Group {
        // SAFETY: own; freed only when `view` is not used any more.
        let view = unsafe { node.get() };
        let mut children = children(view);
        children.insert_many(index, more.iter().copied());
        let (start, stop) = (view.start(), view.stop());
        let mut group = Group::new();
        if children.len() <= MAX_CHILDREN {
            group.push(Child {
                bound: 0,
                node: inner(self.stamp, start, view.prefix(), &children, &mut self.pool),
                count: count_of(&children),
            });
            self.dispose(node);
            return group;
        }
        // The first of a group took its child's place, and `more` came behind it.
        let lean = Lean::of(index - 1, view.len() - 1);
        // SAFETY: nodes on the path are alive and not written to here.
        let above = self
            .path
            .last()
            .map(|(parent, _)| unsafe { parent.get() }.stop());
        // Each half has two children at least, and no more than fit.
        let least = (children.len().saturating_sub(MAX_CHILDREN)).max(2);
        let most = (children.len() - 2).min(MAX_CHILDREN);
        let wanted = lean.between(least, most);
        // A bound here is a digit there if it is short enough to stand behind what lies between.
        let short = |&at: &usize| {
            above.is_none_or(|above| {
                above == stop || children[at].bound as u8 as usize + stop - above <= SPAN
            })
        };
        let cut = (least..=most)
            .filter(short)
            .min_by_key(|at| at.abs_diff(wanted));
        let near =
            cut.filter(|cut| lean != Lean::Middle || cut.abs_diff(wanted) <= wanted - wanted / 4);
        let cut = near.unwrap_or(wanted);
        // Where the parent can't tell the halves apart, a node with this one's prefix comes in between.
        let between = near.is_none() || above.is_none();
        let from = if between { stop } else { above.unwrap_or(0) };
        let (left, right) = children.split_at(cut);
        // What comes next at an end shares less with what is there: a longer prefix would keep it out, and let the tree grow deep instead of wide.
        let longer = |open: bool| if open { 0 } else { SPAN };
        let mut pair = [
            self.half(view, from, left, longer(lean == Lean::Front)),
            self.half(view, from, right, longer(lean == Lean::Back)),
        ];
        pair[1].bound = right[0].bound;
        self.rows.clear(0);
        self.rows.bytes.extend_from_slice(view.prefix());
        if between && above.is_some() {
            group.push(Child {
                bound: 0,
                node: inner(self.stamp, start, view.prefix(), &pair, &mut self.pool),
                count: count_of(&pair),
            });
        } else {
            if stop > from {
                let mut edge: SmallVec<[u8; 16]> =
                    SmallVec::from_slice(&view.prefix()[from - start..]);
                let (bytes, held) = bytes_of(pair[1].bound);
                edge.extend_from_slice(&bytes[..held]);
                pair[1].bound = digit(&edge, 0);
            }
            group.extend(pair);
        }
        self.dispose(node);
        group
    }

    /// One half of a divided inner node, beginning at `from`, with the longest prefix that its keys share, but at most `longer` than it was.
    pub(super) fn half(
        &mut self,
        view: NodeRef<'_>,
        from: usize,
        half: &[Child],
        longer: usize,
    ) -> Child {
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
        let cut = shared.min(limit).min(longer);
        let mut prefix = SmallVec::<[u8; 64]>::from_slice(&view.prefix()[from - view.start()..]);
        prefix.extend_from_slice(&low[..cut]);
        let mut moved: SmallVec<[Child; 64]> = SmallVec::from_slice(half);
        for child in &mut moved {
            child.bound = shifted(child.bound, cut);
        }
        Child {
            bound: 0,
            node: inner(self.stamp, from, &prefix, &moved, &mut self.pool),
            count: count_of(half),
        }
    }
}

pub(super) fn children(view: NodeRef<'_>) -> SmallVec<[Child; 65]> {
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
