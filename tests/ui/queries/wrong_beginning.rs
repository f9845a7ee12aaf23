//! Only strings and bytes have a beginning, and what comes before it is whole.

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
    Pod::BY_ID.starts_with("1");
    Pod::BY_NODE_PHASE.starts_with(("n1", "Run"));
}
