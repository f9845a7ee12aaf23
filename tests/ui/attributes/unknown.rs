//! Words that are not known are named, each of them.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(nmae = "pods", index(by_node, on(node), uniqe, sparce))]
struct Pod {
    #[key]
    id: u64,
    #[index(uniqe)]
    node: String,
}

fn main() {}
