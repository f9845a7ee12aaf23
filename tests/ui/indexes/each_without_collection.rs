//! `each` goes on a collection of keys.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Pod {
    #[key]
    id: u64,
    #[index(each)]
    label: String,
}

fn main() {}
