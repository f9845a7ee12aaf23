//! `#[key]` on a field takes nothing, and the derive of a key knows one entry.

use sapwood::{Key, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key(unique)]
    id: u64,
}

#[derive(Key, Debug)]
#[key(order = 1)]
struct Zone(String);

fn main() {}
