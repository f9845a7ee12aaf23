//! A transaction that has ended is gone: nothing can be read, put, deleted, moved or ended again.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let mut tx = file.begin_write()?;
    tx.commit()?;
    tx.create_bucket("a")?;
    tx.commit()?;

    let mut tx = file.begin_write()?;
    let mut bucket = tx.create_bucket("a")?;
    tx.commit()?;
    bucket.put("a", "1")?;

    let read = file.begin_read();
    let bucket = read.bucket("a")?.expect("just made");
    drop(read);
    bucket.get("a")?;
    Ok(())
}
