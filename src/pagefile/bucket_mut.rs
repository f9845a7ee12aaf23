//! Changing a bucket.

use std::ops::RangeBounds;

use super::{
    Bucket, Bytes, Error, MAX_KEY_LEN, Range,
    meta::Run,
    source::Source,
    tree::{Edit, NewValue, Root},
    write_txn::OpenBucket,
};

/// A bucket of a write transaction, to read and to change.
///
/// ```
/// use sapwood::pagefile::PageFile;
///
/// let file = PageFile::in_memory()?;
/// file.update(|tx| {
///     let mut pods = tx.create_bucket("pods")?;
///     assert!(!pods.put("a", "1")?);
///     assert!(pods.put("a", "2")?, "there was a value before");
///     assert_eq!(pods.get("a")?.as_deref(), Some(&b"2"[..]));
///     assert!(pods.delete("a")?);
///     assert!(pods.is_empty());
///     Ok::<_, sapwood::pagefile::Error>(())
/// })?;
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
pub struct BucketMut<'t> {
    source: &'t Source,
    freed: &'t mut Vec<Run>,
    bucket: &'t mut OpenBucket,
    txn_is_changed: &'t mut bool,
}

impl<'t> BucketMut<'t> {
    pub(super) fn new(
        source: &'t Source,
        freed: &'t mut Vec<Run>,
        bucket: &'t mut OpenBucket,
        txn_is_changed: &'t mut bool,
    ) -> Self {
        Self {
            source,
            freed,
            bucket,
            txn_is_changed,
        }
    }

    /// Puts `value` under `key`, in place of what was there, and tells whether there was something. Both are copied. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`] past [`MAX_KEY_LEN`]; [`Error::Corrupted`], [`Error::Io`]. The bucket is then as it was.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        if key.len() > MAX_KEY_LEN {
            return Err(Error::KeyTooLong {
                len: key.len(),
                max: MAX_KEY_LEN,
            });
        }
        let mut edit = Edit {
            source: self.source,
            freed: self.freed,
        };
        let replaced = edit.put(&mut self.bucket.root, key, NewValue::Bytes(value))?;
        self.bucket.rows += u64::from(!replaced);
        self.mark();
        Ok(replaced)
    }

    /// Deletes `key` with its value, and tells whether it was there. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`]. The bucket is then as it was.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        let mut edit = Edit {
            source: self.source,
            freed: self.freed,
        };
        let was_there = edit.delete(&mut self.bucket.root, key.as_ref())?;
        if was_there {
            self.bucket.rows = self.bucket.rows.saturating_sub(1);
            self.mark();
        }
        Ok(was_there)
    }

    /// Sets the bucket's own number, which is 0 at first and means what its user wants.
    pub fn set_sequence(&mut self, sequence: u64) {
        self.bucket.sequence = sequence;
        self.mark();
    }

    /// Raises the bucket's own number by one and gives it: 1 at first. It wraps around.
    pub fn next_sequence(&mut self) -> u64 {
        self.set_sequence(self.bucket.sequence.wrapping_add(1));
        self.bucket.sequence
    }

    /// The bucket's own number.
    pub fn sequence(&self) -> u64 {
        self.bucket.sequence
    }

    /// The bucket as it is now, to read.
    pub fn as_bucket(&self) -> Bucket<'_> {
        Bucket::new(
            self.source,
            Root::of(self.bucket.root.as_ref()),
            self.bucket.rows,
            self.bucket.sequence,
        )
    }

    /// As [`Bucket::get`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes<'_>>, Error> {
        self.as_bucket().get(key)
    }

    /// How many keys there are. O(1).
    pub fn len(&self) -> u64 {
        self.bucket.rows
    }

    /// Whether there is no key. O(1).
    pub fn is_empty(&self) -> bool {
        self.bucket.rows == 0
    }

    /// As [`Bucket::iter`].
    pub fn iter(&self) -> Range<'_> {
        self.as_bucket().iter()
    }

    /// As [`Bucket::range`].
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Range<'_> {
        self.as_bucket().range(range)
    }

    fn mark(&mut self) {
        self.bucket.is_changed = true;
        *self.txn_is_changed = true;
    }
}

impl<'b> IntoIterator for &'b BucketMut<'_> {
    type Item = <Range<'b> as Iterator>::Item;
    type IntoIter = Range<'b>;

    fn into_iter(self) -> Range<'b> {
        self.iter()
    }
}
