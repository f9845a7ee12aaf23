//! Their reconciler on this library's verbs: desired state in a table, a follower that tells what is to be done, and the outcome written back into the row if it is
//! still the one that was acted on. Backoff timers and health reports are a program's own; what they need of a store is asked here.

use std::collections::{BTreeMap, BTreeSet};

use sapwood::{Change, Database, Error, Follow, Revision, Row, Table};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    Pending,
    Done,
    Failed(String),
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Desired {
    #[key]
    id: u64,
    value: u64,
    /// Of two reconcilers, each its own.
    status: [Status; 2],
}

fn desired(id: u64, value: u64) -> Desired {
    Desired {
        id,
        value,
        status: [Status::Pending, Status::Pending],
    }
}

/// Brings a target to what the table says.
struct Reconciler {
    db: Database,
    changes: Follow<Desired>,
    /// Which status it writes.
    number: usize,
    target: BTreeMap<u64, u64>,
    faulty: BTreeSet<u64>,
    /// What failed, to be tried again.
    retries: BTreeSet<u64>,
    attempts: Vec<u64>,
}

impl Reconciler {
    fn new(db: &Database, number: usize) -> Self {
        Self {
            db: db.clone(),
            changes: db.follow(Desired::ALL).unwrap(),
            number,
            target: BTreeMap::new(),
            faulty: BTreeSet::new(),
            retries: BTreeSet::new(),
            attempts: Vec::new(),
        }
    }

    /// One round: what changed, and with it what failed before. Which rows is what is remembered, not what was in them: that is read from the state that the
    /// changes led to.
    fn round(&mut self) {
        let mut work = std::mem::take(&mut self.retries);
        for change in self.changes.try_next().into_iter().flatten() {
            let (Change::Removed(row) | Change::Inserted(row) | Change::Updated { new: row, .. }) =
                &change;
            // Its own writing back of a status is a change too: nothing is to be done for it.
            if change
                .after()
                .is_none_or(|new| new.status[self.number] == Status::Pending)
            {
                work.insert(row.id);
            }
        }
        let snap = self.changes.snapshot().clone();
        for id in work {
            self.act(id, snap.get::<Desired>(id));
        }
    }

    fn act(&mut self, id: u64, row: Option<&Row<Desired>>) {
        self.attempts.push(id);
        let failed = self.faulty.contains(&id);
        match row {
            _ if failed => {
                self.retries.insert(id);
            }
            Some(row) => drop(self.target.insert(id, row.value)),
            None => drop(self.target.remove(&id)),
        }
        if let Some(row) = row {
            let status = if failed {
                Status::Failed("faulty".to_owned())
            } else {
                Status::Done
            };
            self.write_back(row, &status);
        }
    }

    /// Writes the outcome into the row, unless it is meanwhile another one's: then the change that made it so brings it here again. If only the other reconciler
    /// has written its status, the row asks for the same, and the outcome is written.
    fn write_back(&self, acted: &Row<Desired>, status: &Status) {
        let number = self.number;
        let set = |row: &mut Desired| row.status[number] = status.clone();
        let written = self.db.write(|tx| {
            match tx.update_if::<Desired>(acted.id, acted.modified(), set) {
                Err(Error::WrongRevision { .. }) => {}
                written => return written.map(drop),
            }
            let same = |row: &Row<Desired>| {
                row.value == acted.value && row.status[number] == acted.status[number]
            };
            if tx.get::<Desired>(acted.id).is_some_and(same) {
                tx.update::<Desired>(acted.id, set)?;
            }
            Ok::<_, Error>(())
        });
        written.unwrap();
    }

    /// All that is in the target and not in the table goes.
    fn prune(&mut self) {
        let snap = self.db.snapshot();
        self.target
            .retain(|id, _| snap.get::<Desired>(id).is_some());
    }
}

fn open() -> Database {
    Database::builder().table::<Desired>().in_memory().unwrap()
}

fn put(db: &Database, id: u64, value: u64) {
    db.write(|tx| tx.put(desired(id, value))).unwrap();
}

fn status(db: &Database, id: u64, number: usize) -> Status {
    db.snapshot().get::<Desired>(id).unwrap().status[number].clone()
}

/// A pending row is acted on and becomes done; writing that back does not bring it round again; a removal is acted on too.
#[test]
fn pending_rows_become_done_and_do_not_loop() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    put(&db, 1, 10);
    put(&db, 2, 20);
    reconciler.round();
    assert_eq!(reconciler.target, BTreeMap::from([(1, 10), (2, 20)]));
    assert_eq!(status(&db, 1, 0), Status::Done);
    reconciler.round();
    reconciler.round();
    assert_eq!(reconciler.attempts, [1, 2]);
    db.write(|tx| tx.remove::<Desired>(1)).unwrap();
    put(&db, 2, 21);
    reconciler.round();
    assert_eq!(reconciler.target, BTreeMap::from([(2, 21)]));
}

/// What fails is marked and tried again until it works, a removal as well, whose row is gone; a new change of the row comes with the retry.
#[test]
fn failures_are_retried_until_they_heal() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    put(&db, 1, 10);
    put(&db, 2, 20);
    reconciler.round();
    reconciler.faulty = BTreeSet::from([1, 2]);
    put(&db, 1, 11);
    db.write(|tx| tx.remove::<Desired>(2)).unwrap();
    for _ in 0..3 {
        reconciler.round();
        assert_eq!(status(&db, 1, 0), Status::Failed("faulty".to_owned()));
        assert_eq!(reconciler.target, BTreeMap::from([(1, 10), (2, 20)]));
    }
    put(&db, 1, 12);
    reconciler.faulty.clear();
    reconciler.round();
    assert_eq!(status(&db, 1, 0), Status::Done);
    assert_eq!(reconciler.target, BTreeMap::from([(1, 12)]));
    assert!(reconciler.retries.is_empty());
}

/// The outcome of what was acted on is not written into a row that has changed meanwhile: the newer change is acted on in its turn.
#[test]
fn a_stale_outcome_is_not_written() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    put(&db, 1, 10);
    let acted = db.snapshot().get::<Desired>(1).unwrap().clone();
    put(&db, 1, 11);
    reconciler.write_back(&acted, &Status::Done);
    assert_eq!(status(&db, 1, 0), Status::Pending);
    reconciler.round();
    assert_eq!(
        (status(&db, 1, 0), reconciler.target[&1]),
        (Status::Done, 11)
    );
    // Nor is a removed row made anew.
    let acted = db.snapshot().get::<Desired>(1).unwrap().clone();
    db.write(|tx| tx.remove::<Desired>(1)).unwrap();
    reconciler.write_back(&acted, &Status::Done);
    assert_eq!(db.snapshot().count(Desired::ALL), 0);
}

/// Two reconcilers of one table each act once, though each sees what the other writes; and one whose write came after the other's keeps its outcome, an error too.
#[test]
fn two_reconcilers_share_a_row() {
    let db = open();
    let mut both = [Reconciler::new(&db, 0), Reconciler::new(&db, 1)];
    put(&db, 1, 10);
    both[1].faulty.insert(1);
    let acted = db.snapshot().get::<Desired>(1).unwrap().clone();
    both[0].round();
    both[1].write_back(&acted, &Status::Failed("faulty".to_owned()));
    let row = db.snapshot().get::<Desired>(1).unwrap().clone();
    assert_eq!(
        row.status,
        [Status::Done, Status::Failed("faulty".to_owned())]
    );
    both[0].round();
    assert_eq!(both[0].attempts, [1]);
}

/// To prune is to compare the target with one snapshot: what is there and should not be goes, and an empty table empties it.
#[test]
fn pruning_goes_by_one_snapshot() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    put(&db, 1, 10);
    reconciler.target = BTreeMap::from([(1, 10), (7, 70)]);
    reconciler.prune();
    assert_eq!(reconciler.target, BTreeMap::from([(1, 10)]));
    db.write(|tx| tx.remove_all(Desired::ALL)).unwrap();
    reconciler.prune();
    assert!(reconciler.target.is_empty());
}

/// To refresh is to mark done rows as pending again, oldest first, each only if nobody has touched it since it was looked at.
#[test]
fn refreshing_marks_rows_that_nobody_touched() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    put(&db, 1, 10);
    put(&db, 2, 20);
    reconciler.round();
    let snap = db.snapshot();
    put(&db, 2, 21);
    let mut refreshed = 0;
    for row in snap.list(Desired::ALL) {
        let again = |row: &mut Desired| row.status[0] = Status::Pending;
        let marked = db.write(|tx| tx.update_if::<Desired>(row.id, row.modified(), again));
        refreshed += u32::from(marked.is_ok());
    }
    assert_eq!(refreshed, 1);
    reconciler.round();
    assert_eq!(reconciler.attempts, [1, 2, 1, 2]);
}

/// Everything up to a revision was attempted once the follower is at that revision or later; what failed until then is known by its rows.
#[test]
fn what_was_attempted_is_known_by_revision() {
    let db = open();
    let mut reconciler = Reconciler::new(&db, 0);
    reconciler.faulty.insert(2);
    put(&db, 1, 10);
    put(&db, 2, 20);
    let asked: Revision = db.revision();
    assert!(reconciler.changes.revision() < asked);
    reconciler.round();
    assert!(reconciler.changes.revision() >= asked);
    assert_eq!(reconciler.retries, BTreeSet::from([2]));
    reconciler.faulty.clear();
    reconciler.round();
    assert!(reconciler.retries.is_empty());
    assert_eq!(status(&db, 2, 0), Status::Done);
}
