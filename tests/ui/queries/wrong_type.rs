//! A key is of the type of its column.

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
    Pod::BY_ID.eq("seven");
    Pod::BY_NODE.eq(7);
    Pod::BY_NODE_PHASE.eq(("n1", "Running"));
}
