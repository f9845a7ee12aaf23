//! A table has a primary key.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Node {
    id: u64,
}

fn main() {}
