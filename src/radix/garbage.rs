//! Rows that are to be let go of.

use super::row::{Handle, RowType};

/// Rows that no version reaches. Dropping this drops them, which runs their own `Drop`: not under a lock.
#[derive(Default)]
#[must_use = "to be dropped where no lock is held"]
pub(crate) struct Garbage(Vec<(Handle, RowType)>);

// SAFETY: rows are `Send` and `Sync`, as `Layout::add` asks.
unsafe impl Send for Garbage {}

impl Garbage {
    pub(super) fn push(&mut self, row: Handle, of: RowType) {
        self.0.push((row, of));
    }

    pub(super) fn forget(mut self) {
        self.0.clear();
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        // One by one, so that a row whose own `Drop` panics is not let go of twice.
        while let Some((row, of)) = self.0.pop() {
            // SAFETY: a row of this type, whose one count was the history's; no version reaches it.
            unsafe { of.release(row) };
        }
    }
}
