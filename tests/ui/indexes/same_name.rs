//! Two indexes have two names, and so have two constants.

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Serialize, Deserialize)]
#[table(index(by_node, on(node, id)))]
#[table(index(by_zone, on(id, node)))]
#[table(index(by_zone, on(node)))]
#[table(index(all, on(node)))]
#[table(index(by_id, on(node)))]
struct Pod {
    #[key]
    id: u64,
    #[index]
    node: String,
}

fn main() {}
