//! What a commit did to rows, by its own lists: without a look into the trees.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::history::{Dead, Staged};
use super::row::Row;
use super::version::Version;

/// What became of a row that a commit changed.
pub(crate) enum Fate<'s, T> {
    Written(&'s Row<T>),
    Removed(&'s Row<T>),
}

impl Staged {
    /// Calls `each` for every row of a family that the commit wrote or removed, each once, in the order in which it did. `None`, and nothing is called, where only the trees tell:
    /// where a row that it wrote went again, and where rows of the family came as well as others went. O(changes of the commit).
    ///
    /// # Panics
    /// If `base` is not the version that the transaction began with, or the rows are of another type.
    pub(crate) fn changes<'s, T: 'static, B>(
        &'s self,
        base: &'s Version,
        family: usize,
        mut each: impl FnMut(Fate<'s, T>) -> ControlFlow<B>,
    ) -> Option<ControlFlow<B>> {
        let shared = &self.version.0.shared;
        assert!(
            Arc::ptr_eq(&base.0.shared, shared) && base.0.stamp == self.base,
            "another version"
        );
        assert!(
            shared.layout.families[family].row.is::<T>(),
            "rows of another type"
        );
        let mut written = self.created.iter().filter(|(_, of)| *of == family);
        if !self.passed.is_empty() {
            return None;
        }
        if !self.has_removed {
            return Some(written.try_for_each(|(row, _)| {
                // SAFETY: a row of this type; the history holds its count until what is staged is published or discarded, which takes it.
                each(Fate::Written(unsafe { Row::from_slot(row) }))
            }));
        }
        if written.next().is_some() {
            return None;
        }
        let mut unlinked = self.unlinked.entries().iter();
        Some(unlinked.try_for_each(|dead| match dead {
            Dead::Row(row, of) if *of == family => {
                // SAFETY: a row of this type, which `base` reaches.
                each(Fate::Removed(unsafe { Row::from_slot(row) }))
            }
            Dead::Row(..) | Dead::Node(_) => ControlFlow::Continue(()),
        }))
    }
}
