//! What the derive macros accept: each form of the guide compiles, and means what it says.
#![cfg(feature = "derive")]

use std::collections::BTreeSet;

use sapwood::{Index, Key, Query, Table, key::Total};
use serde::{Deserialize, Serialize};

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Pending,
    Running,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
#[table(index(by_node_phase, on(node, phase)))]
#[table(index(by_owner_name, on(owner, name), unique))]
#[table(index(by_zone, with(zone_of) -> String))]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: Option<String>,
    #[index(each)]
    labels: BTreeSet<String>,
    owner: String,
    name: String,
    phase: Phase,
    #[index(name = by_load)]
    cpu: Total<f64>,
}

fn zone_of(pod: &Pod) -> &str {
    pod.name.split('-').next().unwrap_or_default()
}

/// Every query of the guide compiles, with literals that need no type.
#[test]
fn the_guide_compiles() {
    let queries: Vec<Query<Pod>> = vec![
        Pod::ALL,
        Pod::BY_ID.eq(7),
        Pod::BY_ID.eq(&7),
        Pod::BY_ID.range(1..5),
        Pod::BY_ID.range(1..=5),
        Pod::BY_ID.range(..5),
        Pod::BY_ID.range(..),
        Pod::BY_NODE.eq(None::<&str>),
        Pod::BY_NODE.eq(Some("n1")),
        Pod::BY_NODE.eq("n1"),
        Pod::BY_NODE.eq(String::from("n1")),
        Pod::BY_NODE.eq(&Some(String::from("n1"))),
        Pod::BY_NODE.starts_with("n"),
        Pod::BY_NODE_PHASE.eq(("n1", Phase::Running)),
        Pod::BY_NODE_PHASE.eq((None::<String>, &Phase::Pending)),
        Pod::BY_NODE_PHASE.prefix("n1"),
        Pod::BY_NODE_PHASE.prefix(None::<&str>),
        Pod::BY_NODE_PHASE.prefix(("n1",)),
        Pod::BY_OWNER_NAME.range(("a", "b")..=("c", "z")),
        Pod::BY_OWNER_NAME.range("a".."c"),
        Pod::BY_OWNER_NAME.range(("a",)..),
        Pod::BY_OWNER_NAME.starts_with("a"),
        Pod::BY_OWNER_NAME.starts_with(("a", "pre")),
        Pod::BY_LABELS.starts_with("team="),
        Pod::BY_LABELS.eq("team=blue"),
        Pod::BY_LOAD.range(0.5..),
        Pod::BY_ZONE.eq("eu"),
        Pod::BY_ZONE.all(),
    ];
    assert_eq!(queries.len(), 28);
    const _: Index<Pod, (String, String)> = Pod::BY_OWNER_NAME;
    assert_eq!(Pod::NAME, "pods");
}
