//! Places in a tree, and walking from them in key order, both ways.

use smallvec::SmallVec;

use super::digit::{bytes_of, digit};
use super::find::{Fit, child_index, fit, position};
use super::node::{Kind, NodeRef, sum};
use super::row::{Handle, Width};
use crate::key::{KeyBuf, KeyRange};

/// A gap between two rows: before row `index` of a bucket, with the way that leads there.
///
/// Deep trees come only from hostile keys; the usual ones stay inside the cursor.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'v> {
    above: SmallVec<[(NodeRef<'v>, u8); 5]>,
    rows: &'v [Handle],
    index: usize,
    /// Of the rows, for who reads them.
    width: Width,
}

impl<'v> Cursor<'v> {
    /// The gap before the first row whose key is `key` or greater, and how many rows are before it. O(key length).
    pub(super) fn seek(root: NodeRef<'v>, key: &[u8], width: Width) -> (Self, usize) {
        let mut cursor = Self {
            above: SmallVec::new(),
            rows: &[],
            index: 0,
            width,
        };
        let mut rank = 0;
        let mut node = root;
        let mut depth = 0;
        loop {
            match fit(node, key, depth) {
                Fit::Inside => depth = node.stop(),
                Fit::Before(_) => {
                    cursor.first_below(node);
                    return (cursor, rank);
                }
                Fit::Behind(_) => {
                    cursor.last_below(node);
                    return (cursor, rank + node.total());
                }
            }
            match node.kind() {
                Kind::Inner => {
                    let index = child_index(node, digit(key, depth));
                    let child = node.child(index);
                    NodeRef::prefetch(child.node());
                    rank += sum(&node.counts()[..index]);
                    cursor.above.push((node, index as u8));
                    node = child;
                }
                Kind::Bucket => {
                    cursor.rows = node.rows();
                    cursor.index = position(node, key).unwrap_or_else(|index| index);
                    rank += cursor.index;
                    return (cursor, rank);
                }
            }
        }
    }

    /// The gap that has `rank` rows before it, at most all. O(depth).
    pub(super) fn at(root: NodeRef<'v>, rank: usize, width: Width) -> Self {
        let mut cursor = Self {
            above: SmallVec::new(),
            rows: &[],
            index: 0,
            width,
        };
        let mut left = rank;
        let mut node = root;
        while node.kind() == Kind::Inner {
            let counts = node.counts();
            let mut index = 0;
            while index + 1 < counts.len() && left > counts[index] as usize {
                left -= counts[index] as usize;
                index += 1;
            }
            cursor.above.push((node, index as u8));
            node = node.child(index);
        }
        cursor.rows = node.rows();
        cursor.index = left.min(cursor.rows.len());
        cursor
    }

    /// The gap behind the last row.
    pub(super) fn end(root: NodeRef<'v>, width: Width) -> Self {
        let mut cursor = Self {
            above: SmallVec::new(),
            rows: &[],
            index: 0,
            width,
        };
        cursor.last_below(root);
        cursor
    }

    fn first_below(&mut self, mut node: NodeRef<'v>) {
        while node.kind() == Kind::Inner {
            self.above.push((node, 0));
            node = node.child(0);
        }
        self.rows = node.rows();
        self.index = 0;
    }

    fn last_below(&mut self, mut node: NodeRef<'v>) {
        while node.kind() == Kind::Inner {
            let last = node.len() - 1;
            self.above.push((node, last as u8));
            node = node.child(last);
        }
        self.rows = node.rows();
        self.index = self.rows.len();
    }

    /// The row behind the gap, which moves over it. `left` are still wanted, with this one.
    #[inline]
    pub(super) fn next(&mut self, left: usize) -> Option<&'v Handle> {
        loop {
            if let Some(row) = self.rows.get(self.index) {
                self.index += 1;
                return Some(row);
            }
            self.step(left)?;
        }
    }

    /// The row before the gap, which moves over it. `left` are still wanted, with this one.
    #[inline]
    pub(super) fn previous(&mut self, left: usize) -> Option<&'v Handle> {
        loop {
            if let Some(index) = self.index.checked_sub(1) {
                self.index = index;
                return self.rows.get(index);
            }
            self.step_back(left)?;
        }
    }

    /// Makes `out` the key of row `index` of the bucket that the cursor is in, in a tree with this root. O(key length).
    fn key(&self, root: NodeRef<'v>, index: usize, out: &mut KeyBuf) {
        let bucket = match self.above.last() {
            Some((node, index)) => node.child(usize::from(*index)),
            None => root,
        };
        out.clear();
        for node in self.above.iter().map(|(node, _)| *node).chain([bucket]) {
            // A parent's prefix may have grown into that of its child.
            out.truncate(node.start());
            out.extend_from_slice(node.prefix());
        }
        let (head, len) = bytes_of(bucket.digits()[index]);
        out.extend_from_slice(&head[..len]);
        out.extend_from_slice(bucket.tail(index));
    }

    /// On to the next bucket. Where there is none, the cursor stays behind the last row.
    #[cold]
    fn step(&mut self, left: usize) -> Option<()> {
        let level = self
            .above
            .iter()
            .rposition(|&(node, index)| usize::from(index) + 1 < node.len())?;
        self.above.truncate(level + 1);
        let (node, index) = &mut self.above[level];
        *index += 1;
        let at = usize::from(*index);
        let child = node.child(at);
        look_ahead(*node, at, Way::Forth, left, self.width);
        self.first_below(child);
        Some(())
    }

    #[cold]
    fn step_back(&mut self, left: usize) -> Option<()> {
        let level = self.above.iter().rposition(|&(_, index)| index > 0)?;
        self.above.truncate(level + 1);
        let (node, index) = &mut self.above[level];
        *index -= 1;
        let at = usize::from(*index);
        let child = node.child(at);
        look_ahead(*node, at, Way::Back, left, self.width);
        self.last_below(child);
        Some(())
    }

    /// Asks the processor for the memory of the bucket behind this one.
    fn prefetch_next(&self) {
        if let Some(&(node, index)) = self.above.last()
            && let Some(&next) = node.children().get(usize::from(index) + 1)
        {
            NodeRef::prefetch_rows(next);
        }
    }

    /// Asks the processor for the rows of this bucket and of the one behind it, of which `left` are wanted and the first `asked` come already.
    fn prefetch_rows(&self, asked: usize, left: usize) {
        let here = &self.rows[self.index..];
        for row in here.iter().take(left).skip(asked) {
            row.prefetch_early(self.width);
        }
        let Some(left) = left.checked_sub(here.len()) else {
            return;
        };
        if let Some(&(node, index)) = self.above.last()
            && usize::from(index) + 1 < node.len()
        {
            let next = node.child(usize::from(index) + 1);
            look_at(next, Way::Forth, left, self.width);
        }
    }
}

/// A scan that comes to a bucket asks for the rows of the one so many further on, which the processor can do for many at once; and for that bucket's own
/// memory some time before, to find them.
const ROWS_AHEAD: usize = 2;
const BUCKETS_AHEAD: usize = 4;

/// The rows that a scan is asked to begin with, of those in its first bucket.
const FIRST_ROWS: usize = 16;

/// Which way a scan goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
}

/// Asks the processor for what a scan will read that has just come to child `at` of `node`, and wants `left` rows from there.
fn look_ahead(node: NodeRef<'_>, at: usize, way: Way, mut left: usize, width: Width) {
    let counts = node.counts();
    for steps in 0..=BUCKETS_AHEAD {
        let index = match way {
            Way::Forth => at + steps,
            Way::Back => at.wrapping_sub(steps),
        };
        if left == 0 || index >= counts.len() {
            return;
        }
        match steps {
            ROWS_AHEAD => look_at(node.child(index), way, left, width),
            BUCKETS_AHEAD => NodeRef::prefetch_rows(node.children()[index]),
            _ => {}
        }
        left = left.saturating_sub(counts[index] as usize);
    }
}

/// Asks for the first rows of a bucket that a scan will come to.
fn look_at(child: NodeRef<'_>, way: Way, left: usize, width: Width) {
    if child.kind() == Kind::Inner {
        return;
    }
    let rows = child.rows();
    let wanted = match way {
        Way::Forth => &rows[..left.min(rows.len())],
        Way::Back => &rows[rows.len().saturating_sub(left)..],
    };
    for row in wanted {
        row.prefetch_early(width);
    }
}

/// How many rows have keys below `key`. O(key length).
fn rank(root: NodeRef<'_>, key: &[u8]) -> usize {
    let mut rank = 0;
    let mut node = root;
    let mut depth = 0;
    loop {
        match fit(node, key, depth) {
            Fit::Inside => depth = node.stop(),
            Fit::Before(_) => return rank,
            Fit::Behind(_) => return rank + node.total(),
        }
        match node.kind() {
            Kind::Inner => {
                let index = child_index(node, digit(key, depth));
                let child = node.child(index);
                NodeRef::prefetch(child.node());
                rank += sum(&node.counts()[..index]);
                node = child;
            }
            Kind::Bucket => return rank + position(node, key).unwrap_or_else(|index| index),
        }
    }
}

/// How many rows lie in `range`. O(key length), whatever the size of the range.
pub(super) fn count(root: Option<NodeRef<'_>>, range: &KeyRange) -> usize {
    let Some(root) = root else { return 0 };
    let start = match range.start() {
        [] => 0,
        start => rank(root, start),
    };
    let end = range
        .end()
        .map_or_else(|| root.total(), |end| rank(root, &end));
    end.saturating_sub(start)
}

/// The first row whose key is `from` or greater, and its key in `key`. O(key length).
pub(super) fn first_from<'v>(
    root: Option<NodeRef<'v>>,
    from: &[u8],
    key: &mut KeyBuf,
) -> Option<&'v Handle> {
    let root = root?;
    let (mut cursor, _) = Cursor::seek(root, from, Width::Line);
    let row = cursor.next(1)?;
    cursor.key(root, cursor.index - 1, key);
    Some(row)
}

/// The last row whose key is below `end`, or of all where there is none, and its key in `key`. O(key length).
pub(super) fn last_below<'v>(
    root: Option<NodeRef<'v>>,
    end: Option<&[u8]>,
    key: &mut KeyBuf,
) -> Option<&'v Handle> {
    let root = root?;
    let mut cursor = match end {
        Some(end) => Cursor::seek(root, end, Width::Line).0,
        None => Cursor::end(root, Width::Line),
    };
    let row = cursor.previous(1)?;
    cursor.key(root, cursor.index, key);
    Some(row)
}

/// The rows of a range, from both ends.
#[derive(Clone, Debug)]
pub(super) struct Scan<'v> {
    ends: Option<(Cursor<'v>, Cursor<'v>)>,
    left: usize,
    root: Option<NodeRef<'v>>,
    /// How many rows of the tree lie before the front.
    rank: usize,
}

impl<'v> Scan<'v> {
    pub(super) fn new(root: Option<NodeRef<'v>>, range: &KeyRange, width: Width) -> Self {
        let Some(tree) = root else {
            return Self {
                ends: None,
                left: 0,
                root,
                rank: 0,
            };
        };
        let (front, start) = Cursor::seek(tree, range.start(), width);
        // They come while the other end is looked for.
        for row in front.rows[front.index..].iter().take(FIRST_ROWS) {
            row.prefetch_early(width);
        }
        front.prefetch_next();
        let (back, end) = match range.end() {
            Some(end) => Cursor::seek(tree, &end, width),
            None => (Cursor::end(tree, width), tree.total()),
        };
        let left = end.saturating_sub(start);
        front.prefetch_rows(FIRST_ROWS, left);
        Self {
            ends: Some((front, back)),
            left,
            root,
            rank: start,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.left
    }

    /// Passes over the next `rows` rows, or all that are left. O(depth).
    pub(super) fn skip(&mut self, rows: usize) {
        let rows = rows.min(self.left);
        self.left -= rows;
        self.rank += rows;
        if let (Some(root), Some((front, _))) = (self.root, &mut self.ends) {
            *front = Cursor::at(root, self.rank, front.width);
        }
    }

    /// Passes over the last `rows` rows, or all that are left. O(depth).
    pub(super) fn skip_back(&mut self, rows: usize) {
        self.left -= rows.min(self.left);
        if let (Some(root), Some((_, back))) = (self.root, &mut self.ends) {
            *back = Cursor::at(root, self.rank + self.left, back.width);
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<&'v Handle> {
        let left = self.left;
        self.left = left.checked_sub(1)?;
        self.rank += 1;
        self.ends.as_mut()?.0.next(left)
    }

    #[inline]
    pub(super) fn next_back(&mut self) -> Option<&'v Handle> {
        let left = self.left;
        self.left = left.checked_sub(1)?;
        self.ends.as_mut()?.1.previous(left)
    }

    /// Makes `out` the key of the row that [`next`](Self::next) has just given. O(key length).
    pub(super) fn front_key(&self, out: &mut KeyBuf) {
        if let (Some(root), Some((front, _))) = (self.root, &self.ends) {
            front.key(root, front.index - 1, out);
        }
    }

    /// Makes `out` the key of the row that [`next_back`](Self::next_back) has just given. O(key length).
    pub(super) fn back_key(&self, out: &mut KeyBuf) {
        if let (Some(root), Some((_, back))) = (self.root, &self.ends) {
            back.key(root, back.index, out);
        }
    }
}
