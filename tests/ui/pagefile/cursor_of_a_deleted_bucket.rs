//! A bucket that a cursor is in can't be deleted, moved or changed by others while the cursor is used.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let mut tx = file.begin_write()?;
    let mut pods = tx.create_bucket("pods")?;
    let mut cursor = pods.cursor();
    pods.put("a", "1")?;
    cursor.first()?;
    tx.delete_bucket("pods")?;
    cursor.next()?;
    Ok(())
}
