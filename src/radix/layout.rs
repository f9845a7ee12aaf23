//! Which trees a version has: families of them, one for each table.

use super::row::RowType;

/// The trees of all tables, in their order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Layout {
    pub(super) families: Vec<Family>,
    pub(super) trees: usize,
}

/// The trees over the rows of one table. The first holds each row once, by its primary key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) row: RowType,
    pub(super) first: usize,
    pub(super) trees: usize,
}

impl Layout {
    /// Adds a family of `trees` trees, at least one, over rows of type `T`, and gives its number.
    pub(crate) fn add<T: Send + Sync + 'static>(&mut self, trees: usize) -> usize {
        self.families.push(Family {
            row: RowType::of::<T>(),
            first: self.trees,
            trees: trees.max(1),
        });
        self.trees += trees.max(1);
        self.families.len() - 1
    }
}
