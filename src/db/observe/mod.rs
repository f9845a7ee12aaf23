//! Who is told of what happens: counters, the hook for slow writes, and the facades of `tracing` and `metrics` where their features are on.
//!
//! The one interface between the pipeline and all of them: a call for each event. Without the features a call is nothing, or a comparison.
#![cfg_attr(
    not(all(feature = "metrics", feature = "tracing")),
    allow(
        unused_variables,
        clippy::unused_self,
        reason = "they are for those who are told"
    )
)]

#[cfg(feature = "metrics")]
mod metrics;
pub(super) mod slow_write;
#[cfg(feature = "tracing")]
mod tracing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::slow_write::SlowWrite;
use super::Builder;
use super::commit::hold::{End, Hold};
use crate::{Error, Revision};

/// What is called after a slow write.
pub(super) type Hook = Box<dyn Fn(&SlowWrite) + Send + Sync>;

/// The observers of one database.
pub(crate) struct Observe {
    warn_after: Duration,
    hook: Option<Hook>,
    slow_writes: AtomicU64,
    #[cfg(feature = "metrics")]
    meters: Option<metrics::Meters>,
    /// What events call the database; `None` for one that nobody is told of.
    #[cfg(feature = "tracing")]
    name: Option<Box<str>>,
}

impl Observe {
    /// Of a database that is opened now, at `place`: its file, or `memory`.
    pub(crate) fn new(warn_after: Duration, hook: Option<Hook>, place: &str) -> Self {
        Self {
            warn_after,
            hook,
            slow_writes: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            meters: Some(metrics::Meters::new(place)),
            #[cfg(feature = "tracing")]
            name: Some(place.into()),
        }
    }

    /// Of a database that was forked off, to try something out: what happens in it is nobody's concern but its owner's.
    pub(super) fn silent() -> Self {
        Self {
            warn_after: Duration::MAX,
            hook: None,
            slow_writes: AtomicU64::new(0),
            #[cfg(feature = "metrics")]
            meters: None,
            #[cfg(feature = "tracing")]
            name: None,
        }
    }

    pub(super) fn slow_writes(&self) -> u64 {
        self.slow_writes.load(Ordering::Relaxed)
    }

    /// The database is there, with the rows of this commit, after so long.
    pub(crate) fn opened(&self, revision: Revision, file_bytes: u64, loading: Stopwatch) {
        #[cfg(feature = "metrics")]
        if let Some(meters) = &self.meters {
            meters.opened(file_bytes);
        }
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::opened(name, revision, file_bytes, loading.elapsed());
        }
    }

    /// Somebody gave the writer's seat up. `state` is asked for the number of versions held and the size of the file, if somebody wants to know.
    pub(super) fn left(&self, hold: &Hold, state: impl FnOnce() -> (usize, u64)) {
        #[cfg(feature = "metrics")]
        if let Some(meters) = &self.meters {
            meters.left(hold, state);
        }
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::left(name, hold);
        }
        if hold.held > self.warn_after {
            self.slow(hold);
        }
    }

    #[cold]
    fn slow(&self, hold: &Hold) {
        self.slow_writes.fetch_add(1, Ordering::Relaxed);
        let (committed, rows) = match hold.end {
            End::Committed { revision, rows, .. } => (Some(revision), rows),
            End::Unchanged | End::Staged | End::Aborted | End::Refused => (None, 0),
        };
        let slow = SlowWrite {
            held: hold.held,
            waited: hold.waited,
            committed,
            rows,
            thread: hold
                .thread
                .as_ref()
                .and_then(|thread| thread.name())
                .map(str::to_owned),
            began: hold.at,
        };
        #[cfg(feature = "metrics")]
        if let Some(meters) = &self.meters {
            meters.slow();
        }
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::slow(name, &slow);
        }
        if let Some(hook) = &self.hook {
            // Perhaps a panic is under way already, and a second one would end the process.
            drop(catch_unwind(AssertUnwindSafe(|| hook(&slow))));
        }
    }

    /// A commit was refused; `poisoned` if all will be from now on.
    pub(super) fn refused(&self, error: &Error, poisoned: bool) {
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::refused(name, error, poisoned);
        }
    }

    /// Published commits could not be written when somebody asked for it.
    pub(super) fn unwritten(&self, error: &Error, poisoned: bool) {
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::unwritten(name, error, poisoned);
        }
    }

    /// The database was closed, with everything in its file or not.
    pub(super) fn closed(&self, closed: &Result<(), Error>) {
        #[cfg(feature = "tracing")]
        if let Some(name) = &self.name {
            tracing::closed(name, closed);
        }
    }
}

/// Published commits could not be written to the file at `place`; they will be tried again unless it is `poisoned`.
pub(crate) fn unwritten(place: &str, error: &Error, poisoned: bool) {
    #[cfg(feature = "tracing")]
    tracing::unwritten(place, error, poisoned);
}

/// Measures a time that somebody is told of; nothing where nobody is.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(cfg!(any(feature = "metrics", feature = "tracing")).then(Instant::now))
    }

    pub(super) fn elapsed(self) -> Option<Duration> {
        self.0.map(|start| start.elapsed())
    }
}

impl Builder {
    /// The observers that it describes, of a database at `place`.
    pub(crate) fn observe(&mut self, place: &str) -> Observe {
        Observe::new(self.warn_after, self.on_slow_write.take(), place)
    }
}
