//! A database restored at random is as a model of it.

use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{Database, Durability, Error, Restored, Revision, Snapshot, Table};

use super::support::ask::Ask;
use super::support::change::{populate, txn};
use super::support::following::Following;
use super::support::item::{Item, Task};
use super::support::lease::Lease;
use super::support::model::{Model, Refusal, Stored, builder, cases};
use super::support::modelled::Modelled;
use super::support::rules;

/// What restoring makes of a table: how many rows are inserted, updated, removed and equal.
fn replace<T: Modelled>(model: &mut Model, saved: &Model) -> [u64; 4] {
    let revision = model.revision;
    let rows = T::rows_mut(model);
    let before = rows.len() as u64;
    let mut counts = [0; 4];
    let kept = |key: &T::Key| T::rows(saved).contains_key(key);
    rows.retain(|key, _| kept(key));
    counts[2] = before - rows.len() as u64;
    for (key, saved) in T::rows(saved) {
        let there = rows.get(key).cloned();
        let created = match there {
            Some(there) if there.row == saved.row => {
                counts[3] += 1;
                continue;
            }
            Some(there) => {
                counts[1] += 1;
                there.created
            }
            None => {
                counts[0] += 1;
                revision
            }
        };
        let row = Stored {
            row: saved.row.clone(),
            created,
            modified: revision,
        };
        rows.insert(key.clone(), row);
    }
    if counts[..3] != [0; 3] {
        model.written.insert(T::NAME, revision);
    }
    counts
}

fn restored(before: &Model, saved: &Model) -> (Model, [u64; 4]) {
    let mut after = before.clone();
    after.revision = Revision::new(before.revision.get() + 1);
    let counts = [
        replace::<Item>(&mut after, saved),
        replace::<Task>(&mut after, saved),
        replace::<Lease>(&mut after, saved),
    ];
    let sum = |i: usize| counts.iter().map(|counts| counts[i]).sum();
    let counts = [sum(0), sum(1), sum(2), sum(3)];
    if counts[..3] == [0; 3] {
        return (before.clone(), counts);
    }
    (after, counts)
}

/// Whether two rows have one key in a unique index, be it one that was added.
fn is_torn(model: &Model) -> bool {
    let torn = |refusals: Vec<Refusal<_>>| !refusals.is_empty();
    let mut items = model.items.values();
    items.any(|item| torn(model.refusals(&item.row)))
}

fn modes() -> impl Strategy<Value = Option<Durability>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Durability::Immediate)),
        1 => Just(Some(Durability::Checkpoint)),
        1 => (1u64..20).prop_map(|ms| Some(Durability::Eventual {
            within: Duration::from_millis(ms)
        })),
    ]
}

fn opened(mode: Option<Durability>, path: &Path) -> Database {
    match mode {
        Some(mode) => builder().durability(mode).open(path).unwrap(),
        None => builder().in_memory().unwrap(),
    }
}

proptest! {
    #![proptest_config(cases(40))]

    /// A restored database is the backup, whatever it was before, be the backup its own or that of another: rows in every index, also in those that were added; rows that are equal are the
    /// very same as before, all others have the one revision of the commit; followers are told the difference and nothing else, tables without a difference wake nobody; validators are asked, and unique
    /// indexes that were added; what is refused changes nothing. A file has it when it is opened again, and to restore once more makes no commit.
    #[test]
    fn a_restored_database_is_the_backup(
        populated: bool, first in vec(txn(), 0..10), then in vec(txn(), 0..10), same in proptest::bool::weighted(0.7),
        by_path: bool, mode in modes(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (path, copied) = (folder.path().join("state.sap"), folder.path().join("copy.sap"));
        let mut db = opened(mode, &path);
        let mut model = Model::default();
        if populated {
            populate(&db, &mut model);
        }
        for txn in &first {
            txn.run(&db, &mut model);
        }
        let saved = model.clone();
        db.backup_to(&copied).unwrap();
        if !same {
            db = opened(mode, &folder.path().join("other.sap"));
            model = Model::default();
        }
        for txn in &then {
            txn.run(&db, &mut model);
        }
        let before = db.snapshot();
        let mut items = Following::begin(&db, Ask::<Item>::all(0));
        let mut tasks = Following::begin(&db, Ask::<Task>::all(0));
        let mut leases = Following::begin(&db, Ask::<Lease>::all(0));
        let mut look = |model: &Model| {
            items.look(model, false);
            tasks.look(model, false);
            leases.look(model, false);
        };
        look(&model);
        let watches = [before.watch(Item::ALL), before.watch(Task::ALL), before.watch(Lease::ALL)];
        let restore = || if by_path {
            db.restore_from(&copied)
        } else {
            db.restore(&std::fs::read(&copied).unwrap()[..])
        };
        let (after, counts) = restored(&model, &saved);
        let result = restore();
        if is_torn(&after) {
            prop_assert!(matches!(&result, Err(Error::Duplicate { .. })), "{result:?}");
        } else if let Some((in_table, of_key, why)) = rules::refusal(&model, &after) {
            prop_assert!(matches!(
                &result, Err(Error::Invalid { table, key, reason }) if *table == in_table && *key == of_key && reason == why
            ), "{result:?}");
        } else {
            let Restored { revision, backup, inserted, updated, removed, equal, ignored, .. } = result.unwrap();
            prop_assert_eq!((revision, backup), (after.revision, saved.revision));
            prop_assert_eq!([inserted, updated, removed, equal], counts);
            prop_assert!(ignored.is_empty());
            let is_fired = watches.each_ref().map(sapwood::watch::Watch::is_fired);
            prop_assert_eq!(is_fired, [
                after.items != model.items, after.tasks != model.tasks, after.leases != model.leases,
            ]);
            check_kept::<Item>(&before, &db.snapshot(), &model, &after);
            check_kept::<Task>(&before, &db.snapshot(), &model, &after);
            check_kept::<Lease>(&before, &db.snapshot(), &model, &after);
            model = after;
        }
        model.check_all(&db.snapshot());
        look(&model);
        let again = restore();
        if let Ok(again) = again {
            prop_assert_eq!((again.revision, again.inserted + again.updated + again.removed), (model.revision, 0));
        }
        prop_assert_eq!(db.revision(), model.revision);
        db.close().unwrap();
        if mode.is_some() {
            let path = if same { path } else { folder.path().join("other.sap") };
            model.reopen();
            model.check_all(&opened(mode, &path).snapshot());
        }
    }
}

/// Rows that were not written are the same objects.
fn check_kept<T: Modelled + Table>(
    before: &Snapshot,
    now: &Snapshot,
    model: &Model,
    after: &Model,
) {
    let all = || Ask::<T>::all(0).query;
    for row in before.list(all()) {
        let key = row.key();
        let (old, new) = (T::rows(model).get(&key), T::rows(after).get(&key));
        let is_kept = now.list(all()).any(|there| there.same(row));
        assert_eq!(is_kept, old == new, "{row:?}");
    }
}
