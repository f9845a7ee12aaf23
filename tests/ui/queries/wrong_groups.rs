//! A compound key has as many first columns as it has, and what was grouped is cut by its own columns.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node_phase, on(node, phase)))]
struct Pod {
    #[key]
    id: u64,
    node: String,
    phase: u8,
}

fn main() {
    Pod::BY_NODE_PHASE.group_by::<3>();
    Pod::BY_ID.group_by::<1>();
    Pod::BY_NODE_PHASE.group_by::<1>().prefix(7u8);
    let snapshot = sapwood::Database::builder().in_memory().unwrap().snapshot();
    let _: Vec<(u8, usize)> = snapshot.groups(Pod::BY_NODE_PHASE.group_by::<1>()).collect();
}
