//! The published version: one cell, swapped by a commit and read by every snapshot.

use std::sync::{Arc, RwLock};

use arc_swap::ArcSwapAny;

use crate::radix::{State, Version};

/// The cell. The one file that names `arc-swap`, with the strategy whose soundness nobody doubts: a reader holds a shared lock for as
/// long as it takes to raise a count, and a commit never waits for a reader that does more.
pub(in crate::db) struct Current(ArcSwapAny<Arc<State>, RwLock<()>>);

impl Current {
    pub(in crate::db) fn new(version: Version) -> Self {
        Self(ArcSwapAny::with_strategy(
            version.into_state(),
            RwLock::default(),
        ))
    }

    pub(in crate::db) fn load(&self) -> Version {
        Version::from_state(self.0.load_full())
    }

    /// Publishes a version and gives the one before it.
    pub(in crate::db) fn swap(&self, version: Version) -> Version {
        Version::from_state(self.0.swap(version.into_state()))
    }
}
