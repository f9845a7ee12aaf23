//! What `counters` and `stats` say of a database is what is so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use proptest::prelude::*;
use sapwood::pagefile::MemStorage;
use sapwood::stats::{Memory, Stats, Watches};
use sapwood::{Database, Error, Revision, Snapshot, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u64,
    #[index(sparse)]
    node: Option<String>,
    #[index(each)]
    labels: BTreeSet<String>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    name: String,
    cpus: u32,
}

fn database() -> Database {
    let builder = Database::builder().table::<Pod>().table::<Node>();
    builder.in_memory().unwrap()
}

fn pod(id: u64) -> Pod {
    Pod {
        id,
        node: (id.is_multiple_of(4)).then(|| format!("n{}", id % 10)),
        labels: (0..id % 3).map(|label| format!("l{label}")).collect(),
    }
}

/// What a pod takes, without what it points at.
fn row_bytes() -> usize {
    (size_of::<Pod>() + 24).next_multiple_of(32)
}

fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        cpus: 4,
    }
}

/// Rows and entries are exactly those that the rows have, in tables full and empty; nodes and bytes are what so many entries need.
#[test]
fn a_known_database_is_counted() {
    let db = database();
    let empty = db.stats();
    assert!(empty.tables.iter().all(|table| {
        let mut indexes = table.indexes.iter();
        table.rows == 0
            && table.row_bytes == 0
            && indexes.all(|index| {
                index.bytes + index.entries + index.inner + index.buckets + index.depth == 0
            })
    }));

    db.write(|tx| {
        for id in 0..1000 {
            tx.insert(pod(id))?;
        }
        tx.insert(node("n1"))
    })
    .unwrap();
    let Stats {
        counters, tables, ..
    } = db.stats();
    assert_eq!(counters, db.counters());
    let rows: Vec<_> = counters
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .collect();
    assert_eq!(rows, [("pods", 1000), ("nodes", 1)]);

    let pods = &tables[0];
    assert_eq!((pods.name.as_str(), pods.rows), ("pods", 1000));
    assert_eq!(pods.row_bytes, 1000 * row_bytes());
    let entries: Vec<_> = pods
        .indexes
        .iter()
        .map(|index| (index.name.as_str(), index.entries))
        .collect();
    let labels = (0..1000).map(|id| pod(id).labels.len()).sum();
    assert_eq!(
        entries,
        [("by_id", 1000), ("by_node", 250), ("by_labels", labels)]
    );
    for index in &pods.indexes {
        // A bucket holds up to 32 entries, each of 8 bytes of key and 8 of row at least; an inner node 64 children.
        assert!(index.buckets >= index.entries.div_ceil(32), "{index:?}");
        assert!((1..=index.buckets).contains(&index.inner), "{index:?}");
        assert!(index.bytes >= 16 * index.entries, "{index:?}");
        assert!((2..=5).contains(&index.depth), "{index:?}");
    }

    let nodes = &tables[1];
    let [by_name] = nodes.indexes.as_slice() else {
        panic!("one index: {nodes:?}");
    };
    assert_eq!((nodes.rows, by_name.entries), (1, 1));
    assert_eq!((by_name.inner, by_name.buckets, by_name.depth), (0, 1, 1));

    db.write(|tx| tx.remove_all(Pod::ALL)).unwrap();
    assert_eq!(db.stats().tables[0].rows, 0);
    assert_eq!(db.stats().tables[0].indexes[0].bytes, 0);
}

/// A snapshot that is left behind shows up with what it pins, its clones and forks as the same one; let go of, all of it is gone.
#[test]
fn pins_come_and_go_with_their_snapshots() {
    let db = database();
    db.write(|tx| (0..100).try_for_each(|id| tx.insert(pod(id)).map(drop)))
        .unwrap();
    let change = || {
        db.write(|tx| {
            (0..10).try_for_each(|id| tx.update::<Pod>(id, |pod| pod.node = None).map(drop))
        })
        .unwrap();
    };
    let versions = || db.counters().versions;

    let first = db.snapshot();
    assert_eq!(
        (versions().held, versions().oldest),
        (0, None),
        "it is the newest"
    );
    change();
    let (clone, fork) = (first.clone(), first.fork());
    let oldest = versions().oldest.unwrap();
    assert_eq!(versions().held, 1);
    assert_eq!((oldest.revision, oldest.pins.rows), (first.revision(), 10));
    assert!(oldest.pins.nodes >= 3, "a path in each index");
    assert!(oldest.pins.bytes >= 10 * row_bytes() + 64 * oldest.pins.nodes);
    assert_eq!(versions().unlinked, oldest.pins);

    let second = db.snapshot();
    change();
    assert_eq!(versions().held, 2);
    assert_eq!(
        versions().oldest.unwrap().pins,
        oldest.pins,
        "it pins no more than before"
    );
    assert_eq!(versions().unlinked.rows, 20);
    let age = |oldest: &sapwood::stats::OldestVersion| oldest.age;
    assert!(
        age(&versions().oldest.unwrap()) >= age(&oldest),
        "it grows older"
    );

    drop((first, clone));
    assert_eq!(versions().held, 2, "the fork stands on it");
    assert_eq!(fork.counters().versions.held, 0);
    drop(fork);
    assert_eq!(versions().held, 1);
    assert_eq!(versions().oldest.unwrap().revision, second.revision());
    db.reclaim().unwrap();
    assert_eq!(versions().unlinked.rows, 10);
    drop(second);
    db.reclaim().unwrap();
    assert_eq!((versions().held, versions().oldest), (0, None));
    assert_eq!(versions().unlinked, Memory::default());
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u64>),
    Remove(u64),
    Hold,
    Release(usize),
    Abort(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..12u64;
    prop_oneof![
        4 => prop::collection::vec(id.clone(), 1..6).prop_map(Step::Put),
        2 => id.clone().prop_map(Step::Remove),
        3 => Just(Step::Hold),
        2 => any::<usize>().prop_map(Step::Release),
        1 => id.prop_map(Step::Abort),
    ]
}

/// Which stored rows lived from which revision up to which.
#[derive(Default)]
struct Lives {
    now: BTreeMap<u64, u64>,
    past: Vec<(u64, u64)>,
}

impl Lives {
    fn end(&mut self, id: u64, revision: u64) {
        let born = self.now.remove(&id);
        self.past.extend(born.map(|born| (born, revision)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After any history, and once all is reclaimed that can be: as many rows are kept as lived in a revision that is held, and the
    /// oldest version pins those of them that lived in no younger one.
    #[test]
    fn held_rows_are_those_of_the_model(steps in prop::collection::vec(step(), 1..60)) {
        let db = database();
        let mut lives = Lives::default();
        let mut held: Vec<Snapshot> = Vec::new();
        for step in steps {
            let next = db.revision().get() + 1;
            match step {
                Step::Put(ids) => {
                    let ids: BTreeSet<u64> = ids.into_iter().collect();
                    db.write(|tx| ids.iter().try_for_each(|&id| tx.put(pod(id)).map(drop))).unwrap();
                    for id in ids {
                        lives.end(id, next);
                        lives.now.insert(id, next);
                    }
                }
                Step::Remove(id) => {
                    db.write(|tx| tx.remove::<Pod>(id)).unwrap();
                    lives.end(id, next);
                }
                Step::Hold => held.push(db.snapshot()),
                Step::Release(place) if !held.is_empty() => drop(held.swap_remove(place % held.len())),
                Step::Release(_) => {}
                Step::Abort(id) => {
                    let mut tx = db.begin_write().unwrap();
                    tx.put(pod(id)).unwrap();
                }
            }
            db.reclaim().unwrap();
            let newest = db.revision();
            let revisions: BTreeSet<u64> = held
                .iter()
                .map(Snapshot::revision)
                .filter(|&revision| revision < newest)
                .map(Revision::get)
                .collect();
            // The youngest version that shows a row that is gone.
            let shown = |&(born, end): &(u64, u64)| revisions.range(born..end).next_back().copied();
            let kept: Vec<_> = lives.past.iter().filter_map(shown).collect();
            let versions = db.counters().versions;
            prop_assert_eq!(versions.held, revisions.len());
            prop_assert_eq!(versions.unlinked.rows, kept.len());
            prop_assert_eq!(versions.oldest.map(|oldest| oldest.revision.get()), revisions.first().copied());
            if let Some(oldest) = versions.oldest {
                let pinned = kept.iter().filter(|&&revision| revision == oldest.revision.get());
                prop_assert_eq!(oldest.pins.rows, pinned.count());
            } else {
                prop_assert_eq!(versions.unlinked, Memory::default());
            }
        }
    }
}

/// Watches are counted where they are set, and no more once they are dropped, fired or closed.
#[test]
fn watches_are_counted_by_index() {
    let db = database();
    let snapshot = db.snapshot();
    let on_id = snapshot.watch(Pod::BY_ID.eq(1));
    let on_node = [
        snapshot.watch(Pod::BY_NODE.eq("n1")),
        snapshot.watch(Pod::BY_NODE.eq("n2")),
    ];
    let set = |db: &Database| {
        let stats = db.stats();
        let indexes = stats.tables.iter().flat_map(|table| &table.indexes);
        let set: Vec<_> = indexes.map(|index| index.watches.set).collect();
        assert_eq!(set.iter().sum::<usize>(), stats.counters.watches.set);
        set
    };
    assert_eq!(set(&db), [1, 2, 0, 0]);
    assert_eq!(db.counters().tables[0].watches.set, 3);
    db.write(|tx| {
        tx.insert(Pod {
            node: Some("n1".into()),
            ..pod(1)
        })
    })
    .unwrap();
    assert!(on_id.is_fired() && on_node[0].is_fired());
    assert_eq!(set(&db), [0, 1, 0, 0]);
    assert_eq!(db.counters().watches.fired, 2);
    drop(on_node);
    assert_eq!(db.counters().watches.set, 0);
    let closed = db.snapshot().watch(Node::ALL);
    db.close().unwrap();
    assert!(closed.is_closed());
    let Watches { set, fired, .. } = db.counters().watches;
    assert_eq!((set, fired), (0, 2));
}

/// Every transaction is counted once, by how it ended: committed, ended without one, refused; what changed nothing is none of these.
#[test]
fn transactions_are_counted_by_their_end() {
    let db = database();
    db.write(|tx| (0..5).try_for_each(|id| tx.insert(pod(id)).map(drop)))
        .unwrap();
    db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    db.write(|tx| tx.remove::<Pod>(1)).unwrap();
    let duplicate = db.write(|tx| {
        tx.insert(node("n1"))?;
        tx.insert(pod(2)).map(drop)
    });
    assert!(matches!(duplicate, Err(Error::Duplicate { .. })));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.write(|_| -> Result<(), Error> { panic!("as this test means to") })
    }));
    assert!(panicked.is_err());
    let commits = db.counters().commits;
    assert_eq!((commits.count, commits.rows), (2, 6));
    assert_eq!((commits.aborted, commits.refused), (2, 0));
    let seat = db.counters().seat;
    assert_eq!(seat.held.count, 5);
    assert!(seat.held.longest <= seat.held.total);
    assert_eq!((seat.waited.count, seat.now), (0, None));

    db.reclaim().unwrap();
    assert_eq!(db.counters().commits, commits);
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod(9)).unwrap();
    db.close().unwrap();
    assert!(matches!(tx.commit(), Err(Error::Closed)));
    let commits = db.counters().commits;
    assert_eq!((commits.count, commits.rows, commits.refused), (2, 6, 1));
}

/// Who has the writer's seat is told with its thread and the line where it began, and who waits is counted; after that, both in the sums.
#[test]
fn the_one_who_writes_is_told() {
    let db = database();
    let (tx, line) = (db.begin_write().unwrap(), line!());
    let now = db.counters().seat.now.unwrap();
    assert_eq!(now.thread.as_deref(), thread::current().name());
    assert!(
        now.began.starts_with(&format!("{}:{line}:", file!())),
        "{}",
        now.began
    );
    let later = db.counters().seat.now.unwrap();
    assert!(later.held >= now.held, "it grows older");

    let waiter = {
        let db = db.clone();
        thread::spawn(move || db.write(|tx| tx.insert(pod(1)).map(drop)))
    };
    while db.counters().seat.waiting == 0 {
        thread::yield_now();
    }
    assert_eq!(db.counters().seat.waited.count, 0, "it still waits");
    drop(tx);
    waiter.join().unwrap().unwrap();
    let seat = db.counters().seat;
    assert_eq!((seat.waiting, seat.now), (0, None));
    assert_eq!((seat.held.count, seat.waited.count), (2, 1));
    assert!(!seat.waited.total.is_zero() && seat.waited.longest == seat.waited.total);

    // In the words of the closure, too.
    let (began, line) = (
        db.write(|_| Ok::<_, Error>(db.counters().seat.now.unwrap().began)),
        line!() - 1,
    );
    assert!(began.unwrap().starts_with(&format!("{}:{line}:", file!())));
}

/// All of it can be serialised and shown, and a database on a file says how large that is.
#[test]
fn numbers_can_be_shown_and_serialised() {
    let builder = Database::builder().table::<Pod>();
    let db = builder
        .open_storage(Box::new(MemStorage::default()))
        .unwrap();
    db.write(|tx| tx.insert(pod(8))).unwrap();
    // Else the trees of the file hold an older version.
    db.checkpoint().unwrap();
    let held = db.snapshot();
    db.write(|tx| tx.remove::<Pod>(8)).unwrap();
    let stats = db.stats();
    assert!(stats.counters.file_bytes > 0);

    let json = serde_json::to_value(&stats).unwrap();
    assert_eq!(
        json["counters"]["versions"]["oldest"]["revision"],
        held.revision().get()
    );
    assert_eq!(json["counters"]["commits"]["count"], 2);
    assert_eq!(json["tables"][0]["indexes"][1]["name"], "by_node");

    // Somebody writes, and somebody watches.
    let (tx, line) = (db.begin_write().unwrap(), line!());
    let _watch = held.watch(Pod::BY_NODE.eq("n9"));
    let busy = db.stats().to_string();
    drop(tx);
    let began = format!("from {}:{line}:", file!());
    for part in ["now held for ", &began, "table pods: 0 rows, "] {
        assert!(busy.contains(part), "{part} is not in\n{busy}");
    }

    let text = stats.to_string();
    for part in [
        "revision 2, file ",
        "disk: durable up to revision 2, in the trees up to 1; 4096 B in the journal; 2 groups, 1 checkpoints, ",
        "commits: 2, of 2 rows; aborted 0, refused 0",
        "versions held: 1; the oldest of revision 1, out of date for ",
        "table pods: 0 rows",
        "\npods.by_id ",
        "\npods.by_labels ",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
