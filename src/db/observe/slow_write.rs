//! Writes that held the writer's seat for long.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::super::Builder;
use crate::Revision;

/// How long a write may take before it is called slow, unless said: the time after which a person who waits begins to wonder.
pub(in crate::db) const WARN_AFTER: Duration = Duration::from_secs(1);

/// A write transaction that held the writer's seat for longer than [`Builder::warn_after`], and has ended now.
///
/// One that has not ended is in [`Database::counters`](crate::Database::counters), with its age and where it began.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlowWrite {
    /// For how long it held the seat.
    pub held: Duration,
    /// For how long it had waited for the seat, which does not count as slow.
    pub waited: Duration,
    /// Its commit; `None` if it changed nothing, was dropped, or was refused.
    pub committed: Option<Revision>,
    /// How many rows it wrote and committed.
    pub rows: usize,
    /// The name of its thread.
    pub thread: Option<String>,
    /// Where it began in the program.
    pub began: &'static Location<'static>,
}

impl fmt::Display for SlowWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a write from {} ", self.began)?;
        if let Some(thread) = &self.thread {
            write!(f, "on thread {thread} ")?;
        }
        write!(f, "held the writer's seat for {:.1?}, ", self.held)?;
        match self.committed {
            Some(revision) => write!(f, "and committed {} rows as {revision}", self.rows),
            None => f.write_str("and committed nothing"),
        }
    }
}

impl Builder {
    /// Calls a write slow that holds the writer's seat for longer than this: other writers wait meanwhile. One second unless said, with
    /// [`Duration::MAX`] none.
    ///
    /// Slow writes are counted in [`Database::counters`](crate::Database::counters), told to [`on_slow_write`](Self::on_slow_write), and warned of through `tracing`
    /// where that feature is on. Databases that are [forked](crate::Snapshot::fork) off call no write slow.
    pub fn warn_after(mut self, limit: Duration) -> Self {
        self.warn_after = limit;
        self
    }

    /// Calls `hook` after each slow write, on its thread, when it has given the writer's seat up: it may read and write the database. A panic of it goes no further.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sapwood::Database;
    /// let db = Database::builder()
    ///     .warn_after(Duration::from_millis(100))
    ///     .on_slow_write(|slow| eprintln!("{slow}"))
    ///     .in_memory()?;
    /// # Ok::<(), sapwood::Error>(())
    /// ```
    pub fn on_slow_write(mut self, hook: impl Fn(&SlowWrite) + Send + Sync + 'static) -> Self {
        self.on_slow_write = Some(Box::new(hook));
        self
    }
}
