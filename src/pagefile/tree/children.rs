//! The children of a branch in memory, as far as they are not what its entries refer to.

use std::ops::Range;

use super::node::Child;

/// Children by their places, ascending. Most edits change few children of a branch, and one that is not here costs nothing.
#[derive(Clone, Default)]
pub(super) struct Children(Vec<(usize, Child)>);

impl Children {
    fn find(&self, at: usize) -> Result<usize, usize> {
        // Where all are here, each is in its place.
        if self.0.get(at).is_some_and(|(place, _)| *place == at) {
            return Ok(at);
        }
        self.0.binary_search_by_key(&at, |(place, _)| *place)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Child> {
        self.find(at).ok().map(|i| &self.0[i].1)
    }

    /// Child `at`, which is `stored` where it is not here yet.
    pub(super) fn get_or(&mut self, at: usize, stored: impl FnOnce() -> Child) -> &mut Child {
        let i = self.find(at).unwrap_or_else(|i| {
            self.0.insert(i, (at, stored()));
            i
        });
        &mut self.0[i].1
    }

    /// Children `at` and `at + 1`, where both are here.
    pub(super) fn pair(&mut self, at: usize) -> Option<(&mut Child, &mut Child)> {
        let i = self.find(at).ok()?;
        match self.0.get_mut(i..i + 2)? {
            [(_, left), (place, right)] if *place == at + 1 => Some((left, right)),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Child)> {
        self.0.iter().map(|(at, child)| (*at, child))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Child> {
        self.0.iter_mut().map(|(_, child)| child)
    }

    /// Puts a child before child `at`.
    pub(super) fn insert(&mut self, at: usize, child: Child) {
        let i = self.find(at).unwrap_or_else(|i| i);
        for (place, _) in &mut self.0[i..] {
            *place += 1;
        }
        self.0.insert(i, (at, child));
    }

    /// Takes child `at` out, and gives it if it was here.
    pub(super) fn remove(&mut self, at: usize) -> Option<Child> {
        let found = self.find(at);
        let removed = found.ok().map(|i| self.0.remove(i).1);
        let (Ok(i) | Err(i)) = found;
        for (place, _) in &mut self.0[i..] {
            *place -= 1;
        }
        removed
    }

    /// Moves children to another branch, before its child `to_at`.
    pub(super) fn give(&mut self, range: Range<usize>, to: &mut Self, to_at: usize) {
        let from = self.0.partition_point(|(place, _)| *place < range.start);
        let end = self.0.partition_point(|(place, _)| *place < range.end);
        for (place, _) in &mut self.0[end..] {
            *place -= range.len();
        }
        let i = to.0.partition_point(|(place, _)| *place < to_at);
        for (place, _) in &mut to.0[i..] {
            *place += range.len();
        }
        let given = self.0.drain(from..end);
        let given = given.map(|(place, child)| (place - range.start + to_at, child));
        to.0.splice(i..i, given);
    }
}
