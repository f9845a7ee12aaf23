//! Adding a row: a larger bucket, several, or a node in between.
//!
//! A bucket is split where its parent's digit changes, nearest to its middle; if it changes nowhere, a node comes in between, where the keys
//! first differ. Where a row comes at an end, as in ascending or descending keys, the part away from that end is left full.

use smallvec::SmallVec;

use super::digit::{SPAN, digit};
use super::edit::{Editor, Group};
use super::gap;
use super::make::{Child, Entry, bucket, inner};
use super::node::{MAX_ROWS, MAX_TAILS, Node, NodeRef, Tails};
use super::row::Handle;
use super::unpacked::{Rows, separator};

/// At which end something came in. More may come there, as with ascending or descending keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lean {
    Front,
    Middle,
    Back,
}

impl Lean {
    /// For what comes in at `index` of `len` others.
    pub(super) fn of(index: usize, len: usize) -> Self {
        match index {
            _ if index == len => Self::Back,
            0 => Self::Front,
            _ => Self::Middle,
        }
    }

    /// Where to cut, from `least` to `most`: so that the part at the other end stays full.
    pub(super) fn between(self, least: usize, most: usize) -> usize {
        match self {
            Self::Front => least,
            Self::Middle => least.midpoint(most),
            Self::Back => most,
        }
    }

    /// For the left part after a cut.
    fn left(self) -> Self {
        if self == Self::Front {
            self
        } else {
            Self::Middle
        }
    }

    /// For the right part after a cut.
    fn right(self) -> Self {
        if self == Self::Back {
            self
        } else {
            Self::Middle
        }
    }
}

impl Editor {
    /// A bucket of one row.
    pub(super) fn single(&mut self, start: usize, key: &[u8], row: Handle) -> Child {
        let entry = Entry {
            head: 0,
            tail: &[],
            row,
        };
        let node = bucket(
            self.stamp,
            start,
            &key[start..],
            [entry].into_iter(),
            Tails::of(std::iter::once(0)),
            &mut self.pool,
        );
        Child {
            bound: 0,
            node,
            count: 1,
        }
    }

    /// A bucket with one row more, whose key has the bucket's prefix; or what it must be split into.
    pub(super) fn grown(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        index: usize,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let stop = view.stop();
        let tail = key.get(stop + SPAN..).unwrap_or_default();
        let tails = view.tails().with(tail.len());
        if view.len() == MAX_ROWS || tails.bytes > MAX_TAILS {
            return self.relaid(view, depth, index, key, row);
        }
        let new = Entry {
            head: digit(key, stop),
            tail,
            row,
        };
        let node = gap::with(self.stamp, view, index, new, tails, &mut self.pool);
        let count = view.len() as u32 + 1;
        self.dispose(view.node());
        Group::from_slice(&[Child {
            bound: 0,
            node,
            count,
        }])
    }

    /// Lays a bucket's rows out anew, with one more at `index`: in one bucket, or in as many nodes as they need.
    pub(super) fn relaid(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        index: usize,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let lean = Lean::of(index, view.len());
        self.rows.clear(depth);
        self.rows.take(view, 0, index);
        self.rows.push(&key[depth..], row);
        self.rows.take(view, index, view.len());
        self.dispose(view.node());
        let mut group = Group::new();
        let digits = (!self.path.is_empty()).then_some(depth);
        self.lay_out(0, self.rows.len(), digits, lean, &mut group);
        group
    }

    /// Makes nodes of the rows `from..to`, for a parent whose digits begin at `digits`. Goes no deeper than there are rows.
    pub(super) fn lay_out(
        &mut self,
        from: usize,
        to: usize,
        digits: Option<usize>,
        lean: Lean,
        group: &mut Group,
    ) {
        let base = self.rows.base;
        let start = digits.unwrap_or(base);
        let count = (to - from) as u32;
        let bound = |rows: &Rows| match digits {
            Some(at) if from > 0 => separator(rows.key(from - 1), rows.key(from), at - base),
            _ => 0,
        };
        if self.rows.fits(from, to) {
            let bound = bound(&self.rows);
            let node = self.pack(from, to, start);
            group.push(Child { bound, node, count });
            return;
        }
        if let Some(at) = digits
            && let Some(middle) = self.cut(from, to, at - base, lean)
        {
            self.lay_out(from, middle, digits, lean.left(), group);
            self.lay_out(middle, to, digits, lean.right(), group);
            return;
        }
        let shared = self.rows.shared(from, to);
        let mut below = Group::new();
        let Some(middle) = self.cut(from, to, shared, lean) else {
            // Distinct keys differ behind what they share.
            return;
        };
        self.lay_out(from, middle, Some(base + shared), lean.left(), &mut below);
        self.lay_out(middle, to, Some(base + shared), lean.right(), &mut below);
        let bound = bound(&self.rows);
        let prefix = &self.rows.key(from)[start - base..shared];
        let node = inner(self.stamp, start, prefix, &below, &mut self.pool);
        group.push(Child { bound, node, count });
    }

    /// Where the digit at `at` changes, nearest to the middle of `from..to`, or to the end that it leans to.
    pub(super) fn cut(&self, from: usize, to: usize, at: usize, lean: Lean) -> Option<usize> {
        let wanted = lean.between(from + 1, to - 1);
        let changes =
            |&index: &usize| digit(self.rows.key(index - 1), at) != digit(self.rows.key(index), at);
        (from + 1..to)
            .filter(changes)
            .min_by_key(|index| index.abs_diff(wanted))
    }

    /// One bucket of the rows `from..to`, whose prefix begins at `start`.
    pub(super) fn pack(&mut self, from: usize, to: usize, start: usize) -> Node {
        let Self {
            rows, pool, stamp, ..
        } = self;
        let shared = rows.shared(from, to);
        let tails = rows.tails(from, to);
        let entries = (from..to).map(|index| {
            let key = rows.key(index);
            Entry {
                head: digit(key, shared),
                tail: key.get(shared + SPAN..).unwrap_or_default(),
                row: rows.handles[index],
            }
        });
        let prefix = &rows.key(from)[start - rows.base..shared];
        bucket(*stamp, start, prefix, entries, tails, pool)
    }

    /// Places a row whose key leaves the prefix of `view` at position `at`: beside it under their parent, if its digit tells them
    /// apart, else under a node that comes in between.
    pub(super) fn beside(
        &mut self,
        view: NodeRef<'_>,
        depth: usize,
        at: usize,
        before: bool,
        key: &[u8],
        row: Handle,
    ) -> Group {
        let old = Child {
            bound: 0,
            node: view.node(),
            count: view.total() as u32,
        };
        let known = &view.prefix()[..at - view.start()];
        let differs = view.prefix()[at - view.start()];
        let between = self.path.is_empty() || at - depth >= SPAN;
        let digits = if between { at } else { depth };
        // The shortest key that is greater than what is left of it: the greater of the two, cut where they differ.
        let greater = if before { differs } else { key[at] };
        let mut edge: SmallVec<[u8; 16]> = SmallVec::from_slice(&key[digits..at]);
        edge.push(greater);
        let bound = digit(&edge, 0);
        let new = self.single(digits, key, row);
        let mut pair = if before { [new, old] } else { [old, new] };
        pair[1].bound = bound;
        if !between {
            return Group::from_slice(&pair);
        }
        let node = inner(self.stamp, view.start(), known, &pair, &mut self.pool);
        Group::from_slice(&[Child {
            bound: 0,
            node,
            count: old.count + 1,
        }])
    }
}

/// Whether a bucket whose prefix is cut at `at` would still not hold too many bytes with `key` in it.
pub(super) fn widened(view: NodeRef<'_>, at: usize, key: &[u8]) -> bool {
    let more = view.len() * (view.stop() - at);
    view.tails().bytes + more + (key.len() - at) <= MAX_TAILS
}
