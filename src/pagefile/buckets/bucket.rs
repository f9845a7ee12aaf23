//! Buckets to read.

use std::ops::{Bound, RangeBounds};

use super::super::{
    BucketStats, Buckets, Bytes, Cursor, Error, Items, Range,
    opened::Opened,
    page::BucketRecord,
    source::Source,
    tree::{Entries, Found, Kind, Root, find},
};
use super::bucket_stats::gather;

/// A bucket to read: byte keys in order, each with a value, and among them the names of the buckets that lie in this one. A key is one or the
/// other.
///
/// ```
/// use sapwood::pagefile::PageFile;
///
/// let file = PageFile::in_memory()?;
/// file.update(|tx| {
///     let mut pods = tx.create_bucket("pods")?;
///     for key in ["a", "b", "c"] {
///         pods.put(key, key.to_uppercase())?;
///     }
///     Ok::<_, sapwood::pagefile::Error>(())
/// })?;
/// let read = file.begin_read();
/// let pods = read.bucket("pods")?.expect("created above");
/// assert_eq!(pods.len(), 3);
/// let mut from_b = pods.range("b"..);
/// let (key, value) = from_b.next_back().expect("three keys")?;
/// assert_eq!((&*key, &*value), (&b"c"[..], &b"C"[..]));
/// # Ok::<(), sapwood::pagefile::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Bucket<'t> {
    source: &'t Source,
    root: Root<'t>,
    rows: u64,
    buckets: u64,
    sequence: u64,
    /// In a write transaction, if it has opened the bucket: the open buckets, and the place of this one.
    open: Option<(&'t Opened, usize)>,
}

impl<'t> Bucket<'t> {
    pub(in crate::pagefile) fn stored(source: &'t Source, record: BucketRecord) -> Self {
        Self {
            source,
            root: Root::stored(record.root),
            rows: record.rows,
            buckets: record.buckets,
            sequence: record.sequence,
            open: None,
        }
    }

    /// The bucket that all others lie in.
    pub(in crate::pagefile) fn top(source: &'t Source, root: Root<'t>, buckets: u64) -> Self {
        Self {
            source,
            root,
            rows: 0,
            buckets,
            sequence: 0,
            open: None,
        }
    }

    pub(in crate::pagefile) fn open(source: &'t Source, opened: &'t Opened, at: usize) -> Self {
        let bucket = opened.get(at);
        Self {
            source,
            root: Root::of(bucket.root.as_ref()),
            rows: bucket.rows,
            buckets: bucket.buckets,
            sequence: bucket.sequence,
            open: Some((opened, at)),
        }
    }

    /// The value of `key`; `None` where there is none, or a bucket. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes<'t>>, Error> {
        match find(self.source, self.root, key.as_ref())? {
            Some(Found::Value(value)) => Ok(Some(value)),
            Some(Found::Bucket(_)) | None => Ok(None),
        }
    }

    /// The bucket of this name that lies in this one; `None` where there is none, or a key with a value. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket(&self, name: impl AsRef<[u8]>) -> Result<Option<Bucket<'t>>, Error> {
        let name = name.as_ref();
        if let Some((opened, at)) = self.open
            && let Some(place) = opened.below(at, name)
        {
            return Ok(Some(Bucket::open(self.source, opened, place)));
        }
        match find(self.source, self.root, name)? {
            Some(Found::Bucket(record)) => Ok(Some(Bucket::stored(self.source, record))),
            Some(Found::Value(_)) | None => Ok(None),
        }
    }

    /// The bucket of this name that lies in this one, whose record is stored.
    pub(in crate::pagefile) fn below(&self, name: &[u8], record: BucketRecord) -> Self {
        let open = self.open.and_then(|(opened, at)| {
            let place = opened.below(at, name)?;
            Some(Bucket::open(self.source, opened, place))
        });
        open.unwrap_or_else(|| Bucket::stored(self.source, record))
    }

    /// The bucket that a path of names leads to from this one: in its first name the second, and so on; `None` where it leads to none, this bucket
    /// if the path is empty. O(length of the path · log rows) pages.
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| {
    ///     tx.bucket_or_create_at(["eu", "berlin"])?.put("web-1", "running")?;
    ///     Ok::<_, Error>(())
    /// })?;
    /// let read = file.begin_read();
    /// let berlin = read.bucket_at(["eu", "berlin"])?.expect("created above");
    /// assert_eq!(berlin.get("web-1")?.as_deref(), Some(&b"running"[..]));
    /// assert!(read.bucket_at(["eu", "paris"])?.is_none());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn bucket_at(
        &self,
        path: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<Bucket<'t>>, Error> {
        let mut bucket = *self;
        for name in path {
            match bucket.bucket(name)? {
                Some(next) => bucket = next,
                None => return Ok(None),
            }
        }
        Ok(Some(bucket))
    }

    /// How many keys with values there are. O(1).
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is no key with a value; there may be buckets. O(1).
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many buckets lie directly in this one. O(1).
    pub fn bucket_count(&self) -> u64 {
        self.buckets
    }

    /// The names of the buckets that lie directly in this one, in byte order. O(keys and buckets), but O(1) where there is no bucket.
    pub fn buckets(&self) -> Buckets<'t> {
        let entries = if self.buckets == 0 {
            Entries::none(self.source)
        } else {
            self.entries(Bound::Unbounded, Bound::Unbounded, Some(Kind::Bucket))
        };
        Buckets::new(entries)
    }

    /// All keys with their values and all names of buckets, in byte order.
    pub fn items(&self) -> Items<'t> {
        let entries = self.entries(Bound::Unbounded, Bound::Unbounded, None);
        Items::new(entries)
    }

    /// A place among the keys and buckets to move by hand; before the first one at first.
    pub fn cursor(&self) -> Cursor<'t> {
        Cursor::new(self.source, self.root)
    }

    /// The bucket's own number, as [`BucketMut::set_sequence`](crate::pagefile::BucketMut::set_sequence) left it; 0 at first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// All keys and values, in byte order of the keys; not the buckets.
    pub fn iter(&self) -> Range<'t> {
        self.range::<&[u8]>(..)
    }

    /// The keys of a range and their values, in byte order of the keys, from both ends; not the buckets. Nothing is read before the first
    /// step; a range that ends before it begins is empty.
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Range<'t> {
        let from = owned(range.start_bound());
        let to = owned(range.end_bound());
        let only = (self.buckets > 0).then_some(Kind::Value);
        Range::new(self.entries(from, to, only))
    }

    /// Figures about this bucket, without those that lie in it. O(pages), but for values in runs of their own, which are not read.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn stats(&self) -> Result<BucketStats, Error> {
        gather(self.source, *self, false)
    }

    /// Figures about this bucket and all that lie in it, at every depth, as one.
    ///
    /// ```
    /// # use sapwood::pagefile::{Error, PageFile};
    /// let file = PageFile::in_memory()?;
    /// file.update(|tx| tx.bucket_or_create_at(["eu", "berlin"])?.put("web-1", "running"))?;
    /// let stats = file.begin_read().root().stats_of_all()?;
    /// // The tree with "eu" in it is small enough to lie in the meta, and has no page.
    /// assert_eq!((stats.keys, stats.buckets, stats.leaf_pages), (1, 2, 2));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn stats_of_all(&self) -> Result<BucketStats, Error> {
        gather(self.source, *self, true)
    }

    /// The size of the pages that it lies in, in bytes.
    pub(crate) fn page_size(&self) -> u32 {
        self.source.page_size
    }

    pub(in crate::pagefile) fn source(&self) -> &'t Source {
        self.source
    }

    pub(in crate::pagefile) fn root(&self) -> Root<'t> {
        self.root
    }

    fn entries(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>, only: Option<Kind>) -> Entries<'t> {
        Entries::new(self.source, self.root, from, to, only)
    }
}

impl<'t> IntoIterator for &Bucket<'t> {
    type Item = <Range<'t> as Iterator>::Item;
    type IntoIter = Range<'t>;

    fn into_iter(self) -> Range<'t> {
        self.iter()
    }
}

fn owned<K: AsRef<[u8]>>(bound: Bound<&K>) -> Bound<Vec<u8>> {
    bound.map(|key| key.as_ref().to_vec())
}
