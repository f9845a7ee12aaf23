//! A row is a struct with named fields, of one type.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
enum Phase {
    Pending,
}

#[derive(Table, Serialize, Deserialize)]
struct Pair(u64, String);

#[derive(Table, Serialize, Deserialize)]
struct Nothing;

#[derive(Table)]
union Either {
    a: u8,
}

#[derive(Table, Serialize, Deserialize)]
struct Generic<T> {
    #[key]
    id: T,
}

fn main() {}
