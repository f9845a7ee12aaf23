//! `eq` takes all columns, `prefix` the first ones but not all.

use sapwood::{Key, Table};
use serde::{Deserialize, Serialize};

#[derive(Key, Clone, Copy, Debug, Serialize, Deserialize)]
enum Phase {
    Running,
}

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node_phase, on(node, phase)))]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: Option<String>,
    phase: Phase,
}

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
}

fn main() {
    Pod::BY_NODE_PHASE.eq("n1");
    Pod::BY_NODE_PHASE.eq(("n1", Phase::Running, 1));
    Pod::BY_NODE_PHASE.prefix(Phase::Running);
    Pod::BY_NODE_PHASE.prefix(("n1", Phase::Running));
    Pod::BY_NODE.prefix("n1");
}
