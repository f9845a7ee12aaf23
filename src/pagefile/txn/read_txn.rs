//! Read transactions.

use std::sync::Arc;

use super::super::{Bucket, Buckets, Error, shared::Snapshot};

/// One state of the file, unchanged for as long as it is held. It waits for nobody, and nobody waits for it; but the pages that it
/// reaches are not used again while it lives. It stays readable after the [`PageFile`](crate::pagefile::PageFile) is dropped, and keeps the file locked.
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
    pub(in crate::pagefile) snapshot: Arc<Snapshot>,
}

impl ReadTxn {
    pub(in crate::pagefile) fn new(snapshot: Arc<Snapshot>) -> Self {
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
        self.root().bucket(name)
    }

    /// The bucket that a path of names leads to, as [`Bucket::bucket_at`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_at(
        &self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<Bucket<'_>>, Error> {
        self.root().bucket_at(path)
    }

    /// How many buckets there are, not counting those that lie in others. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.snapshot.buckets
    }

    /// The names of all buckets, in byte order, but of those that lie in others.
    pub fn buckets(&self) -> Buckets<'_> {
        self.root().buckets()
    }

    /// The bucket that all others lie in, which has no name and holds nothing else.
    pub fn root(&self) -> Bucket<'_> {
        self.snapshot.top()
    }
}

impl std::fmt::Debug for ReadTxn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadTxn")
            .field("commit", &self.snapshot.commit)
            .finish_non_exhaustive()
    }
}
