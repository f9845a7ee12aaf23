//! Cursors to change with.

use std::ops::Bound;

use super::super::{BucketMut, Error, Item};

/// A place among the keys and buckets of a [`BucketMut`], as [`Cursor`](crate::pagefile::Cursor) is, at which keys can be deleted and their values replaced.
///
/// After [`delete`](Self::delete) the place is between the neighbours of what was deleted: [`next`](Self::next) goes to the one that came behind
/// it, [`previous`](Self::previous) to the one before it, and nothing is passed over. After an error the place is what it was.
///
/// While the cursor lives, nothing else changes the bucket.
///
/// ```
/// # use sapwood::pagefile::{Error, Item, PageFile};
/// let file = PageFile::in_memory()?;
/// file.update(|tx| {
///     let mut pods = tx.create_bucket("pods")?;
///     for key in ["a1", "b1", "b2", "c1"] {
///         pods.put(key, "")?;
///     }
///     let mut cursor = pods.cursor();
///     let mut is_b = cursor.seek("b")?.is_some_and(|item| item.key().starts_with(b"b"));
///     while is_b {
///         cursor.delete()?;
///         is_b = cursor.next()?.is_some_and(|item| item.key().starts_with(b"b"));
///     }
///     assert_eq!(pods.len(), 2);
///     Ok::<_, Error>(())
/// })?;
/// # Ok::<(), Error>(())
/// ```
pub struct CursorMut<'b> {
    bucket: BucketMut<'b>,
    place: Place,
}

/// Kept as a key: the nodes change under the cursor.
enum Place {
    Start,
    At(Vec<u8>),
    /// What was at this key is deleted.
    Gap(Vec<u8>),
    End,
}

impl<'b> CursorMut<'b> {
    pub(in crate::pagefile) fn new(bucket: BucketMut<'b>) -> Self {
        let place = Place::Start;
        Self { bucket, place }
    }

    /// Goes to the first key or bucket. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn first(&mut self) -> Result<Option<Item<'_>>, Error> {
        self.go(Bound::Unbounded, true)
    }

    /// Goes to the last key or bucket. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn last(&mut self) -> Result<Option<Item<'_>>, Error> {
        self.go(Bound::Unbounded, false)
    }

    /// Goes to `key`, or where it is not there to the nearest one behind it. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Item<'_>>, Error> {
        self.go(Bound::Included(key.as_ref()), true)
    }

    /// Goes to `key`, or where it is not there to the nearest one before it. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn seek_back(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Item<'_>>, Error> {
        self.go(Bound::Included(key.as_ref()), false)
    }

    /// Goes to the nearest one behind. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    #[expect(
        clippy::should_implement_trait,
        reason = "it goes both ways, and does not end at the end"
    )]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, Error> {
        self.step(true)
    }

    /// Goes to the nearest one before. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn previous(&mut self) -> Result<Option<Item<'_>>, Error> {
        self.step(false)
    }

    /// What the place is at; nothing, right after a deletion. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn current(&self) -> Result<Option<Item<'_>>, Error> {
        match &self.place {
            Place::At(key) => self.bucket.as_bucket().cursor().seek(key),
            Place::Start | Place::Gap(_) | Place::End => Ok(None),
        }
    }

    /// Deletes the key that the place is at, and tells whether it is at one. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::IsABucket`] where it is at a bucket; [`Error::Corrupted`], [`Error::Io`]. Nothing was then deleted.
    pub fn delete(&mut self) -> Result<bool, Error> {
        let Place::At(key) = &mut self.place else {
            return Ok(false);
        };
        self.bucket.delete(&*key)?;
        self.place = Place::Gap(std::mem::take(key));
        Ok(true)
    }

    /// Puts another value under the key that the place is at, and tells whether it is at one. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::IsABucket`] where it is at a bucket; [`Error::Corrupted`], [`Error::Io`]. Nothing was then changed.
    pub fn set_value(&mut self, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        let Place::At(key) = &self.place else {
            return Ok(false);
        };
        self.bucket.put(key, value)
    }

    fn step(&mut self, forward: bool) -> Result<Option<Item<'_>>, Error> {
        match &self.place {
            Place::Start if forward => self.go(Bound::Unbounded, true),
            Place::End if !forward => self.go(Bound::Unbounded, false),
            Place::Start | Place::End => Ok(None),
            Place::At(key) | Place::Gap(key) => {
                let key = key.clone();
                self.go(Bound::Excluded(&key), forward)
            }
        }
    }

    fn go(&mut self, bound: Bound<&[u8]>, forward: bool) -> Result<Option<Item<'_>>, Error> {
        let item = self.bucket.as_bucket().cursor().go(bound, forward)?;
        self.place = match &item {
            Some(item) => Place::At(item.key().to_vec()),
            None if forward => Place::End,
            None => Place::Start,
        };
        Ok(item)
    }
}
