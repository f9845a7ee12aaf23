//! Watches, and what the model knows of them.

use sapwood::Snapshot;
use sapwood::watch::Watch;

use super::model::Model;
use super::question::Question;

/// What a watch watches, and whether it must have fired.
pub(crate) struct Watched {
    ask: Box<dyn Question>,
    fired: bool,
    closed: bool,
}

impl Watched {
    /// The database went from one state to another.
    pub(crate) fn pass(&mut self, before: &Model, after: &Model) {
        if self.ask.is_in(after) {
            self.fired |= self.ask.differ(before, after);
        } else {
            self.close();
        }
    }

    /// The database was closed, or the index dropped: what has not fired never will.
    pub(crate) fn close(&mut self) {
        self.closed = !self.fired;
    }

    pub(crate) fn is_fired(&self) -> bool {
        self.fired
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn check(&self, watch: &Watch) {
        let Self { ask, fired, closed } = self;
        assert_eq!(watch.is_fired(), *fired, "fired, {ask:?}");
        assert_eq!(watch.is_closed(), *closed, "closed, {ask:?}");
    }
}

/// A watch on a snapshot that shows `seen`, of a database that now shows `now`, or did so when it was closed.
pub(crate) fn take(
    snapshot: &Snapshot,
    seen: &Model,
    now: &Model,
    closed: bool,
    ask: Box<dyn Question>,
) -> (Watch, Watched) {
    let watch = ask.watch(snapshot);
    let mut watched = Watched {
        ask,
        fired: false,
        closed: false,
    };
    watched.pass(seen, now);
    if closed {
        watched.close();
    }
    watched.check(&watch);
    (watch, watched)
}
