//! A snapshot has no verbs that write.

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
    snapshot.insert(Node { name: "a".into(), cpus: 1 })?;
    snapshot.remove::<Node>("a")?;
    Ok(())
}
