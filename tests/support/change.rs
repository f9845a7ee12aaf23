//! Random transactions: each operation is done to the database and to the model, and what it gives back is compared.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Error, Revision, Row, Savepoint, Table, WriteTxn};

use super::added;
use super::ask::{Pick, pick};
use super::end::{End, Fate, end, end_staged, staged_end};
use super::item::{Item, Task};
use super::lease::Lease;
use super::lookup;
use super::model::{Model, Refusal, Stored};
use super::modelled::Modelled;
use super::rules;

#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Insert,
    Put,
    PutIf(u8),
    Update,
    UpdateIf(u8),
    UpdateKey,
    Remove,
    RemoveIf(u8),
    RemoveAll(Pick),
    RemoveAllIf(Pick, u8),
    /// Many rows at once, so that trees grow and shrink.
    Fill(u8),
    /// A savepoint, and going back to one of those that were made, or are gone.
    Mark,
    RollBack(u8),
    AddIndex(u8),
    DropIndex(u8),
}

/// Which table is written.
#[derive(Clone, Copy, Debug)]
enum Which {
    Items,
    Tasks,
    Leases,
}

#[derive(Clone, Debug)]
pub(crate) struct Op {
    verb: Verb,
    table: Which,
    row: [u8; 9],
    /// A name that is too long for a key.
    long: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Txn {
    pub(crate) ops: Vec<Op>,
    /// What is asked in the midst of it.
    pub(crate) asks: Vec<Pick>,
    pub(crate) end: End,
}

fn op() -> impl Strategy<Value = Op> {
    let verb = prop_oneof![
        6 => Just(Verb::Insert),
        6 => Just(Verb::Put),
        2 => any::<u8>().prop_map(Verb::PutIf),
        4 => Just(Verb::Update),
        2 => any::<u8>().prop_map(Verb::UpdateIf),
        1 => Just(Verb::UpdateKey),
        4 => Just(Verb::Remove),
        2 => any::<u8>().prop_map(Verb::RemoveIf),
        1 => pick().prop_map(Verb::RemoveAll),
        2 => (pick(), any::<u8>()).prop_map(|(pick, when)| Verb::RemoveAllIf(pick, when)),
        1 => (1u8..80).prop_map(Verb::Fill),
        2 => Just(Verb::Mark),
        2 => any::<u8>().prop_map(Verb::RollBack),
        2 => any::<u8>().prop_map(Verb::AddIndex),
        1 => any::<u8>().prop_map(Verb::DropIndex),
    ];
    let table = prop_oneof![
        6 => Just(Which::Items),
        1 => Just(Which::Tasks),
        3 => Just(Which::Leases),
    ];
    let long = proptest::bool::weighted(0.02);
    (verb, table, any::<[u8; 9]>(), long).prop_map(|(verb, table, row, long)| Op {
        verb,
        table,
        row,
        long,
    })
}

pub(crate) fn txn() -> impl Strategy<Value = Txn> {
    txn_of(0..10)
}

/// A transaction with so many operations.
pub(crate) fn txn_of(ops: Range<usize>) -> impl Strategy<Value = Txn> {
    ended(ops, end())
}

/// A transaction that is staged.
pub(crate) fn staged_txn() -> impl Strategy<Value = Txn> {
    ended(0..10, staged_end())
}

fn ended(ops: Range<usize>, end: impl Strategy<Value = End>) -> impl Strategy<Value = Txn> {
    (vec(op(), ops), vec(pick(), 0..3), end).prop_map(|(ops, asks, end)| Txn { ops, asks, end })
}

impl Op {
    fn make<T: Modelled>(&self) -> T {
        T::make(self.row, self.long)
    }

    /// Does it to both; says whether it changed anything.
    fn run(&self, tx: &mut WriteTxn, model: &mut Model) -> bool {
        let (changed, table) = match self.table {
            Which::Items => (self.run_on::<Item>(tx, model), Item::NAME),
            Which::Tasks => (self.run_on::<Task>(tx, model), Task::NAME),
            Which::Leases => (self.run_on::<Lease>(tx, model), Lease::NAME),
        };
        if changed {
            model.written.insert(table, tx.revision());
        }
        changed
    }

    #[allow(clippy::too_many_lines, reason = "an arm for each verb")]
    fn run_on<T: Modelled>(&self, tx: &mut WriteTxn, model: &mut Model) -> bool {
        let revision = tx.revision();
        let row: T = self.make();
        let key = row.key();
        let present = T::rows(model).get(&key).cloned();
        let modified = |when: u8| expected(when, present.as_ref(), revision);
        match &self.verb {
            Verb::Insert => return insert(tx, model, row),
            Verb::Put => {
                let result = tx.put(row.clone());
                return stored(model, row, revision, result);
            }
            Verb::PutIf(when) => {
                let when = modified(*when);
                let result = tx.put_if(row.clone(), when);
                if differs(&result, present.as_ref(), when) {
                    return false;
                }
                return stored(model, row, revision, result);
            }
            Verb::Update | Verb::UpdateIf(_) => {
                let change = |old: &mut T| old.take(self.make(), self.row[2]);
                let result = if let Verb::UpdateIf(when) = self.verb {
                    let when = modified(when);
                    let result = tx.update_if::<T>(&key, when, change);
                    if differs(&result, present.as_ref(), when) {
                        return false;
                    }
                    result
                } else {
                    tx.update::<T>(&key, change)
                };
                let Some(present) = present else {
                    assert!(matches!(result, Err(Error::Missing { .. })), "{result:?}");
                    return false;
                };
                let mut row = present.row;
                change(&mut row);
                return stored(model, row, revision, result.map(Some));
            }
            Verb::UpdateKey => {
                let result = tx.update::<T>(&key, T::change_key);
                match present {
                    Some(_) => {
                        assert!(
                            matches!(result, Err(Error::KeyChanged { .. })),
                            "{result:?}"
                        );
                    }
                    None => assert!(matches!(result, Err(Error::Missing { .. })), "{result:?}"),
                }
            }
            Verb::Remove | Verb::RemoveIf(_) => {
                let result = if let Verb::RemoveIf(when) = self.verb {
                    let when = modified(when);
                    let result = tx.remove_if::<T>(&key, when);
                    if differs(&result, present.as_ref(), when) {
                        return false;
                    }
                    result
                } else {
                    tx.remove::<T>(&key)
                };
                assert_eq!(result.unwrap().as_ref().map(Stored::of), present);
                return T::rows_mut(model).remove(&key).is_some();
            }
            Verb::RemoveAll(pick) => {
                let ask = T::ask_in(model, *pick);
                let rows = model.rows(&ask);
                assert_eq!(tx.remove_all(ask.query).unwrap(), rows.len());
                T::rows_mut(model).retain(|key, _| !rows.contains_key(key));
                return !rows.is_empty();
            }
            Verb::RemoveAllIf(pick, when) => {
                let seen = Revision::new(revision.get().saturating_sub(u64::from(*when % 6)));
                let ask = T::ask_in(model, *pick);
                let rows = model.rows(&ask);
                let result = tx.remove_all_if(ask.query, seen);
                if rows.values().any(|row| row.modified > seen) {
                    assert!(
                        matches!(result, Err(Error::WrongRevision { .. })),
                        "{result:?}"
                    );
                    return false;
                }
                assert_eq!(result.unwrap(), rows.len());
                T::rows_mut(model).retain(|key, _| !rows.contains_key(key));
                return !rows.is_empty();
            }
            Verb::Fill(count) => {
                let mut changed = false;
                for place in 0..u16::from(*count) {
                    changed |= insert(tx, model, row.neighbour(place));
                }
                return changed;
            }
            Verb::Mark | Verb::RollBack(_) | Verb::AddIndex(_) | Verb::DropIndex(_) => {
                unreachable!("done by the transaction")
            }
        }
        false
    }
}

/// A revision to compare with: mostly the right one.
fn expected<T>(when: u8, present: Option<&Stored<T>>, running: Revision) -> Revision {
    match when % 8 {
        0 => Revision::ZERO,
        1 => running,
        2 => Revision::new(u64::from(when)),
        _ => present.map_or(Revision::ZERO, |present| present.modified),
    }
}

/// Whether a compare-and-set must have been refused; and then it was, in the right words.
fn differs<T: Modelled, R: std::fmt::Debug>(
    result: &Result<R, Error>,
    present: Option<&Stored<T>>,
    when: Revision,
) -> bool {
    let modified = present.map_or(Revision::ZERO, |present| present.modified);
    if modified == when {
        return false;
    }
    assert!(
        matches!(result, Err(Error::WrongRevision { table, expected, found, .. })
            if *table == T::NAME && *expected == when && *found == modified),
        "{result:?}"
    );
    true
}

fn insert<T: Modelled>(tx: &mut WriteTxn, model: &mut Model, row: T) -> bool {
    let result = tx.insert(row.clone());
    let key = row.key();
    if T::rows(model).contains_key(&key) {
        let existing = Refusal::Duplicate {
            index: 0,
            existing: key,
        };
        refused(&result, &[existing], &row);
        return false;
    }
    let refusals = model.refusals(&row);
    if !refusals.is_empty() {
        refused(&result, &refusals, &row);
        return false;
    }
    let stored = Stored {
        row,
        created: tx.revision(),
        modified: tx.revision(),
    };
    assert_eq!(Stored::of(&result.unwrap()), stored);
    T::rows_mut(model).insert(key, stored);
    true
}

/// What a put or an update of `row` gave is right; says whether it was stored.
fn stored<T: Modelled>(
    model: &mut Model,
    row: T,
    revision: Revision,
    result: Result<Option<Row<T>>, Error>,
) -> bool {
    let refusals = model.refusals(&row);
    if !refusals.is_empty() {
        refused(&result, &refusals, &row);
        return false;
    }
    let present = T::rows(model).get(&row.key());
    assert_eq!(result.unwrap().as_ref().map(Stored::of).as_ref(), present);
    let stored = Stored {
        created: present.map_or(revision, |present| present.created),
        modified: revision,
        row,
    };
    T::rows_mut(model).insert(stored.row.key(), stored);
    true
}

/// The error says one of the reasons that there are, with its index and the other row.
fn refused<T: Modelled, R: std::fmt::Debug>(
    result: &Result<R, Error>,
    reasons: &[Refusal<T::Key>],
    row: &T,
) {
    let told = match result {
        Err(Error::KeyTooLong { table, .. }) => {
            *table == T::NAME
                && reasons
                    .iter()
                    .any(|reason| matches!(reason, Refusal::TooLong))
        }
        Err(Error::Duplicate {
            table,
            index,
            existing,
            refused,
            ..
        }) if *table == T::NAME => {
            assert_eq!(*refused, T::words(&row.key()));
            reasons.iter().any(|reason| {
                matches!(reason, Refusal::Duplicate { index: number, existing: other }
                    if T::kind(*number).name == index && T::words(other) == *existing)
            })
        }
        _ => false,
    };
    assert!(told, "{result:?}, expected one of {reasons:?}");
}

/// Rows to begin with: half of those that are mostly asked for, and others around them.
pub(crate) fn populate(db: &Database, model: &mut Model) {
    let insert = |table: Which| {
        move |row: [u8; 9]| Op {
            verb: Verb::Insert,
            table,
            row,
            long: false,
        }
    };
    let op = insert(Which::Items);
    let few = (0..9u8).map(|i| op([i % 3, i % 6, i, i * 3, i * 5, i * 7, i, i * 3 + 1, i * 29]));
    let more = (0..50u8).map(|i| op([201 + i % 50, 200 + i, i, i, i * 3, 1, i, i * 3 + 1, i * 4]));
    let lease = insert(Which::Leases);
    let leases = (0..36u8).map(|i| lease([i * 7, i, i * 5, i, i * 3, i, i * 4, i, i]));
    let txn = Txn {
        ops: few.chain(more).chain(leases).collect(),
        asks: Vec::new(),
        end: End::Commit,
    };
    txn.run(db, model);
    assert!(model.items.len() > 20 && model.leases.len() > 5);
}

impl Txn {
    /// The same, but for indexes: who only follows what is written does without.
    pub(crate) fn of_rows(&self) -> Self {
        let mut txn = self.clone();
        txn.ops
            .retain(|op| !matches!(op.verb, Verb::AddIndex(_) | Verb::DropIndex(_)));
        txn
    }

    /// Runs it on both. The model is left as it was, unless it is committed and changed something.
    pub(crate) fn run(&self, db: &Database, model: &mut Model) {
        self.run_mirrored(db, model, None);
    }

    /// As [`run`](Self::run); if it is staged, another database with the same rows follows suit.
    #[allow(clippy::too_many_lines, reason = "an arm for each end")]
    pub(crate) fn run_mirrored(&self, db: &Database, model: &mut Model, mirror: Option<&Database>) {
        let mut staged = model.clone();
        let mut changed = false;
        let mut work = |tx: &mut WriteTxn| {
            staged.revision = tx.revision();
            assert_eq!(staged.revision.get(), model.revision.get() + 1);
            let (mut marks, mut gone) = (Vec::<Mark>::new(), Vec::new());
            for op in &self.ops {
                match op.verb {
                    Verb::Mark => marks.push(Mark {
                        savepoint: tx.savepoint(),
                        staged: staged.clone(),
                        changed,
                    }),
                    Verb::RollBack(which) if marks.len() + gone.len() > 0 => {
                        let which = usize::from(which) % (marks.len() + gone.len());
                        if let Some(mark) = marks.get(which) {
                            tx.rollback_to(&mark.savepoint).unwrap();
                            (staged, changed) = (mark.staged.clone(), mark.changed);
                            staged.check_all(tx);
                            gone.extend(marks.drain(which + 1..).map(|mark| mark.savepoint));
                        } else {
                            let result = tx.rollback_to(&gone[which - marks.len()]);
                            assert!(matches!(result, Err(Error::NoSavepoint)), "{result:?}");
                        }
                    }
                    Verb::RollBack(_) => {}
                    Verb::AddIndex(which) => added::add(tx, &mut staged, which),
                    Verb::DropIndex(which) => added::drop_one(tx, &mut staged, which),
                    _ => changed |= op.run(tx, &mut staged),
                }
            }
            // What came and went again is no change.
            changed |= staged.added != model.added;
            staged.check_changes(tx, model);
            for pick in &self.asks {
                staged.check(tx, &Item::ask_in(&staged, *pick));
                lookup::check(&staged, tx, *pick);
            }
        };
        let committed = match self.end {
            End::Commit => {
                let mut tx = db.begin_write().unwrap();
                work(&mut tx);
                let expected = if changed {
                    staged.revision
                } else {
                    model.revision
                };
                let refusal = rules::refusal(model, &staged);
                let committed = judged(tx.commit(), refusal);
                assert!(committed.is_none_or(|at| at == expected));
                committed.is_some()
            }
            End::Write => {
                let result = db.write(|tx| {
                    work(tx);
                    Ok::<_, Error>(())
                });
                judged(result, rules::refusal(model, &staged)).is_some()
            }
            End::Drop => {
                let mut tx = db.begin_write().unwrap();
                work(&mut tx);
                staged.check_all(&tx);
                false
            }
            End::Error => {
                let result = db.write(|tx| {
                    work(tx);
                    Err::<(), _>(Error::Closed)
                });
                assert!(matches!(result, Err(Error::Closed)));
                false
            }
            End::Panic => {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    db.write(|tx| -> Result<(), Error> {
                        work(tx);
                        // Without the words of the panic hook.
                        resume_unwind(Box::new(OnPurpose))
                    })
                }));
                match result {
                    Err(panic) if panic.is::<OnPurpose>() => {}
                    Err(panic) => resume_unwind(panic),
                    Ok(result) => panic!("the panic was swallowed: {result:?}"),
                }
                false
            }
            End::Stage { fate, elsewhere } => {
                let mut tx = db.begin_write().unwrap();
                work(&mut tx);
                let one = judged(tx.stage(), rules::refusal(model, &staged));
                one.is_some_and(|one| {
                    assert_eq!(one.is_empty(), !changed);
                    let published = end_staged(db, one, fate, elsewhere, mirror);
                    if let (Fate::At(_), Some(at)) = (fate, published) {
                        changed = true;
                        staged.renumber(at);
                    }
                    published.is_some()
                })
            }
        };
        if committed && changed {
            staged.forget_traces(model);
            *model = staged;
        }
        assert_eq!(db.revision(), model.revision);
    }
}

/// What an end gave, unless a rule refused it: for the right row, in the right words.
fn judged<R: std::fmt::Debug>(
    result: Result<R, Error>,
    refusal: Option<(&'static str, String, &'static str)>,
) -> Option<R> {
    let Some(expected) = refusal else {
        return Some(result.unwrap());
    };
    let Err(Error::Invalid { table, key, reason }) = result else {
        panic!("{result:?}, expected {expected:?}");
    };
    assert_eq!(
        (table, &key, &*reason),
        (expected.0, &expected.1, expected.2)
    );
    None
}

struct OnPurpose;

/// A savepoint, and what the transaction was there.
struct Mark {
    savepoint: Savepoint,
    staged: Model,
    changed: bool,
}
