//! What is stored is a row of a table: no nothing, and no other type.

use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Serialize, Deserialize)]
struct Node {
    #[key]
    name: String,
    cpus: u32,
}

struct Pod;

fn main() -> Result<(), Error> {
    let db = Database::builder().table::<Node>().in_memory()?;
    db.write(|tx| tx.insert(Pod))?;
    db.write(|tx| tx.insert(None::<Node>))?;
    Ok(())
}
