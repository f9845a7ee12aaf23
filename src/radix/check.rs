//! The validator: states every invariant of a tree, and says which one a tree breaks.

use super::census::Census;
use super::digit::{MORE, bytes_of, digit};
use super::node::{Kind, MAX_CHILDREN, MAX_ROWS, MAX_TAILS, NodeRef};
use super::row::Handle;

/// Walks the whole tree, iteratively, and hands on each key with its row, in order. The error says what is wrong.
pub(super) fn check(
    root: Option<NodeRef<'_>>,
    newest: u64,
    mut each: impl FnMut(&[u8], Handle),
) -> Result<Census, String> {
    let mut census = Census::default();
    let mut key: Vec<u8> = Vec::new();
    let mut previous: Option<Vec<u8>> = None;
    // Each node with what it may hold: where its parent's digits begin, their limits, its rows by its parent's count, its parent's birth.
    let mut open: Vec<(NodeRef<'_>, Option<Limits>, usize)> =
        root.map(|node| (node, None, 1)).into_iter().collect();
    while let Some((node, limits, depth)) = open.pop() {
        census.add(node, depth);
        let known = limits.as_ref().map_or(0, |limits| limits.at);
        let fail = |what: &str| {
            Err(format!(
                "{what}: {:?} of {} at depth {depth}",
                node.kind(),
                node.len()
            ))
        };
        if node.start() > known {
            return fail("a gap between the parent's prefix and the node's");
        }
        if node.stop() < known {
            return fail("the parent's prefix is longer than the node's");
        }
        key.truncate(known);
        if node.prefix()[..known - node.start()] != key[node.start()..] {
            return fail("the prefix differs from the parent's");
        }
        key.extend_from_slice(&node.prefix()[known - node.start()..]);
        if let Some(limits) = &limits {
            if node.total() != limits.count {
                return fail("the parent counts other rows");
            }
            if node.birth() > limits.birth {
                return fail("younger than its parent");
            }
        } else if node.birth() > newest {
            return fail("younger than the version");
        }
        if !node.digits().windows(2).all(|pair| pair[0] <= pair[1]) {
            return fail("digits out of order");
        }
        match node.kind() {
            Kind::Inner => {
                if !(2..=MAX_CHILDREN).contains(&node.len()) {
                    return fail("too few or too many children");
                }
                if node.digits()[0] != 0 || !node.digits().windows(2).all(|pair| pair[0] < pair[1])
                {
                    return fail("bounds do not ascend from zero");
                }
                for index in (0..node.len()).rev() {
                    let limits = Limits {
                        at: node.stop(),
                        low: node.digits()[index],
                        high: node.digits().get(index + 1).copied(),
                        count: node.counts()[index] as usize,
                        birth: node.birth(),
                    };
                    open.push((node.child(index), Some(limits), depth + 1));
                }
            }
            Kind::Bucket => {
                if !(1..=MAX_ROWS).contains(&node.len()) {
                    return fail("too few or too many rows");
                }
                if node.tails().bytes > MAX_TAILS && node.len() > 1 {
                    return fail("too many bytes for so many rows");
                }
                for index in 0..node.len() {
                    let head = node.digits()[index];
                    if head & 0xFF < MORE && !node.tail(index).is_empty() {
                        return fail("a tail behind an end");
                    }
                    key.truncate(node.stop());
                    let (bytes, len) = bytes_of(head);
                    key.extend_from_slice(&bytes[..len]);
                    key.extend_from_slice(node.tail(index));
                    if digit(&key, node.stop()) != head {
                        return fail("a head that is not its key's");
                    }
                    if let Some(limits) = &limits {
                        let here = digit(&key, limits.at);
                        if here < limits.low || limits.high.is_some_and(|high| here >= high) {
                            return fail("a key outside of its parent's bounds");
                        }
                    }
                    if previous.as_ref().is_some_and(|previous| *previous >= key) {
                        return fail("keys out of order");
                    }
                    each(&key, node.rows()[index]);
                    previous = Some(key.clone());
                }
            }
        }
    }
    Ok(census)
}

struct Limits {
    at: usize,
    low: u64,
    high: Option<u64>,
    count: usize,
    birth: u64,
}
