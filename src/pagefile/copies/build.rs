//! A page file of entries that come in order, whole at once: into a new file, or to where nothing can be written a second time.
//!
//! The beginning of a page file says what lies behind it, with checksums. So for a stream everything is made twice: once for these, and once to go out.

use std::{io::Write, path::Path};

use super::super::{
    Error,
    create::create,
    file_storage::FileStorage,
    meta::{Directory, Meta, first_page},
    open::head,
    page::BucketRecord,
    storage::Storage,
};
use super::pack::{NewPages, Sink, Tree};

/// Pages have the size that they have by default.
const PAGE_SIZE: u32 = 4096;
/// The number of the one commit that such a file has seen.
const COMMIT: u64 = 1;

/// A page file that is being written: buckets in the order of their names, keys in their order.
pub(crate) struct NewFile<'o> {
    pages: NewPages<'o>,
    /// The tree of buckets.
    directory: Tree,
    /// What was found of each bucket when all of this was written the first time.
    expected: Option<std::vec::IntoIter<BucketRecord>>,
    written: Vec<BucketRecord>,
    uneven: Option<Vec<u8>>,
}

/// A bucket that is being written.
pub(crate) struct NewBucket<'n, 'o> {
    pages: &'n mut NewPages<'o>,
    rows: u64,
    tree: Tree,
}

impl NewBucket<'_, '_> {
    /// Adds a key, behind all others.
    pub(crate) fn put(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        self.rows += 1;
        self.tree
            .push_value(key.as_ref(), value.as_ref(), self.pages)
    }
}

/// Why a page file was not written to a stream.
pub(crate) enum NotStreamed<E> {
    Failed(E),
    /// The bucket of this name had other entries the second time. What went out is no page file.
    Uneven {
        bucket: Vec<u8>,
    },
}

impl<'o> NewFile<'o> {
    fn new(sink: &'o mut Sink<'o>, expected: Option<Vec<BucketRecord>>) -> Self {
        Self {
            pages: NewPages::new(sink, PAGE_SIZE, COMMIT, first_page(PAGE_SIZE)),
            directory: Tree::default(),
            expected: expected.map(Vec::into_iter),
            written: Vec::new(),
            uneven: None,
        }
    }

    /// Adds a bucket, whose name is behind those of all others, with what `fill` puts in.
    pub(crate) fn bucket<E: From<Error>>(
        &mut self,
        name: impl AsRef<[u8]>,
        fill: impl FnOnce(&mut NewBucket<'_, 'o>) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = name.as_ref();
        let mut bucket = NewBucket {
            pages: &mut self.pages,
            rows: 0,
            tree: Tree::default(),
        };
        fill(&mut bucket)?;
        let NewBucket { rows, tree, .. } = bucket;
        let record = BucketRecord {
            root: tree.finish(&mut self.pages)?,
            rows,
            ..BucketRecord::default()
        };
        self.written.push(record);
        let expected = self.expected.as_mut().and_then(Iterator::next);
        if expected.is_some_and(|expected| expected != record) && self.uneven.is_none() {
            self.uneven = Some(name.to_vec());
        }
        self.directory
            .push_bucket(name, record, &mut self.pages)
            .map_err(E::from)
    }

    /// Writes what is left, and gives the meta that goes before it, and the records of all buckets.
    fn finish(mut self) -> Result<Finished, Error> {
        let root = self.directory.finish(&mut self.pages)?;
        self.pages.flush()?;
        Ok(Finished {
            meta: Meta {
                commit: COMMIT,
                pages: self.pages.end,
                directory: root.map_or(Directory::Empty, Directory::Stored),
                buckets: self.written.len() as u64,
                ..Meta::empty(PAGE_SIZE)
            },
            written: self.written,
            uneven: self.uneven,
        })
    }

    /// Creates the file at `path` with what `fill` puts in, durable, and gives its length in bytes; `None` where there is one by now, which is left as it is. Memory
    /// for a page of each level.
    pub(crate) fn create<E: From<Error>>(
        path: &Path,
        fill: impl FnOnce(&mut NewFile<'_>) -> Result<(), E>,
    ) -> Result<Option<u64>, E> {
        let mut bytes = 0;
        let created = create(path, |file: &FileStorage| -> Result<(), E> {
            let write = Error::io("write");
            let mut sink = |at, piece: &[u8]| file.write_at(at, piece).map_err(Error::io("write"));
            let mut new = NewFile::new(&mut sink, None);
            fill(&mut new)?;
            let meta = new.finish()?.meta;
            file.write_at(0, &head(&meta)).map_err(write)?;
            bytes = len(&meta);
            Ok(())
        })?;
        Ok(created.map(|_| bytes))
    }

    /// Writes a page file to `out`, from its first byte to its last, and gives its length in bytes. `fill` is called twice, and must put the same in
    /// both times. Nothing is written before the first has ended. Memory for a page of each level.
    pub(crate) fn stream<E: From<Error>>(
        out: &mut dyn Write,
        mut fill: impl FnMut(&mut NewFile<'_>) -> Result<(), E>,
    ) -> Result<u64, NotStreamed<E>> {
        let mut nowhere = |_, _: &[u8]| Ok(());
        let mut new = NewFile::new(&mut nowhere, None);
        fill(&mut new).map_err(NotStreamed::Failed)?;
        let Finished { meta, written, .. } = new.finish().map_err(failed)?;
        let refused = |error| failed(Error::io("back up")(error));
        out.write_all(&head(&meta)).map_err(refused)?;
        let mut sink = |_, piece: &[u8]| out.write_all(piece).map_err(Error::io("back up"));
        let mut new = NewFile::new(&mut sink, Some(written));
        fill(&mut new).map_err(NotStreamed::Failed)?;
        let finished = new.finish().map_err(failed)?;
        if let Some(bucket) = finished.uneven {
            return Err(NotStreamed::Uneven { bucket });
        }
        out.flush().map_err(refused)?;
        Ok(len(&meta))
    }
}

struct Finished {
    meta: Meta,
    written: Vec<BucketRecord>,
    /// The first bucket that is not as it was expected.
    uneven: Option<Vec<u8>>,
}

fn failed<E: From<Error>>(error: Error) -> NotStreamed<E> {
    NotStreamed::Failed(error.into())
}

fn len(meta: &Meta) -> u64 {
    meta.pages * u64::from(meta.page_size)
}
