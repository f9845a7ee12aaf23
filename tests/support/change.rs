//! Random transactions: each operation is done to the database and to the model, and what it gives back is compared.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Error, Revision, Savepoint, WriteTxn};

use super::ask::{Pick, optional, pick, size_of, text};
use super::end::{End, Fate, end, end_staged};
use super::item::{Item, KINDS, Key, Task};
use super::model::{Model, Refusal, Stored};

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
    PutTask(i8),
    RemoveTask,
    /// A savepoint, and going back to one of those that were made, or are gone.
    Mark,
    RollBack(u8),
}

#[derive(Clone, Debug)]
pub(crate) struct Op {
    verb: Verb,
    item: [u8; 9],
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
        3 => any::<i8>().prop_map(Verb::PutTask),
        1 => Just(Verb::RemoveTask),
        2 => Just(Verb::Mark),
        2 => any::<u8>().prop_map(Verb::RollBack),
    ];
    (verb, any::<[u8; 9]>(), proptest::bool::weighted(0.02)).prop_map(|(verb, item, long)| Op {
        verb,
        item,
        long,
    })
}

pub(crate) fn txn() -> impl Strategy<Value = Txn> {
    (vec(op(), 0..10), vec(pick(), 0..3), end()).prop_map(|(ops, asks, end)| Txn { ops, asks, end })
}

impl Op {
    fn key(&self) -> Key {
        // Mostly one of a few, so that it is there.
        let [group, number] = [self.item[0], self.item[1]];
        let group = if group < 200 { group % 3 } else { group };
        let number = number % if number < 200 { 6 } else { 24 };
        (text(group), u16::from(number))
    }

    fn item(&self) -> Item {
        let [_, _, node, serial, tags, ports, owner, name, size] = self.item;
        let (group, number) = self.key();
        let mut words = text(name);
        if name % 3 != 0 {
            words = format!("{words}-{group}{number}");
        }
        if self.long {
            words = "long".repeat(9000);
        }
        Item {
            node: optional(node),
            serial: serial.is_multiple_of(3).then_some(serial % 50),
            // With one element twice, now and then.
            tags: (0..tags % 4).map(|i| text(tags / 4 + i / 2)).collect(),
            ports: (0..ports % 3)
                .map(|i| (ports / 3).wrapping_mul(i + 1) % 60)
                .filter(|_| ports.is_multiple_of(2))
                .collect(),
            owner: owner % 4,
            name: words,
            size: size_of(size),
            group,
            number,
        }
    }

    /// Changes some of the columns.
    fn change(&self, item: &mut Item) {
        let new = self.item();
        match self.item[2] % 4 {
            0 => item.node = new.node,
            1 => (item.serial, item.size) = (new.serial, new.size),
            2 => (item.tags, item.ports) = (new.tags, new.ports),
            _ => (item.owner, item.name) = (new.owner, new.name),
        }
    }

    /// The rows of a fill: side by side in one group, with nothing that conflicts but what is there.
    fn fill(&self, count: u8) -> impl Iterator<Item = Item> {
        let item = self.item();
        (0..u16::from(count)).map(move |i| {
            let number = item.number + i * 7;
            Item {
                number,
                serial: None,
                ports: BTreeSet::new(),
                name: format!("{}-{number}", item.group),
                size: item.size + u32::from(i),
                ..item.clone()
            }
        })
    }

    /// Does it to both; says whether it changed anything.
    #[allow(clippy::too_many_lines, reason = "an arm for each verb")]
    fn run(&self, tx: &mut WriteTxn, model: &mut Model) -> bool {
        let revision = tx.revision();
        let (key, item) = (self.key(), self.item());
        let present = model.items.get(&key).cloned();
        let modified = |when: u8| expected(when, present.as_ref(), revision);
        match &self.verb {
            Verb::Insert => return insert(tx, model, item),
            Verb::Put => {
                let result = tx.put(item.clone());
                return stored(model, item, revision, result);
            }
            Verb::PutIf(when) => {
                let when = modified(*when);
                let result = tx.put_if(item.clone(), when);
                if differs(&result, present.as_ref(), when) {
                    return false;
                }
                return stored(model, item, revision, result);
            }
            Verb::Update | Verb::UpdateIf(_) => {
                let change = |item: &mut Item| self.change(item);
                let result = if let Verb::UpdateIf(when) = self.verb {
                    let when = modified(when);
                    let result = tx.update_if::<Item>(&key, when, change);
                    if differs(&result, present.as_ref(), when) {
                        return false;
                    }
                    result
                } else {
                    tx.update::<Item>(&key, change)
                };
                let Some(present) = present else {
                    assert!(matches!(result, Err(Error::Missing { .. })), "{result:?}");
                    return false;
                };
                let mut item = present.row;
                self.change(&mut item);
                return stored(model, item, revision, result.map(Some));
            }
            Verb::UpdateKey => {
                let result = tx.update::<Item>(&key, |item| item.number += 1);
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
                    let result = tx.remove_if::<Item>(&key, when);
                    if differs(&result, present.as_ref(), when) {
                        return false;
                    }
                    result
                } else {
                    tx.remove::<Item>(&key)
                };
                assert_eq!(result.unwrap().as_ref().map(Stored::of), present);
                return model.items.remove(&key).is_some();
            }
            Verb::RemoveAll(pick) => {
                let rows = model.rows(&pick.ask());
                assert_eq!(tx.remove_all(pick.ask().query).unwrap(), rows.len());
                model.items.retain(|key, _| !rows.contains_key(key));
                return !rows.is_empty();
            }
            Verb::RemoveAllIf(pick, when) => {
                let seen = Revision::new(revision.get().saturating_sub(u64::from(*when % 6)));
                let rows = model.rows(&pick.ask());
                let result = tx.remove_all_if(pick.ask().query, seen);
                if rows.values().any(|row| row.modified > seen) {
                    assert!(
                        matches!(result, Err(Error::WrongRevision { .. })),
                        "{result:?}"
                    );
                    return false;
                }
                assert_eq!(result.unwrap(), rows.len());
                model.items.retain(|key, _| !rows.contains_key(key));
                return !rows.is_empty();
            }
            Verb::Fill(count) => {
                let mut changed = false;
                for item in self.fill(*count) {
                    changed |= insert(tx, model, item);
                }
                return changed;
            }
            Verb::PutTask(state) => {
                let task = Task {
                    id: u64::from(self.item[0]) << (self.item[1] % 48),
                    state: *state,
                };
                let previous = tx.put(task.clone()).unwrap();
                let present = model.tasks.get(&task.id);
                assert_eq!(previous.as_ref().map(Stored::of).as_ref(), present);
                let created = present.map_or(revision, |present| present.created);
                let stored = Stored {
                    row: task,
                    created,
                    modified: revision,
                };
                model.tasks.insert(stored.row.id, stored);
                return true;
            }
            Verb::RemoveTask => {
                let Some(id) = model.tasks.keys().next().copied() else {
                    return false;
                };
                let previous = tx.remove::<Task>(id).unwrap();
                assert_eq!(previous.as_ref().map(Stored::of), model.tasks.remove(&id));
                return true;
            }
            Verb::Mark | Verb::RollBack(_) => unreachable!("done by the transaction"),
        }
        false
    }
}

/// A revision to compare with: mostly the right one.
fn expected(when: u8, present: Option<&Stored<Item>>, running: Revision) -> Revision {
    match when % 8 {
        0 => Revision::ZERO,
        1 => running,
        2 => Revision::new(u64::from(when)),
        _ => present.map_or(Revision::ZERO, |present| present.modified),
    }
}

/// Whether a compare-and-set must have been refused; and then it was, in the right words.
fn differs<R: std::fmt::Debug>(
    result: &Result<R, Error>,
    present: Option<&Stored<Item>>,
    when: Revision,
) -> bool {
    let modified = present.map_or(Revision::ZERO, |present| present.modified);
    if modified == when {
        return false;
    }
    assert!(
        matches!(result, Err(Error::WrongRevision { table: "items", expected, found, .. })
            if *expected == when && *found == modified),
        "{result:?}"
    );
    true
}

fn insert(tx: &mut WriteTxn, model: &mut Model, item: Item) -> bool {
    let result = tx.insert(item.clone());
    let key = item.key();
    if model.items.contains_key(&key) {
        let existing = Refusal::Duplicate {
            index: 0,
            existing: key,
        };
        refused(&result, &[existing], &item);
        return false;
    }
    let refusals = model.refusals(&item);
    if !refusals.is_empty() {
        refused(&result, &refusals, &item);
        return false;
    }
    let stored = Stored {
        row: item,
        created: tx.revision(),
        modified: tx.revision(),
    };
    assert_eq!(Stored::of(&result.unwrap()), stored);
    model.items.insert(key, stored);
    true
}

/// What a put or an update of `item` gave is right; says whether it was stored.
fn stored(
    model: &mut Model,
    item: Item,
    revision: Revision,
    result: Result<Option<sapwood::Row<Item>>, Error>,
) -> bool {
    let refusals = model.refusals(&item);
    if !refusals.is_empty() {
        refused(&result, &refusals, &item);
        return false;
    }
    let present = model.items.get(&item.key());
    assert_eq!(result.unwrap().as_ref().map(Stored::of).as_ref(), present);
    let stored = Stored {
        created: present.map_or(revision, |present| present.created),
        modified: revision,
        row: item,
    };
    model.items.insert(stored.row.key(), stored);
    true
}

/// The error says one of the reasons that there are, with its index and the other row.
fn refused<R: std::fmt::Debug>(result: &Result<R, Error>, reasons: &[Refusal], item: &Item) {
    let told = match result {
        Err(Error::KeyTooLong { table: "items", .. }) => reasons.contains(&Refusal::TooLong),
        Err(Error::Duplicate {
            table: "items",
            index,
            existing,
            refused,
            ..
        }) => {
            assert_eq!(*refused, format!("{:?}", item.key()));
            reasons.iter().any(|reason| {
                matches!(reason, Refusal::Duplicate { index: number, existing: other }
                    if KINDS[*number].name == index && format!("{other:?}") == *existing)
            })
        }
        _ => false,
    };
    assert!(told, "{result:?}, expected one of {reasons:?}");
}

/// Rows to begin with: half of those that are mostly asked for, and others around them.
pub(crate) fn populate(db: &Database, model: &mut Model) {
    let op = |item: [u8; 9]| Op {
        verb: Verb::Insert,
        item,
        long: false,
    };
    let few = (0..9u8).map(|i| op([i % 3, i % 6, i, i * 3, i * 5, i * 7, i, i * 3 + 1, i * 29]));
    let more = (0..50u8).map(|i| op([201 + i % 50, 200 + i, i, i, i * 3, 1, i, i * 3 + 1, i * 4]));
    let txn = Txn {
        ops: few.chain(more).collect(),
        asks: Vec::new(),
        end: End::Commit,
    };
    txn.run(db, model);
    assert!(model.items.len() > 20);
}

impl Txn {
    /// Runs it on both. The model is left as it was, unless it is committed and changed something.
    pub(crate) fn run(&self, db: &Database, model: &mut Model) {
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
                    _ => changed |= op.run(tx, &mut staged),
                }
            }
            for pick in &self.asks {
                staged.check(tx, &pick.ask());
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
                assert_eq!(tx.commit().unwrap(), expected);
                true
            }
            End::Write => {
                db.write(|tx| {
                    work(tx);
                    Ok::<_, Error>(())
                })
                .unwrap();
                true
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
            End::Stage { fate, elsewhere } => {
                let mut tx = db.begin_write().unwrap();
                work(&mut tx);
                let one = tx.stage().unwrap();
                assert_eq!(one.is_empty(), !changed);
                let published = end_staged(db, one, fate, elsewhere);
                if let (Fate::At(_), Some(at)) = (fate, published) {
                    changed = true;
                    staged.renumber(at);
                }
                published.is_some()
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
        };
        if committed && changed {
            *model = staged;
        }
        assert_eq!(db.revision(), model.revision);
    }
}

struct OnPurpose;

/// A savepoint, and what the transaction was there.
struct Mark {
    savepoint: Savepoint,
    staged: Model,
    changed: bool,
}
