//! Which versions are alive, and what may be freed: dead lists.
//!
//! Versions are stamped 1, 2, 3 …; a node born in `b` and unlinked by `d` is reachable exactly from the versions `b ≤ v < d`. It is freed as
//! soon as no live version lies there. Live are the published version and those that are held. A staged one need not be: what it shares is that of its base,
//! which is held meanwhile, and what it unlinked is on no list before it is published.
//!
//! Each live version has a *dead list*: what the version after it unlinked, and so is reachable from it and not from any later one. When a
//! version is found dead, each entry of its list moves to the next older live version `w` if `b ≤ w`, else it is freed. These are the
//! dead lists of ZFS snapshots, in memory. They are precise: a version that is held for long pins what it can see, and nothing more.
//!
//! Rows are entries of the same lists. Dropping one runs the user's code, so freed rows are only collected, as [`Garbage`], and let go of
//! where no lock is held.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smallvec::SmallVec;

use super::added::{About, AddedTrees};
use super::dead::DeadList;
use super::edit::Editor;
use super::garbage::Garbage;
use super::holdings::Book;
use super::layout::Layout;
use super::node::{Kind, Node};
use super::pool::Pool;
use super::row::{Handle, RowType};
use super::version::{FamilyRevisions, State, Version};
use crate::revision::Revision;

/// Entries that one transaction looks at when it begins, over what the last one unlinked.
const STEP: usize = 256;

/// The longest list whose memory is kept for the next transaction.
const KEPT: usize = 1024;

/// So many rows that nobody reaches wait to be let go of together. What a row owns lies somewhere else in memory, and to free it is a miss of the caches; those
/// of several rows in a row overlap.
const TOGETHER: usize = 16;

/// Something that the newest version does not reach any more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dead {
    Node(Node),
    /// A row, and its family.
    Row(Handle, usize),
}

/// What all versions of one history share.
pub(crate) struct Shared {
    pub(super) layout: Layout,
    /// Stamps of versions that nobody holds any more, and what they knew of added trees.
    pub(super) queue: Mutex<Vec<(u64, AddedTrees)>>,
    /// Which versions are alive. Only the writer changes it; others look.
    pub(super) book: Mutex<Book>,
    /// The registry, once there is no writer.
    left: Mutex<Option<Box<Registry>>>,
    /// Whether there is no writer any more, so that who drops a version need not lock what is `left` to see that it is not.
    deserted: AtomicBool,
    /// What a fork stands on.
    _base: Option<Version>,
}

impl Shared {
    /// The stamp of a version that is in no registry.
    pub(super) const NEVER: u64 = u64::MAX;

    /// The last holder of a version let go of it.
    pub(super) fn dropped(&self, stamp: u64, added: AddedTrees) {
        if stamp == Self::NEVER {
            return;
        }
        lock(&self.queue).push((stamp, added));
        // While there is a writer, the next transaction does the rest. A writer that goes says so before it looks at the queue for the last time: what
        // came too late for it was pushed after that look, and so by somebody who sees here that it has gone.
        if !self.deserted.load(Ordering::Relaxed) {
            return;
        }
        let garbage = lock(&self.left)
            .as_mut()
            .map(|registry| registry.reclaim_all(self));
        drop(garbage);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let registry = self
            .left
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let book = self.book.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut registry) = registry {
            drop(registry.free_all(book, &self.layout));
        }
    }
}

/// No code of a user runs under these locks, so that a poisoned one only means that a thread died of something else.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the writer alone has.
#[derive(Default)]
pub(super) struct Registry {
    /// Not here while a draft has it, with the memory of all nodes. If that draft is lost, nothing is freed any more: live versions must stay.
    editor: Option<Box<Editor>>,
    /// Emptied lists, kept for their memory.
    spare: DeadList,
    dropped: Vec<(u64, AddedTrees)>,
    /// The roots of the published version.
    newest: Box<[Option<Node>]>,
    /// What is not younger than this stamp and revision belongs to the version that a fork stands on.
    floor: (u64, u64),
    /// Entries that the last published version unlinked.
    produced: usize,
    /// The highest stamp that a transaction ended with. None gets it again: what was staged upon a version that was discarded may be let go of after others were made.
    stamps: u64,
    /// Rows that no version reaches, until there are [enough](TOGETHER).
    garbage: Garbage,
}

// SAFETY: it owns what its lists name; rows are `Send` and `Sync`.
unsafe impl Send for Registry {}

impl Registry {
    /// Frees all that the versions that were dropped alone could reach.
    fn reclaim_all(&mut self, shared: &Shared) -> Garbage {
        self.reclaim(shared, usize::MAX);
        std::mem::take(&mut self.garbage)
    }

    /// Frees what the versions that were dropped alone could reach, looking at about `budget` entries. The rows of it are garbage then.
    fn reclaim(&mut self, shared: &Shared, budget: usize) {
        let Some(editor) = &mut self.editor else {
            return;
        };
        let garbage = &mut self.garbage;
        let pool = &mut *editor.pool;
        let mut book = lock(&shared.book);
        let Book { live, pending } = &mut *book;
        std::mem::swap(&mut self.dropped, &mut *lock(&shared.queue));
        for (stamp, added) in self.dropped.drain(..) {
            garbage.push_trees(added);
            if let Some(live) = live.remove(&stamp)
                && !live.dead.is_empty()
            {
                pending.push_back((stamp, live.dead));
            }
        }
        let mut budget = budget;
        while let Some((stamp, mut dead)) = pending.pop_front() {
            let older = live.range_mut(..stamp).next_back();
            let (older_stamp, older_revision, mut keep) = match older {
                Some((&stamp, live)) => (stamp, live.revision, Some(&mut live.dead)),
                None => (self.floor.0, self.floor.1, None),
            };
            while let Some(entry) = dead.pop(&shared.layout) {
                let reached = match entry {
                    // SAFETY: not freed yet: it is on exactly one list.
                    Dead::Node(node) => (unsafe { node.get() }).birth() <= older_stamp,
                    // SAFETY: as above.
                    Dead::Row(row, _) => (unsafe { row.modified() }) <= older_revision,
                };
                match (reached, entry, &mut keep) {
                    (true, entry, Some(keep)) => keep.push(entry, &shared.layout),
                    // Nothing older is alive and it is not younger than the floor: the base of a fork owns it.
                    (true, _, None) => {}
                    // SAFETY: no live version lies between its birth and its end.
                    (false, Dead::Node(node), _) => unsafe { node.free(pool) },
                    (false, Dead::Row(row, family), _) => {
                        garbage.push(row, shared.layout.families[family].row);
                    }
                }
                budget = budget.saturating_sub(1);
                if budget == 0 {
                    break;
                }
            }
            if !dead.is_empty() {
                pending.push_front((stamp, dead));
            } else if dead.capacity() <= KEPT {
                self.spare = dead;
            }
            if budget == 0 {
                break;
            }
        }
    }

    /// All versions are gone: frees every list, and all that the newest version reaches.
    fn free_all(&mut self, book: &mut Book, layout: &Layout) -> Garbage {
        let mut garbage = std::mem::take(&mut self.garbage);
        let Some(editor) = self.editor.take() else {
            return garbage;
        };
        // Unmapped at the end of this; of the heap, what holds no row that somebody keeps.
        let pool = &mut ManuallyDrop::into_inner(editor.pool);
        let _heap = ManuallyDrop::into_inner(editor.heap);
        let Book { live, pending } = std::mem::take(book);
        let live = live.into_values().map(|live| live.dead);
        let pending = pending.into_iter().map(|(_, dead)| dead);
        for dead in live.chain(pending) {
            for &entry in dead.entries() {
                match entry {
                    // SAFETY: on one list only, and no version is left.
                    Dead::Node(node) => unsafe {
                        if node.get().birth() > self.floor.0 {
                            node.free(pool);
                        }
                    },
                    // SAFETY: as above; the history still holds its count.
                    Dead::Row(row, family) => unsafe {
                        if row.modified() > self.floor.1 {
                            garbage.push(row, layout.families[family].row);
                        }
                    },
                }
            }
        }
        let newest = std::mem::take(&mut self.newest);
        let floor = self.floor;
        free_younger(&newest, floor.0, layout, pool, |row, of| {
            // SAFETY: the history still holds its count.
            if unsafe { row.modified() } > floor.1 {
                garbage.push(row, of);
            }
        });
        garbage
    }
}

/// Frees the nodes under `roots` that are younger than `stamp`, which nobody reaches, and names the rows of each first tree on them.
pub(super) fn free_younger(
    roots: &[Option<Node>],
    stamp: u64,
    layout: &Layout,
    pool: &mut Pool,
    mut row: impl FnMut(Handle, RowType),
) {
    let mut open = Vec::new();
    let declared = layout.families.iter().flat_map(|family| {
        // Rows are in the first tree of their family, each once.
        (0..family.trees).map(|tree| (family.first + tree, (tree == 0).then_some(family.row)))
    });
    let added = (layout.trees..roots.len()).map(|slot| (slot, None));
    for (slot, rows) in declared.chain(added) {
        open.extend(roots.get(slot).copied().flatten());
        while let Some(node) = open.pop() {
            // SAFETY: reachable from these roots and not freed yet: each node has one parent.
            let view = unsafe { node.get() };
            if view.birth() <= stamp {
                // So are all below it.
                continue;
            }
            match (view.kind(), rows) {
                (Kind::Inner, _) => open.extend_from_slice(view.children()),
                (Kind::Bucket, Some(of)) => {
                    view.rows().iter().for_each(|&handle| row(handle, of));
                }
                (Kind::Bucket, None) => {}
            }
            // SAFETY: nobody reaches what is younger than the stamp, and its parent was freed before.
            unsafe { node.free(pool) };
        }
    }
}

/// The one who may make new versions of a history.
pub(crate) struct Writer {
    pub(super) shared: Arc<Shared>,
    registry: Box<Registry>,
    /// When the running transaction began.
    begun: Instant,
}

/// A version that nobody sees yet, with what it unlinked.
#[must_use = "to be published or discarded"]
pub(crate) struct Staged {
    pub(super) version: Version,
    pub(super) base: u64,
    pub(super) unlinked: DeadList,
    /// Rows that came and went while it was made.
    pub(super) passed: Garbage,
    /// All rows that it brought.
    pub(super) created: Vec<(Handle, usize)>,
    /// Whether a row may have been removed without another in its place.
    pub(super) has_removed: bool,
}

// SAFETY: it owns what its lists name; rows are `Send` and `Sync`.
unsafe impl Send for Staged {}

impl Staged {
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }
}

impl Writer {
    /// A new history, and its first version, which is empty.
    pub(crate) fn new(layout: Layout, revision: Revision) -> (Self, Version) {
        let roots = vec![None; layout.trees].into_boxed_slice();
        let families = SmallVec::from_elem(revision.get(), layout.families.len());
        Self::start(
            layout,
            roots,
            AddedTrees::default(),
            families,
            revision,
            None,
        )
    }

    /// A history of its own that stands on `base`, and its first version, which shows the same. What it commits is never seen in the other. What
    /// it knows of an added tree is what `about` makes of that.
    pub(crate) fn fork(base: &Version, about: impl FnMut(&About) -> About) -> (Self, Version) {
        let State {
            roots,
            added,
            families,
            revision,
            shared,
            ..
        } = &*base.0;
        Self::start(
            shared.layout.clone(),
            roots.clone(),
            added.map(about),
            families.clone(),
            *revision,
            Some(base.clone()),
        )
    }

    fn start(
        layout: Layout,
        roots: Box<[Option<Node>]>,
        added: AddedTrees,
        families: FamilyRevisions,
        revision: Revision,
        base: Option<Version>,
    ) -> (Self, Version) {
        let floor = base
            .as_ref()
            .map_or((0, 0), |base| (base.0.stamp, base.0.revision.get()));
        let registry = Registry {
            editor: Some(Box::new(Editor::new())),
            newest: roots.clone(),
            floor,
            ..Registry::default()
        };
        let shared = Arc::new(Shared {
            layout,
            queue: Mutex::default(),
            book: Mutex::default(),
            left: Mutex::default(),
            deserted: AtomicBool::new(false),
            _base: base,
        });
        let writer = Self {
            shared,
            registry: Box::new(registry),
            begun: Instant::now(),
        };
        let version = writer.version(floor.0, revision, roots, added, families);
        lock(&writer.shared.book).enter(&version);
        (writer, version)
    }

    /// Makes a version, which is alive from when it is entered in the book. Until then nobody may have it but the writer.
    pub(super) fn version(
        &self,
        stamp: u64,
        revision: Revision,
        roots: Box<[Option<Node>]>,
        added: AddedTrees,
        families: FamilyRevisions,
    ) -> Version {
        Version(Arc::new(State {
            stamp,
            revision,
            roots,
            added,
            families,
            shared: Arc::clone(&self.shared),
        }))
    }

    /// A transaction begins: from now on, what it will replace is old.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.begun = now;
    }

    /// Lends the editor for a transaction, with this stamp or a higher one, with a bounded piece of the reclamation done.
    pub(super) fn lend(&mut self, stamp: u64) -> (Box<Editor>, Garbage) {
        let budget = STEP + 2 * self.registry.produced;
        self.registry.reclaim(&self.shared, budget);
        let garbage = if self.registry.garbage.is_enough(TOGETHER) {
            std::mem::take(&mut self.registry.garbage)
        } else {
            Garbage::default()
        };
        let editor = self.registry.editor.take();
        let mut editor = editor.unwrap_or_else(|| Box::new(Editor::new()));
        editor.stamp = stamp.max(self.registry.stamps + 1);
        editor.has_removed = false;
        editor.forget();
        (editor, garbage)
    }

    /// Takes the editor back, with empty lists.
    pub(super) fn take_back(&mut self, editor: Box<Editor>) {
        self.registry.stamps = self.registry.stamps.max(editor.stamp);
        self.registry.editor = Some(editor);
    }

    /// An empty list.
    pub(super) fn spare(&mut self) -> DeadList {
        std::mem::take(&mut self.registry.spare)
    }

    /// Frees all that can be freed now.
    pub(crate) fn reclaim(&mut self) -> Garbage {
        self.registry.reclaim_all(&self.shared)
    }

    /// Gives memory of rows that were let go of back to the system. O(rows let go of since their memory was used again).
    pub(crate) fn trim(&mut self) {
        if let Some(editor) = &mut self.registry.editor {
            editor.heap.trim();
        }
    }

    /// How many nodes there are.
    #[cfg(test)]
    pub(super) fn nodes(&self) -> usize {
        let editor = self.registry.editor.as_ref();
        editor.map_or(0, |editor| editor.pool.blocks)
    }

    /// Gives a staged version, and the rows that it brought, another number than they were made with. It must be greater than that of the version before.
    ///
    /// What history decides by numbers stays right. Whether a version reaches a row is asked as *written at or before its revision*: the rows of
    /// this version had a number above all published ones and get another such, and so does the version itself, which is in no book yet.
    /// None of them has been compared meanwhile: the lists are gone through by who has the writer, and that is the caller.
    #[allow(clippy::unused_self, reason = "who calls this must have the writer")]
    pub(crate) fn renumber(&mut self, staged: &mut Staged, revision: Revision) {
        let Some(state) = Arc::get_mut(&mut staged.version.0) else {
            unreachable!("a staged version has one holder until it is persisted");
        };
        let (from, to) = (state.revision.get(), revision.get());
        state.revision = revision;
        for family in &mut state.families {
            if *family == from {
                *family = to;
            }
        }
        for (row, _) in &staged.created {
            // SAFETY: the history holds its count until the staged version is published or discarded, and those that passed until then, too.
            unsafe { row.renumber(from, to) };
        }
    }

    /// Makes a staged version the newest: from here on its predecessor's dead list answers for what it unlinked.
    pub(crate) fn publish(&mut self, staged: Staged) -> (Version, Garbage) {
        let Staged {
            version,
            base,
            unlinked,
            passed,
            mut created,
            ..
        } = staged;
        let registry = &mut self.registry;
        if let Some(editor) = &mut registry.editor
            && created.capacity() <= KEPT
        {
            created.clear();
            editor.created = created;
        }
        registry.produced = unlinked.len();
        registry.newest.clone_from(&version.0.roots);
        let mut book = lock(&self.shared.book);
        match book.live.get_mut(&base) {
            Some(live) => {
                live.replaced = Some(self.begun);
                if live.dead.is_empty() {
                    live.dead = unlinked;
                } else {
                    live.dead.append(unlinked);
                }
            }
            None => book.pending.push_back((base, unlinked)),
        }
        book.enter(&version);
        drop(book);
        (version, passed)
    }

    /// Undoes a staged version that nobody saw, and none was staged upon: what it brought is freed, what it unlinked stays.
    pub(crate) fn discard(&mut self, staged: Staged) -> Garbage {
        let Staged {
            version,
            base,
            passed,
            created,
            ..
        } = staged;
        let mut garbage = Garbage::default();
        // They are among the created ones.
        passed.forget();
        // If somebody kept the version after all, its memory is lost rather than freed under them.
        let Some(mut state) = Arc::into_inner(version.0) else {
            return garbage;
        };
        state.stamp = Shared::NEVER;
        garbage.push_trees(std::mem::take(&mut state.added));
        if let Some(editor) = &mut self.registry.editor {
            let layout = &self.shared.layout;
            free_younger(&state.roots, base, layout, &mut editor.pool, |_, _| {});
            for (row, family) in created {
                garbage.push(row, self.shared.layout.families[family].row);
            }
        }
        garbage
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let registry = std::mem::take(&mut self.registry);
        let mut left = lock(&self.shared.left);
        let registry = left.insert(registry);
        self.shared.deserted.store(true, Ordering::Relaxed);
        let garbage = registry.reclaim_all(&self.shared);
        drop(left);
        drop(garbage);
    }
}
