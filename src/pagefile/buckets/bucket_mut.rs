//! Changing a bucket.

use std::ops::RangeBounds;

use super::super::{
    Bucket, BucketStats, Buckets, Bytes, CursorMut, Error, Items, Range, source::Source, work::Work,
};

/// A key and its value, out of the file.
pub type KeyValue = (Vec<u8>, Vec<u8>);

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
///     pods.create_bucket("eu")?.put("b", "1")?;
///     assert_eq!((pods.len(), pods.bucket_count()), (0, 1));
///     Ok::<_, sapwood::pagefile::Error>(())
/// })?;
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
pub struct BucketMut<'t> {
    source: &'t Source,
    work: &'t mut Work,
    /// Its place among the open buckets.
    at: usize,
}

impl<'t> BucketMut<'t> {
    pub(in crate::pagefile) fn new(source: &'t Source, work: &'t mut Work, at: usize) -> Self {
        Self { source, work, at }
    }

    /// Puts `value` under `key`, in place of what was there, and tells whether there was something. Both are copied. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::KeyTooLong`] past [`MAX_KEY_LEN`](crate::pagefile::MAX_KEY_LEN); [`Error::IsABucket`] where a bucket has this name; [`Error::Corrupted`],
    /// [`Error::Io`]. The bucket is then as it was.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        let (key, value) = (key.as_ref(), value.as_ref());
        self.work.put(self.source, self.at, key, value)
    }

    /// Puts `value` under `key` where there is no value yet, and tells whether it did.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_if_absent(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        if self.get(&key)?.is_some() {
            return Ok(false);
        }
        self.put(key, value)?;
        Ok(true)
    }

    /// The value of `key`, after `value()` was put there if there was none.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn get_or_put<V: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl FnOnce() -> V,
    ) -> Result<Bytes<'_>, Error> {
        let key = key.as_ref();
        if self.get(key)?.is_none() {
            self.put(key, value())?;
        }
        match self.get(key)? {
            Some(value) => Ok(value),
            None => Err(self.source.corrupted(0, "what was put is not there")),
        }
    }

    /// Puts `value` under `key`, and gives what was there.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn replace(
        &mut self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let before = self.get(&key)?.map(|value| value.to_vec());
        self.put(key, value)?;
        Ok(before)
    }

    /// Lets `change` make the new value of `key` out of the one that there is; `None` from it deletes the key.
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| {
    ///     let mut seen = tx.create_bucket("seen")?;
    ///     for word in ["a", "b", "a"] {
    ///         seen.modify(word, |count| {
    ///             let count = count.and_then(|count| count.first()).unwrap_or(&0);
    ///             Some([count + 1])
    ///         })?;
    ///     }
    ///     assert_eq!(seen.get("a")?.as_deref(), Some(&[2][..]));
    ///     Ok::<_, Error>(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn modify<V: AsRef<[u8]>>(
        &mut self,
        key: impl AsRef<[u8]>,
        change: impl FnOnce(Option<&[u8]>) -> Option<V>,
    ) -> Result<(), Error> {
        let key = key.as_ref();
        let value = self.get(key)?;
        let changed = change(value.as_deref());
        drop(value);
        match changed {
            Some(value) => self.put(key, value).map(drop),
            None => self.delete(key).map(drop),
        }
    }

    /// Deletes `key` with its value, and tells whether it was there. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::IsABucket`] where a bucket has this name; [`Error::Corrupted`], [`Error::Io`]. The bucket is then as it was.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.work.delete(self.source, self.at, key.as_ref())
    }

    /// Deletes `key`, and gives its value.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub fn take(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        let key = key.as_ref();
        let value = self.get(key)?.map(|value| value.to_vec());
        self.delete(key)?;
        Ok(value)
    }

    /// Deletes the first key, and gives it with its value. Buckets are passed over.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn pop_first(&mut self) -> Result<Option<KeyValue>, Error> {
        let first = self.iter().next();
        let first = first.transpose()?.map(|(k, v)| (k.to_vec(), v.to_vec()));
        self.pop(first)
    }

    /// Deletes the last key, and gives it with its value. Buckets are passed over.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn pop_last(&mut self) -> Result<Option<KeyValue>, Error> {
        let last = self.iter().next_back();
        let last = last.transpose()?.map(|(k, v)| (k.to_vec(), v.to_vec()));
        self.pop(last)
    }

    fn pop(&mut self, entry: Option<KeyValue>) -> Result<Option<KeyValue>, Error> {
        if let Some((key, _)) = &entry {
            self.delete(key)?;
        }
        Ok(entry)
    }

    /// Sets the bucket's own number, which is 0 at first and means what its user wants.
    pub fn set_sequence(&mut self, sequence: u64) {
        self.work.set_sequence(self.at, sequence);
    }

    /// Raises the bucket's own number by one and gives it: 1 at first. It wraps around.
    pub fn next_sequence(&mut self) -> u64 {
        self.set_sequence(self.sequence().wrapping_add(1));
        self.sequence()
    }

    /// The bucket's own number.
    pub fn sequence(&self) -> u64 {
        self.work.opened.get(self.at).sequence
    }

    /// How full leaves are left that grow at their end, in percent: 100 at first, at least 10. Less leaves room for keys that are put between later, so
    /// that they need not split a leaf. It is not stored, and holds until the transaction ends or goes back behind it.
    pub fn set_fill_percent(&mut self, percent: u8) {
        self.work.opened.get_mut(self.at).fill = percent.clamp(10, 100);
    }

    /// The bucket of this name that lies in this one, to change; `None` where there is none, or a key with a value. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_mut(&mut self, name: impl AsRef<[u8]>) -> Result<Option<BucketMut<'_>>, Error> {
        self.bucket_mut_at([name])
    }

    /// The bucket that a path of names leads to from this one, to change. O(length of the path · log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_mut_at(
        &mut self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<BucketMut<'_>>, Error> {
        let at = self.work.open_path(self.source, self.at, path)?;
        Ok(at.map(|at| BucketMut::new(self.source, self.work, at)))
    }

    /// Makes an empty bucket in this one. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::BucketExists`]; [`Error::NotABucket`] where a key has this name; [`Error::NameTooLong`] past
    /// [`MAX_NAME_LEN`](crate::pagefile::MAX_NAME_LEN); [`Error::Corrupted`], [`Error::Io`].
    pub fn create_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        let at = self.work.create(self.source, self.at, name.as_ref())?;
        Ok(BucketMut::new(self.source, self.work, at))
    }

    /// The bucket of this name that lies in this one, to change; made where there is none. O(log rows) pages.
    ///
    /// # Errors
    /// As [`create_bucket`](Self::create_bucket), but that there may be the bucket.
    pub fn bucket_or_create(&mut self, name: impl AsRef<[u8]>) -> Result<BucketMut<'_>, Error> {
        let name = name.as_ref();
        let at = self.work.open_or_create(self.source, self.at, name)?;
        Ok(BucketMut::new(self.source, self.work, at))
    }

    /// Deletes the bucket of this name that lies in this one, with all that is in it, and tells whether there was one. O(pages of the bucket).
    ///
    /// # Errors
    /// [`Error::NotABucket`] where a key has this name; [`Error::Corrupted`], [`Error::Io`]. The bucket is then as it was.
    pub fn delete_bucket(&mut self, name: impl AsRef<[u8]>) -> Result<bool, Error> {
        let name = name.as_ref();
        self.work.delete_bucket(self.source, self.at, name)
    }

    /// Gives the bucket `name` that lies in this one the name `to`. O(log rows) pages.
    ///
    /// # Errors
    /// As [`WriteTxn::move_bucket`](crate::pagefile::WriteTxn::move_bucket).
    pub fn rename_bucket(
        &mut self,
        name: impl AsRef<[u8]>,
        to: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let (name, to) = (name.as_ref(), to.as_ref());
        self.work
            .move_bucket(self.source, (self.at, name), (self.at, to))
    }

    /// A place among the keys and buckets to move by hand, and to delete at; before the first one at first.
    pub fn cursor(&mut self) -> CursorMut<'_> {
        CursorMut::new(BucketMut::new(self.source, self.work, self.at))
    }

    /// The bucket as it is now, to read.
    pub fn as_bucket(&self) -> Bucket<'_> {
        self.work.bucket(self.source, self.at)
    }

    /// As [`Bucket::get`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes<'_>>, Error> {
        self.as_bucket().get(key)
    }

    /// As [`Bucket::bucket`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'_>>, Error> {
        self.as_bucket().bucket(name)
    }

    /// How many keys with values there are. O(1).
    pub fn len(&self) -> u64 {
        self.as_bucket().len()
    }

    /// Whether there is no key with a value; there may be buckets. O(1).
    pub fn is_empty(&self) -> bool {
        self.as_bucket().is_empty()
    }

    /// How many buckets lie directly in this one. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.as_bucket().bucket_count()
    }

    /// As [`Bucket::iter`].
    pub fn iter(&self) -> Range<'_> {
        self.as_bucket().iter()
    }

    /// As [`Bucket::range`].
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Range<'_> {
        self.as_bucket().range(range)
    }

    /// As [`Bucket::stats`].
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn stats(&self) -> Result<BucketStats, Error> {
        self.as_bucket().stats()
    }

    /// As [`Bucket::buckets`].
    pub fn buckets(&self) -> Buckets<'_> {
        self.as_bucket().buckets()
    }

    /// As [`Bucket::items`].
    pub fn items(&self) -> Items<'_> {
        self.as_bucket().items()
    }
}

impl<'b> IntoIterator for &'b BucketMut<'_> {
    type Item = <Range<'b> as Iterator>::Item;
    type IntoIter = Range<'b>;

    fn into_iter(self) -> Range<'b> {
        self.iter()
    }
}
