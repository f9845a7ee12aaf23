//! What can be given once is not given twice.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(name = "a", name = "b")]
struct Pod {
    #[key]
    id: u64,
    #[index(unique, unique)]
    node: String,
}

fn main() {}
