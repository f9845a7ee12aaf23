//! What reads does not change anything.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let read = file.begin_read();
    read.create_bucket("a")?;
    read.delete_bucket("a")?;
    read.commit()?;
    let bucket = read.root();
    bucket.put("a", "1")?;
    bucket.delete("a")?;
    bucket.next_sequence();
    bucket.cursor().delete()?;
    Ok(())
}
