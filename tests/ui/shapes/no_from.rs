//! A version whose struct does not become the next one, and one that cannot be read.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Before {
    id: u64,
}

struct Unread {
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 2, from(Before))]
struct Pod {
    #[key]
    id: u64,
}

#[derive(Table, Serialize, Deserialize)]
#[table(version = 2, from(Unread))]
struct Node {
    #[key]
    id: u64,
}

impl From<Unread> for Node {
    fn from(old: Unread) -> Self {
        Self { id: old.id }
    }
}

fn main() {}
