//! `each` takes one column, and is not `sparse`.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_label_node, on(labels, node), each))]
#[table(index(by_label_desc, on(desc(labels)), each))]
struct Pod {
    #[key]
    id: u64,
    #[index(each, sparse)]
    labels: Vec<String>,
    node: String,
}

fn main() {}
