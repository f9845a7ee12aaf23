//! A stored row is shared by all who read it, and cannot be changed where it is.

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
    let snapshot = db.snapshot();
    if let Some(node) = snapshot.get::<Node>("a") {
        node.cpus = 1;
    }
    let kept = db.write(|tx| tx.insert(Node { name: "a".into(), cpus: 1 }))?;
    kept.cpus = 2;
    Ok(())
}
