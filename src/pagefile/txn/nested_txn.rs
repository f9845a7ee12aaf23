//! Transactions within a write transaction.

use std::ops::{Deref, DerefMut};

use super::super::{Savepoint, WriteTxn};

/// A write transaction within another one: [`WriteTxn::begin_nested`]. It derefs to [`WriteTxn`], and is used as one. Dropping it aborts: the outer
/// transaction is as it was before. Savepoints that were made outside of it can't be gone back to from within, and its own end with it.
///
/// ```
/// # use sapwood::pagefile::{Error, PageFile};
/// let file = PageFile::in_memory()?;
/// let mut tx = file.begin_write()?;
/// let mut nested = tx.begin_nested();
/// nested.create_bucket("pods")?;
/// nested.commit();
/// let mut nested = tx.begin_nested();
/// nested.delete_bucket("pods")?;
/// drop(nested); // aborts
/// tx.commit()?;
/// assert!(file.begin_read().bucket("pods")?.is_some());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct NestedTxn<'t> {
    outer: &'t mut WriteTxn,
    /// Where an abort goes back to; taken by the commit.
    before: Option<Savepoint>,
    of_parents: usize,
}

impl<'t> NestedTxn<'t> {
    pub(in crate::pagefile) fn begin(outer: &'t mut WriteTxn) -> Self {
        let of_parents = outer.savepoints.begin_nested();
        let before = Some(outer.savepoint());
        Self {
            outer,
            before,
            of_parents,
        }
    }

    /// Keeps the changes in the outer transaction; whether they come into the file is decided by its end. O(1).
    pub fn commit(mut self) {
        self.before = None;
    }
}

impl Deref for NestedTxn<'_> {
    type Target = WriteTxn;

    fn deref(&self) -> &WriteTxn {
        self.outer
    }
}

impl DerefMut for NestedTxn<'_> {
    fn deref_mut(&mut self) -> &mut WriteTxn {
        self.outer
    }
}

impl Drop for NestedTxn<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Refused only where the user has put another transaction in the place of the outer one: what is there now is left alone.
            let _ = self.outer.rollback_to(before);
        }
        self.outer.savepoints.end_nested(self.of_parents);
    }
}
