//! Buckets, and walking through them.

use std::ops::{Bound, RangeBounds};

use super::{
    Bytes, Error,
    page::BucketRecord,
    source::Source,
    tree::{Entries, Found, Root, find},
};

/// A bucket to read: byte keys in order, each with a value.
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
    sequence: u64,
}

impl<'t> Bucket<'t> {
    pub(super) fn new(source: &'t Source, root: Root<'t>, rows: u64, sequence: u64) -> Self {
        Self {
            source,
            root,
            rows,
            sequence,
        }
    }

    pub(super) fn stored(source: &'t Source, record: BucketRecord) -> Self {
        let root = Root::stored(record.root);
        Self::new(source, root, record.rows, record.sequence)
    }

    /// The value of `key`. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes<'t>>, Error> {
        match find(self.source, self.root, key.as_ref())? {
            None => Ok(None),
            Some(found) => value(self.source, found).map(Some),
        }
    }

    /// How many keys there are. O(1).
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there is no key. O(1).
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The bucket's own number, as [`BucketMut::set_sequence`](super::BucketMut::set_sequence) left it; 0 at first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// All keys and values, in byte order of the keys.
    pub fn iter(&self) -> Range<'t> {
        self.range::<&[u8]>(..)
    }

    /// The keys of a range and their values, in byte order of the keys, from both ends. Nothing is read before the first step; a range that ends
    /// before it begins is empty.
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Range<'t> {
        let from = owned(range.start_bound());
        let to = owned(range.end_bound());
        Range {
            source: self.source,
            entries: Entries::new(self.source, self.root, from, to),
        }
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

fn value<'t>(source: &Source, found: Found<'t>) -> Result<Bytes<'t>, Error> {
    match found {
        Found::Value(bytes) => Ok(bytes),
        Found::Bucket(_) => Err(source.corrupted(0, "a bucket lies in a bucket")),
    }
}

/// What the tree of buckets holds for `name`.
pub(super) fn find_bucket(
    source: &Source,
    root: Root<'_>,
    name: &[u8],
) -> Result<Option<BucketRecord>, Error> {
    match find(source, root, name)? {
        None => Ok(None),
        Some(Found::Bucket(record)) => Ok(Some(record)),
        Some(Found::Value(_)) => Err(source.corrupted(0, "the tree of buckets holds a value")),
    }
}

/// Keys and values of a [`Bucket`], in order, from both ends. Ends after an error.
pub struct Range<'t> {
    source: &'t Source,
    entries: Entries<'t>,
}

impl Range<'_> {
    fn step(&mut self, forward: bool) -> Option<<Self as Iterator>::Item> {
        let entry = self.entries.step(forward)?;
        Some(entry.and_then(|(key, found)| Ok((key, value(self.source, found)?))))
    }
}

impl<'t> Iterator for Range<'t> {
    type Item = Result<(Bytes<'t>, Bytes<'t>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(true)
    }
}

impl DoubleEndedIterator for Range<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(false)
    }
}

impl std::iter::FusedIterator for Range<'_> {}

/// Names of buckets, in byte order, from both ends. Ends after an error.
pub struct Buckets<'t> {
    entries: Entries<'t>,
}

impl<'t> Buckets<'t> {
    pub(super) fn new(source: &'t Source, root: Root<'t>) -> Self {
        Self {
            entries: Entries::new(source, root, Bound::Unbounded, Bound::Unbounded),
        }
    }
}

impl<'t> Iterator for Buckets<'t> {
    type Item = Result<Bytes<'t>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.entries.step(true)?.map(|(name, _)| name))
    }
}

impl DoubleEndedIterator for Buckets<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        Some(self.entries.step(false)?.map(|(name, _)| name))
    }
}

impl std::iter::FusedIterator for Buckets<'_> {}
