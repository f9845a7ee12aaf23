//! One hold of the writer's seat, and what all of them come to.

use std::panic::Location;
use std::thread::Thread;
use std::time::Duration;

use super::super::stats::{Commits, Timing};
use crate::Revision;

/// How a hold of the seat ended.
#[derive(Clone, Copy)]
pub(in crate::db) enum End {
    Committed {
        revision: Revision,
        rows: usize,
        /// Watches that it fired.
        #[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "told there"))]
        fired: usize,
        /// How long the disk took, where there is one and somebody asks.
        #[cfg_attr(
            not(any(feature = "metrics", feature = "tracing")),
            allow(dead_code, reason = "told there")
        )]
        persist: Option<Duration>,
    },
    /// It waits for the disk, off the seat, and its end will be another one.
    Staged,
    /// There was nothing to commit, or nobody wanted to write.
    Unchanged,
    Aborted,
    /// By the disk, or because the database was closed.
    Refused,
}

/// One hold of the seat.
pub(in crate::db) struct Hold {
    pub(in crate::db) end: End,
    pub(in crate::db) held: Duration,
    /// For the seat.
    pub(in crate::db) waited: Duration,
    /// Where it began in the program.
    pub(in crate::db) at: &'static Location<'static>,
    pub(in crate::db) thread: Option<Thread>,
}

/// All holds so far. It lies under the lock of the seat, which whoever comes and goes takes anyway.
#[derive(Clone, Copy, Default)]
pub(in crate::db) struct Ledger {
    pub(in crate::db) commits: Commits,
    pub(in crate::db) held: Timing,
    pub(in crate::db) waited: Timing,
}

impl Ledger {
    pub(in crate::db) fn add(&mut self, hold: &Hold) {
        self.count(hold.end);
        self.held.add(hold.held);
        self.gave_up(hold.waited);
    }

    /// How a hold ended.
    pub(in crate::db) fn count(&mut self, end: End) {
        match end {
            End::Committed { rows, .. } => {
                self.commits.count += 1;
                self.commits.rows += rows as u64;
            }
            End::Unchanged | End::Staged => {}
            End::Aborted => self.commits.aborted += 1,
            End::Refused => self.commits.refused += 1,
        }
    }

    /// Somebody waited, and perhaps did not get the seat.
    pub(in crate::db) fn gave_up(&mut self, waited: Duration) {
        if !waited.is_zero() {
            self.waited.add(waited);
        }
    }
}
