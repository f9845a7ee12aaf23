//! The follower.

use std::fmt;
use std::time::{Duration, Instant};

use super::batch::{Batch, changes};
use crate::db::{Change, Database, Snapshot};
use crate::table::{Query, Table};
use crate::watch::Watch;
use crate::{Error, Revision};

/// The rows of a query and then its changes, step by step: an iterator that waits, and with feature `async` a `Stream`.
///
/// The first step holds the rows that there are when it is taken, and may be empty. Each further one holds what changed since the step before, and is never
/// empty. It ends when the database is closed, after the last change; and when its index was added at run time and is dropped, without what changed right
/// before. A slow consumer misses no row and no removal: steps are merged.
///
/// ```
/// # use sapwood::{Change, Database, Table};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Table, Clone, Debug, Serialize, Deserialize)]
/// struct Node {
///     #[key]
///     name: String,
///     cpus: u32,
/// }
///
/// # fn main() -> Result<(), sapwood::Error> {
/// let db = Database::builder().table::<Node>().in_memory()?;
/// let follower = db.follow(Node::ALL)?;
/// let other = std::thread::spawn(move || {
///     let mut cpus = 0;
///     for step in follower {
///         for change in step {
///             cpus += change.after().map_or(0, |node| node.cpus);
///             cpus -= change.before().map_or(0, |node| node.cpus);
///         }
///     }
///     cpus
/// });
/// db.write(|tx| tx.insert(Node { name: "n1".into(), cpus: 8 }))?;
/// db.write(|tx| tx.update::<Node>("n1", |node| node.cpus = 4))?;
/// db.close()?;
/// assert_eq!(other.join().expect("it adds up"), 4);
/// # Ok(())
/// # }
/// ```
pub struct Follow<T> {
    pub(super) query: Query<T>,
    /// What the consumer has seen.
    pub(super) seen: Step,
    /// What the stream waits for.
    #[cfg(feature = "async")]
    pub(super) waiting: Option<crate::watch::WatchFuture<Watch>>,
}

/// Where a follower stands.
pub(super) enum Step {
    /// Nothing was handed out; this will be.
    First(Snapshot),
    /// Everything up to this was handed out, the last step led to `told`, and since then nothing changed in the query.
    At { snapshot: Snapshot, told: Revision },
}

impl Database {
    /// Follows a query: first the rows that there are when the first step is taken, then what changes.
    ///
    /// # Errors
    /// [`Error::UnknownTable`] if the database was built without the table; [`Error::UnknownIndex`] if the index was added at run time and is not there.
    pub fn follow<T: Table>(&self, query: Query<T>) -> Result<Follow<T>, Error> {
        self.has_table::<T>()?;
        let snapshot = self.snapshot();
        snapshot.has_index(&query)?;
        Ok(Follow {
            query,
            seen: Step::First(snapshot),
            #[cfg(feature = "async")]
            waiting: None,
        })
    }
}

impl<T: Table> Follow<T> {
    /// The state of the whole database in which the query has the rows that were handed out, so that other tables can be read with them: the one
    /// that the last step led to, or a later one that was found to have nothing new.
    pub fn snapshot(&self) -> &Snapshot {
        match &self.seen {
            Step::First(snapshot) | Step::At { snapshot, .. } => snapshot,
        }
    }

    /// The revision of [`snapshot`](Self::snapshot).
    pub fn revision(&self) -> Revision {
        self.snapshot().revision()
    }

    /// The next step if there is one now. Does not wait.
    pub fn try_next(&mut self) -> Option<Batch<T>> {
        self.first().or_else(|| self.step())
    }

    /// The next step, waiting for it no longer than `timeout`. `None` after that, and at the end.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Batch<T>> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if let Some(batch) = self.try_next() {
                return Some(batch);
            }
            let left = deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            match self.watch().wait_timeout(left) {
                Ok(true) => {}
                // What was committed before the end is still told.
                Ok(false) | Err(_) => return self.step(),
            }
        }
    }

    /// A watch for the next step: fires when there is one to take, perhaps an empty one.
    pub fn watch(&self) -> Watch {
        self.snapshot().watch(self.query.clone())
    }

    pub(super) fn first(&mut self) -> Option<Batch<T>> {
        let Step::First(snapshot) = &self.seen else {
            return None;
        };
        let snapshot = snapshot.newest();
        snapshot.has_index(&self.query).ok()?;
        let rows = snapshot.list(self.query.clone()).cloned();
        let batch = Batch {
            from: None,
            to: snapshot.revision(),
            changes: rows.map(Change::Inserted).collect(),
        };
        self.seen = Step::At {
            told: snapshot.revision(),
            snapshot,
        };
        Some(batch)
    }

    /// Goes to the newest state; what changed on the way, if anything.
    pub(super) fn step(&mut self) -> Option<Batch<T>> {
        let seen = self.snapshot();
        let newest = seen.newest();
        let to = newest.revision();
        if to == seen.revision() || newest.has_index(&self.query).is_err() {
            // Where the index is gone, the watch on what was seen says so.
            return None;
        }
        let changes = changes(seen, &newest, &self.query);
        let from = match &self.seen {
            Step::First(snapshot) => snapshot.revision(),
            Step::At { told, .. } => *told,
        };
        let told = if changes.is_empty() { from } else { to };
        // Also when there is nothing to tell: what was looked through need not be looked through again, nor be kept.
        self.seen = Step::At {
            snapshot: newest,
            told,
        };
        (!changes.is_empty()).then_some(Batch {
            from: Some(from),
            to,
            changes,
        })
    }
}

impl<T: Table> Iterator for Follow<T> {
    type Item = Batch<T>;

    fn next(&mut self) -> Option<Batch<T>> {
        loop {
            if let Some(batch) = self.try_next() {
                return Some(batch);
            }
            if self.watch().wait().is_err() {
                // What was committed before the end is still told.
                return self.step();
            }
        }
    }
}

impl<T> fmt::Debug for Follow<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
