//! A leaf that has outgrown its page gives entries to a sibling, or the two become three: so leaves are four fifths full rather than two
//! thirds, and file, commits and caches are so much smaller.

use std::{mem, sync::Arc};

use super::{
    super::page::HEADER,
    node::{Body, Leaf, Node},
    split::{Split, shortest_between},
};

/// What has become of two leaves.
pub(super) struct Shared {
    /// A leaf between them, where there is one now, and the key between it and the left one.
    pub(super) middle: Option<Split>,
    /// The key before the right one.
    pub(super) separator: Box<[u8]>,
}

/// Two leaves that have no more than this together, in quarters of a page, share it among them; with more they become three.
const ROOM: usize = 7;

/// Divides the entries of two neighbours, of which one has outgrown its page, so that all fit; `None` where that cannot be, and nothing is changed.
pub(super) fn share(left: &mut Node, right: &mut Node, page_size: usize) -> Option<Shared> {
    let bases = [Arc::clone(left.base()), Arc::clone(right.base())];
    let (Body::Leaf(left_leaf), Body::Leaf(right_leaf)) = (&mut left.body, &mut right.body) else {
        return None;
    };
    let in_left = left_leaf.entries.len();
    let sizes = |leaf: &Leaf, base: &[u8]| -> Vec<usize> {
        leaf.entries.iter().map(|entry| entry.size(base)).collect()
    };
    let mut all = sizes(left_leaf, &bases[0]);
    all.extend(sizes(right_leaf, &bases[1]));
    let cuts = cuts(&all, page_size - HEADER)?;

    let entries = mem::take(&mut left_leaf.entries);
    let entries = entries
        .into_iter()
        .chain(mem::take(&mut right_leaf.entries));
    let mut middle = Vec::new();
    for (i, mut entry) in entries.enumerate() {
        let base = &bases[usize::from(i >= in_left)];
        if i < cuts.0 {
            entry.lie_in(base, &bases[0]);
            left_leaf.entries.push(entry);
        } else if i < cuts.1 {
            entry.lie_in(base, &[]);
            middle.push(entry);
        } else {
            entry.lie_in(base, &bases[1]);
            right_leaf.entries.push(entry);
        }
    }
    left_leaf.appended = 0;
    right_leaf.appended = 0;
    left.measure();
    right.measure();
    if middle.is_empty() {
        let separator = separator(left, right);
        return Some(Shared {
            middle: None,
            separator,
        });
    }
    let middle = Node::leaf(Arc::from([]), middle);
    let separator_of_right = separator(&middle, right);
    Some(Shared {
        middle: Some(Split {
            separator: separator(left, &middle),
            right: middle,
        }),
        separator: separator_of_right,
    })
}

/// Where entries of these sizes are cut in two, or twice to make three, of about the same size; `None` where a part would be empty or have no room.
fn cuts(sizes: &[usize], room: usize) -> Option<(usize, usize)> {
    let total: usize = sizes.iter().sum();
    let parts = if total <= room / 4 * ROOM { 2 } else { 3 };
    let mut cuts = [0; 4];
    let mut size = 0;
    let mut at = 0;
    for part in 1..=parts {
        let before = size;
        while at < sizes.len() && (part == parts || (size + sizes[at] / 2) * parts < total * part) {
            size += sizes[at];
            at += 1;
        }
        if at == cuts[part - 1] || size - before > room {
            return None;
        }
        cuts[part] = at;
    }
    Some((cuts[1], cuts[parts - 1]))
}

fn separator(left: &Node, right: &Node) -> Box<[u8]> {
    shortest_between(left.key(left.count() - 1), right.key(0))
}

#[cfg(test)]
mod tests {
    use super::cuts;

    /// Parts are of about the same size, fit and are not empty, or there is no way to cut.
    #[test]
    fn cuts_divide_evenly() {
        assert_eq!(cuts(&[100; 20], 1200), Some((10, 10)));
        assert_eq!(cuts(&[100; 22], 1200), Some((7, 15)));
        assert_eq!(cuts(&[600, 600, 600, 500], 1200), Some((1, 3)));
        assert_eq!(cuts(&[1000, 900, 100], 1100), None);
        assert_eq!(cuts(&[1200, 1200], 1200), None);
        assert_eq!(cuts(&[1300, 10, 10], 1200), None);
        assert_eq!(cuts(&[1300], 1200), None);
    }
}
