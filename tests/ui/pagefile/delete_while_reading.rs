//! What a cursor or a bucket has lent is not held while it is changed.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let mut tx = file.begin_write()?;
    let mut pods = tx.create_bucket("pods")?;
    let mut cursor = pods.cursor();
    let item = cursor.first()?;
    cursor.delete()?;
    println!("{item:?}");
    for entry in &pods {
        pods.delete(&entry?.0)?;
    }
    Ok(())
}
