//! Watches and followers of an index, and what they must be told.

use std::collections::BTreeMap;

use sapwood::watch::Watch;
use sapwood::{Change, Follow, Revision, Row, Snapshot};

use crate::kinds::{Pick, Pod};
use crate::model::{Live, Model};

/// A watch, and what must become of it.
pub(crate) struct Watched {
    pub(crate) watch: Watch,
    pub(crate) live: Live,
    pub(crate) pick: Pick,
    pub(crate) seen: Model,
    pub(crate) fired: bool,
}

impl Watched {
    pub(crate) fn on(snapshot: &Snapshot, seen: &Model, live: Live, pick: Pick) -> Self {
        Self {
            watch: snapshot.watch(pick.query(live.handle)),
            live,
            pick,
            seen: seen.clone(),
            fired: false,
        }
    }

    /// Looks at it when `now` was committed.
    pub(crate) fn check(&mut self, now: &Model) {
        let open = !self.watch.is_closed() && !self.fired;
        if open && now.has(self.live) {
            let found = |model: &Model| model.find(self.live.kind, self.pick);
            self.fired = found(&self.seen) != found(now);
            assert_eq!(
                self.watch.is_fired(),
                self.fired,
                "{:?} {:?}",
                self.live,
                self.pick
            );
            self.seen = now.clone();
        } else if !self.fired {
            assert!(self.watch.is_closed());
        }
    }
}

/// A follower of a whole index, and the rows that it told of.
pub(crate) struct Following {
    pub(crate) follower: Follow<Pod>,
    pub(crate) live: Live,
    pub(crate) rows: BTreeMap<u8, Row<Pod>>,
}

impl Following {
    pub(crate) fn check(&mut self, now: &Model) {
        let step = self.follower.try_next();
        if !now.has(self.live) {
            assert!(step.is_none() && self.follower.next().is_none());
            return;
        }
        for change in step.into_iter().flatten() {
            match change {
                Change::Inserted(row) => {
                    assert!(self.rows.insert(row.id, row).is_none());
                }
                Change::Updated { old, new } => {
                    assert!(self.rows.insert(new.id, new).unwrap().same(&old));
                }
                Change::Removed(row) => {
                    assert!(self.rows.remove(&row.id).unwrap().same(&row));
                }
            }
        }
        let told: BTreeMap<u8, Revision> = self
            .rows
            .iter()
            .map(|(id, row)| (*id, row.modified()))
            .collect();
        let found = now.find(self.live.kind, Pick(0, 0)).into_iter();
        assert_eq!(told, found.map(|(_, id, written)| (id, written)).collect());
    }
}
