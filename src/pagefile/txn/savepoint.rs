//! Savepoints of a write transaction.

use std::sync::{Arc, Weak};

use super::super::Error;
use super::work::{Saved, Work};

/// A point of a write transaction to go back to: [`WriteTxn::savepoint`](crate::pagefile::WriteTxn::savepoint).
pub struct Savepoint(Arc<Saved>);

impl std::fmt::Debug for Savepoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Savepoint").finish_non_exhaustive()
    }
}

/// The savepoints of a transaction that can be gone back to, in the order in which they were made. The user holds their states, so that one that is
/// dropped costs nothing any more.
#[derive(Default)]
pub(in crate::pagefile) struct Savepoints {
    made: Vec<Weak<Saved>>,
    /// How many of them a nested transaction found when it began: they are its parent's.
    of_parents: usize,
}

impl Savepoints {
    pub(in crate::pagefile) fn mark(&mut self, work: &Work) -> Savepoint {
        let dropped = |made: &[Weak<Saved>]| made.last().is_some_and(|s| s.strong_count() == 0);
        while self.made.len() > self.of_parents && dropped(&self.made) {
            self.made.pop();
        }
        let saved = Arc::new(work.save());
        self.made.push(Arc::downgrade(&saved));
        Savepoint(saved)
    }

    pub(in crate::pagefile) fn restore(
        &mut self,
        to: &Savepoint,
        work: &mut Work,
    ) -> Result<(), Error> {
        let own = self.made.get(self.of_parents..).unwrap_or_default();
        let sought = Arc::as_ptr(&to.0);
        let at = own.iter().position(|made| made.as_ptr() == sought);
        let at = at.ok_or(Error::NoSavepoint)?;
        self.made.truncate(self.of_parents + at + 1);
        work.restore(&to.0);
        Ok(())
    }

    /// A nested transaction begins. Gives what [`end_nested`](Self::end_nested) asks for.
    pub(in crate::pagefile) fn begin_nested(&mut self) -> usize {
        std::mem::replace(&mut self.of_parents, self.made.len())
    }

    /// The nested transaction has ended, and its savepoints with it.
    pub(in crate::pagefile) fn end_nested(&mut self, of_parents: usize) {
        self.made.truncate(self.of_parents);
        self.of_parents = of_parents;
    }
}
