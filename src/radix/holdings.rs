//! The book of live versions, and what they keep in memory, for whoever asks while the writer goes on.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::dead::{DeadList, Weight};
use super::history::lock;
use super::version::Version;
use crate::revision::Revision;

/// A live version.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) revision: u64,
    pub(super) dead: DeadList,
    /// When the transaction began that made the next version; `None` of the newest.
    pub(super) replaced: Option<Instant>,
}

/// Live versions, by their stamps.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) live: BTreeMap<u64, Live>,
    /// Dead lists of dead versions, still to be gone through.
    pub(super) pending: VecDeque<(u64, DeadList)>,
}

// SAFETY: it owns what its lists name; rows are `Send` and `Sync`.
unsafe impl Send for Book {}

impl Book {
    /// A version is published: from now on it is alive.
    pub(super) fn enter(&mut self, version: &Version) {
        let live = Live {
            revision: version.revision().get(),
            dead: DeadList::default(),
            replaced: None,
        };
        self.live.insert(version.0.stamp, live);
    }
}

/// What is held of a history beside its newest version.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Holdings {
    /// Versions that somebody holds.
    pub(crate) versions: usize,
    pub(crate) oldest: Option<Oldest>,
    /// All that the newest version does not reach and is not freed yet.
    pub(crate) unlinked: Weight,
}

/// The oldest version that somebody holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oldest {
    pub(crate) revision: Revision,
    /// When the transaction that replaced it began.
    pub(crate) replaced: Option<Instant>,
    /// What it keeps that no later version reaches.
    pub(crate) pins: Weight,
}

impl Version {
    /// What is held of the versions before this one. O(live versions, and sorting those dropped since the last transaction). Meanwhile the writer
    /// waits where it begins or publishes.
    pub(crate) fn holdings(&self) -> Holdings {
        let mut holdings = Holdings::default();
        let book = lock(&self.0.shared.book);
        // Those that are dropped and not taken out of the book yet. The book is locked first, as the writer does.
        let queue = lock(&self.0.shared.queue);
        let mut dropped: Vec<u64> = queue.iter().map(|(stamp, _)| *stamp).collect();
        drop(queue);
        dropped.sort_unstable();
        for (stamp, live) in &book.live {
            holdings.unlinked.add(live.dead.weight());
            if *stamp >= self.0.stamp || dropped.binary_search(stamp).is_ok() {
                continue;
            }
            holdings.versions += 1;
            holdings.oldest.get_or_insert(Oldest {
                revision: Revision::new(live.revision),
                replaced: live.replaced,
                pins: live.dead.weight(),
            });
        }
        for (_, dead) in &book.pending {
            holdings.unlinked.add(dead.weight());
        }
        holdings
    }
}
