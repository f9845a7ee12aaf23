//! A query is of its table.

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
    let _: sapwood::Query<Pod> = Node::BY_NAME.eq("n1");
}
