//! `each(..)` is around a field as it is, and not in a primary key.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node_label, on(node, each(labels)), each))]
#[table(index(by_label, on(each(labels)), each))]
#[table(index(by_label_sparse, on(each(labels)), sparse))]
#[table(index(by_node_label_sparse, on(node, each(labels)), sparse))]
#[table(index(by_label_desc, on(node, desc(each(labels)))))]
#[table(index(by_each_desc, on(node, each(desc(labels)))))]
#[table(index(by_two, on(node, each(labels, ports))))]
#[table(index(by_none, on(node, each())))]
struct Pod {
    #[key]
    id: u64,
    node: String,
    labels: Vec<String>,
    ports: Vec<u16>,
}

#[derive(Table, Serialize, Deserialize)]
#[table(key(node, each(labels)))]
struct Group {
    node: String,
    labels: Vec<String>,
}

fn main() {}
