//! Compaction: a state written anew, entry by entry, into a file without free pages.

use std::{io, ops::Bound, path::Path, sync::Arc};

use super::super::{
    Bucket, Error, PageFile, ReadTxn, Storage,
    create::create,
    meta::{Directory, Meta, first_page},
    open::head,
    page::BucketRecord,
    shared::Snapshot,
    tree::{Entries, Found, Root},
};
use super::pack::{NewPages, Tree};

impl PageFile {
    /// Writes the newest committed state to a new file at `path`, as small as it can be, and gives its length in bytes. As [`ReadTxn::compact`].
    ///
    /// # Errors
    /// As [`ReadTxn::compact`].
    pub fn compact(&self, path: impl AsRef<Path>) -> Result<u64, Error> {
        self.begin_read().compact(path)
    }
}

impl ReadTxn {
    /// Writes this state to a new file at `path`, as small as it can be, and gives its length in bytes. Writing goes on meanwhile, and does not
    /// show in it.
    ///
    /// The new file has full leaves side by side and no free page. Its bytes depend on the entries and the number of the commit, not on how they came
    /// about. It is durable when this returns, and is there whole or not at all. A file that there is is not replaced: to
    /// have the compacted one in the place of this one, close this one and rename. O(file); memory for a page of each level.
    ///
    /// ```
    /// use sapwood::pagefile::PageFile;
    ///
    /// let dir = tempfile::tempdir()?;
    /// let file = PageFile::open(dir.path().join("state.sap"))?;
    /// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
    /// let bytes = file.compact(dir.path().join("small.sap"))?;
    /// assert!(bytes < file.stats().file_bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupted`] where the state is damaged. [`Error::Io`]: what the system says, or [`io::ErrorKind::AlreadyExists`]. No file was
    /// made.
    pub fn compact(&self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let mut bytes = 0;
        let made = create(path.as_ref(), |file| {
            bytes = compact(&self.snapshot, file)?;
            Ok(())
        })?;
        match made {
            Some(_) => Ok(bytes),
            None => Err(Error::io("create")(io::ErrorKind::AlreadyExists.into())),
        }
    }
}

/// A bucket that is being copied, and lies in the one before.
struct Frame<'t> {
    name: Vec<u8>,
    bucket: Bucket<'t>,
    entries: Entries<'t>,
    values: u64,
    buckets: u64,
    tree: Tree,
}

impl<'t> Frame<'t> {
    fn new(name: Vec<u8>, bucket: Bucket<'t>) -> Self {
        let (source, root) = (bucket.source(), bucket.root());
        Self {
            name,
            bucket,
            entries: Entries::new(source, root, Bound::Unbounded, Bound::Unbounded, None),
            values: 0,
            buckets: 0,
            tree: Tree::default(),
        }
    }
}

/// Writes the state to empty storage and gives the length in bytes. Who made the storage syncs it.
fn compact(state: &Snapshot, storage: &dyn Storage) -> Result<u64, Error> {
    let source = &state.source;
    let page_size = source.page_size;
    let mut sink = |at, bytes: &[u8]| storage.write_at(at, bytes).map_err(Error::io("write"));
    let mut out = NewPages::new(&mut sink, page_size, state.commit, first_page(page_size));
    // A list and no recursion: nothing bounds how deep buckets may lie.
    let mut above = Vec::new();
    let mut frame = Frame::new(Vec::new(), state.top());
    let root = loop {
        match frame.entries.step(true).transpose()? {
            Some((key, Found::Value(value))) => {
                frame.values += 1;
                frame.tree.push_value(&key, &value, &mut out)?;
            }
            Some((name, Found::Bucket(record))) => {
                frame.buckets += 1;
                let below = frame.bucket.below(&name, record);
                let below = Frame::new(name.to_vec(), below);
                above.push(std::mem::replace(&mut frame, below));
            }
            None => {
                let root = frame.tree.finish(&mut out)?;
                let is_sound = match above.last() {
                    Some(_) => {
                        let bucket = &frame.bucket;
                        frame.values == bucket.len() && frame.buckets == bucket.bucket_count()
                    }
                    None => frame.values == 0 && frame.buckets == state.buckets,
                };
                if !is_sound {
                    let page = match frame.bucket.root() {
                        Root::Stored(root) => root.page,
                        _ => 0,
                    };
                    return Err(source.corrupted(page, "its tree has another number of rows"));
                }
                let Some(mut parent) = above.pop() else {
                    break root;
                };
                let record = BucketRecord {
                    root,
                    rows: frame.values,
                    buckets: frame.buckets,
                    sequence: frame.bucket.sequence(),
                };
                parent.tree.push_bucket(&frame.name, record, &mut out)?;
                frame = parent;
            }
        }
    };
    out.flush()?;
    let meta = Meta {
        pages: out.end,
        directory: root.map_or(Directory::Empty, Directory::Stored),
        journal: Arc::default(),
        ..state.complete_meta()
    };
    let bytes = out.end * u64::from(page_size);
    let written = storage.write_at(0, &head(&meta));
    written.map_err(Error::io("write"))?;
    Ok(bytes)
}
