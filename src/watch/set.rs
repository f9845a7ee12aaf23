//! One waiter on many watches.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
#[cfg(feature = "async")]
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::{Closed, Watch};

/// The name of a watch in its [`WatchSet`]. Not used again in that set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(u64);

/// One waiter on any number of watches, which learns which of them fired.
///
/// Adding a watch, and each wake, costs O(1), however many are in the set: a watch that fires posts its id to the set. There are no helper
/// threads or tasks, and when the set is dropped, so are its watches.
///
/// A watch that fired leaves the set as it is told. So a loop adds the new watch that it takes when it looks again:
///
/// ```
/// # use std::collections::HashMap;
/// use sapwood::watch::{Closed, Watch, WatchId, WatchSet};
///
/// /// `look` reads a query again and gives back its next watch.
/// fn run(queries: Vec<String>, look: impl Fn(&str) -> Watch) -> Result<(), Closed> {
///     let mut set = WatchSet::new();
///     let mut of: HashMap<WatchId, String> = HashMap::new();
///     for query in queries {
///         of.insert(set.add(look(&query)), query);
///     }
///     while !set.is_empty() {
///         for id in set.wait()? {
///             if let Some(query) = of.remove(&id) {
///                 of.insert(set.add(look(&query)), query);
///             }
///         }
///     }
///     Ok(())
/// }
/// # assert_eq!(run(Vec::new(), |_| unreachable!()), Ok(()));
/// ```
///
/// **An empty set** has nothing to wait for: all ways of waiting return at once with no ids.
///
/// **Closed watches** (their database or their index is gone) stay in the set, and all ways of waiting return [`Closed`] for as long as there is one, after
/// everything that fired has been told. Who waits on more than one database takes them out with [`remove_closed`](Self::remove_closed), and
/// goes on.
#[derive(Default)]
pub struct WatchSet {
    watches: HashMap<WatchId, Watch>,
    /// Those of `watches` that are known to be closed.
    closed: BTreeSet<WatchId>,
    next: u64,
    inbox: Arc<Inbox>,
}

impl WatchSet {
    /// A set without watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a watch; one that has fired already is told at the next look. O(1).
    pub fn add(&mut self, watch: Watch) -> WatchId {
        let id = WatchId(self.next);
        self.next += 1;
        watch.signal().join(&self.inbox, id);
        self.watches.insert(id, watch);
        id
    }

    /// Takes a watch out, fired or not; `None` if it is not in the set. O(1).
    pub fn remove(&mut self, id: WatchId) -> Option<Watch> {
        let watch = self.watches.remove(&id)?;
        watch.signal().leave_set();
        self.closed.remove(&id);
        Some(watch)
    }

    /// Takes all watches out whose database or index is gone, and tells which they were. O(closed).
    pub fn remove_closed(&mut self) -> Vec<WatchId> {
        self.sort_in_closed(self.inbox.take_closed());
        let closed = std::mem::take(&mut self.closed);
        for id in &closed {
            self.watches.remove(id);
        }
        closed.into_iter().collect()
    }

    /// How many watches are in the set, with those that fired and have not been told.
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// Whether there is nothing to wait for.
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Whether a watch is still in the set.
    pub fn contains(&self, id: WatchId) -> bool {
        self.watches.contains_key(&id)
    }

    /// Blocks until a watch fires; then takes all that fired out, and tells them in the order in which they did. At once, and with no
    /// ids, if the set is empty. O(fired).
    ///
    /// # Errors
    ///
    /// [`Closed`] if none fired, and the database or index of one is gone.
    pub fn wait(&mut self) -> Result<Vec<WatchId>, Closed> {
        self.wait_until(None)
    }

    /// Like [`wait`](Self::wait), for `timeout` at most; no ids if none fired.
    ///
    /// # Errors
    ///
    /// [`Closed`] if none fired, and the database or index of one is gone.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Vec<WatchId>, Closed> {
        // A time too far away to be counted is no limit.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    /// Takes out what has fired, and does not wait. O(fired).
    ///
    /// # Errors
    ///
    /// [`Closed`] if none fired, and the database or index of one is gone.
    pub fn try_fired(&mut self) -> Result<Vec<WatchId>, Closed> {
        self.look().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Like [`wait`](Self::wait), as a future for any executor. Dropped before it is ready, it loses nothing.
    ///
    /// # Errors
    ///
    /// [`Closed`] if none fired, and the database or index of one is gone.
    #[cfg(feature = "async")]
    pub async fn wait_async(&mut self) -> Result<Vec<WatchId>, Closed> {
        std::future::poll_fn(|context| self.poll_wait(context)).await
    }

    /// The step of [`wait_async`](Self::wait_async), for hand-made futures and streams: the task of the last call is woken.
    ///
    /// # Errors
    ///
    /// [`Closed`] if none fired, and the database or index of one is gone.
    #[cfg(feature = "async")]
    pub fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<Result<Vec<WatchId>, Closed>> {
        loop {
            if let Some(told) = self.look() {
                return Poll::Ready(told);
            }
            if !self.inbox.poll(context.waker()) {
                return Poll::Pending;
            }
        }
    }

    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<Vec<WatchId>, Closed> {
        loop {
            if let Some(told) = self.look() {
                return told;
            }
            if !self.inbox.wait(deadline) {
                return Ok(Vec::new());
            }
        }
    }

    /// What there is to tell; `None` where there is something to wait for.
    fn look(&mut self) -> Option<Result<Vec<WatchId>, Closed>> {
        let settled = self.inbox.take();
        let mut fired = settled.fired;
        // What was removed may have posted before: it is not told.
        fired.retain(|id| self.watches.remove(id).is_some());
        self.sort_in_closed(settled.closed);
        if !fired.is_empty() || self.watches.is_empty() {
            Some(Ok(fired))
        } else {
            let watch = self.closed.first().and_then(|id| self.watches.get(id));
            watch.map(|watch| Err(watch.closed()))
        }
    }

    fn sort_in_closed(&mut self, closed: Vec<WatchId>) {
        let present = closed
            .into_iter()
            .filter(|id| self.watches.contains_key(id));
        self.closed.extend(present);
    }
}

impl fmt::Debug for WatchSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("WatchSet");
        debug.field("len", &self.len());
        debug.finish_non_exhaustive()
    }
}
