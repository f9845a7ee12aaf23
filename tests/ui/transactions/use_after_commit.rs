//! A transaction that has ended is gone: nothing can be read, written or ended again.

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
    tx.remove::<Node>("a")?;
    tx.commit()?;
    tx.remove::<Node>("b")?;
    tx.commit()?;
    Ok(())
}
