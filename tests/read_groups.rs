//! Groups of an index are those that a look at every row makes, with their counts, in the order of the index.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use sapwood::table::Grouping;
use sapwood::{Database, Error, Key, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_three, on[node, desc(phase), owner]))]
#[table(index(by_owner_phase, on[owner, phase]))]
#[table(index(by_phase_label, on[phase, each(labels)]))]
struct Pod {
    #[key]
    id: u16,
    #[index]
    node: Option<String>,
    phase: u8,
    owner: String,
    #[index(each)]
    labels: BTreeSet<String>,
}

/// A table with one row.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_on, on(on, id)))]
struct Flag {
    #[key]
    id: (),
    on: bool,
}

fn text() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "\0",
        "a",
        "a\0",
        "a\0\u{1}",
        "ab",
        "b",
        "\u{10FFFF}",
    ])
    .prop_map(String::from)
}

fn pod() -> impl Strategy<Value = Pod> {
    (
        proptest::option::of(text()),
        0..4u8,
        text(),
        btree_set(text(), 0..4),
    )
        .prop_map(|(node, phase, owner, labels)| Pod {
            id: 0,
            node,
            phase,
            owner,
            labels,
        })
}

/// Asks a snapshot and a transaction, and compares with the groups of all entries that are wanted.
fn check<K, G: Key + Ord>(
    db: &Database,
    grouping: &Grouping<Pod, K, G>,
    entries: impl Iterator<Item = G>,
) {
    let mut expected = BTreeMap::new();
    for group in entries {
        *expected.entry(group).or_insert(0) += 1;
    }
    let expected: Vec<(G, usize)> = expected.into_iter().collect();
    let found: Vec<(G, usize)> = db.snapshot().groups(grouping.clone()).collect();
    assert!(
        found == expected,
        "{grouping:?}: {found:?} instead of {expected:?}"
    );
    let txn = db.begin_write().unwrap();
    let found: Vec<(G, usize)> = txn.groups(grouping.clone()).collect();
    assert!(
        found == expected,
        "{grouping:?}: {found:?} instead of {expected:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// By the first column, some, and the whole key; of a whole index, and of the parts that a prefix, a beginning and a range cut out.
    #[test]
    fn groups_are_those_of_the_rows(
        mut pods in vec(pod(), 0..200),
        (low, high) in (text(), text()),
        (from, to) in (0..4u8, 0..4u8),
    ) {
        let db = Database::builder().table::<Pod>().in_memory().unwrap();
        db.write(|tx| {
            for (id, pod) in (0..).zip(&mut pods) {
                pod.id = id;
                tx.insert(pod.clone())?;
            }
            Ok::<_, Error>(())
        }).unwrap();
        let three = || pods.iter().map(|pod| (pod.node.clone(), Reverse(pod.phase), pod.owner.clone()));
        let two = || pods.iter().map(|pod| (pod.owner.clone(), pod.phase));
        let index = Pod::BY_THREE;
        check(&db, &index.group_by::<1>(), three().map(|key| key.0));
        check(&db, &index.group_by::<2>(), three().map(|key| (key.0, key.1)));
        check(&db, &index.group_by::<3>(), three());
        check(&db, &index.group_by_key(), three());
        check(&db, &Pod::BY_NODE.group_by_key(), three().map(|key| key.0));
        check(&db, &Pod::BY_NODE.group_by_key().starts_with(&low), three().map(|key| key.0).filter(|node| node.as_ref().is_some_and(|node| node.starts_with(&low))));
        check(&db, &Pod::BY_ID.group_by_key(), pods.iter().map(|pod| pod.id));

        let on = |key: &(Option<String>, Reverse<u8>, String)| key.0.as_ref() == Some(&low);
        check(&db, &index.group_by::<1>().prefix(&low), three().filter(on).map(|key| key.0));
        check(&db, &index.group_by::<2>().prefix(&low), three().filter(on).map(|key| (key.0, key.1)));
        check(&db, &index.group_by::<2>().prefix((&low, Reverse(from))), three().filter(|key| on(key) && key.1.0 == from).map(|key| (key.0, key.1)));

        // A range that begins and ends within groups counts what of them lies in it.
        let (first, last) = ((low.clone(), from), (high.clone(), to));
        let index = Pod::BY_OWNER_PHASE;
        check(&db, &index.group_by::<1>().range(&first..&last), two().filter(|key| first <= *key && *key < last).map(|key| key.0));
        check(&db, &index.group_by::<1>().range(&first..=&last), two().filter(|key| first <= *key && *key <= last).map(|key| key.0));
        check(&db, &index.group_by_key().range((Bound::Excluded(&first), Bound::Unbounded)), two().filter(|key| first < *key));
        check(&db, &index.group_by::<1>().range(&low..=&high), two().filter(|key| low <= key.0 && key.0 <= high).map(|key| key.0));
        check(&db, &index.group_by::<1>().starts_with(&low), two().filter(|key| key.0.starts_with(&low)).map(|key| key.0));

        // In an index of every element, a row counts once for each of its entries.
        let labels = || pods.iter().flat_map(|pod| pod.labels.iter().map(|label| (pod.phase, label.clone())));
        check(&db, &Pod::BY_LABELS.group_by_key(), labels().map(|key| key.1));
        check(&db, &Pod::BY_PHASE_LABEL.group_by_key(), labels());
        check(&db, &Pod::BY_PHASE_LABEL.group_by::<1>(), labels().map(|key| key.0));
        for (label, rows) in db.snapshot().groups(Pod::BY_LABELS.group_by_key()) {
            prop_assert_eq!(rows, db.snapshot().count(Pod::BY_LABELS.eq(&label)));
        }
    }
}

/// A key without bytes is one group, and no rows are none.
#[test]
fn a_table_with_one_row() {
    let db = Database::builder().table::<Flag>().in_memory().unwrap();
    assert_eq!(
        db.snapshot().groups(Flag::BY_ID.group_by_key()).next(),
        None
    );
    db.write(|tx| tx.insert(Flag { id: (), on: true })).unwrap();
    let snapshot = db.snapshot();
    let mut groups = snapshot.groups(Flag::BY_ID.group_by_key());
    assert_eq!(
        (groups.next(), groups.next(), groups.next()),
        (Some(((), 1)), None, None)
    );
    let by_on: Vec<_> = snapshot.groups(Flag::BY_ON.group_by::<1>()).collect();
    assert_eq!(by_on, [(true, 1)]);
}
