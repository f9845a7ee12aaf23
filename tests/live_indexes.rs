//! Indexes that are added and dropped at run time, one promise a test. `model_live_indexes` does so at random.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use sapwood::watch::{Closed, WatchSet};
use sapwood::{Database, Error, Index, NewIndex, Revision, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    name: String,
    #[index]
    node: Option<String>,
    cpu: u64,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    name: String,
}

fn pod(name: &str, node: Option<&str>, cpu: u64) -> Pod {
    Pod {
        name: name.to_owned(),
        node: node.map(str::to_owned),
        cpu,
    }
}

fn words(pod: &Pod) -> Vec<String> {
    pod.name.split('-').map(str::to_owned).collect()
}

fn by_cpu() -> NewIndex<Pod, u64> {
    NewIndex::new("by_cpu", |pod: &Pod| pod.cpu)
}

/// Three pods, which the indexes above find in three orders.
fn open() -> Database {
    let db = Database::builder().table::<Pod>().in_memory().unwrap();
    db.write(|tx| {
        tx.insert(pod("a-x", Some("n1"), 30))?;
        tx.insert(pod("b-x-x", None, 10))?;
        tx.insert(pod("c-y", Some("n2"), 20)).map(drop)
    })
    .unwrap();
    db
}

fn names<'a>(rows: impl Iterator<Item = &'a Row<Pod>>) -> Vec<&'a str> {
    rows.map(|pod| pod.name.as_str()).collect()
}

/// The message of a panic.
fn panicking<R>(reading: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(reading)) else {
        panic!("it does not panic");
    };
    *panic.downcast::<String>().unwrap()
}

/// Every verb works on an index of every kind, in the transaction that adds it and after, and later writes keep it.
#[test]
fn an_index_that_was_added_is_as_one_that_was_declared() {
    let db = open();
    let (by_cpu, by_word, by_node, large) = db
        .write(|tx| {
            let by_cpu = tx.add_index(by_cpu())?;
            assert_eq!(names(tx.list(by_cpu.all())), ["b-x-x", "c-y", "a-x"]);
            let by_word =
                tx.add_index(NewIndex::each("by_word", words).unique().when(|pod: &Pod| {
                    // Unique among those that are placed.
                    pod.node.is_some()
                }))?;
            let by_node = tx.add_index(NewIndex::sparse("by_known_node", |pod: &Pod| {
                Some((pod.node.clone()?, pod.cpu))
            }))?;
            let large = tx.add_index(
                NewIndex::new("large", |pod: &Pod| std::cmp::Reverse(pod.cpu))
                    .when(|pod| pod.cpu > 10)
                    .when(|pod| pod.cpu != 20),
            )?;
            Ok::<_, Error>((by_cpu, by_word, by_node, large))
        })
        .unwrap();
    let snapshot = db.snapshot();
    assert_eq!(by_cpu.name(), "by_cpu");
    assert_eq!(
        names(snapshot.list(by_cpu.range(15..).clone())),
        ["c-y", "a-x"]
    );
    assert_eq!(snapshot.first(by_cpu.all()).unwrap().name, "b-x-x");
    assert_eq!(snapshot.last(by_cpu.all()).unwrap().name, "a-x");
    assert_eq!(snapshot.only(by_cpu.eq(20)).one().unwrap().name, "c-y");
    assert_eq!(
        names(snapshot.list(by_word.starts_with(""))),
        ["a-x", "c-y"]
    );
    assert_eq!(names(snapshot.list(by_node.all())), ["a-x", "c-y"]);
    assert!(snapshot.contains(by_node.prefix("n2")) && !snapshot.contains(by_node.eq(("n2", 1))));
    assert_eq!(names(snapshot.list(large.all())), ["a-x"]);

    let stats = db.stats();
    let indexes: Vec<_> = stats.tables[0]
        .indexes
        .iter()
        .map(|index| (index.name.as_str(), index.entries))
        .collect();
    assert_eq!(
        indexes[2..],
        [
            ("by_cpu", 3),
            ("by_word", 4),
            ("by_known_node", 2),
            ("large", 1)
        ]
    );

    let watch = snapshot.watch(by_cpu.eq(7));
    assert_eq!(db.counters().watches.set, 1);
    let beside = snapshot.watch(by_cpu.eq(8));
    let mut follower = db.follow(by_word.all()).unwrap();
    assert_eq!(follower.try_next().unwrap().len(), 2, "each row once");
    db.write(|tx| {
        tx.put(pod("c-y", None, 7))?;
        tx.update::<Pod>("b-x-x", |pod| pod.cpu = 40)?;
        tx.remove::<Pod>("a-x")
    })
    .unwrap();
    assert!(watch.is_fired() && !beside.is_fired());
    assert_eq!(follower.try_next().unwrap().len(), 2);
    let now = db.snapshot();
    assert_eq!(names(now.list(by_cpu.all())), ["c-y", "b-x-x"]);
    assert_eq!(now.count(by_word.all()), 0);
    assert_eq!(names(now.list(large.all())), ["b-x-x"]);
    assert_eq!(names(snapshot.list(by_cpu.all())), ["b-x-x", "c-y", "a-x"]);
    assert_eq!(db.write(|tx| tx.remove_all(by_cpu.eq(40))).unwrap(), 1);
    assert_eq!(names(db.snapshot().list(by_cpu.all())), ["c-y"]);
}

/// A handle can be found again by its name and the type of its keys, where the index is, and nowhere else.
#[test]
fn an_index_is_found_by_its_name() {
    let db = open();
    let before = db.snapshot();
    let revision = db.revision();
    let mut tx = db.begin_write().unwrap();
    tx.add_index(by_cpu()).unwrap();
    assert!(tx.index::<Pod, u64>("by_cpu").is_some());
    assert!(db.snapshot().index::<Pod, u64>("by_cpu").is_none());
    assert_eq!(tx.commit().unwrap(), Revision::new(revision.get() + 1));
    let snapshot = db.snapshot();
    let found: Index<Pod, u64> = snapshot.index("by_cpu").unwrap();
    assert_eq!(snapshot.count(found.eq(10)), 1);
    assert!(snapshot.index::<Pod, i64>("by_cpu").is_none());
    assert!(snapshot.index::<Pod, u64>("by_zone").is_none());
    assert!(snapshot.index::<Node, u64>("by_cpu").is_none());
    assert!(before.index::<Pod, u64>("by_cpu").is_none());
}

/// A transaction that changed no row, but which indexes there are, is not empty when it is staged, and its publication is a commit; `publish` once took
/// it for one without changes, and the index was lost.
#[test]
fn an_index_alone_is_staged_and_published() {
    let db = open();
    let revision = db.revision().get();
    let mut tx = db.begin_write().unwrap();
    let by_cpu = tx.add_index(by_cpu()).unwrap();
    let staged = tx.stage().unwrap();
    assert!(!staged.is_empty() && staged.changes().unwrap().is_empty());
    assert_eq!(staged.publish().unwrap(), Revision::new(revision + 1));
    let snapshot = db.snapshot();
    assert_eq!(names(snapshot.list(by_cpu.all())), ["b-x-x", "c-y", "a-x"]);
    let mut tx = db.begin_write().unwrap();
    tx.drop_index(by_cpu).unwrap();
    let staged = tx.stage().unwrap();
    assert_eq!(staged.publish().unwrap(), Revision::new(revision + 2));
    assert!(db.snapshot().index::<Pod, u64>("by_cpu").is_none());
    let staged = db.begin_write().unwrap().stage().unwrap();
    assert!(staged.is_empty());
    assert_eq!(staged.publish().unwrap(), Revision::new(revision + 2));
}

/// What was added and dropped again, in whatever way, makes no commit.
#[test]
fn what_comes_and_goes_in_one_transaction_is_no_change() {
    let db = open();
    let revision = db.revision();
    db.write(|tx| {
        let here = tx.savepoint();
        let by_cpu = tx.add_index(by_cpu())?;
        tx.rollback_to(&here)?;
        assert!(tx.index::<Pod, u64>(by_cpu.name()).is_none());
        let again = tx.add_index(self::by_cpu())?;
        tx.drop_index(again)
    })
    .unwrap();
    assert_eq!(db.revision(), revision);
    let by_cpu = db.write(|tx| tx.add_index(by_cpu())).unwrap();
    // A savepoint from before a drop has it again.
    db.write(|tx| {
        let here = tx.savepoint();
        tx.drop_index(by_cpu)?;
        tx.put(pod("d", None, 5))?;
        tx.rollback_to(&here)?;
        assert_eq!(names(tx.list(by_cpu.all())), ["b-x-x", "c-y", "a-x"]);
        tx.put(pod("e", None, 6)).map(drop)
    })
    .unwrap();
    assert_eq!(
        names(db.snapshot().list(by_cpu.all())),
        ["e", "b-x-x", "c-y", "a-x"]
    );
}

/// Each refusal says which table and index, and the transaction goes on as it was.
#[test]
fn what_is_refused_says_why_and_changes_nothing() {
    let db = open();
    let other = open();
    let foreign = other.write(|tx| tx.add_index(by_cpu())).unwrap();
    let by_cpu = db.write(|tx| tx.add_index(by_cpu())).unwrap();
    db.write(|tx| {
        let refused = tx.add_index(NewIndex::new("by_parity", |pod: &Pod| pod.cpu / 20).unique());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "table `pods`: index `by_parity` has 1 already, for the row \"a-x\"; the row \"c-y\" was refused"
        );
        let refused = tx.add_index(NewIndex::each("by_word", words).unique());
        assert_eq!(
            refused.unwrap_err().to_string(),
            "table `pods`: index `by_word` has \"x\" already, for the row \"a-x\"; the row \"b-x-x\" was refused"
        );
        let refused = tx.add_index(NewIndex::new("by_length", |pod: &Pod| pod.name.repeat(9000)));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "table `pods`: the row \"b-x-x\" has a key of 45009 bytes in index `by_length`, which is longer than 32768"
        );
        for taken in ["by_cpu", "by_node"] {
            let refused = tx.add_index(NewIndex::new(taken, |pod: &Pod| pod.cpu));
            assert_eq!(
                refused.unwrap_err().to_string(),
                format!("table `pods`: there is an index `{taken}` already; drop it first or give the new one another name")
            );
        }
        let refused = tx.add_index(NewIndex::new("by_name", |node: &Node| node.name.clone()));
        assert!(matches!(refused, Err(Error::UnknownTable { table: "nodes" })));
        assert_eq!(
            tx.drop_index(Pod::BY_NODE).unwrap_err().to_string(),
            "table `pods`: index `by_node` is declared by the struct of its rows and stays with it"
        );
        let gone = "table `pods`: no index `by_cpu` here; it was dropped, or added later or to another database";
        assert_eq!(tx.drop_index(foreign).unwrap_err().to_string(), gone);
        assert_eq!(tx.remove_all(foreign.all()).unwrap_err().to_string(), gone);
        assert_eq!(db.follow(foreign.all()).unwrap_err().to_string(), gone);
        assert_eq!(panicking(|| tx.count(foreign.all())), gone);
        assert_eq!(panicking(|| db.snapshot().count(foreign.all())), gone);
        assert_eq!(panicking(|| db.snapshot().watch(foreign.all())), gone);
        let waited = db.wait_changed(&db.snapshot(), foreign.all());
        assert_eq!(waited.unwrap_err().to_string(), gone);
        assert_eq!(names(tx.list(by_cpu.all())), ["b-x-x", "c-y", "a-x"]);
        Ok::<_, Error>(())
    })
    .unwrap();

    // Writes: the index that is violated is told, and no other is changed.
    let before = db.revision();
    db.write(|tx| {
        let unique = tx.add_index(NewIndex::sparse("by_even", |pod: &Pod| pod.cpu.is_multiple_of(2).then_some(pod.cpu)).unique())?;
        let refused = tx.put(pod("d", None, 20)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "table `pods`: index `by_even` has 20 already, for the row \"c-y\"; the row \"d\" was refused"
        );
        let long = "l".repeat(20_000);
        tx.add_index(NewIndex::new("by_length", |pod: &Pod| pod.name.clone()))?;
        assert_eq!(
            tx.put(pod(&long, None, 1)).unwrap_err().to_string(),
            format!(
                "table `pods`: the row \"{}… (20002 characters) has a key of 40004 bytes in index `by_length`, which is longer than 32768",
                "l".repeat(63)
            )
        );
        assert_eq!(tx.count(by_cpu.all()), 3);
        assert_eq!(tx.count(unique.all()), 3);
        assert_eq!(tx.count(Pod::ALL), 3);
        Err::<(), _>(Error::Closed)
    })
    .unwrap_err();
    assert_eq!(db.revision(), before);
}

/// A unique index does not mind keys with `None`.
#[test]
fn none_conflicts_with_nothing() {
    let db = open();
    let by_node = db.write(|tx| {
        tx.insert(pod("d", None, 1))?;
        tx.add_index(NewIndex::new("unique_node", |pod: &Pod| pod.node.clone()).unique())
    });
    let by_node = by_node.unwrap();
    assert_eq!(db.snapshot().count(by_node.eq(None::<&str>)), 2);
    let refused = db.write(|tx| tx.insert(pod("e", Some("n1"), 1)));
    assert!(matches!(refused, Err(Error::Duplicate { .. })));
}

/// A function that gives other keys than before is found out: fewer, more, none, others. The row stays, and goes when the function is itself again.
#[test]
fn an_unstable_function_is_refused() {
    for index in 0..3 {
        let db = open();
        let mode = Arc::new(AtomicU8::new(0));
        let lies = Arc::clone(&mode);
        let keys = move |pod: &Pod| match lies.load(Ordering::Relaxed) {
            0 => words(pod),
            1 => Vec::new(),
            2 => words(pod)[..1].to_vec(),
            3 => vec!["other".to_owned(); words(pod).len()],
            _ => [words(pod), vec!["more".to_owned()]].concat(),
        };
        db.write(|tx| match index {
            0 => tx.add_index(NewIndex::each("lies", keys)).map(drop),
            1 => tx
                .add_index(NewIndex::sparse("lies", move |pod: &Pod| keys(pod).pop()))
                .map(drop),
            _ => tx
                .add_index(NewIndex::new("lies", move |pod: &Pod| keys(pod).join(" ")))
                .map(drop),
        })
        .unwrap();
        // One that came with the index, one that came after it.
        db.write(|tx| tx.insert(pod("d-q", None, 1))).unwrap();
        for name in ["a-x", "d-q"] {
            for lie in 1..5 {
                mode.store(lie, Ordering::Relaxed);
                let refused: [Result<(), Error>; 3] = [
                    db.write(|tx| tx.remove::<Pod>(name).map(drop)),
                    db.write(|tx| tx.put(pod(name, None, 3)).map(drop)),
                    db.write(|tx| tx.remove_all(Pod::BY_NAME.eq(name)).map(drop)),
                ];
                for refused in refused {
                    assert!(
                        matches!(&refused, Err(Error::UnstableIndex { table: "pods", index, .. }) if index == "lies"),
                        "{index} {lie} {refused:?}"
                    );
                }
            }
        }
        mode.store(0, Ordering::Relaxed);
        assert_eq!(db.write(|tx| tx.remove_all(Pod::ALL)).unwrap(), 4);
    }
}

/// A function that panics takes nothing with it: the row or the index is not there, the rest is.
#[test]
fn a_panic_of_a_function_changes_nothing() {
    let db = open();
    let by_cpu = db
        .write(|tx| {
            let picky = || {
                NewIndex::new("picky", |pod: &Pod| {
                    assert_ne!(pod.cpu, 20, "not this one");
                    pod.cpu
                })
            };
            catch_unwind(AssertUnwindSafe(|| tx.add_index(picky()))).unwrap_err();
            assert!(tx.index::<Pod, u64>("picky").is_none());
            tx.update::<Pod>("c-y", |pod| pod.cpu = 21)?;
            let index = tx.add_index(picky())?;
            catch_unwind(AssertUnwindSafe(|| tx.put(pod("d", None, 20)))).unwrap_err();
            Ok::<_, Error>(index)
        })
        .unwrap();
    assert_eq!(
        names(db.snapshot().list(by_cpu.all())),
        ["b-x-x", "c-y", "a-x"]
    );
}

/// When a drop is committed, whoever waits for the index is told: watches on any snapshot, followers, and `wait_changed`.
#[test]
fn a_drop_ends_watches_and_followers() {
    let db = open();
    let by_cpu = db.write(|tx| tx.add_index(by_cpu())).unwrap();
    let snapshot = db.snapshot();
    let watch = snapshot.watch(by_cpu.eq(99));
    let other = snapshot.watch(Pod::BY_NODE.all());
    let mut fresh = db.follow(by_cpu.all()).unwrap();
    let (a, b) = (db.clone(), db.clone());
    let since = snapshot.clone();
    let waiting = thread::spawn(move || a.wait_changed(&since, by_cpu.eq(99)).map(drop));
    let following = thread::spawn(move || b.follow(by_cpu.all()).unwrap().count());
    thread::sleep(Duration::from_millis(20));
    // A drop that is not committed tells nobody.
    let mut tx = db.begin_write().unwrap();
    tx.drop_index(by_cpu).unwrap();
    assert!(panicking(|| tx.count(by_cpu.all())).contains("no index `by_cpu`"));
    drop(tx);
    assert!(!watch.is_closed());

    db.write(|tx| tx.drop_index(by_cpu)).unwrap();
    assert!(watch.is_closed() && !other.is_closed());
    let ended = watch.wait().unwrap_err();
    assert_eq!(ended, Closed::Index);
    assert_eq!(ended.to_string(), "the index behind the watch was dropped");
    assert!(matches!(Error::from(ended), Error::IndexDropped));
    let mut set = WatchSet::new();
    set.add(snapshot.watch(by_cpu.all()));
    assert_eq!(set.wait(), Err(Closed::Index));
    assert!(snapshot.watch(by_cpu.all()).is_closed());
    assert!(fresh.next().is_none() && fresh.try_next().is_none());
    assert!(matches!(
        waiting.join().unwrap(),
        Err(Error::UnknownIndex { .. })
    ));
    // Its first step may have come too late.
    assert!(following.join().is_ok_and(|steps| steps <= 1));
    // One of the same name is another one.
    let again = db.write(|tx| tx.add_index(self::by_cpu())).unwrap();
    assert!(matches!(
        db.follow(by_cpu.all()),
        Err(Error::UnknownIndex { .. })
    ));
    let watch = db.snapshot().watch(again.all());
    db.close().unwrap();
    assert!(db.snapshot().watch(again.all()).is_closed());
    assert_eq!(watch.wait(), Err(Closed::Database));
}

/// A fork has the indexes of its snapshot, with watches of its own, and adds and drops on its own.
#[test]
fn forks_go_their_own_ways() {
    let db = open();
    let by_cpu = db.write(|tx| tx.add_index(by_cpu())).unwrap();
    let fork = db.snapshot().fork();
    let (here, there) = (
        db.snapshot().watch(by_cpu.all()),
        fork.snapshot().watch(by_cpu.all()),
    );
    let by_word = fork
        .write(|tx| {
            tx.remove::<Pod>("a-x")?;
            tx.add_index(NewIndex::each("by_word", words))
        })
        .unwrap();
    assert!(!here.is_fired() && there.is_fired());
    assert_eq!(fork.snapshot().count(by_word.all()), 2);
    assert_eq!(names(fork.snapshot().list(by_cpu.all())), ["b-x-x", "c-y"]);
    assert!(matches!(
        db.follow(by_word.all()),
        Err(Error::UnknownIndex { .. })
    ));
    fork.write(|tx| tx.drop_index(by_cpu)).unwrap();
    assert!(!here.is_closed());
    // The rows are those of both, and go from each with their own entries.
    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    assert!(here.is_fired());
    assert_eq!(db.snapshot().count(by_cpu.all()), 0);
    drop(db);
    assert_eq!(fork.snapshot().count(by_word.all()), 2);
    assert_eq!(fork.write(|tx| tx.remove_all(by_word.eq("x"))).unwrap(), 1);
    assert_eq!(fork.snapshot().count(by_word.all()), 1);
}

/// What an index's functions hold is let go of when nothing shows the index any more, however it went.
#[test]
fn a_dropped_index_is_let_go_of() {
    type Add = fn(&Database, &Arc<()>) -> Option<Snapshot>;
    fn add(tx: &mut WriteTxn, held: &Arc<()>) -> Result<Index<Pod, u64>, Error> {
        let held = Arc::clone(held);
        tx.add_index(NewIndex::new("held", move |pod: &Pod| {
            assert!(Arc::strong_count(&held) > 0);
            pod.cpu
        }))
    }
    let ways: [Add; 5] = [
        |db, held| {
            let index = db.write(|tx| add(tx, held)).unwrap();
            let snapshot = db.snapshot();
            db.write(|tx| tx.drop_index(index)).unwrap();
            Some(snapshot)
        },
        |db, held| {
            drop(db.write(|tx| {
                add(tx, held)?;
                Err::<(), _>(Error::Closed)
            }));
            None
        },
        |db, held| {
            let panics =
                || db.write(|tx| -> Result<(), Error> { panic!("{}", add(tx, held)?.name()) });
            catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
            None
        },
        |db, held| {
            let rolled = db.write(|tx| {
                let here = tx.savepoint();
                add(tx, held)?;
                tx.rollback_to(&here)
            });
            rolled.unwrap();
            None
        },
        |db, held| {
            db.write(|tx| add(tx, held)).unwrap();
            let fork = db.snapshot().fork();
            let index = fork.snapshot().index::<Pod, u64>("held").unwrap();
            db.write(|tx| tx.drop_index(index)).unwrap();
            Some(fork.snapshot())
        },
    ];
    for (way, add) in ways.iter().enumerate() {
        let db = open();
        let held = Arc::new(());
        let snapshot = add(&db, &held);
        if let Some(snapshot) = &snapshot {
            db.reclaim().unwrap();
            assert!(Arc::strong_count(&held) > 1, "{way}: a snapshot has it");
            let index = snapshot.index::<Pod, u64>("held").unwrap();
            assert_eq!(names(snapshot.list(index.all())), ["b-x-x", "c-y", "a-x"]);
        }
        drop(snapshot);
        db.reclaim().unwrap();
        assert_eq!(Arc::strong_count(&held), 1, "way {way}");
    }
}

/// A file has the rows, and no trace of an index that was added.
#[test]
fn a_file_keeps_no_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pods.sap");
    let open = || Database::builder().table::<Pod>().open(&path).unwrap();
    let db = open();
    let by_cpu = db.write(|tx| tx.add_index(by_cpu())).unwrap();
    let revision = db
        .write(|tx| tx.insert(pod("a", None, 3)).map(|row| row.modified()))
        .unwrap();
    assert!(db.snapshot().contains(by_cpu.eq(3)));
    db.close().unwrap();
    drop(db);
    let db = open();
    assert_eq!(db.revision(), revision);
    assert!(db.snapshot().index::<Pod, u64>("by_cpu").is_none());
    let by_cpu = db.write(|tx| tx.add_index(self::by_cpu())).unwrap();
    assert_eq!(names(db.snapshot().list(by_cpu.all())), ["a"]);
}
