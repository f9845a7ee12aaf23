//! Consumers of followers: what a follower hands out, applied to a replica, must make it the query's result.

use std::collections::BTreeSet;
use std::time::Duration;

use sapwood::{Batch, Change, Database, Follow, Revision};

use super::ask::Ask;
use super::model::{Model, Rows, Stored};
use super::modelled::Modelled;

/// What a consumer keeps.
pub(crate) struct Replica<T: Modelled> {
    pub(crate) rows: Rows<T>,
    pub(crate) at: Option<Revision>,
}

impl<T: Modelled> Default for Replica<T> {
    fn default() -> Self {
        Self {
            rows: Rows::<T>::new(),
            at: None,
        }
    }
}

impl<T: Modelled> Replica<T> {
    /// Applies a step, and refuses one that does not fit to what is there.
    pub(crate) fn apply(&mut self, batch: &Batch<T>) {
        assert_eq!(batch.from(), self.at, "a gap between two steps");
        assert!(
            self.at.is_none_or(|at| at < batch.to()),
            "a step that goes nowhere"
        );
        assert!(self.at.is_none() || !batch.is_empty(), "an empty step");
        assert_eq!(batch.len(), batch.changes().len());
        self.at = Some(batch.to());
        let mut told = BTreeSet::new();
        for change in batch {
            let row = change.after().or(change.before()).unwrap();
            assert!(told.insert(row.key()), "{row:?} is told twice");
            match change {
                Change::Inserted(new) => {
                    let old = self.rows.insert(new.key(), Stored::of(new));
                    assert_eq!(old, None);
                }
                Change::Updated { old, new } => {
                    assert_eq!(old.key(), new.key(), "two rows are told as one");
                    let before = self.rows.insert(new.key(), Stored::of(new));
                    assert_eq!(before, Some(Stored::of(old)));
                    assert!(old.modified() < new.modified());
                }
                Change::Removed(old) => {
                    let before = self.rows.remove(&old.key());
                    assert_eq!(before, Some(Stored::of(old)));
                }
            }
        }
    }
}

/// A follower and what its consumer keeps.
pub(crate) struct Following<T: Modelled> {
    pub(crate) ask: Ask<T>,
    pub(crate) follower: Follow<T>,
    pub(crate) replica: Replica<T>,
}

impl<T: Modelled> Following<T> {
    pub(crate) fn begin(db: &Database, ask: Ask<T>) -> Self {
        Self {
            follower: db.follow(ask.query.clone()).unwrap(),
            ask,
            replica: Replica::default(),
        }
    }

    /// Looks for a step, in one of the ways that do not wait for long, and compares with the model.
    pub(crate) fn look(&mut self, model: &Model, waiting: bool) {
        if !self.ask.is_in(model) {
            return self.end(model);
        }
        let first = self.replica.at.is_none();
        let batch = if waiting {
            self.follower.next_timeout(Duration::ZERO)
        } else {
            self.follower.try_next()
        };
        let Some(batch) = batch else {
            assert!(!first, "there is always a first step");
            return self.check(model);
        };
        self.replica.apply(&batch);
        if first {
            // The state at which it began, in the order of the index, each row where it stands first.
            let rows: Vec<_> = batch
                .changes()
                .iter()
                .map(|change| change.after().unwrap())
                .collect();
            assert_eq!(self.follower.revision(), batch.to());
            let snapshot = self.follower.snapshot();
            let mut expected = Vec::new();
            for row in snapshot.list(self.ask.query.clone()) {
                if !expected.contains(&row) {
                    expected.push(row);
                }
            }
            assert_eq!(rows, expected);
            // And from there to now.
            return self.look(model, waiting);
        }
        assert_eq!(batch.to(), model.revision);
        self.check(model);
    }

    /// What is told of a database that is closed: all that was committed before, and then the end. Of an index that was dropped, the end at once.
    pub(crate) fn end(&mut self, model: &Model) {
        if !self.ask.is_in(model) {
            assert!(self.follower.try_next().is_none() && self.follower.next().is_none());
            return;
        }
        for batch in self.follower.by_ref() {
            self.replica.apply(&batch);
        }
        assert!(self.follower.try_next().is_none());
        self.check(model);
    }

    fn check(&self, model: &Model) {
        assert_eq!(self.replica.rows, model.rows(&self.ask), "{:?}", self.ask);
    }
}
