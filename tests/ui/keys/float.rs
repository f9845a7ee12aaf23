//! A bare float is not a key: the message names `Total`.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    id: u64,
    #[index]
    load: f64,
}

fn main() {}
