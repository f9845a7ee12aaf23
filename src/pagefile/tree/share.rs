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
    let in_left = left.count();
    let size = |i: usize| match i.checked_sub(in_left) {
        None => left.entry_size(i),
        Some(i) => right.entry_size(i),
    };
    let both = Both {
        in_left,
        count: in_left + right.count(),
        bytes_left: left.size() - HEADER,
        bytes: left.size() + right.size() - 2 * HEADER,
    };
    let cuts = both.cuts(size, page_size - HEADER)?;

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

/// The entries of two neighbours in a row, and their bytes.
struct Both {
    in_left: usize,
    count: usize,
    bytes_left: usize,
    bytes: usize,
}

impl Both {
    /// Where they are cut in two, or twice to make three, of about the same size; `None` where a part would be empty or have no room. Looks at the entries
    /// that change their place, and at no other.
    fn cuts(&self, size: impl Fn(usize) -> usize, room: usize) -> Option<(usize, usize)> {
        let parts = if self.bytes <= room / 4 * ROOM { 2 } else { 3 };
        let first = self.cut(&size, self.bytes / parts);
        let second = if parts == 2 {
            first
        } else {
            self.cut(&size, self.bytes * 2 / 3)
        };
        let middle = second.1 - first.1;
        let is_empty = first.0 == 0 || second.0 == self.count || (parts == 3 && middle == 0);
        let largest = first.1.max(middle).max(self.bytes - second.1);
        (!is_empty && largest <= room).then_some((first.0, second.0))
    }

    /// The place before which lie nearest to so many bytes, and these.
    fn cut(&self, size: impl Fn(usize) -> usize, wanted: usize) -> (usize, usize) {
        let (mut at, mut bytes) = (self.in_left, self.bytes_left);
        while at > 0 && bytes > wanted + size(at - 1) / 2 {
            at -= 1;
            bytes -= size(at);
        }
        while at < self.count && bytes + size(at) / 2 < wanted {
            bytes += size(at);
            at += 1;
        }
        (at, bytes)
    }
}

fn separator(left: &Node, right: &Node) -> Box<[u8]> {
    shortest_between(left.key(left.count() - 1), right.key(0))
}

#[cfg(test)]
mod tests {
    use super::Both;

    fn cuts(sizes: &[usize], room: usize) -> Option<(usize, usize)> {
        let wherever = (0..=sizes.len()).map(|in_left| {
            let both = Both {
                in_left,
                count: sizes.len(),
                bytes_left: sizes[..in_left].iter().sum(),
                bytes: sizes.iter().sum(),
            };
            both.cuts(|i| sizes[i], room)
        });
        let all: Vec<_> = wherever.collect();
        assert!(all.iter().all(|cuts| *cuts == all[0]), "{all:?}");
        all[0]
    }

    /// Parts are of about the same size, fit and are not empty, wherever the entries were before, or there is no way to cut.
    #[test]
    fn cuts_divide_evenly() {
        assert_eq!(cuts(&[100; 20], 1200), Some((10, 10)));
        assert_eq!(cuts(&[100; 24], 1200), Some((8, 16)));
        assert_eq!(cuts(&[600, 600, 600, 500], 1200), Some((1, 3)));
        assert_eq!(cuts(&[1000, 900, 100], 1100), None);
        assert_eq!(cuts(&[1200, 1200], 1200), None);
        assert_eq!(cuts(&[1300, 10, 10], 1200), None);
        assert_eq!(cuts(&[1300], 1200), None);
    }
}
