//! Restore: the rows of a running database become those of a backup, in one commit that is told as the difference.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

use std::path::Path;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{
    Change, Database, Durability, Error, Inspect, RestoreOptions, Restored, Revision, Snapshot,
    Table,
};
use serde::{Deserialize, Serialize};

mod support;

use support::ask::Ask;
use support::change::{populate, txn};
use support::following::Following;
use support::item::{Item, Task};
use support::lease::Lease;
use support::model::{Model, Refusal, Stored, builder, cases};
use support::modelled::Modelled;
use support::rules;

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

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u32,
    #[index(unique)]
    name: String,
    note: Option<String>,
}

fn pod(id: u32, name: &str) -> Pod {
    Pod {
        id,
        name: name.to_owned(),
        note: None,
    }
}

fn pods() -> Database {
    Database::builder().table::<Pod>().in_memory().unwrap()
}

fn copy_of(db: &Database) -> Vec<u8> {
    let mut copy = Vec::new();
    db.backup(&mut copy).unwrap();
    copy
}

fn names(db: &Database) -> Vec<(u32, String)> {
    let snapshot = db.snapshot();
    let pods = snapshot.list(Pod::ALL);
    pods.map(|pod| (pod.id, pod.name.clone())).collect()
}

/// Unique keys go round between rows, and from one that goes to one that comes: what counts is how it ends. Each is told as an update.
#[test]
fn unique_keys_move() {
    let db = pods();
    for (id, name) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        db.write(|tx| tx.insert(pod(id, name))).unwrap();
    }
    let copy = copy_of(&db);
    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    for (id, name) in [(1, "b"), (2, "c"), (3, "a"), (5, "d")] {
        db.write(|tx| tx.insert(pod(id, name))).unwrap();
    }
    let mut changes = db.follow(Pod::ALL).unwrap();
    changes.next();
    let restored = db.restore(&copy[..]).unwrap();
    assert_eq!(
        (restored.inserted, restored.updated, restored.removed),
        (1, 3, 1)
    );
    let step = changes.next().unwrap();
    let told = step.iter().map(|change| match change {
        Change::Inserted(new) => ("inserted", new.id),
        Change::Updated { new, .. } => ("updated", new.id),
        Change::Removed(old) => ("removed", old.id),
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [
            ("updated", 1),
            ("updated", 2),
            ("updated", 3),
            ("inserted", 4),
            ("removed", 5)
        ]
    );
    let expected = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
    assert_eq!(names(&db), expected.map(|(id, name)| (id, name.to_owned())));
}

/// A backup of which any byte is another one, or the end is missing, is refused with an error, and nothing is changed; or it is the backup all the same, where the byte is in the copy of the meta
/// or in what nothing is in.
#[test]
fn damaged_backups_change_nothing() {
    let db = pods();
    for id in 0..60 {
        let note = (id % 20 == 0).then(|| "long ".repeat(400));
        let name = format!("pod-{id}");
        db.write(|tx| tx.insert(Pod { id, name, note })).unwrap();
    }
    let copy = copy_of(&db);
    let saved = names(&db);
    db.write(|tx| tx.insert(pod(100, "pod-x"))).unwrap();
    let (revision, now) = (db.revision(), names(&db));
    let refused = |bytes: &[u8]| match db.restore(bytes) {
        Ok(restored) => {
            assert_eq!((restored.removed, restored.equal), (1, 60));
            assert_eq!(names(&db), saved);
            db.write(|tx| tx.insert(pod(100, "pod-x"))).unwrap();
            false
        }
        Err(Error::File { path, .. } | Error::Foreign { path, .. }) => {
            assert_eq!(&*path, "backup");
            assert_eq!(names(&db), now);
            true
        }
        Err(other) => panic!("{other}"),
    };
    for len in (0..copy.len()).step_by(509) {
        assert!(refused(&copy[..len]), "{len} bytes");
    }
    assert_eq!(db.revision(), revision);
    let mut refusals = 0;
    for at in (0..copy.len()).step_by(7) {
        let mut flipped = copy.clone();
        flipped[at] ^= 1 << (at % 8);
        refusals += usize::from(refused(&flipped));
    }
    // All of the pages; of the two slots, one suffices.
    assert_eq!(
        refusals,
        (8192..copy.len()).filter(|at| at % 7 == 0).count()
    );
    // Both slots, and texts.
    let mut flipped = copy.clone();
    (flipped[20], flipped[4096 + 20]) = (0xFF, 0xFF);
    for bytes in [&flipped[..], b"", b"not a backup at all", &[0; 9000]] {
        assert!(refused(bytes));
    }
}

/// A reader that fails gives its error, and so does a file that is not there, and one that is not a database's: a page file of another program, or one without anything in it.
#[test]
fn what_is_no_backup_is_refused() {
    use sapwood::pagefile::PageFile;

    struct Cut;
    impl std::io::Read for Cut {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line is cut"))
        }
    }
    let db = pods();
    db.write(|tx| tx.insert(pod(1, "a"))).unwrap();
    let error = db.restore(Cut).unwrap_err().to_string();
    assert_eq!(
        error,
        "backup: could not read the page file: the line is cut"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sap");
    assert!(matches!(db.restore_from(&path), Err(Error::File { .. })));
    let file = PageFile::open(&path).unwrap();
    assert!(
        matches!(db.restore_from(&path), Err(Error::File { .. })),
        "it is open to write"
    );
    file.close().unwrap();
    let error = db.restore_from(&path).unwrap_err().to_string();
    let expected = format!(
        "{}: a page file that holds nothing is no backup",
        path.display()
    );
    assert_eq!(error, expected);
    let file = PageFile::open(&path).unwrap();
    file.update(|tx| tx.create_bucket("mine")?.put("a", "1"))
        .unwrap();
    file.close().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::Foreign { .. })));
    assert_eq!(names(&db), [(1, "a".to_owned())]);
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "hosts")]
struct Host {
    #[key]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "beats", ephemeral)]
struct Beat {
    #[key]
    id: u32,
}

/// The same name, in a program that keeps it in the file.
mod kept {
    use super::{Deserialize, Serialize, Table};

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "beats")]
    pub(super) struct Beat {
        #[key]
        pub(super) id: u32,
    }
}

fn host(name: &str) -> Host {
    Host { name: name.into() }
}

/// A table that the backup does not have has no rows afterwards, as when the backup is opened, or keeps them if that is asked for. Ephemeral tables keep theirs in any case.
#[test]
fn tables_that_the_backup_lacks() {
    let from = pods();
    from.write(|tx| tx.insert(pod(1, "a"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    from.backup_to(&path).unwrap();
    for keep in [false, true] {
        let db = Database::builder()
            .table::<Beat>()
            .table::<Host>()
            .table::<Pod>();
        let db = db.in_memory().unwrap();
        db.write(|tx| {
            tx.insert(Beat { id: 7 })?;
            tx.insert(host("h"))
        })
        .unwrap();
        let beats = db.snapshot().watch(Beat::ALL);
        let backup = Inspect::open(&path).unwrap();
        let options = RestoreOptions::new().keep_absent(keep);
        let restored = db.restore_with(&backup, &options, &mut |_, _| ()).unwrap();
        assert_eq!((restored.inserted, restored.removed), (1, u64::from(!keep)));
        let now = db.snapshot();
        assert_eq!(now.count(Host::ALL), usize::from(keep));
        assert_eq!((now.count(Beat::ALL), now.count(Pod::ALL)), (1, 1));
        assert!(!beats.is_fired());
    }
}

/// Rows of a table that the program does not declare, or declares to be ephemeral, are not lost in silence: they are an error that changes nothing, unless it is asked to pass over them, which says which. A table
/// without rows is no loss.
#[test]
fn tables_that_the_program_does_not_declare() {
    let from = Database::builder()
        .table::<Pod>()
        .table::<Host>()
        .table::<kept::Beat>();
    let from = from.in_memory().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    from.write(|tx| tx.insert(pod(1, "a"))).unwrap();
    from.backup_to(path("none.sap")).unwrap();
    from.write(|tx| tx.insert(kept::Beat { id: 1 })).unwrap();
    from.backup_to(path("beats.sap")).unwrap();
    from.write(|tx| tx.insert(host("h"))).unwrap();
    from.backup_to(path("hosts.sap")).unwrap();

    let db = Database::builder()
        .table::<Pod>()
        .table::<Beat>()
        .in_memory()
        .unwrap();
    for (name, table, ignored) in [
        ("beats.sap", "beats", &["beats", "hosts"]),
        ("hosts.sap", "beats", &["beats", "hosts"]),
    ] {
        let revision = db.revision();
        let error = db.restore_from(path(name)).unwrap_err();
        assert!(
            matches!(&error, Error::ForeignTable { table: of, .. } if of == table),
            "{error}"
        );
        assert_eq!((db.revision(), names(&db).len()), (revision, 0));
        let backup = Inspect::open(path(name)).unwrap();
        let options = RestoreOptions::new().ignore_unknown(true);
        let restored = db.restore_with(&backup, &options, &mut |_, _| ()).unwrap();
        assert_eq!(restored.ignored, ignored);
        assert_eq!((restored.inserted, db.snapshot().count(Beat::ALL)), (1, 0));
        db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    }
    let restored = db.restore_from(path("none.sap")).unwrap();
    assert_eq!((restored.inserted, restored.ignored.len()), (1, 0));
}

/// A database's file keeps tables that the program does not declare, whatever is restored; and a backup that has just the same of them, which its own backups have, is taken.
#[test]
fn tables_of_the_file_that_the_program_does_not_declare() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let both = || Database::builder().table::<Pod>().table::<Host>();
    let db = both().open(path("state.sap")).unwrap();
    db.write(|tx| {
        tx.insert(pod(1, "a"))?;
        tx.insert(host("h1"))?;
        tx.insert(host("h2"))
    })
    .unwrap();
    db.close().unwrap();
    let open = || {
        Database::builder()
            .table::<Pod>()
            .open(path("state.sap"))
            .unwrap()
    };
    let db = open();
    db.backup_to(path("copy.sap")).unwrap();
    db.write(|tx| tx.update::<Pod>(1, |pod| pod.name = "b".into()))
        .unwrap();
    assert_eq!(db.restore_from(path("copy.sap")).unwrap().updated, 1);
    // Without them at all: they stay.
    let few = pods();
    few.write(|tx| tx.insert(pod(1, "c"))).unwrap();
    assert_eq!(db.restore(&copy_of(&few)[..]).unwrap().updated, 1);
    // A row less, another, and one more.
    for hosts in [&["h1"][..], &["h1", "h3"], &["h1", "h2", "h3"]] {
        let other = both().in_memory().unwrap();
        other
            .write(|tx| {
                hosts
                    .iter()
                    .try_for_each(|name| tx.insert(host(name)).map(drop))
            })
            .unwrap();
        let error = db.restore(&copy_of(&other)[..]).unwrap_err();
        assert!(matches!(error, Error::ForeignTable { .. }), "{error}");
    }
    assert_eq!(names(&db), [(1, "c".to_owned())]);
    db.close().unwrap();
    assert_eq!(names(&open()), [(1, "c".to_owned())]);
    let db = both().open(path("state.sap")).unwrap();
    assert_eq!(db.snapshot().count(Host::ALL), 2);
}

/// Structs of yesterday.
mod earlier {
    use super::{Deserialize, Serialize, Table};

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    pub(super) struct Pod {
        pub(super) gone: u64,
        #[key]
        pub(super) id: u32,
        pub(super) name: String,
    }

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "hosts")]
    pub(super) struct Host {
        #[key]
        pub(super) name: u64,
    }
}

/// Rows of an earlier struct are read as they are when a file is opened: those that come out equal are not written. What breaks the rules of the struct of today is refused: two rows with one
/// key in an index that is unique by now, a key of another type.
#[test]
fn rows_of_earlier_structs() {
    let old = |id, name: &str| earlier::Pod {
        gone: 5,
        id,
        name: name.into(),
    };
    let from = Database::builder()
        .table::<earlier::Pod>()
        .in_memory()
        .unwrap();
    from.write(|tx| {
        tx.insert(old(1, "a"))?;
        tx.insert(old(2, "b"))
    })
    .unwrap();
    let db = pods();
    db.write(|tx| {
        tx.insert(pod(1, "a"))?;
        tx.insert(Pod {
            note: Some("new".into()),
            ..pod(2, "b")
        })
    })
    .unwrap();
    let kept = db.snapshot().get::<Pod>(1).unwrap().clone();
    let restored = db.restore(&copy_of(&from)[..]).unwrap();
    assert_eq!((restored.updated, restored.equal), (1, 1));
    let now = db.snapshot();
    assert!(now.get::<Pod>(1).unwrap().same(&kept));
    assert_eq!(**now.get::<Pod>(2).unwrap(), pod(2, "b"));

    from.write(|tx| tx.insert(old(3, "a"))).unwrap();
    let error = db.restore(&copy_of(&from)[..]).unwrap_err();
    assert!(
        matches!(error, Error::Duplicate { table: "pods", .. }),
        "{error}"
    );
    let from = Database::builder()
        .table::<earlier::Host>()
        .in_memory()
        .unwrap();
    from.write(|tx| tx.insert(earlier::Host { name: 1 }))
        .unwrap();
    let db = Database::builder().table::<Host>().in_memory().unwrap();
    db.write(|tx| tx.insert(host("h"))).unwrap();
    let error = db.restore(&copy_of(&from)[..]).unwrap_err();
    assert!(matches!(error, Error::Schema { .. }), "{error}");
    assert_eq!(db.snapshot().count(Host::ALL), 1);
}

/// Any file of a database is a backup: also one that was not closed, with what only its journal has. A restore that is larger than the journal is durable when it returns, as any commit with
/// `Immediate` is.
#[test]
fn a_file_that_was_not_closed_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let open = |name: &str| {
        let builder = Database::builder().table::<Pod>().journal_size(64 << 10);
        builder.open(path(name)).unwrap()
    };
    let from = open("from.sap");
    let note = || Some("some words ".repeat(20));
    from.write(|tx| {
        (0..2000).try_for_each(|id| {
            let name = format!("pod-{id}");
            tx.insert(Pod {
                id,
                name,
                note: note(),
            })
            .map(drop)
        })
    })
    .unwrap();
    from.checkpoint().unwrap();
    from.write(|tx| {
        tx.remove::<Pod>(0)?;
        tx.insert(pod(5000, "last"))
    })
    .unwrap();
    std::fs::copy(path("from.sap"), path("crashed.sap")).unwrap();
    let db = open("state.sap");
    db.write(|tx| tx.insert(pod(7, "other"))).unwrap();
    let restored = db.restore_from(path("crashed.sap")).unwrap();
    assert_eq!((restored.inserted, restored.updated), (1999, 1));
    assert_eq!(restored.backup, from.revision());
    // As a crash would leave it.
    std::fs::copy(path("state.sap"), path("again.sap")).unwrap();
    let again = open("again.sap");
    assert_eq!(again.revision(), restored.revision);
    assert_eq!(names(&again), names(&from));
}

/// Restoring is a write: not within another one, not in a database that is closed, and told of by its progress.
#[test]
fn restoring_is_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    let db = pods();
    db.write(|tx| (0..1000).try_for_each(|id| tx.insert(pod(id, &format!("{id}"))).map(drop)))
        .unwrap();
    db.backup_to(&path).unwrap();
    let tx = db.begin_write().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::NestedWrite)));
    drop(tx);
    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    let mut told = Vec::new();
    let backup = Inspect::open(&path).unwrap();
    let mut tell = |done, all| told.push((done, all));
    db.restore_with(&backup, &RestoreOptions::new(), &mut tell)
        .unwrap();
    assert_eq!(told.last(), Some(&(1000, 1000)));
    assert!(told.len() > 2 && told.is_sorted());
    // The same, once more.
    db.restore_with(&backup, &RestoreOptions::new(), &mut |_, _| ())
        .unwrap();
    db.close().unwrap();
    assert!(matches!(db.restore_from(&path), Err(Error::Closed)));
}

/// As a part of a transaction: what it wrote before is replaced, what it writes afterwards stays, and at whatever revision it is published, that is the one of all rows that were written. Where it is refused, in a later table
/// even, the transaction is as it was, and goes on.
#[test]
fn a_transaction_restores() {
    let open = || {
        Database::builder()
            .table::<Host>()
            .table::<Pod>()
            .in_memory()
            .unwrap()
    };
    let from = open();
    from.write(|tx| {
        tx.insert(host("h"))?;
        tx.insert(pod(1, "a"))?;
        tx.insert(pod(2, "b"))
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.sap");
    from.backup_to(&path).unwrap();
    let backup = Inspect::open(&path).unwrap();
    let options = RestoreOptions::new();

    let db = open();
    db.write(|tx| tx.insert(pod(2, "b"))).unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod(1, "x")).unwrap();
    tx.insert(pod(9, "a")).unwrap();
    let restored = tx.restore_with(&backup, &options, &mut |_, _| ()).unwrap();
    let counts = (
        restored.inserted,
        restored.updated,
        restored.removed,
        restored.equal,
    );
    assert_eq!((restored.revision, counts), (tx.revision(), (1, 1, 1, 1)));
    tx.insert(pod(3, "c")).unwrap();
    let staged = tx.stage().unwrap();
    assert_eq!(staged.publish_at(Revision::new(70)).unwrap().get(), 70);
    let now = db.snapshot();
    let revisions = now.list(Pod::ALL).map(|pod| (pod.id, pod.modified().get()));
    assert!(revisions.eq([(1, 70), (2, 1), (3, 70)]));
    assert_eq!(now.get::<Host>("h").unwrap().created().get(), 70);

    // Names are unique by now, and were not.
    let twice = Database::builder()
        .table::<Host>()
        .table::<earlier::Pod>()
        .in_memory()
        .unwrap();
    twice
        .write(|tx| {
            tx.insert(host("new"))?;
            let pod = |id| earlier::Pod {
                gone: 0,
                id,
                name: "same".into(),
            };
            tx.insert(pod(1))?;
            tx.insert(pod(2))
        })
        .unwrap();
    let path = folder.path().join("twice.sap");
    twice.backup_to(&path).unwrap();
    let backup = Inspect::open(&path).unwrap();
    db.write(|tx| {
        tx.insert(pod(4, "d"))?;
        let refused = tx.restore_with(&backup, &options, &mut |_, _| ());
        assert!(
            matches!(refused, Err(Error::Duplicate { .. })),
            "{refused:?}"
        );
        assert_eq!((tx.count(Host::ALL), tx.count(Pod::ALL)), (1, 4));
        assert!(tx.get::<Host>("new").is_none());
        tx.insert(pod(5, "e"))
    })
    .unwrap();
    assert_eq!(db.snapshot().count(Pod::ALL), 5);
}
