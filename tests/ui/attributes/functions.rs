//! Columns and functions are named one by one, and a function is of the row.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_desc, on(desc(id, node))))]
#[table(index(by_two, with(a, b) -> u8))]
#[table(index(by_when, on(node), when))]
struct Pod {
    #[key]
    id: u64,
    node: String,
}

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    id: u64,
    #[index(when(is_live))]
    name: String,
}

fn is_live(name: &String) -> bool {
    name.is_empty()
}

fn main() {}
