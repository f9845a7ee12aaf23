//! Questions to any of the tables, and what does not ask which.

use proptest::prelude::*;
use sapwood::watch::Watch;
use sapwood::{Database, Error, Snapshot};

use super::ask::{Ask, Pick, pick};
use super::following::Following;
use super::item::{Item, Task};
use super::lease::Lease;
use super::lookup;
use super::model::Model;
use super::modelled::Modelled;

/// A question to one of the tables, in numbers, so that it shrinks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnyPick {
    table: u8,
    pick: Pick,
}

pub(crate) fn any_pick() -> impl Strategy<Value = AnyPick> {
    // Mostly to the table with the most rows and indexes.
    let table = prop_oneof![5 => Just(0u8), 1 => Just(1), 3 => Just(2)];
    (table, pick()).prop_map(|(table, pick)| AnyPick { table, pick })
}

impl AnyPick {
    /// To a state that has the model's indexes.
    pub(crate) fn ask(self, model: &Model) -> Box<dyn Question> {
        match self.table {
            0 => Box::new(Item::ask_in(model, self.pick)),
            1 => Box::new(Task::ask(self.pick)),
            _ => Box::new(Lease::ask(self.pick)),
        }
    }

    /// Asks, and looks up what the numbers say.
    pub(crate) fn check(self, model: &Model, snapshot: &Snapshot) {
        self.ask(model).check(model, snapshot);
        lookup::check(model, snapshot, self.pick);
    }
}

/// What can be done with a query of any table.
pub(crate) trait Question: std::fmt::Debug {
    /// Every read verb gives what the model finds.
    fn check(&self, model: &Model, snapshot: &Snapshot);

    /// Whether a state has the index that is asked.
    fn is_in(&self, model: &Model) -> bool;

    /// Whether the rows of the query differ between two states: another row, or another write of the same one.
    fn differ(&self, old: &Model, new: &Model) -> bool;

    fn watch(&self, snapshot: &Snapshot) -> Watch;

    fn wait_changed(&self, db: &Database, snapshot: &Snapshot) -> Result<Snapshot, Error>;

    fn follow(&self, db: &Database) -> Box<dyn Consumer>;
}

impl<T: Modelled> Question for Ask<T> {
    fn check(&self, model: &Model, snapshot: &Snapshot) {
        model.check(snapshot, self);
    }

    fn is_in(&self, model: &Model) -> bool {
        Ask::is_in(self, model)
    }

    fn differ(&self, old: &Model, new: &Model) -> bool {
        old.find(self) != new.find(self)
    }

    fn watch(&self, snapshot: &Snapshot) -> Watch {
        snapshot.watch(self.query.clone())
    }

    fn wait_changed(&self, db: &Database, snapshot: &Snapshot) -> Result<Snapshot, Error> {
        db.wait_changed(snapshot, self.query.clone())
    }

    fn follow(&self, db: &Database) -> Box<dyn Consumer> {
        Box::new(Following::begin(db, self.clone()))
    }
}

/// Who follows a query of any table.
pub(crate) trait Consumer {
    /// Takes a step if there is one, and compares with the model.
    fn look(&mut self, model: &Model, waiting: bool);

    /// What is told of a database that is closed, and the end.
    fn end(&mut self, model: &Model);

    /// The state that a follower shows with its rows, of which the revision is given.
    fn snapshot(&self) -> &Snapshot;
}

impl<T: Modelled> Consumer for Following<T> {
    fn look(&mut self, model: &Model, waiting: bool) {
        Following::look(self, model, waiting);
    }

    fn end(&mut self, model: &Model) {
        Following::end(self, model);
    }

    fn snapshot(&self) -> &Snapshot {
        self.follower.snapshot()
    }
}
