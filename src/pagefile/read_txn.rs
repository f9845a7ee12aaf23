//! Read transactions.

use std::sync::Arc;

use super::{Bucket, Buckets, Error, bucket::find_bucket, shared::Snapshot, tree::Root};

/// One state of the file, unchanged for as long as it is held. It waits for nobody, and nobody waits for it; but the pages that it
/// reaches are not used again while it lives. It stays readable after the [`PageFile`](super::PageFile) is dropped, and keeps the file locked.
///
/// ```
/// use sapwood::pagefile::PageFile;
///
/// let file = PageFile::in_memory()?;
/// file.update(|tx| tx.create_bucket("pods")?.put("a", "1"))?;
/// let before = file.begin_read();
/// file.update(|tx| tx.bucket_or_create("pods")?.put("a", "2"))?;
/// let value = before.bucket("pods")?.map(|pods| pods.get("a")).transpose()?.flatten();
/// assert_eq!(value.as_deref(), Some(&b"1"[..]));
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
#[derive(Clone)]
pub struct ReadTxn {
    pub(super) snapshot: Arc<Snapshot>,
}

impl ReadTxn {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }

    /// The number of the commit that made this state.
    pub fn commit_number(&self) -> u64 {
        self.snapshot.commit
    }

    /// The bucket of this name; `None` where there is none. O(log buckets).
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>, Error> {
        let source = &self.snapshot.source;
        let record = find_bucket(source, self.root(), name.as_ref())?;
        Ok(record.map(|record| Bucket::stored(source, record)))
    }

    /// How many buckets there are. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.snapshot.buckets
    }

    /// The names of all buckets, in byte order.
    pub fn buckets(&self) -> Buckets<'_> {
        Buckets::new(&self.snapshot.source, self.root())
    }

    fn root(&self) -> Root<'_> {
        self.snapshot.root()
    }
}

impl std::fmt::Debug for ReadTxn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadTxn")
            .field("commit", &self.snapshot.commit)
            .finish_non_exhaustive()
    }
}
