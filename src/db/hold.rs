//! One hold of the writer's seat, and what all of them come to.

use std::panic::Location;
use std::thread::Thread;
use std::time::Duration;

use super::stats::{Commits, Timing};
use crate::Revision;

/// How a hold of the seat ended.
#[derive(Clone, Copy)]
pub(super) enum End {
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
    /// There was nothing to commit, or nobody wanted to write.
    Unchanged,
    Aborted,
    /// By the disk, or because the database was closed.
    Refused,
}

/// One hold of the seat.
pub(super) struct Hold {
    pub(super) end: End,
    pub(super) held: Duration,
    /// For the seat.
    pub(super) waited: Duration,
    /// Where it began in the program.
    pub(super) at: &'static Location<'static>,
    pub(super) thread: Option<Thread>,
}

/// All holds so far. It lies under the lock of the seat, which whoever comes and goes takes anyway.
#[derive(Clone, Copy, Default)]
pub(super) struct Ledger {
    pub(super) commits: Commits,
    pub(super) held: Timing,
    pub(super) waited: Timing,
}

impl Ledger {
    pub(super) fn add(&mut self, hold: &Hold) {
        match hold.end {
            End::Committed { rows, .. } => {
                self.commits.count += 1;
                self.commits.rows += rows as u64;
            }
            End::Unchanged => {}
            End::Aborted => self.commits.aborted += 1,
            End::Refused => self.commits.refused += 1,
        }
        self.held.add(hold.held);
        self.gave_up(hold.waited);
    }

    /// Somebody waited, and perhaps did not get the seat.
    pub(super) fn gave_up(&mut self, waited: Duration) {
        if !waited.is_zero() {
            self.waited.add(waited);
        }
    }
}
