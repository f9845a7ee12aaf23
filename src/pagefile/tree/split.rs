//! Splitting a node that has outgrown its page.

use super::{
    super::{page::HEADER, slots::common},
    node::Node,
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
        let mut split = cut(node, at, page_size);
        splits = self::split(node, page_size, false);
        let further = self::split(&mut split.right, page_size, false);
        splits.push(split);
        splits.extend(further);
    }
    splits
}

/// The first entry of the right half; `None` where the node may stay as it is.
fn split_point(node: &Node, page_size: usize, appending: bool) -> Option<usize> {
    let least = if node.level() == 0 { 1 } else { 2 };
    let count = node.count();
    if node.size() <= page_size || count < 2 * least {
        return None;
    }
    if appending {
        return Some(count - least);
    }
    let half = HEADER + (node.size() - HEADER) / 2;
    let mut size = HEADER;
    let mut at = 0;
    while at < count && size < half {
        size += node.entry_size(at);
        at += 1;
    }
    Some(at.clamp(least, count - least))
}

/// Moves the entries from `at` on into a new node.
pub(super) fn cut(node: &mut Node, at: usize, page_size: usize) -> Split {
    let mut right = Node::new(node.level(), Node::room(page_size));
    let separator = if node.level() == 0 {
        shortest_between(node.key(at - 1), node.key(at))
    } else {
        Box::from(node.key(at))
    };
    node.give(at..node.count(), &mut right, 0);
    if right.level() > 0 {
        right.set_key(0, &[]);
    }
    Split { separator, right }
}

/// The shortest key above `left` that is not above `right`.
pub(super) fn shortest_between(left: &[u8], right: &[u8]) -> Box<[u8]> {
    Box::from(&right[..right.len().min(common(left, right) + 1)])
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
