//! Queries against a simple model: a query holds an entry exactly where its words say so of the row.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    ops::{Bound, RangeBounds},
};

use proptest::{prelude::*, sample::select};
use serde::{Deserialize, Serialize};

use super::{KeySet, Query, Table};
use crate::key::{Key, KeyBuf, KeyRange};

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Phase {
    Pending,
    Running,
    Failed,
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_node_phase, on[node, phase]))]
#[table(index(by_owner_name, on[owner, name], unique))]
#[table(index(by_three, on[owner, phase, name]))]
#[table(index(by_owner_cpu, on[owner, desc(cpu)]))]
#[table(index(by_first, with(first) -> char, sparse))]
#[table(index(by_half_sparse, on[node, name], sparse, unique))]
struct Pod {
    #[key]
    id: u16,
    #[index]
    #[index(name = by_node_alone, unique)]
    #[index(name = by_known_node, sparse)]
    node: Option<String>,
    #[index(each)]
    labels: BTreeSet<String>,
    #[index]
    owner: String,
    name: String,
    phase: Phase,
    #[index]
    cpu: i8,
}

fn first(pod: &Pod) -> Option<char> {
    pod.name.chars().next()
}

fn text() -> impl Strategy<Value = String> + Clone {
    select(vec![
        "",
        "\0",
        "a",
        "a\0",
        "a\0b",
        "aa",
        "ab",
        "b",
        "ÿ",
        "\u{10FFFF}",
    ])
    .prop_map(String::from)
}

fn optional() -> impl Strategy<Value = Option<String>> + Clone {
    prop_oneof![Just(None), text().prop_map(Some)]
}

fn phase() -> impl Strategy<Value = Phase> + Clone {
    select(vec![Phase::Pending, Phase::Running, Phase::Failed])
}

fn pod() -> impl Strategy<Value = Pod> {
    let labels = proptest::collection::btree_set(text(), 0..3);
    (
        any::<u16>(),
        optional(),
        labels,
        text(),
        text(),
        phase(),
        -2..3_i8,
    )
        .prop_map(|(id, node, labels, owner, name, phase, cpu)| Pod {
            id,
            node,
            labels,
            owner,
            name,
            phase,
            cpu,
        })
}

fn bound<T: std::fmt::Debug + Clone>(
    ends: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = (Bound<T>, Bound<T>)> {
    let end = prop_oneof![
        ends.clone().prop_map(Bound::Included),
        ends.prop_map(Bound::Excluded),
        Just(Bound::Unbounded)
    ];
    (end.clone(), end)
}

/// Whether a query holds any entry of a row.
fn holds(query: &Query<Pod>, pod: &Pod) -> bool {
    let mut primary = KeyBuf::new();
    pod.encode_key(&mut primary);
    let mut entries = KeySet::new(&primary);
    pod.encode_index_keys(query.index(), &mut entries);
    let range = query.range();
    for entry in entries.iter() {
        let between =
            entry >= range.start() && range.end().is_none_or(|end| entry < end.as_slice());
        assert_eq!(
            between,
            range.contains(entry),
            "{query:?} says two things of one entry"
        );
    }
    entries.iter().any(|entry| range.contains(entry))
}

#[track_caller]
fn check(query: &Query<Pod>, pod: &Pod, expected: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(holds(query, pod), expected, "{:?} of {:?}", query, pod);
    Ok(())
}

/// Whether a value is in a range that is not the wrong way round.
fn within<T: PartialOrd>(range: &(Bound<T>, Bound<T>), value: &T) -> bool {
    range.contains(value)
}

proptest! {
    /// `eq`, `prefix` and `starts_with` hold exactly the rows whose columns are, or begin, so.
    #[test]
    fn keys_and_beginnings(pod in pod(), a in text(), b in text(), node in optional(), phase in phase(), cpu in -2..3_i8) {
        check(&Pod::ALL, &pod, true)?;
        check(&Pod::BY_ID.eq(7), &pod, pod.id == 7)?;
        check(&Pod::BY_ID.eq(pod.id), &pod, true)?;
        check(&Pod::BY_CPU.eq(cpu), &pod, pod.cpu == cpu)?;
        check(&Pod::BY_NODE.eq(&node), &pod, pod.node == node)?;
        check(&Pod::BY_NODE.eq(&a), &pod, pod.node.as_ref() == Some(&a))?;
        check(&Pod::BY_NODE.starts_with(&a), &pod, pod.node.as_ref().is_some_and(|node| node.starts_with(&a)))?;
        check(&Pod::BY_NODE_ALONE.eq(&node), &pod, pod.node == node)?;
        check(&Pod::BY_KNOWN_NODE.all(), &pod, pod.node.is_some())?;
        check(&Pod::BY_KNOWN_NODE.eq(&a), &pod, pod.node.as_ref() == Some(&a))?;
        check(&Pod::BY_OWNER.starts_with(a.as_str()), &pod, pod.owner.starts_with(&a))?;
        check(&Pod::BY_LABELS.eq(&a), &pod, pod.labels.contains(&a))?;
        check(&Pod::BY_LABELS.starts_with(&a), &pod, pod.labels.iter().any(|label| label.starts_with(&a)))?;
        check(&Pod::BY_LABELS.all(), &pod, !pod.labels.is_empty())?;
        check(&Pod::BY_NODE_PHASE.eq((&node, phase)), &pod, pod.node == node && pod.phase == phase)?;
        check(&Pod::BY_NODE_PHASE.prefix(&node), &pod, pod.node == node)?;
        check(&Pod::BY_NODE_PHASE.prefix((&node,)), &pod, pod.node == node)?;
        check(&Pod::BY_NODE_PHASE.starts_with(&a), &pod, pod.node.as_ref().is_some_and(|node| node.starts_with(&a)))?;
        check(&Pod::BY_OWNER_NAME.starts_with((&a, &b)), &pod, pod.owner == a && pod.name.starts_with(&b))?;
        check(&Pod::BY_THREE.prefix((&a, phase)), &pod, pod.owner == a && pod.phase == phase)?;
        check(&Pod::BY_THREE.starts_with((&a, phase, &b)), &pod, pod.owner == a && pod.phase == phase && pod.name.starts_with(&b))?;
        check(&Pod::BY_FIRST.all(), &pod, !pod.name.is_empty())?;
        check(&Pod::BY_FIRST.eq('a'), &pod, pod.name.starts_with('a'))?;
        check(&Pod::BY_HALF_SPARSE.eq((&a, &b)), &pod, pod.node.as_ref() == Some(&a) && pod.name == b)?;
    }

    /// Ranges hold exactly the rows between their ends, with whole keys and with first columns as ends, whichever way round.
    #[test]
    fn ranges(
        pod in pod(),
        ids in bound(any::<u16>()),
        cpus in bound(-2..3_i8),
        nodes in bound(optional()),
        owners in bound(text()),
        pairs in bound((text(), text())),
        places in bound((text(), phase())),
    ) {
        check(&Pod::BY_ID.range(ids), &pod, within(&ids, &pod.id))?;
        check(&Pod::BY_CPU.range(cpus), &pod, within(&cpus, &pod.cpu))?;
        check(&Pod::BY_NODE.range(nodes.clone()), &pod, within(&nodes, &pod.node))?;
        check(&Pod::BY_NODE_PHASE.range(nodes.clone()), &pod, within(&nodes, &pod.node))?;
        check(&Pod::BY_OWNER.range(owners.clone()), &pod, within(&owners, &pod.owner))?;
        check(&Pod::BY_OWNER_NAME.range(owners.clone()), &pod, within(&owners, &pod.owner))?;
        check(&Pod::BY_OWNER_NAME.range(pairs.clone()), &pod, within(&pairs, &(pod.owner.clone(), pod.name.clone())))?;
        check(&Pod::BY_THREE.range(places.clone()), &pod, within(&places, &(pod.owner.clone(), pod.phase)))?;
        let backwards = (cpus.0.map(Reverse), cpus.1.map(Reverse));
        let of_owner = |end: Bound<Reverse<i8>>| end.map(|cpu| (&pod.owner, cpu));
        if !matches!(backwards, (Bound::Unbounded, _) | (_, Bound::Unbounded)) {
            let query = Pod::BY_OWNER_CPU.range((of_owner(backwards.0), of_owner(backwards.1)));
            check(&query, &pod, within(&backwards, &Reverse(pod.cpu)))?;
        }
        let labels = pod.labels.iter().any(|label| within(&owners, label));
        check(&Pod::BY_LABELS.range(owners), &pod, labels)?;
    }

    /// Rust's range expressions mean the pairs of bounds that they stand for.
    #[test]
    fn range_expressions(a in -2..3_i8, b in -2..3_i8) {
        let index = Pod::BY_CPU;
        let pair = |low, high| index.range((low, high)).range().clone();
        let range = |query: Query<Pod>| query.range().clone();
        prop_assert_eq!(range(index.range(a..b)), pair(Bound::Included(a), Bound::Excluded(b)));
        prop_assert_eq!(range(index.range(a..=b)), pair(Bound::Included(a), Bound::Included(b)));
        prop_assert_eq!(range(index.range(a..)), pair(Bound::Included(a), Bound::Unbounded));
        prop_assert_eq!(range(index.range(..b)), pair(Bound::Unbounded, Bound::Excluded(b)));
        prop_assert_eq!(range(index.range(..=b)), pair(Bound::Unbounded, Bound::Included(b)));
        prop_assert_eq!(range(index.range(..)), KeyRange::ALL);
    }
}

/// What is the wrong way round holds nothing, not even at the edges of the keys.
#[test]
fn inverted_ranges_are_empty() {
    let (low, high) = (1, 3);
    for range in [
        Pod::BY_CPU.range(high..low),
        Pod::BY_CPU.range(high..=low),
        Pod::BY_CPU.range(high..high),
        Pod::BY_CPU.range((Bound::Excluded(3), Bound::Included(3))),
        Pod::BY_CPU.range((Bound::Excluded(127), Bound::Unbounded)),
        Pod::BY_CPU.range(..-128),
    ] {
        for key in [&[0][..], &[0, 0], &[0x83, 1], &[0xFF, 0xFF, 0xFF]] {
            assert!(!range.range().contains(key), "{range:?} holds {key:?}");
        }
    }
}

/// A `Uuid` is found by its first hexadecimal digits: an even and an odd number of them, with and without hyphens.
#[cfg(feature = "uuid")]
#[test]
fn uuids_begin_with_digits() {
    use super::query::through;
    use crate::key::KeyPrefixOf;
    use uuid::Uuid;

    let id = Uuid::from_u128(0x3f2a_bc01_0203_0405_0607_0809_0a0b_0c0d);
    let found = |digits: &str| {
        let (mut low, mut high) = (KeyBuf::new(), KeyBuf::new());
        KeyPrefixOf::<Uuid>::encode_prefix(digits, &mut low, &mut high);
        through(low, &high).contains(id.as_bytes())
    };
    for text in [
        id.simple().to_string(),
        id.hyphenated().to_string(),
        id.to_string().to_uppercase(),
    ] {
        for len in 0..=text.len() {
            assert!(found(&text[..len]), "{}", &text[..len]);
        }
    }
    for other in [
        "4",
        "3f3",
        "3f2abc02",
        "3f2g",
        "3f-2a",
        "-",
        "3f2abc01--",
        &format!("{}0", id.simple()),
    ] {
        assert!(!found(other), "{other}");
    }
}
