//! Leaves that a commit takes along, so that the places where few are left become free as a whole.
//!
//! A leaf can be moved at the price of one page where its branch is written anyway. A commit of rows at random keys writes many branches, and
//! sees a good part of all leaves below them.

use std::sync::Arc;

use super::{
    super::{
        meta::Run,
        segments::{SEGMENT, Segments},
        source::Source,
    },
    node::Child,
};

/// Which leaves are worth to be moved: those in segments with few pages in use.
pub(in super::super) struct Moves {
    /// How many leaves there are in segments with so many pages in use.
    census: [u32; SEGMENT as usize + 1],
    /// Leaves of segments with fewer pages in use are moved, and of those with as many so many.
    limit: (u32, u32),
}

impl Default for Moves {
    fn default() -> Self {
        Self {
            census: [0; SEGMENT as usize + 1],
            limit: (0, 0),
        }
    }
}

impl Moves {
    /// Counts the leaves below changed branches of a tree.
    pub(in super::super) fn count(&mut self, child: &Child, segments: &Segments) {
        let Child::Dirty(node) = child else { return };
        if node.level() > 1 {
            for (_, child) in node.children.iter() {
                self.count(child, segments);
            }
            return;
        }
        for (_, page) in node.stored_children() {
            if page.pages == 1 {
                self.census[segments.used(page.page) as usize] += 1;
            }
        }
    }

    /// Decides that up to `most` leaves are moved, none of them from a segment with more than `fullest` pages in use.
    pub(in super::super) fn decide(&mut self, most: u32, fullest: u32) {
        let mut left = most;
        for (used, &leaves) in (0..=fullest).zip(&self.census) {
            self.limit = (used, left.min(leaves));
            if leaves >= left {
                return;
            }
            left -= leaves;
        }
    }

    /// Marks the leaves that are moved, and notes their pages as freed. One that cannot be read stays where it is.
    pub(in super::super) fn mark(
        &mut self,
        child: &mut Child,
        segments: &Segments,
        source: &Source,
        freed: &mut Vec<Run>,
    ) {
        let Child::Dirty(node) = child else { return };
        if node.level() == 0 {
            return;
        }
        let node = Arc::make_mut(node);
        if node.level() > 1 {
            for child in node.children.iter_mut() {
                self.mark(child, segments, source, freed);
            }
            return;
        }
        let mut moved = Vec::new();
        for (i, page) in node.stored_children() {
            let used = segments.used(page.page);
            let (limit, last) = &mut self.limit;
            let is_last = used == *limit && *last > 0;
            if page.pages == 1 && (used < *limit || is_last) && source.node(page, Some(0)).is_ok() {
                *last -= u32::from(is_last);
                freed.push(Run {
                    start: page.page,
                    pages: 1,
                });
                moved.push((i, page));
            }
        }
        for (i, page) in moved {
            *node.child_mut(i) = Child::Moved(page);
        }
    }
}
