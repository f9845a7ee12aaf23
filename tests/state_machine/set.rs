//! Sets of watches, of any databases together.

use std::collections::BTreeMap;
use std::time::Duration;

use sapwood::watch::{WatchId, WatchSet};

use super::support::watched::Watched;
use super::transition::{Asking, Which};
use super::world::Name;

/// A watch's model, and whose it is.
pub(crate) struct Mine {
    pub(crate) of: Name,
    pub(crate) watched: Watched,
}

#[derive(Default)]
pub(crate) struct Set {
    pub(crate) set: WatchSet,
    pub(crate) members: BTreeMap<WatchId, Mine>,
}

impl Set {
    /// Each watch is told once, when it has fired; then those of closed databases are, until they are taken out.
    pub(crate) fn tell(&mut self, how: Asking) {
        let Self { set, members } = self;
        let ids = |of: &dyn Fn(&Watched) -> bool| -> Vec<WatchId> {
            let members = members.iter().filter(|(_, mine)| of(&mine.watched));
            members.map(|(id, _)| *id).collect()
        };
        let (fired, closed) = (ids(&Watched::is_fired), ids(&Watched::is_closed));
        let at_once = members.is_empty() || !fired.is_empty() || !closed.is_empty();
        let told = match how {
            Asking::Try => set.try_fired(),
            // It would be for ever, and a failure should be seen sooner.
            Asking::Wait if at_once => set.wait_timeout(Duration::from_secs(10)),
            Asking::Wait => set.wait_timeout(Duration::ZERO),
        };
        if fired.is_empty() && !closed.is_empty() {
            assert!(told.is_err(), "{told:?}");
        } else {
            let mut told = told.unwrap();
            told.sort_unstable();
            assert_eq!(told, fired);
        }
        assert_eq!(set.remove_closed(), closed);
        members.retain(|_, mine| !mine.watched.is_fired() && !mine.watched.is_closed());
    }

    pub(crate) fn leave(&mut self, which: Which) {
        let Self { set, members } = self;
        if members.is_empty() {
            return;
        }
        let id = *members.keys().nth(which.of(members.len())).unwrap();
        assert!(set.contains(id));
        let mine = members.remove(&id).unwrap();
        mine.watched.check(&set.remove(id).unwrap());
        assert!(set.remove(id).is_none());
    }
}
