//! `each(..)` is around a collection of keys.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node_zone, on(node, each(zone))))]
struct Pod {
    #[key]
    id: u64,
    node: String,
    zone: u8,
}

fn main() {}
