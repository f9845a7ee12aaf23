//! Versions of structs, and tables that are in no file.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Before {
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 0)]
struct Zero {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = "two")]
struct Word {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 2, from())]
struct Nothing {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(from(Before))]
struct NoVersion {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 2, from(Before, Zero))]
struct TooMany {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 2, version = 3, ephemeral, ephemeral)]
struct Twice {
    #[key]
    id: u64,
}

fn main() {}
