//! What differs between two versions of a tree: both walked together in key order, over subtrees that they share in one step.
//!
//! Each side stands before a *head*: a subtree that was not looked into, or a row. Two equal subtrees are passed at once. Of two different
//! ones both are opened. Where the shapes around a shared subtree differ, one side may have opened it before the other came to it; if it
//! still stands at its first row, it steps back out. So the cost follows the changes, whatever the shape.
#![allow(
    clippy::many_single_char_names,
    reason = "`a` and `x`, `i` are the old side, `b` and `y`, `j` the new one"
)]

use std::cmp::Ordering;
use std::ops::ControlFlow;

use smallvec::SmallVec;

use super::cursor::count;
use super::digit::{MORE, bytes_of, digit};
use super::find::{Fit, child_index, fit, position};
use super::node::{Kind, NodeRef, sum};
use super::row::Handle;
use crate::key::{KeyBuf, KeyRange};

#[derive(Clone, Copy)]
enum Head<'v> {
    Tree(NodeRef<'v>),
    Row(NodeRef<'v>, usize),
    End,
}

struct Side<'v> {
    above: SmallVec<[(NodeRef<'v>, usize); 6]>,
    head: Head<'v>,
    /// The bytes that all keys of the opened node have. What stands behind them is left over.
    key: KeyBuf,
    /// Rows of the range still to come.
    left: usize,
}

/// One difference: a key, and its row before and after.
pub(super) type Difference<'k, 'v> = (&'k [u8], Option<&'v Handle>, Option<&'v Handle>);

/// Calls `found` for each key of `range` whose row is not the same in both trees, in order. O(changes · depth).
pub(super) fn diff<'v, B>(
    old: Option<NodeRef<'v>>,
    new: Option<NodeRef<'v>>,
    range: &KeyRange,
    mut found: impl FnMut(Difference<'_, 'v>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    if old == new {
        return ControlFlow::Continue(());
    }
    let mut a = Side::new(old, range);
    let mut b = Side::new(new, range);
    loop {
        match (a.head(), b.head()) {
            (Head::End, Head::End) => return ControlFlow::Continue(()),
            (Head::Tree(x), Head::Tree(y)) => {
                if x == y {
                    pass_equal(&mut a, &mut b);
                } else if !a.step_out(y) && !b.step_out(x) {
                    // Leaves the kinds equal where they are not, so that both come to their buckets together.
                    if x.kind() == Kind::Inner || y.kind() == Kind::Bucket {
                        a.open(x);
                    }
                    if y.kind() == Kind::Inner || x.kind() == Kind::Bucket {
                        b.open(y);
                    }
                }
            }
            (Head::Tree(x), _) => {
                if !b.step_out(x) {
                    a.open(x);
                }
            }
            (_, Head::Tree(y)) => {
                if !a.step_out(y) {
                    b.open(y);
                }
            }
            (Head::Row(x, i), Head::Row(y, j)) => {
                let run = equal_rows(&a, &b, (x, i), (y, j));
                if run > 0 {
                    a.pass(run);
                    b.pass(run);
                    continue;
                }
                let order = a.compare(&b, (x, i), (y, j));
                let (before, after) = (&x.rows()[i], &y.rows()[j]);
                match order {
                    Ordering::Less => found((a.row_key(x, i), Some(before), None))?,
                    Ordering::Greater => found((b.row_key(y, j), None, Some(after)))?,
                    Ordering::Equal if before != after => {
                        found((a.row_key(x, i), Some(before), Some(after)))?;
                    }
                    Ordering::Equal => {}
                }
                if order.is_le() {
                    a.pass(1);
                }
                if order.is_ge() {
                    b.pass(1);
                }
            }
            (Head::Row(x, i), Head::End) => {
                found((a.row_key(x, i), Some(&x.rows()[i]), None))?;
                a.pass(1);
            }
            (Head::End, Head::Row(y, j)) => {
                found((b.row_key(y, j), None, Some(&y.rows()[j])))?;
                b.pass(1);
            }
        }
    }
}

/// Goes over the equal subtrees that both sides stand before: not one of them is touched, for their parents count their rows.
fn pass_equal(a: &mut Side<'_>, b: &mut Side<'_>) {
    let (Some((x, i)), Some((y, j))) = (a.above.last_mut(), b.above.last_mut()) else {
        // The root of one is a part of the other, so that one of them ends here.
        let rows = a.left.min(b.left);
        a.pass(rows);
        b.pass(rows);
        return;
    };
    let pairs = x.children()[*i..].iter().zip(&y.children()[*j..]);
    let run = pairs.take_while(|(x, y)| x == y).count();
    let rows = sum(&x.counts()[*i..*i + run]);
    // The last of them stays the head, which leaving it steps over.
    *i += run - 1;
    *j += run - 1;
    a.pass(rows);
    b.pass(rows);
}

/// How many rows from two places on are the same, under the same keys. Most of two versions of a bucket are.
fn equal_rows(
    a: &Side<'_>,
    b: &Side<'_>,
    (x, i): (NodeRef<'_>, usize),
    (y, j): (NodeRef<'_>, usize),
) -> usize {
    if x == y && i == j {
        return x.len() - i;
    }
    if a.key[..x.stop()] != b.key[..y.stop()] {
        return 0;
    }
    let rows = x.rows()[i..].iter().zip(&y.rows()[j..]);
    let heads = x.digits()[i..].iter().zip(&y.digits()[j..]);
    let same = rows
        .zip(heads)
        .enumerate()
        .take_while(|(at, ((row, other), (head, digit)))| {
            // One row may have several keys, which differ behind their heads.
            row == other
                && head == digit
                && (**head & 0xFF < MORE || x.tail(i + at) == y.tail(j + at))
        });
    same.count()
}

impl<'v> Side<'v> {
    /// Stands before the first row of the range.
    fn new(root: Option<NodeRef<'v>>, range: &KeyRange) -> Self {
        let mut side = Self {
            above: SmallVec::new(),
            head: root.map_or(Head::End, Head::Tree),
            key: KeyBuf::new(),
            left: count(root, range),
        };
        let start = range.start();
        if start.is_empty() || side.left == 0 {
            return side;
        }
        let mut depth = 0;
        while let Head::Tree(node) = side.head {
            match fit(node, start, depth) {
                Fit::Before(_) => break,
                Fit::Behind(_) => {
                    side.leave();
                    break;
                }
                Fit::Inside => depth = node.stop(),
            }
            side.open(node);
            match node.kind() {
                Kind::Inner => {
                    let index = child_index(node, digit(start, depth));
                    if let Some(last) = side.above.last_mut() {
                        last.1 = index;
                    }
                    side.head = Head::Tree(node.child(index));
                }
                Kind::Bucket => {
                    let index = position(node, start).unwrap_or_else(|index| index);
                    side.head = Head::Row(node, index);
                    if index == node.len() {
                        side.leave();
                    }
                    break;
                }
            }
        }
        side
    }

    fn head(&self) -> Head<'v> {
        if self.left == 0 { Head::End } else { self.head }
    }

    /// Looks into a subtree, which is the head.
    fn open(&mut self, node: NodeRef<'v>) {
        let known = self.above.last().map_or(0, |(parent, _)| parent.stop());
        self.key.truncate(known);
        self.key
            .extend_from_slice(&node.prefix()[known - node.start()..]);
        self.head = match node.kind() {
            Kind::Inner => {
                self.above.push((node, 0));
                Head::Tree(node.child(0))
            }
            Kind::Bucket => Head::Row(node, 0),
        };
    }

    /// Goes over `rows` rows: some of the bucket's that is open, or all of the head.
    fn pass(&mut self, rows: usize) {
        self.left = self.left.saturating_sub(rows);
        match &mut self.head {
            Head::Row(bucket, index) if *index + rows < bucket.len() => *index += rows,
            _ => self.leave(),
        }
    }

    /// On to what follows the head.
    fn leave(&mut self) {
        self.head = Head::End;
        while let Some((node, index)) = self.above.last_mut() {
            *index += 1;
            if *index < node.len() {
                self.head = Head::Tree(node.child(*index));
                return;
            }
            self.above.pop();
        }
    }

    /// If this side stands at the first row of `subtree`, makes that its head.
    fn step_out(&mut self, subtree: NodeRef<'v>) -> bool {
        match self.head {
            Head::Row(_, 1..) | Head::End => return false,
            Head::Row(node, 0) | Head::Tree(node) if node == subtree => {
                self.head = Head::Tree(subtree);
                return true;
            }
            Head::Row(..) | Head::Tree(_) => {}
        }
        for level in (0..self.above.len()).rev() {
            let (node, index) = self.above[level];
            if index > 0 {
                return false;
            }
            if node == subtree {
                self.above.truncate(level);
                self.head = Head::Tree(subtree);
                return true;
            }
        }
        false
    }

    /// The whole key of a row of the open bucket.
    fn row_key(&mut self, bucket: NodeRef<'v>, index: usize) -> &[u8] {
        self.key.truncate(bucket.stop());
        let (head, len) = bytes_of(bucket.digits()[index]);
        self.key.extend_from_slice(&head[..len]);
        self.key.extend_from_slice(bucket.tail(index));
        &self.key
    }

    /// The order of the keys of a row here and a row there.
    fn compare(
        &self,
        other: &Self,
        (x, i): (NodeRef<'v>, usize),
        (y, j): (NodeRef<'v>, usize),
    ) -> Ordering {
        let (a, b) = (&self.key[..x.stop()], &other.key[..y.stop()]);
        if a == b {
            let heads = x.digits()[i].cmp(&y.digits()[j]);
            return heads.then_with(|| x.tail(i).cmp(y.tail(j)));
        }
        let (head_x, len_x) = bytes_of(x.digits()[i]);
        let (head_y, len_y) = bytes_of(y.digits()[j]);
        let left = a.iter().chain(&head_x[..len_x]).chain(x.tail(i));
        left.cmp(b.iter().chain(&head_y[..len_y]).chain(y.tail(j)))
    }
}
