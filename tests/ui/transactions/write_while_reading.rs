//! What a transaction lends out is gone before it is written to: a list cannot live over a write.

use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
    cpus: u32,
}

fn main() -> Result<(), Error> {
    let db = Database::builder().table::<Node>().in_memory()?;
    let mut tx = db.begin_write()?;
    for node in tx.list(Node::ALL) {
        tx.remove::<Node>(&node.name)?;
    }
    Ok(())
}
