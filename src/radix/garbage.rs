//! What is to be let go of, which is a user's.

use super::added::AddedTrees;
use super::row::{Handle, RowType};

/// Rows that no version reaches, and what was known of added trees. Dropping this drops them, which runs their own `Drop`: not under a lock.
#[derive(Default)]
#[must_use = "to be dropped where no lock is held"]
pub(crate) struct Garbage {
    rows: Vec<(Handle, RowType)>,
    trees: Vec<AddedTrees>,
}

// SAFETY: rows are `Send` and `Sync`, as `Layout::add` asks.
unsafe impl Send for Garbage {}

impl Garbage {
    pub(super) fn push(&mut self, row: Handle, of: RowType) {
        self.rows.push((row, of));
    }

    pub(super) fn push_trees(&mut self, trees: AddedTrees) {
        if !trees.is_none() {
            self.trees.push(trees);
        }
    }

    /// Whether it is time to let go of it: there are so many rows, or anything else.
    pub(super) fn is_enough(&self, rows: usize) -> bool {
        self.rows.len() >= rows || !self.trees.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.trees.is_empty()
    }

    pub(super) fn forget(mut self) {
        self.rows.clear();
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        // One by one, so that a row whose own `Drop` panics is not let go of twice.
        while let Some((row, of)) = self.rows.pop() {
            // SAFETY: a row of this type, whose one count was the history's; no version reaches it.
            unsafe { of.release(row) };
        }
    }
}
