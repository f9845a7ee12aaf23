//! There is one primary key, of one or of several columns.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    id: u64,
    #[key]
    name: String,
}

#[derive(Table, Serialize, Deserialize)]
#[table(key(id, name))]
struct Pod {
    #[key]
    id: u64,
    name: String,
}

fn main() {}
