//! Joins pair the rows that two nested loops pair, in their order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
    #[index]
    zone: u8,
    #[index(each)]
    ports: BTreeSet<u8>,
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Pod {
    #[key]
    id: u16,
    #[index]
    node: Option<String>,
    #[index]
    port: u8,
    #[index(each)]
    wants: BTreeSet<u8>,
}

fn name(pick: u8) -> String {
    ["", "n\0", "n1", "n10", "n2"][usize::from(pick % 5)].to_owned()
}

fn node() -> impl Strategy<Value = Node> {
    (any::<u8>(), 0..3u8, btree_set(0..4u8, 0..3)).prop_map(|(pick, zone, ports)| Node {
        name: name(pick),
        zone,
        ports,
    })
}

fn pod() -> impl Strategy<Value = Pod> {
    (
        proptest::option::of(any::<u8>()),
        0..5u8,
        btree_set(0..4u8, 0..3),
    )
        .prop_map(|(node, port, wants)| Pod {
            id: 0,
            node: node.map(name),
            port,
            wants,
        })
}

/// Two nested loops.
fn nested<'a, L, R>(
    left: &[&'a L],
    right: &[&'a R],
    pairs: impl Fn(&L, &R) -> bool,
) -> Vec<(&'a L, Option<&'a R>)> {
    let mut found = Vec::new();
    for &l in left {
        let partners: Vec<_> = right.iter().filter(|r| pairs(l, r)).collect();
        if partners.is_empty() {
            found.push((l, None));
        }
        found.extend(partners.into_iter().map(|&r| (l, Some(r))));
    }
    found
}

macro_rules! check {
    ($reads:expr, $left:expr, $index:expr, $right:expr, $key:expr, $pairs:expr) => {{
        let left: Vec<_> = $reads.list($left).map(|row| &**row).collect();
        let right: Vec<_> = $reads.list($right).map(|row| &**row).collect();
        let plain = |(l, r): (_, Option<_>)| (format!("{l:?}"), r.map(|r| format!("{r:?}")));
        let expected: Vec<_> = nested(&left, &right, $pairs)
            .into_iter()
            .map(|(l, r)| plain((l, r)))
            .collect();
        let found: Vec<_> = $reads
            .left_join($left, $index, $key)
            .map(|(l, r)| plain((&**l, r.map(|r| &**r))))
            .collect();
        assert_eq!(found, expected);
        let found: Vec<_> = $reads
            .join($left, $index, $key)
            .map(|(l, r)| plain((&**l, Some(&**r))))
            .collect();
        let expected: Vec<_> = expected.into_iter().filter(|(_, r)| r.is_some()).collect();
        assert_eq!(found, expected);
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// By a unique and another index, from the one and the many, by a key that is not there for all, and by and from indexes of every element; of
    /// snapshots and transactions.
    #[test]
    fn joins_are_nested_loops(nodes in vec(node(), 0..6), pods in vec(pod(), 0..40), zone in 0..3u8) {
        let db = Database::builder().table::<Node>().table::<Pod>().in_memory().unwrap();
        db.write(|tx| {
            for node in &nodes {
                tx.put(node.clone())?;
            }
            for (id, pod) in (0..).zip(&pods) {
                tx.insert(Pod { id, ..pod.clone() })?;
            }
            Ok::<_, Error>(())
        }).unwrap();
        let snapshot = db.snapshot();
        let txn = db.begin_write().unwrap();
        check!(snapshot, Pod::BY_NODE.all(), Node::BY_NAME, Node::ALL, |pod| pod.node.as_deref(), |pod: &Pod, node: &Node| pod.node.as_ref() == Some(&node.name));
        check!(txn, Pod::BY_NODE.all(), Node::BY_NAME, Node::ALL, |pod| pod.node.as_deref(), |pod: &Pod, node: &Node| pod.node.as_ref() == Some(&node.name));
        check!(snapshot, Node::BY_ZONE.eq(zone), Pod::BY_NODE, Pod::ALL, |node| Some(&node.name), |node: &Node, pod: &Pod| pod.node.as_ref() == Some(&node.name));
        check!(txn, Node::ALL, Pod::BY_NODE, Pod::ALL, |node| Some(Some(&node.name)), |node: &Node, pod: &Pod| pod.node.as_ref() == Some(&node.name));
        // A computed key.
        check!(snapshot, Pod::ALL, Node::BY_ZONE, Node::BY_ZONE.all(), |pod| pod.port.checked_sub(1), |pod: &Pod, node: &Node| pod.port == node.zone + 1);
        // With every row that has the port among its ports, and from rows with several entries, each once.
        check!(snapshot, Pod::ALL, Node::BY_PORTS, Node::ALL, |pod| Some(pod.port), |pod: &Pod, node: &Node| node.ports.contains(&pod.port));
        check!(snapshot, Pod::BY_WANTS.all(), Node::BY_NAME, Node::ALL, |pod| pod.node.as_deref(), |pod: &Pod, node: &Node| pod.node.as_ref() == Some(&node.name));
        // With itself.
        check!(snapshot, Pod::ALL, Pod::BY_ID, Pod::ALL, |pod| Some(pod.id + 1), |pod: &Pod, other: &Pod| pod.id + 1 == other.id);
    }
}

/// A join asks for a partner when it comes to a row, and not before.
#[test]
fn joins_are_lazy() {
    let db = Database::builder().table::<Pod>().in_memory().unwrap();
    db.write(|tx| {
        for id in 0..100 {
            tx.insert(Pod {
                id,
                node: None,
                port: 0,
                wants: BTreeSet::new(),
            })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snapshot = db.snapshot();
    let mut asked = 0;
    let mut pairs = snapshot.join(Pod::ALL, Pod::BY_ID, |pod| {
        asked += 1;
        Some(pod.id)
    });
    assert!(pairs.next().is_some() && pairs.next().is_some());
    drop(pairs);
    assert_eq!(asked, 2);
}
