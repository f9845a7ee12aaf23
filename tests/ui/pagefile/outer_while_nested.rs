//! The outer transaction is not used while a nested one runs, and neither commits twice.

use sapwood::pagefile::{Error, PageFile};

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    let mut tx = file.begin_write()?;
    let mut nested = tx.begin_nested();
    tx.create_bucket("a")?;
    nested.create_bucket("b")?;
    tx.commit()?;
    nested.commit();
    nested.commit();
    Ok(())
}
