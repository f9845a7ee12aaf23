//! What one database staged can be written on another, which has the same rows then, with the same metadata, and tells its watches and followers; and bytes that are not
//! such changes do no harm.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sapwood::{
    Change, ChangeList, ChangeListError, Database, Error, Follow, Revision, Row, Snapshot, Table,
    WriteTxn,
};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u8,
    /// Few, so that they change hands within a transaction.
    #[index(unique)]
    name: Option<u8>,
    #[index]
    node: u8,
    weight: u8,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "nodes")]
struct Node {
    #[key]
    name: String,
    cpus: u8,
}

fn open() -> Database {
    let builder = Database::builder().table::<Pod>().table::<Node>();
    builder.in_memory().unwrap()
}

/// The same tables in another order.
fn open_other() -> Database {
    let builder = Database::builder().table::<Node>().table::<Pod>();
    builder.in_memory().unwrap()
}

fn pod(id: u8, name: Option<u8>) -> Pod {
    Pod {
        id,
        name,
        node: id % 3,
        weight: 1,
    }
}

fn node(number: u8) -> Node {
    Node {
        name: format!("n{number}"),
        cpus: number,
    }
}

fn rev(number: u64) -> Revision {
    Revision::new(number)
}

/// A row with its metadata.
type Kept<T> = (T, Revision, Revision);

fn kept<T: Clone>(row: &Row<T>) -> Kept<T> {
    (T::clone(row), row.created(), row.modified())
}

/// All that is seen of a database: the rows by each index, with their metadata, and the revisions.
fn all(snapshot: &Snapshot) -> (Vec<Kept<Pod>>, Vec<Kept<Node>>, [Revision; 3]) {
    let pods = [Pod::ALL, Pod::BY_NAME.all(), Pod::BY_NODE.all()];
    let pods = pods.into_iter().flat_map(|query| snapshot.list(query));
    (
        pods.map(kept).collect(),
        snapshot.list(Node::ALL).map(kept).collect(),
        [
            snapshot.revision(),
            snapshot.table_revision::<Pod>(),
            snapshot.table_revision::<Node>(),
        ],
    )
}

#[derive(Clone, Debug)]
enum Op {
    Put(u8, Option<u8>, u8),
    Swap(u8, u8),
    Remove(u8),
    Again(u8),
    Node(u8),
    NodeGone(u8),
}

fn op() -> impl Strategy<Value = Op> {
    let (id, name) = (0..12u8, 0..6u8);
    prop_oneof![
        4 => (id.clone(), proptest::option::of(name), any::<u8>()).prop_map(|(id, name, w)| Op::Put(id, name, w)),
        3 => (id.clone(), id.clone()).prop_map(|(a, b)| Op::Swap(a, b)),
        3 => id.clone().prop_map(Op::Remove),
        1 => id.clone().prop_map(Op::Again),
        2 => (0..4u8).prop_map(Op::Node),
        1 => (0..4u8).prop_map(Op::NodeGone),
    ]
}

impl Op {
    /// What is refused is left out.
    fn run(&self, tx: &mut WriteTxn) {
        match *self {
            Self::Put(id, name, weight) => drop(tx.put(Pod {
                weight,
                ..pod(id, name)
            })),
            Self::Swap(a, b) if a != b => {
                let both = [a, b].map(|id| tx.get::<Pod>(id).map(|row| Pod::clone(row)));
                if let [Some(one), Some(two)] = both {
                    tx.update::<Pod>(a, |pod| pod.name = None).unwrap();
                    tx.update::<Pod>(b, |pod| pod.name = one.name).unwrap();
                    tx.update::<Pod>(a, |pod| pod.name = two.name).unwrap();
                }
            }
            Self::Swap(..) => {}
            Self::Remove(id) => drop(tx.remove::<Pod>(id).unwrap()),
            Self::Again(id) => {
                if let Some(row) = tx.remove::<Pod>(id).unwrap() {
                    tx.insert(Pod::clone(&row)).unwrap();
                }
            }
            Self::Node(number) => drop(tx.put(node(number)).unwrap()),
            Self::NodeGone(number) => drop(tx.remove::<Node>(format!("n{number}")).unwrap()),
        }
    }
}

/// A follower of the other database, and the rows as it tells them.
struct Replica {
    follower: Follow<Pod>,
    rows: BTreeMap<u8, Kept<Pod>>,
}

impl Replica {
    fn step(&mut self, to: Revision) {
        let Some(step) = self.follower.try_next() else {
            return;
        };
        assert_eq!(step.to(), to);
        for change in step {
            let before = match &change {
                Change::Inserted(new) | Change::Updated { new, .. } => {
                    self.rows.insert(new.id, kept(new))
                }
                Change::Removed(old) => self.rows.remove(&old.id),
            };
            assert_eq!(before, change.before().map(kept));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Random transactions on one database, staged, sent as bytes, published at revisions with gaps and applied to another: after each the two are the same, with
    /// metadata and in every index, and a follower of the other has its rows. Keys of a unique index change hands within a transaction.
    #[test]
    fn the_other_database_is_the_same(
        transactions in vec((vec(op(), 0..8), 0..3u64, 0..5u8), 1..20)
    ) {
        let (here, there) = (open(), open_other());
        let mut replica = Replica {
            follower: there.follow(Pod::ALL).unwrap(),
            rows: BTreeMap::new(),
        };
        for (ops, gap, lag) in &transactions {
            let mut tx = here.begin_write().unwrap();
            for op in ops {
                op.run(&mut tx);
            }
            let told = tx.changes::<Pod>().len() + tx.changes::<Node>().len();
            let staged = tx.stage().unwrap();
            let bytes = staged.changes().unwrap().to_bytes();
            prop_assert_eq!(staged.changes().unwrap().byte_len(), bytes.len());
            prop_assert_eq!(staged.changes().unwrap().len(), told);
            let revision = rev(staged.revision().get() + gap);
            prop_assert_eq!(staged.publish_at(revision).unwrap(), revision);

            let changes = ChangeList::from_bytes(&bytes).unwrap();
            prop_assert_eq!(&changes.to_bytes(), &bytes);
            prop_assert_eq!(there.apply(&changes, revision).unwrap(), revision);
            let snapshot = there.snapshot();
            prop_assert_eq!(all(&here.snapshot()), all(&snapshot));
            if *lag == 0 {
                replica.step(revision);
                let rows = snapshot.list(Pod::ALL).map(|row| (row.id, kept(row)));
                prop_assert_eq!(&replica.rows, &rows.collect());
            }
        }
    }

    /// No bytes make the reader panic, or are taken for a list that does not write itself so.
    #[test]
    fn any_bytes_are_a_list_or_a_typed_error(
        bytes in vec(any::<u8>(), 0..80), spot in any::<prop::sample::Index>(), change: u8, cut in any::<prop::sample::Index>()
    ) {
        let _ = ChangeList::from_bytes(&bytes);
        let mut good = sample().to_bytes();
        let spot = spot.index(good.len());
        good[spot] ^= change;
        if let Ok(list) = ChangeList::from_bytes(&good) {
            prop_assert_eq!(list.to_bytes(), good.clone());
            // And what a list says is looked at once more where it is applied.
            let _ = open().apply(&list, rev(9));
        }
        good[spot] ^= change;
        good.truncate(cut.index(good.len()));
        prop_assert!(ChangeList::from_bytes(&good).is_err());
    }
}

/// The changes of one transaction over two tables.
fn sample() -> ChangeList {
    let db = open();
    let mut tx = db.begin_write().unwrap();
    tx.insert(pod(2, Some(7))).unwrap();
    tx.insert(pod(1, None)).unwrap();
    tx.insert(node(1)).unwrap();
    tx.stage().unwrap().changes().unwrap().clone()
}

/// A list says what a transaction made of the committed rows: tables and rows in order, each row once; what came and went is not in it, and what was written as it was is.
#[test]
fn a_list_is_merged_by_row_and_in_order() {
    let db = open();
    db.write(|tx| {
        (1..6).try_for_each(|id| tx.insert(pod(id, Some(id))).map(drop))?;
        tx.insert(node(9)).map(drop)
    })
    .unwrap();
    let mut tx = db.begin_write().unwrap();
    tx.put(pod(5, Some(5))).unwrap();
    tx.insert(pod(8, None)).unwrap();
    tx.remove::<Pod>(8).unwrap();
    tx.remove::<Pod>(4).unwrap();
    tx.remove::<Pod>(3).unwrap();
    tx.insert(pod(3, Some(4))).unwrap();
    tx.insert(pod(7, None)).unwrap();
    tx.update::<Pod>(7, |pod| pod.weight = 3).unwrap();
    tx.insert(node(1)).unwrap();
    tx.remove::<Node>("n1").unwrap();
    tx.remove::<Node>("n9").unwrap();
    let staged = tx.stage().unwrap();
    let changes = staged.changes().unwrap();
    let rows: Vec<_> = changes
        .iter()
        .map(|change| {
            let revisions = change.created().zip(change.modified());
            (
                change.table(),
                change.key().to_vec(),
                revisions.map(|(created, modified)| (created.get(), modified.get())),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("nodes", b"n9\0\x01".to_vec(), None),
            ("pods", vec![3], Some((2, 2))),
            ("pods", vec![4], None),
            ("pods", vec![5], Some((1, 2))),
            ("pods", vec![7], Some((2, 2))),
        ]
    );
    let last = changes.iter().last().unwrap().row().unwrap();
    assert_eq!(
        Pod::decode_row(last).unwrap(),
        Pod {
            weight: 3,
            ..pod(7, None)
        }
    );
    assert_eq!((changes.len(), changes.revision()), (5, rev(2)));
}

/// The bytes of a list are a format: they may be stored in a log.
#[test]
fn the_bytes_of_a_list_are_frozen() {
    let mut expected = b"SAPC\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0".to_vec();
    let revisions = b"\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0";
    expected.extend(b"\x05\0\0\0nodes\x01\0\0\0\x04\0\0\0n1\0\x01\x14\0\0\0\0\0\0\0");
    expected.extend(revisions);
    expected.extend(b"\x02n1\x01");
    expected.extend(b"\x04\0\0\0pods\x02\0\0\0\x01\0\0\0\x01\x14\0\0\0\0\0\0\0");
    expected.extend(revisions);
    expected.extend(b"\x01\0\x01\x01");
    expected.extend(b"\x01\0\0\0\x02\x15\0\0\0\0\0\0\0");
    expected.extend(revisions);
    expected.extend(b"\x02\x01\x07\x02\x01");
    assert_eq!(sample().to_bytes(), expected);
    assert_eq!(ChangeList::from_bytes(&expected).unwrap(), sample());
}

/// Serde carries a list, in formats that have byte strings and in those that have not, and checks it on the way in.
#[test]
fn serde_carries_a_list() {
    let list = sample();
    let json = serde_json::to_string(&list).unwrap();
    assert_eq!(serde_json::from_str::<ChangeList>(&json).unwrap(), list);
    assert!(serde_json::from_str::<ChangeList>("[83,65,80,67]").is_err());
    let config = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(&list, config).unwrap();
    let (again, _): (ChangeList, _) = bincode::serde::decode_from_slice(&bytes, config).unwrap();
    assert_eq!(again, list);
}

/// Each kind of damage has its error; lengths that lie allocate nothing.
#[test]
fn damage_is_told() {
    let good = sample().to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut damaged = good.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        ChangeList::from_bytes(&damaged).unwrap_err()
    };
    assert_eq!(ChangeList::from_bytes(b""), Err(ChangeListError::Format));
    assert_eq!(with(0, b"x"), ChangeListError::Format);
    assert_eq!(with(4, b"\x02"), ChangeListError::Format);
    assert_eq!(with(8, b"\x02"), ChangeListError::Format);
    // More tables, rows and bytes than there are.
    for at in [20, 24, 33, 37, 45] {
        assert_eq!(with(at, &[0xff; 4]), ChangeListError::Truncated, "{at}");
    }
    let mut longer = good.clone();
    longer.extend([0; 3]);
    assert_eq!(
        ChangeList::from_bytes(&longer),
        Err(ChangeListError::Trailing { len: 3 })
    );
    // Another revision than its rows say; tables out of order; a name that is none.
    for (at, bytes) in [(12, 9), (28, b'z'), (28, 0xff), (53, 2)] {
        let error = with(at, &[bytes]);
        assert!(
            matches!(error, ChangeListError::Damaged { .. }),
            "{at}: {error}"
        );
    }
}

/// Every refusal is typed, and leaves the database as it was: rows, revision, watches, and a free seat.
#[test]
fn a_refused_list_changes_nothing() {
    let db = open();
    db.write(|tx| tx.insert(pod(1, Some(1)))).unwrap();
    let watch = db.snapshot().watch(Pod::ALL);
    let staged = |change: &dyn Fn(&mut WriteTxn)| {
        let other = open();
        other.write(|tx| tx.insert(pod(9, None))).unwrap();
        let mut tx = other.begin_write().unwrap();
        tx.insert(node(1)).unwrap();
        change(&mut tx);
        tx.stage().unwrap().changes().unwrap().clone()
    };
    let good = staged(&|_| {});
    let removal = staged(&|tx| drop(tx.remove::<Pod>(9).unwrap()));
    let twice = staged(&|tx| drop(tx.insert(pod(3, Some(1))).unwrap()));

    let refused = [0, 1].map(|number| db.apply(&good, rev(number)).unwrap_err());
    for error in &refused {
        assert!(
            matches!(error, Error::RevisionOrder { published, .. } if *published == rev(1)),
            "{error}"
        );
    }
    let error = db.apply(&good, rev(u64::MAX)).unwrap_err();
    assert!(matches!(error, Error::RevisionOrder { .. }), "{error}");
    let error = db.apply(&removal, rev(5)).unwrap_err();
    assert!(
        matches!(&error, Error::Diverged { table: "pods", key } if key == "09"),
        "{error}"
    );
    let error = db.apply(&twice, rev(5)).unwrap_err();
    assert!(
        matches!(&error, Error::Duplicate { table: "pods", index, .. } if index == "by_name"),
        "{error}"
    );
    let fewer = Database::builder().table::<Pod>().in_memory().unwrap();
    let error = fewer.apply(&good, rev(5)).unwrap_err();
    assert!(
        matches!(&error, Error::ForeignChanges { table } if table == "nodes"),
        "{error}"
    );
    assert_eq!(fewer.revision(), Revision::ZERO);

    // A row that is none, a row under another key, a row from a commit to come.
    let bytes = sample().to_bytes();
    for (at, byte) in [(69, 0xff), (70, b'x')] {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        let Ok(list) = ChangeList::from_bytes(&damaged) else {
            panic!("only the row at {at} is damaged");
        };
        let error = db.apply(&list, rev(5)).unwrap_err();
        assert!(
            matches!(&error, Error::Row { table: "nodes", key, .. } if key == "6e310001"),
            "{error}"
        );
    }
    let late = staged(&|tx| drop(tx.update::<Pod>(9, |pod| pod.weight = 2).unwrap()));
    let error = open().apply(&late, rev(1)).unwrap_err();
    assert!(matches!(error, Error::Row { table: "pods", .. }), "{error}");
    assert_eq!((db.revision(), db.snapshot().count(Pod::ALL)), (rev(1), 1));
    assert!(!watch.is_fired());
    db.write(|tx| tx.insert(node(2))).unwrap();
}

/// What is applied is a commit like any other: watches fire for its rows and no neighbour, followers get a step to its revision, and a follower on the node that
/// decided gets the same.
#[test]
fn watches_and_followers_learn_what_was_applied() {
    let (here, there) = (open(), open());
    let [mut ours, mut theirs] = [&here, &there].map(|db| {
        let mut follower = db.follow(Pod::BY_NODE.eq(1)).unwrap();
        assert!(follower.try_next().unwrap().is_empty());
        follower
    });
    let near = there.snapshot().watch(Pod::BY_NODE.eq(1));
    let neighbour = there.snapshot().watch(Pod::BY_NODE.eq(2));
    let nodes = there.snapshot().watch(Node::ALL);
    let mut tx = here.begin_write().unwrap();
    tx.insert(pod(1, None)).unwrap();
    tx.insert(pod(4, None)).unwrap();
    let staged = tx.stage().unwrap();
    let changes = staged.changes().unwrap().clone();
    staged.publish_at(rev(40)).unwrap();
    there.apply(&changes, rev(40)).unwrap();
    assert!(near.is_fired());
    assert!(!neighbour.is_fired() && !nodes.is_fired());
    let [ours, theirs] = [&mut ours, &mut theirs].map(|follower| follower.try_next().unwrap());
    assert_eq!((ours.to(), theirs.to()), (rev(40), rev(40)));
    assert_eq!(ours.changes(), theirs.changes());
}
