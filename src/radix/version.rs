//! Versions: states of all trees, held by whoever reads them.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::added::AddedTrees;
use super::cursor::{Scan, count, first_from, last_below};
use super::diff::diff;
use super::find::get;
use super::history::Shared;
use super::node::{Node, NodeRef};
use super::row::{Row, Width};
use crate::key::{KeyBuf, KeyRange};
use crate::revision::Revision;

/// One state of all trees. Cloning costs a count; its last drop pushes a number onto a queue.
#[derive(Clone)]
pub(crate) struct Version(pub(super) Arc<State>);

/// For each family, the newest commit that wrote a row of it. Beside the version up to eight, so that a commit allocates nothing for them.
pub(super) type FamilyRevisions = SmallVec<[u64; 8]>;

/// What a version is. Nameable outside of the room so that a cell can hold it, and no more.
pub(crate) struct State {
    /// Counts versions and savepoints; [`Shared::NEVER`] for one that was discarded.
    pub(super) stamp: u64,
    pub(super) revision: Revision,
    /// Those of the layout, and then those that were added.
    pub(super) roots: Box<[Option<Node>]>,
    pub(super) added: AddedTrees,
    pub(super) families: FamilyRevisions,
    pub(super) shared: Arc<Shared>,
}

impl Drop for State {
    fn drop(&mut self) {
        let added = std::mem::take(&mut self.added);
        self.shared.dropped(self.stamp, added);
    }
}

impl Version {
    pub(crate) fn into_state(self) -> Arc<State> {
        self.0
    }

    pub(crate) fn from_state(state: Arc<State>) -> Self {
        Self(state)
    }

    /// Whether it is the very same version.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The commit that made it.
    pub(crate) fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The trees that were added to those of the layout.
    pub(crate) fn added(&self) -> &AddedTrees {
        &self.0.added
    }

    /// The newest commit that wrote or removed a row of a family. O(1).
    pub(crate) fn family_revision(&self, family: usize) -> Revision {
        Revision::new(self.0.families[family])
    }

    /// One tree of a family. Panics if the family is not one of `T`s, or has no such tree: the caller chose the wrong number.
    #[inline]
    pub(crate) fn tree<T: 'static>(&self, family: usize, tree: usize) -> Tree<'_, T> {
        must(self.find(family, tree))
    }

    /// One tree of a family; `None` if it has none of this number. Panics if the family is not one of `T`s.
    #[inline]
    pub(crate) fn find<T: 'static>(&self, family: usize, tree: usize) -> Option<Tree<'_, T>> {
        let State {
            shared,
            roots,
            added,
            ..
        } = &*self.0;
        view(shared, roots, added, family, tree)
    }

    /// Whether a tree is the very same in both versions. O(1), and O(added trees) for one of these.
    pub(crate) fn shares(&self, other: &Self, family: usize, tree: usize) -> bool {
        self.root_node(family, tree) == other.root_node(family, tree)
    }

    /// The root of a tree; `None` where there is no such tree, or nothing in it.
    pub(super) fn root_node(&self, family: usize, tree: usize) -> Option<Node> {
        let slot = slot(&self.0.shared, &self.0.added, family, tree)?;
        self.0.roots[slot]
    }

    /// Checks every invariant of a tree. O(rows).
    #[cfg(test)]
    pub(super) fn check(
        &self,
        family: usize,
        tree: usize,
    ) -> Result<super::census::Census, String> {
        // SAFETY: a version's nodes are alive and frozen for as long as it is.
        let root = self
            .root_node(family, tree)
            .map(|node| unsafe { node.get() });
        super::check::check(root, self.0.stamp, |_, _| {})
    }
}

/// Where the root of a tree is.
#[inline]
fn slot(shared: &Shared, added: &AddedTrees, family: usize, tree: usize) -> Option<usize> {
    let of = &shared.layout.families[family];
    if tree < of.trees {
        return Some(of.first + tree);
    }
    Some(shared.layout.trees + added.slot(family, tree)?)
}

/// The tree `tree` of `family` among `roots`, which live as long as the reference.
#[inline]
pub(super) fn view<'v, T: 'static>(
    shared: &Shared,
    roots: &'v [Option<Node>],
    added: &AddedTrees,
    family: usize,
    tree: usize,
) -> Option<Tree<'v, T>> {
    assert!(
        shared.layout.families[family].row.is::<T>(),
        "rows of another type"
    );
    Some(Tree {
        // SAFETY: the roots' owner keeps their nodes alive and unwritten while it is borrowed.
        root: roots[slot(shared, added, family, tree)?].map(|node| unsafe { node.get() }),
        rows: PhantomData,
    })
}

/// A tree that must be there.
#[inline]
pub(super) fn must<T>(tree: Option<Tree<'_, T>>) -> Tree<'_, T> {
    match tree {
        Some(tree) => tree,
        None => panic!("no tree of this number"),
    }
}

/// A tree over rows of type `T`, as one version has it.
pub(crate) struct Tree<'v, T> {
    pub(super) root: Option<NodeRef<'v>>,
    rows: PhantomData<&'v Row<T>>,
}

impl<T> Clone for Tree<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Tree<'_, T> {}

/// One difference between two trees: a key, with its row before and after.
pub(crate) struct Changed<'k, 'v, T> {
    pub(crate) key: &'k [u8],
    pub(crate) old: Option<&'v Row<T>>,
    pub(crate) new: Option<&'v Row<T>>,
}

impl<'v, T> Tree<'v, T> {
    /// The row with this key. O(key length).
    #[inline]
    pub(crate) fn get(self, key: &[u8]) -> Option<&'v Row<T>> {
        // SAFETY: the tree's handles are rows of type T, alive with the version.
        get(self.root, key).map(|row| unsafe { Row::from_slot(row) })
    }

    /// How many rows lie in `range`. O(key length).
    pub(crate) fn count(self, range: &KeyRange) -> usize {
        count(self.root, range)
    }

    /// The rows of `range` in order. O(key length), and no allocation for each step.
    pub(crate) fn scan(self, range: &KeyRange) -> Rows<'v, T> {
        Rows {
            scan: Scan::new(self.root, range, Width::of::<T>()),
            rows: PhantomData,
        }
    }

    /// The first row whose key is `from` or greater, and its key in `key`. O(key length).
    pub(crate) fn first_from(self, from: &[u8], key: &mut KeyBuf) -> Option<&'v Row<T>> {
        // SAFETY: the tree's handles are rows of type T, alive with the version.
        first_from(self.root, from, key).map(|row| unsafe { Row::from_slot(row) })
    }

    /// The last row whose key is below `end`, or of all where there is none, and its key in `key`. O(key length).
    pub(crate) fn last_below(self, end: Option<&[u8]>, key: &mut KeyBuf) -> Option<&'v Row<T>> {
        // SAFETY: the tree's handles are rows of type T, alive with the version.
        last_below(self.root, end, key).map(|row| unsafe { Row::from_slot(row) })
    }

    /// Calls `found` for each key in `range` that leads to another row in `new` than here, in order. O(changes · depth).
    pub(crate) fn diff<B>(
        self,
        new: Self,
        range: &KeyRange,
        mut found: impl FnMut(Changed<'_, 'v, T>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        diff(self.root, new.root, range, |(key, old, new)| {
            // SAFETY: the trees' handles are rows of type T, alive with their versions.
            let row = |handle| unsafe { Row::from_slot(handle) };
            found(Changed {
                key,
                old: old.map(row),
                new: new.map(row),
            })
        })
    }
}

/// Rows in key order, from both ends.
pub(crate) struct Rows<'v, T> {
    scan: Scan<'v>,
    rows: PhantomData<&'v Row<T>>,
}

impl<T> Rows<'_, T> {
    /// Makes `out` the key of the row that `next` has just given. O(key length).
    pub(crate) fn front_key(&self, out: &mut KeyBuf) {
        self.scan.front_key(out);
    }

    /// Makes `out` the key of the row that `next_back` has just given. O(key length).
    pub(crate) fn back_key(&self, out: &mut KeyBuf) {
        self.scan.back_key(out);
    }
}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        Self {
            scan: self.scan.clone(),
            rows: PhantomData,
        }
    }
}

impl<'v, T> Iterator for Rows<'v, T> {
    type Item = &'v Row<T>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // SAFETY: the tree's handles are rows of type T, alive with the version.
        self.scan.next().map(|row| unsafe { Row::from_slot(row) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.scan.len(), Some(self.scan.len()))
    }

    fn count(self) -> usize {
        self.scan.len()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        self.scan.skip(n);
        self.next()
    }

    fn last(mut self) -> Option<Self::Item> {
        self.next_back()
    }
}

impl<T> DoubleEndedIterator for Rows<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        // SAFETY: the tree's handles are rows of type T, alive with the version.
        self.scan
            .next_back()
            .map(|row| unsafe { Row::from_slot(row) })
    }

    fn nth_back(&mut self, n: usize) -> Option<Self::Item> {
        self.scan.skip_back(n);
        self.next_back()
    }
}

impl<T> ExactSizeIterator for Rows<'_, T> {}
