//! The revision of a table is that of the newest commit that changed a row of it, and never goes back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::pagefile::MemStorage;
use sapwood::{Database, Error, Revision, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

/// Tables of one shape: more than there is room for beside a version.
macro_rules! tables {
    ($($number:literal $table:ident)*) => {
        $(
            #[derive(Table, Clone, Debug, Serialize, Deserialize)]
            struct $table {
                #[key]
                id: u8,
                value: u8,
            }
        )*

        fn open() -> Database {
            let builder = Database::builder()$(.table::<$table>())*;
            builder.in_memory().unwrap()
        }

        /// The revisions of all tables.
        fn revisions(snapshot: &Snapshot) -> Vec<Revision> {
            vec![$(snapshot.table_revision::<$table>()),*]
        }

        fn drafted(tx: &WriteTxn) -> Vec<Revision> {
            vec![$(tx.table_revision::<$table>()),*]
        }

        /// Whether the row was written or removed.
        fn write(tx: &mut WriteTxn, table: usize, id: u8, put: bool) -> bool {
            match table {
                $(
                    $number if put => {
                        tx.put($table { id, value: 1 }).unwrap();
                        true
                    }
                    $number => tx.remove::<$table>(id).unwrap().is_some(),
                )*
                _ => unreachable!("there are as many"),
            }
        }

        /// Whether the transaction changes the table, in the end.
        fn changes(tx: &WriteTxn) -> Vec<bool> {
            vec![$(!tx.changes::<$table>().is_empty()),*]
        }
    };
}

tables!(0 A 1 B 2 C 3 D 4 E 5 F 6 G 7 H 8 I 9 J);

const TABLES: usize = 10;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of random transactions on ten tables, each moves the revisions of exactly the tables that it changes, by removing rows too, and no revision ever goes back; a running
    /// one has its own number where it wrote; snapshots keep what they show, and forks go on from there.
    #[test]
    fn the_revision_is_that_of_the_newest_change(
        transactions in vec((vec((0..TABLES, 0..4u8, any::<bool>()), 0..6), any::<bool>(), 0..3u64), 1..24)
    ) {
        let mut db = open();
        let mut model = vec![Revision::ZERO; TABLES];
        let mut held = Vec::new();
        for (number, (ops, commit, gap)) in transactions.iter().enumerate() {
            let mut tx = db.begin_write().unwrap();
            let mut wrote = [false; TABLES];
            for &(table, id, put) in ops {
                wrote[table] |= write(&mut tx, table, id, put);
                let here = tx.savepoint();
                write(&mut tx, (table + 1) % TABLES, id, put);
                tx.rollback_to(&here).unwrap();
            }
            let own = tx.revision();
            for table in 0..TABLES {
                let expected = if wrote[table] { own } else { model[table] };
                prop_assert_eq!(drafted(&tx)[table], expected);
            }
            let changed = changes(&tx);
            if *commit {
                let to = Revision::new(own.get() + gap);
                tx.stage().unwrap().publish_at(to).unwrap();
                for (revision, _) in model.iter_mut().zip(&changed).filter(|(_, changed)| **changed) {
                    *revision = to;
                }
            }
            prop_assert_eq!(revisions(&db.snapshot()), model.clone());
            held.push((db.snapshot(), model.clone()));
            for (snapshot, model) in &held {
                prop_assert_eq!(&revisions(snapshot), model);
            }
            if number % 8 == 7 {
                db = db.snapshot().fork();
                prop_assert_eq!(revisions(&db.snapshot()), model.clone());
            }
        }
    }
}

/// Removing the newest row, or all of them, is a change like any other: the revision goes on.
#[test]
fn removing_rows_does_not_turn_it_back() {
    let db = open();
    db.write(|tx| (1..100).try_for_each(|id| tx.insert(A { id, value: 0 }).map(drop)))
        .unwrap();
    db.write(|tx| tx.insert(B { id: 1, value: 0 })).unwrap();
    let mut last = db.snapshot().table_revision::<A>();
    assert_eq!(last, Revision::new(1));
    for id in 1..100 {
        db.write(|tx| tx.remove::<A>(id)).unwrap();
        let now = db.snapshot().table_revision::<A>();
        assert_eq!(now, db.revision());
        assert!(now > last);
        last = now;
    }
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(A::ALL), 0);
    assert_eq!(snapshot.table_revision::<B>(), Revision::new(2));
}

/// What is refused in a transaction does not move it, though the look before it has gone down the tree.
#[test]
fn a_refused_write_does_not_move_it() {
    let db = open();
    db.write(|tx| tx.insert(A { id: 1, value: 0 })).unwrap();
    db.write(|tx| {
        for _ in 0..2 {
            let refused = tx.insert(A { id: 1, value: 2 });
            assert!(matches!(refused, Err(Error::Duplicate { .. })));
            let refused = tx.put_if(A { id: 1, value: 2 }, Revision::new(9));
            assert!(matches!(refused, Err(Error::WrongRevision { .. })));
            assert!(tx.remove::<A>(7)?.is_none());
        }
        assert_eq!(tx.table_revision::<A>(), Revision::new(1));
        tx.insert(B { id: 1, value: 0 })
    })
    .unwrap();
    let snapshot = db.snapshot();
    assert_eq!(
        [
            snapshot.table_revision::<A>(),
            snapshot.table_revision::<B>()
        ],
        [1, 2].map(Revision::new)
    );
}

/// In a file that is opened again it goes on from the file's revision, for tables that are empty too.
#[test]
fn it_does_not_go_back_when_a_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sap");
    let open = || {
        let builder = Database::builder().table::<A>().table::<B>();
        builder.open(&path).unwrap()
    };
    let db = open();
    assert_eq!(db.snapshot().table_revision::<A>(), Revision::ZERO);
    db.write(|tx| tx.insert(A { id: 1, value: 0 })).unwrap();
    db.write(|tx| tx.insert(B { id: 1, value: 0 })).unwrap();
    db.write(|tx| tx.remove::<A>(1)).unwrap();
    db.write(|tx| tx.insert(B { id: 2, value: 0 })).unwrap();
    let before = db.snapshot();
    db.close().unwrap();
    let db = open();
    let after = db.snapshot();
    assert!(after.table_revision::<A>() >= before.table_revision::<A>());
    assert_eq!(after.table_revision::<A>(), Revision::new(4));
    assert_eq!(after.table_revision::<B>(), Revision::new(4));
    db.write(|tx| tx.put(A { id: 1, value: 0 })).unwrap();
    assert_eq!(db.snapshot().table_revision::<A>(), Revision::new(5));
    assert_eq!(db.snapshot().table_revision::<B>(), Revision::new(4));
    let memory = Database::builder()
        .table::<A>()
        .open_storage(Box::new(MemStorage::default()));
    assert_eq!(
        memory.unwrap().snapshot().table_revision::<A>(),
        Revision::ZERO
    );
}
