//! A column is in an index once.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_twice, on(node, node)))]
struct Pod {
    #[key]
    id: u64,
    node: String,
}

fn main() {}
