//! A leaf that has outgrown its page gives entries to a sibling, or the two become three: so leaves are four fifths full rather than two
//! thirds, and file, commits and caches are so much smaller.

use super::{
    super::page::HEADER,
    node::Node,
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
    if left.level() > 0 || right.level() > 0 {
        return None;
    }
    let sizes = |node: &Node| (0..node.count()).map(|i| node.entry_size(i)).collect();
    let mut all: Vec<usize> = sizes(left);
    let in_left = all.len();
    all.extend::<Vec<usize>>(sizes(right));
    let cuts = cuts(&all, page_size - HEADER)?;

    left.appended = 0;
    right.appended = 0;
    if cuts.0 == cuts.1 {
        let count = left.count();
        if cuts.0 < in_left {
            left.give(cuts.0..count, right, 0);
        } else {
            right.give(0..cuts.0 - in_left, left, count);
        }
        let separator = separator(left, right);
        return Some(Shared {
            middle: None,
            separator,
        });
    }
    let mut middle = Node::new(0, Node::room(page_size));
    if cuts.1 < in_left {
        left.give(cuts.1..in_left, right, 0);
    }
    let of_left = in_left.min(cuts.1);
    if cuts.0 < of_left {
        left.give(cuts.0..of_left, &mut middle, 0);
    }
    if in_left < cuts.1 {
        let to_left = cuts.0.saturating_sub(in_left);
        let count = middle.count();
        right.give(to_left..cuts.1 - in_left, &mut middle, count);
        let count = left.count();
        right.give(0..to_left, left, count);
    }
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
