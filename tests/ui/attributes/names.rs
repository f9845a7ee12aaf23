//! Names of tables and indexes are such that a file and Rust can have them.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(name = "my pods", index(ByNode, on(node)))]
struct Pod {
    #[key]
    id: u64,
    #[index(name = NODE)]
    node: String,
}

#[derive(Table, Serialize, Deserialize)]
#[table(name = "")]
struct Unnamed {
    #[key]
    id: u64,
}

fn main() {}
