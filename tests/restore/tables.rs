//! Tables that only one side has.

use sapwood::{Database, Error, Inspect, RestoreOptions, Table};
use serde::{Deserialize, Serialize};

use super::{Beat, Host, Pod, copy_of, host, names, pod, pods};

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
