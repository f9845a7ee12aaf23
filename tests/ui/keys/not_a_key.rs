//! A struct of the user's is a key only with the derive.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Zone(String);

#[derive(Table, Serialize, Deserialize)]
struct Node {
    #[key]
    zone: Zone,
}

fn main() {}
