//! Every column is a field of the row; all mistakes are reported at once.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(key(namespace, nmae))]
#[table(index(by_node_fase, on(node, fase)))]
struct Pod {
    namespace: String,
    name: String,
    node: String,
    phase: u8,
}

fn main() {}
