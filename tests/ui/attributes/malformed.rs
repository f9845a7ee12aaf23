//! What is not an entry at all is reported where it stands.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(name)]
#[table(index)]
#[table(index())]
#[table(index(on(id)))]
#[table(key())]
#[table = "pods"]
struct Pod {
    #[key]
    id: u64,
    #[index(name = 5)]
    node: String,
}

fn main() {}
