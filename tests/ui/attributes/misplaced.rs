//! Attributes of fields go on fields, those of the struct on the struct.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[index(by_node, on(node))]
struct Pod {
    #[key]
    id: u64,
    #[table(name = "pods")]
    node: String,
}

fn main() {}
