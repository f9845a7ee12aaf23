//! What the function makes stands for a key of the type that is given.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_zone, with(zone_of) -> u32))]
struct Pod {
    #[key]
    id: u64,
    name: String,
}

fn zone_of(pod: &Pod) -> &str {
    &pod.name
}

fn main() {}
