//! Every column of a compound index is a key.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Zone(String);

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_zone_id, on(zone, id)))]
struct Node {
    #[key]
    id: u64,
    zone: Zone,
}

fn main() {}
