//! What is lent out of the file is not written to.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let read = file.begin_read();
    if let Some(value) = read.root().get("a")? {
        value[0] = 1;
    }
    Ok(())
}
