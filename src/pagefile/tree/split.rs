//! Splitting a node that has outgrown its page.

use std::{mem, sync::Arc};

use super::{
    super::page::HEADER,
    node::{Body, Node, Slice},
};

/// A new right sibling, and the key that separates it from the node to its left.
pub(super) struct Split {
    pub(super) separator: Box<[u8]>,
    pub(super) right: Node,
}

/// Cuts `node` until it and its new siblings fit a page each, and gives the siblings in order. A leaf with one entry, or a branch with less than
/// four children, may be larger than a page: its keys are that long, and it gets a run of pages.
///
/// `appending`: the node grew at its end and is likely to go on so; it is then left full.
pub(super) fn split(node: &mut Node, page_size: usize, appending: bool) -> Vec<Split> {
    let mut splits = Vec::new();
    if let Some(at) = split_point(node, page_size, appending) {
        let mut split = cut(node, at);
        splits = self::split(node, page_size, false);
        let further = self::split(&mut split.right, page_size, false);
        splits.push(split);
        splits.extend(further);
    }
    splits
}

/// The first entry of the right half; `None` where the node may stay as it is.
fn split_point(node: &Node, page_size: usize, appending: bool) -> Option<usize> {
    let least = match &node.body {
        Body::Leaf(_) => 1,
        Body::Branch(_) => 2,
    };
    let count = node.count();
    if node.size <= page_size || count < 2 * least {
        return None;
    }
    if appending {
        return Some(count - least);
    }
    let half = HEADER + (node.size - HEADER) / 2;
    let base = node.base();
    let mut size = HEADER;
    let mut at = 0;
    while at < count && size < half {
        size += match &node.body {
            Body::Leaf(leaf) => leaf.entries[at].size(base),
            Body::Branch(branch) => branch.children[at].size(base, at == 0),
        };
        at += 1;
    }
    Some(at.clamp(least, count - least))
}

/// Moves the entries from `at` on into a new node.
pub(super) fn cut(node: &mut Node, at: usize) -> Split {
    let base = Arc::clone(node.base());
    let split = match &mut node.body {
        Body::Leaf(leaf) => {
            let entries = leaf.entries.split_off(at);
            let last = leaf.entries.last().map(|entry| entry.key.get(&base));
            let first = entries.first().map(|entry| entry.key.get(&base));
            Split {
                separator: shortest_between(last.unwrap_or_default(), first.unwrap_or_default()),
                right: Node::leaf(Arc::clone(&base), entries),
            }
        }
        Body::Branch(branch) => {
            let mut children = branch.children.split_off(at);
            let first = children.first_mut().map(|entry| &mut entry.key);
            let key = first.map(|key| mem::replace(key, Slice::owned(&[])));
            Split {
                separator: key.map(|key| Box::from(key.get(&base))).unwrap_or_default(),
                right: Node::branch(Arc::clone(&base), branch.level, children),
            }
        }
    };
    node.measure();
    split
}

/// The shortest key above `left` that is not above `right`.
pub(super) fn shortest_between(left: &[u8], right: &[u8]) -> Box<[u8]> {
    let shared = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    Box::from(&right[..right.len().min(shared + 1)])
}

#[cfg(test)]
mod tests {
    use super::shortest_between;

    /// A separator lies above everything to its left and not above what is to its right, or lookups would go astray.
    #[test]
    fn separator_separates() {
        for (left, right) in [
            ("a", "b"),
            ("", "a"),
            ("ab", "abc"),
            ("abc", "abd"),
            ("a", "aaa"),
        ] {
            let separator = shortest_between(left.as_bytes(), right.as_bytes());
            assert!(left.as_bytes() < &*separator, "{left} {right}");
            assert!(&*separator <= right.as_bytes(), "{left} {right}");
        }
        assert_eq!(&*shortest_between(b"abcdef", b"abxyz"), b"abx");
    }
}
