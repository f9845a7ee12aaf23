//! The running transaction: a version in the making.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use super::added::AddedTrees;
use super::edit::Editor;
use super::garbage::Garbage;
use super::history::{Dead, Shared, Staged, Writer, free_younger};
use super::node::{MAX_KEY, Node};
use super::row::{Handle, Row};
use super::steps::{Keys, Step, merged};
use super::version::{FamilyRevisions, Tree, Version, must, view};
use crate::revision::Revision;

/// Entries may come in before those that they replace are gone: so many.
pub(super) const SPARE: usize = 1 << 16;
/// The most entries of a tree.
pub(super) const MAX_ENTRIES: usize = u32::MAX as usize - SPARE;

/// Numbers for savepoints.
static SAVEPOINTS: AtomicU64 = AtomicU64::new(0);

/// Why a row was not written. The trees are as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another row has a key of this one's in the tree.
    Occupied { tree: usize },
    /// The row that is stored is not found under the keys that it has now: the function that computes them gave others before. Without a tree where only
    /// the number of all its keys is another one.
    Unstable { tree: Option<usize> },
    /// A key is longer than the trees take.
    KeyTooLong { tree: usize, len: usize },
    /// A tree holds as many entries as it can.
    Full { tree: usize },
}

/// A mark in a draft to go back to.
pub(crate) struct Savepoint {
    /// Its number, which no other savepoint of any draft has.
    number: u64,
    stamp: u64,
    roots: Box<[Option<Node>]>,
    added: AddedTrees,
    families: FamilyRevisions,
    unlinked: usize,
    gone: usize,
    created: usize,
}

/// Changes to a version that nobody sees yet: to be ended by [`stage`](Self::stage) or [`abort`](Self::abort), with the writer that it began with.
///
/// Dropped otherwise, its memory is lost.
#[must_use = "to be staged or aborted"]
pub(crate) struct Draft {
    pub(super) base: Version,
    revision: Revision,
    /// Those of the layout, and then those that were added.
    pub(super) roots: Box<[Option<Node>]>,
    pub(super) added: AddedTrees,
    pub(super) editor: Box<Editor>,
    garbage: Garbage,
    /// The numbers of the savepoints that can be gone back to.
    savepoints: Vec<u64>,
}

// SAFETY: it owns what it made; rows are `Send` and `Sync`.
unsafe impl Send for Draft {}

impl Draft {
    /// Begins to change `base`, the newest version of the writer's history. Rows that it writes carry `revision`.
    pub(crate) fn new(writer: &mut Writer, base: Version, revision: Revision) -> Self {
        let (mut editor, garbage) = writer.lend(base.0.stamp + 1);
        editor.families.clear();
        editor.families.extend_from_slice(&base.0.families);
        Self {
            roots: base.0.roots.clone(),
            added: base.0.added.clone(),
            editor,
            base,
            revision,
            garbage,
            savepoints: Vec::new(),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.base.0.shared
    }

    /// The version that it changes.
    pub(crate) fn base(&self) -> &Version {
        &self.base
    }

    /// The number that its commit will have.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The newest commit that wrote or removed a row of a family, this one included. O(1).
    pub(crate) fn family_revision(&self, family: usize) -> Revision {
        Revision::new(self.editor.families[family])
    }

    /// How many rows were written or removed.
    pub(crate) fn written(&self) -> usize {
        self.editor.created.len().max(self.editor.gone.len())
    }

    /// Whether anything was changed: a row, or which trees there are.
    pub(crate) fn is_changed(&self) -> bool {
        self.written() > 0 || !self.added.same(&self.base.0.added)
    }

    /// One tree as it is now. Panics as [`Version::tree`] does.
    #[inline]
    pub(crate) fn tree<T: 'static>(&self, family: usize, tree: usize) -> Tree<'_, T> {
        must(self.find(family, tree))
    }

    /// One tree as it is now; `None` if there is none of this number.
    #[inline]
    pub(crate) fn find<T: 'static>(&self, family: usize, tree: usize) -> Option<Tree<'_, T>> {
        view(self.shared(), &self.roots, &self.added, family, tree)
    }

    /// Checks every invariant of a tree.
    #[cfg(test)]
    pub(super) fn check(&self, tree: usize) -> Result<super::census::Census, String> {
        // SAFETY: the draft's trees are alive, and not written to here.
        let root = self.roots[tree].map(|root| unsafe { root.get() });
        super::check::check(root, self.editor.stamp, |_, _| {})
    }

    /// The row under `key`, which is about to be written or removed.
    pub(crate) fn look<T: 'static>(&mut self, family: usize, key: &[u8]) -> Option<Row<T>> {
        self.assert_family::<T>(family);
        let slot = self.shared().layout.families[family].first;
        let row = self.editor.look(&mut self.roots[slot], key)?;
        // SAFETY: the draft's trees hold rows of this type, and keep them alive while one more is counted.
        Some(unsafe { Row::<T>::from_slot(&row) }.clone())
    }

    /// Writes a row under `key` in the place of `previous`, and in the trees behind the first under the `new` keys. `old` are the keys there of the
    /// previous row.
    ///
    /// The row was `created` by that commit; if none is given, by the one of the previous row, or by this one.
    ///
    /// All or nothing: refused, every tree is as it was, and the new row comes back. Refused, too, if `previous` is not what is under `key`.
    #[allow(
        clippy::too_many_arguments,
        reason = "a row with its keys, on both sides"
    )]
    pub(crate) fn put<T: Send + Sync + 'static, K: Keys>(
        &mut self,
        family: usize,
        key: &[u8],
        value: T,
        created: Option<Revision>,
        previous: Option<&Row<T>>,
        old: &[K],
        new: &[K],
    ) -> Result<(), (Refused, Row<T>)> {
        self.assert_family::<T>(family);
        let created = created.unwrap_or_else(|| previous.map_or(self.revision, Row::created));
        let entries = self.entries(family, new) as u32;
        let heap = &mut self.editor.heap;
        let row = Row::new(heap, value, created, self.revision, entries);
        let gone = previous.map(Row::handle);
        let placed = self
            .fits(family, key, gone.is_some(), old, new)
            .and_then(|()| previous.map_or(Ok(()), |previous| self.stable(family, previous, old)))
            .and_then(|()| self.apply(family, key, gone, Some(row.handle()), old, new));
        if let Err(refused) = placed {
            return Err((refused, row));
        }
        self.editor.families[family] = self.revision.get();
        self.editor.created.push((row.into_handle(), family));
        if let Some(gone) = gone {
            self.editor.gone.push((gone, family));
        }
        Ok(())
    }

    /// Removes `row`, which is under `key`, and in the other trees under the keys `old`. All or nothing, as [`put`](Self::put).
    pub(crate) fn remove<T: Send + Sync + 'static, K: Keys>(
        &mut self,
        family: usize,
        key: &[u8],
        row: &Row<T>,
        old: &[K],
    ) -> Result<(), Refused> {
        self.assert_family::<T>(family);
        self.stable(family, row, old)?;
        self.apply(family, key, Some(row.handle()), None, old, &[])?;
        self.editor.has_removed = true;
        self.editor.families[family] = self.revision.get();
        self.editor.gone.push((row.handle(), family));
        Ok(())
    }

    pub(super) fn assert_family<T: 'static>(&self, family: usize) {
        assert!(
            self.shared().layout.families[family].row.is::<T>(),
            "rows of another type"
        );
    }

    /// How many entries a row with these keys has in the trees of the layout.
    fn entries<K: Keys>(&self, family: usize, keys: &[K]) -> usize {
        let behind = self.shared().layout.families[family].trees - 1;
        1 + keys.iter().take(behind).map(Keys::len).sum::<usize>()
    }

    /// Whether a stored row has as many keys now as when it was stored. Each of them is looked up when it is taken out; so none is left behind.
    fn stable<T, K: Keys>(&self, family: usize, row: &Row<T>, keys: &[K]) -> Result<(), Refused> {
        if row.entries() as usize == self.entries(family, keys) {
            return Ok(());
        }
        Err(Refused::Unstable { tree: None })
    }

    /// Whether a row's keys can go into the trees, from which `old` ones go; `replaces` if it has the primary key of another.
    fn fits<K: Keys>(
        &self,
        family: usize,
        key: &[u8],
        replaces: bool,
        old: &[K],
        new: &[K],
    ) -> Result<(), Refused> {
        if !self.added.is_none() {
            self.fits_added(family, key, old, new)?;
        }
        let family = &self.shared().layout.families[family];
        let all = new
            .iter()
            .enumerate()
            .flat_map(|(tree, keys)| (0..keys.len()).map(move |index| (tree + 1, keys.key(index))));
        for (tree, key) in std::iter::once((0, key)).chain(all) {
            if key.len() > MAX_KEY {
                return Err(Refused::KeyTooLong {
                    tree,
                    len: key.len(),
                });
            }
        }
        for tree in 0..family.trees {
            let (fewer, more) = tree
                .checked_sub(1)
                .map_or((usize::from(replaces), 1), |tree| {
                    (
                        old.get(tree).map_or(0, Keys::len),
                        new.get(tree).map_or(0, Keys::len),
                    )
                });
            if more <= fewer.min(SPARE) {
                continue;
            }
            // SAFETY: the draft's trees are alive, and not written to here.
            let rows =
                self.roots[family.first + tree].map_or(0, |root| unsafe { root.get() }.total());
            if rows + more > MAX_ENTRIES {
                return Err(Refused::Full { tree });
            }
        }
        Ok(())
    }

    /// Takes `gone` out of all trees and puts `row` in: the steps one after the other, undone if one of them can't be.
    fn apply<K: Keys>(
        &mut self,
        family: usize,
        key: &[u8],
        gone: Option<Handle>,
        row: Option<Handle>,
        old: &[K],
        new: &[K],
    ) -> Result<(), Refused> {
        let first = self.shared().layout.families[family].first;
        let trees = self.shared().layout.families[family].trees;
        let primary = match (gone, row) {
            (Some(_), Some(_)) => Some(Step::Swap(key)),
            (Some(_), None) => Some(Step::Remove(key)),
            (None, Some(_)) => Some(Step::Insert(key)),
            (None, None) => None,
        };
        let steps = |tree: usize| {
            let keys = tree
                .checked_sub(1)
                .map(|tree| merged(old.get(tree), new.get(tree)));
            primary
                .filter(|_| tree == 0)
                .into_iter()
                .chain(keys.into_iter().flatten())
        };
        for tree in 0..trees {
            for (done, step) in steps(tree).enumerate() {
                if let Err(refused) = self.step(first + tree, step, gone, row) {
                    for (tree, done) in (0..tree)
                        .map(|tree| (tree, usize::MAX))
                        .chain([(tree, done)])
                    {
                        for step in steps(tree).take(done) {
                            self.undo(first + tree, step, gone, row);
                        }
                    }
                    return Err(refused.in_tree(tree));
                }
            }
        }
        if self.added.is_none() {
            return Ok(());
        }
        let done = self.apply_added(family, key, [gone, row], [old, new]);
        if done.is_err() {
            for tree in 0..trees {
                for step in steps(tree) {
                    self.undo(first + tree, step, gone, row);
                }
            }
        }
        done
    }

    /// Takes `gone` out of one tree and puts `row` in, under these keys. All or nothing.
    pub(super) fn change_tree<K: Keys>(
        &mut self,
        slot: usize,
        [gone, row]: [Option<Handle>; 2],
        [old, new]: [Option<&K>; 2],
    ) -> Result<(), Refused> {
        for (done, step) in merged(old, new).enumerate() {
            if let Err(refused) = self.step(slot, step, gone, row) {
                for step in merged(old, new).take(done) {
                    self.undo(slot, step, gone, row);
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        slot: usize,
        step: Step<'_>,
        gone: Option<Handle>,
        row: Option<Handle>,
    ) -> Result<(), Refused> {
        let root = &mut self.roots[slot];
        let done = match (step, gone, row) {
            (Step::Insert(key), _, Some(row)) => {
                return self
                    .editor
                    .insert(root, key, row)
                    .map_err(|_| Refused::Occupied { tree: 0 });
            }
            (Step::Swap(key), Some(gone), Some(row)) => self.editor.swap(root, key, gone, row),
            (Step::Remove(key), Some(gone), _) => self.editor.remove(root, key, gone),
            _ => true,
        };
        if done {
            Ok(())
        } else {
            Err(Refused::Unstable { tree: None })
        }
    }

    fn undo(&mut self, slot: usize, step: Step<'_>, gone: Option<Handle>, row: Option<Handle>) {
        let back = match step {
            Step::Insert(key) => Step::Remove(key),
            Step::Swap(key) => Step::Swap(key),
            Step::Remove(key) => Step::Insert(key),
        };
        let undone = self.step(slot, back, row, gone);
        debug_assert!(undone.is_ok(), "a step that was done can be undone");
    }

    /// A mark that [`rollback`](Self::rollback) goes back to.
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        let number = SAVEPOINTS.fetch_add(1, Ordering::Relaxed);
        self.savepoints.push(number);
        let savepoint = Savepoint {
            number,
            stamp: self.editor.stamp,
            roots: self.roots.clone(),
            added: self.added.clone(),
            families: SmallVec::from_slice(&self.editor.families),
            unlinked: self.editor.unlinked.len(),
            gone: self.editor.gone.len(),
            created: self.editor.created.len(),
        };
        // What was made so far is frozen: it is copied before it is changed, like the base.
        self.editor.forget();
        self.editor.stamp += 1;
        savepoint
    }

    /// Undoes all that was done since the savepoint, which can be gone back to again; later ones can't. `false`, and nothing is undone, where an
    /// earlier one was gone back to meanwhile, or it is of another draft: what it names may be freed.
    pub(crate) fn rollback(&mut self, to: &Savepoint) -> bool {
        let Some(place) = self
            .savepoints
            .iter()
            .position(|&number| number == to.number)
        else {
            return false;
        };
        self.savepoints.truncate(place + 1);
        self.editor.forget();
        let roots = mem::replace(&mut self.roots, to.roots.clone());
        self.editor.families.copy_from_slice(&to.families);
        self.free_since(&roots, to.stamp, to.unlinked, to.created);
        self.editor.gone.truncate(to.gone);
        self.set_added(to.added.clone());
        true
    }

    /// What is known of the trees before may be the last of its kind, and a user's.
    pub(super) fn set_added(&mut self, added: AddedTrees) {
        let before = mem::replace(&mut self.added, added);
        self.garbage.push_trees(before);
    }

    /// Frees what was made since a mark, where `roots` are what has become of the trees.
    fn free_since(&mut self, roots: &[Option<Node>], stamp: u64, unlinked: usize, created: usize) {
        let layout = &self.base.0.shared.layout;
        let Editor {
            pool,
            unlinked: nodes,
            created: rows,
            ..
        } = &mut *self.editor;
        free_younger(roots, stamp, layout, pool, |_, _| {});
        for node in nodes.drain(unlinked..) {
            // SAFETY: unlinked nodes are alive until they are freed from this list; what was made since and unlinked since is on no other.
            unsafe {
                if node.get().birth() > stamp {
                    node.free(pool);
                }
            }
        }
        for (row, family) in rows.drain(created..) {
            self.garbage.push(row, layout.families[family].row);
        }
    }

    /// Ends the draft with a version that can be published.
    pub(crate) fn stage(mut self, writer: &mut Writer) -> (Staged, Garbage) {
        let base = &self.base.0;
        let mut unlinked = writer.spare();
        let Editor {
            pool,
            unlinked: nodes,
            gone,
            created,
            has_removed,
            stamp,
            families,
            ..
        } = &mut *self.editor;
        for node in nodes.drain(..) {
            // SAFETY: unlinked nodes are alive until they are freed from this list; what is younger than the base was made in this draft
            // and unlinked across a savepoint: no version ever had it.
            unsafe {
                if node.get().birth() > base.stamp {
                    node.free(pool);
                } else {
                    unlinked.push(Dead::Node(node), &base.shared.layout);
                }
            }
        }
        let mut passed = Garbage::default();
        let mut passed_in = Vec::new();
        for (row, family) in gone.drain(..) {
            // SAFETY: the history still holds its count.
            if unsafe { row.modified() } > base.revision.get() {
                passed.push(row, base.shared.layout.families[family].row);
                passed_in.push(family);
            } else {
                unlinked.push(Dead::Row(row, family), &base.shared.layout);
            }
        }
        if !passed_in.is_empty() {
            // Where all that came went again, and nothing else, the version has what its base had.
            for (family, revision) in families.iter_mut().enumerate() {
                let brought = created.iter().filter(|(_, of)| *of == family).count();
                let went = passed_in.iter().filter(|of| **of == family).count();
                let lost = |dead: &Dead| matches!(dead, Dead::Row(_, of) if *of == family);
                if brought == went && !unlinked.entries().iter().any(lost) {
                    *revision = base.families[family];
                }
            }
        }
        let staged = Staged {
            version: writer.version(
                *stamp,
                self.revision,
                self.roots,
                self.added,
                SmallVec::from_slice(families),
            ),
            base: base.stamp,
            unlinked,
            passed,
            created: mem::take(created),
            has_removed: *has_removed,
        };
        writer.take_back(self.editor);
        (staged, self.garbage)
    }

    /// Ends the draft: nothing of it was.
    pub(crate) fn abort(mut self, writer: &mut Writer) -> Garbage {
        let roots = mem::take(&mut self.roots);
        self.free_since(&roots, self.base.0.stamp, 0, 0);
        self.editor.gone.clear();
        self.set_added(AddedTrees::default());
        writer.take_back(self.editor);
        self.garbage
    }
}

impl Refused {
    pub(super) fn in_tree(self, tree: usize) -> Self {
        match self {
            Self::Occupied { .. } => Self::Occupied { tree },
            Self::Unstable { .. } => Self::Unstable { tree: Some(tree) },
            other => other,
        }
    }
}
