//! What a transaction lends does not outlive it: neither bytes, nor buckets, nor cursors.

use sapwood::pagefile::{Bucket, Bytes, Cursor, Error, PageFile};

fn bytes(file: &PageFile) -> Result<Option<Bytes<'static>>, Error> {
    let read = file.begin_read();
    read.root().get("a")
}

fn bucket(file: &PageFile) -> Result<Option<Bucket<'static>>, Error> {
    let read = file.begin_read();
    read.bucket_at(["a", "b"])
}

fn main() -> Result<(), Error> {
    let file = PageFile::in_memory()?;
    bytes(&file)?;
    bucket(&file)?;
    let mut cursor: Cursor<'_>;
    {
        let read = file.begin_read();
        cursor = read.root().cursor();
    }
    cursor.first()?;
    Ok(())
}
