//! A computed index has a function, the type of its key, and what fits them.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_untyped, with(zone_of)))]
#[table(index(by_nothing, unique))]
#[table(index(by_both, on(id), with(zone_of) -> String))]
struct Pod {
    #[key]
    id: u64,
    name: String,
}

fn zone_of(pod: &Pod) -> &str {
    &pod.name
}

fn main() {}
