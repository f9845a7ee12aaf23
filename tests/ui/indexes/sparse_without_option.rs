//! `sparse` goes on an option.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node_zone, on(node, zone), sparse))]
struct Pod {
    #[key]
    id: u64,
    #[index(sparse)]
    node: String,
    zone: String,
}

fn main() {}
