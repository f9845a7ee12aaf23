//! One watch, as its owner sees it.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::registry::Registry;
use super::signal::{Outcome, Signal};
use super::slab::Id;

/// Why a watch ends without having fired: nothing that it could tell will come any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The database was closed.
    Database,
    /// The index, which was added at run time, was [dropped](crate::WriteTxn::drop_index).
    Index,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "the database behind the watch is closed",
            Self::Index => "the index behind the watch was dropped",
        })
    }
}

impl std::error::Error for Closed {}

/// Tells once that the rows of a query have changed.
///
/// It fires if and only if a row of its query comes, goes or changes after the snapshot that it was taken from; if the rows differ by
/// the time it is taken, it has fired from the start. It means "look again": a change and its undoing while it is there still fires. It
/// never fires for a change that its snapshot shows. It fires once; to go on, take a new watch from the snapshot that you look at next, and nothing in between is missed.
///
/// Any number of threads and tasks may wait on one watch, in any of the ways at once; for one waiter on many watches there is
/// [`WatchSet`](super::WatchSet). When the database is closed, or the index
/// [dropped](crate::WriteTxn::drop_index), all who wait are woken, and learn it. A watch that is taken later on an old snapshot has still
/// fired if the rows changed before the database's end.
///
/// A watch takes about 300 bytes and no system resource. Taking, firing and dropping one costs O(key length), however many there are; for
/// the range of a query that is not a prefix, times the logarithm of how many such ranges are watched. To drop it is to unsubscribe.
#[must_use = "a dropped watch watches nothing"]
pub struct Watch {
    signal: Arc<Signal>,
    registry: Arc<Registry>,
    /// `None` where it was closed from the start.
    member: Option<Id>,
    receiver: OnceLock<Receiver<Infallible>>,
}

impl Watch {
    pub(super) fn new(signal: Arc<Signal>, registry: Arc<Registry>, member: Option<Id>) -> Self {
        Self {
            signal,
            registry,
            member,
            receiver: OnceLock::new(),
        }
    }

    /// Whether what it watches has changed. One atomic load.
    ///
    /// Whoever sees `true` also finds the change in a new snapshot.
    pub fn is_fired(&self) -> bool {
        self.signal.outcome() == Some(Outcome::Fired)
    }

    /// Whether the database was closed, or the index dropped, before anything changed. One atomic load.
    pub fn is_closed(&self) -> bool {
        self.signal.outcome() == Some(Outcome::Closed)
    }

    /// Blocks until it fires. At once if it has.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the database is closed, or the index dropped, instead.
    pub fn wait(&self) -> Result<(), Closed> {
        match self.signal.wait(None) {
            Some(Outcome::Closed) => Err(self.closed()),
            _ => Ok(()),
        }
    }

    /// Blocks until it fires, and for `timeout` at most: `true` if it has fired.
    ///
    /// # Errors
    ///
    /// [`Closed`] if the database is closed, or the index dropped, instead.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool, Closed> {
        // A time too far away to be counted is no limit.
        match self.signal.wait(Instant::now().checked_add(timeout)) {
            Some(Outcome::Fired) => Ok(true),
            Some(Outcome::Closed) => Err(self.closed()),
            None => Ok(false),
        }
    }

    /// A channel for `crossbeam_channel::select!`, made at the first call.
    ///
    /// No message ever comes through it. It is **disconnected** when the watch fires or is closed, and from then on always ready with
    /// `Err(RecvError)`, for every clone. So match on anything, and ask [`is_closed`](Self::is_closed) where it matters:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use crossbeam_channel::{Receiver, select};
    /// fn changed_or_stopped(watch: &sapwood::watch::Watch, stop: &Receiver<()>) -> bool {
    ///     select! {
    ///         recv(watch.receiver()) -> _ => !watch.is_closed(),
    ///         recv(stop) -> _ => false,
    ///         default(Duration::from_secs(30)) => false,
    ///     }
    /// }
    /// ```
    pub fn receiver(&self) -> &Receiver<Infallible> {
        self.receiver.get_or_init(|| {
            let (sender, receiver) = crossbeam_channel::bounded(0);
            self.signal.connect(sender);
            receiver
        })
    }

    /// Fires it from outside of its registry: for the one who registered it and finds that the change has already been published.
    pub(crate) fn fire(&self) {
        self.unregister();
        self.signal.settle(Outcome::Fired);
    }

    /// As [`fire`](Self::fire), also where the database was closed meanwhile: the change came before the end, so it is then another watch, which has fired.
    pub(crate) fn into_fired(self) -> Self {
        self.fire();
        if !self.is_closed() {
            return self;
        }
        let signal = Signal::new();
        signal.settle(Outcome::Fired);
        Self::new(Arc::new(signal), Arc::clone(&self.registry), None)
    }

    pub(super) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Why it is closed, if it is.
    pub(super) fn closed(&self) -> Closed {
        if self.registry.is_dropped() {
            Closed::Index
        } else {
            Closed::Database
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.signal.outcome()
    }

    fn unregister(&self) {
        // What is settled has left already: no lock.
        if self.outcome().is_none()
            && let Some(member) = self.member
        {
            self.registry.forget(member, &self.signal);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.unregister();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Watch");
        debug.field("outcome", &self.outcome());
        debug.finish_non_exhaustive()
    }
}
