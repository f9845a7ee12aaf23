//! What is lent out of the file is not written to, nor appended to.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let read = file.begin_read();
    if let Some(mut value) = read.root().get("a")? {
        value[0] = 1;
        value.push(1);
    }
    Ok(())
}
