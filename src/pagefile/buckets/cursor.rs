//! Cursors to read with.

use std::ops::Bound;

use super::super::{
    Error, Item,
    source::Source,
    tree::{Root, Walker},
};

/// A place among the keys and buckets of a [`Bucket`](crate::pagefile::Bucket): at one of them, before the first, or behind the last.
///
/// There is one rule for all steps: [`next`](Self::next) goes to the nearest one behind the place, [`previous`](Self::previous) to the nearest one
/// before it. Where there is none, they give `None` and the place is behind the last one, or before the first; from there, the other step comes back to
/// it. After an error, the place is before the first one.
///
/// ```
/// # use sapwood::pagefile::{Error, Item, PageFile};
/// let file = PageFile::in_memory()?;
/// file.update(|tx| {
///     let mut pods = tx.create_bucket("pods")?;
///     for key in ["a", "c", "e"] {
///         pods.put(key, "")?;
///     }
///     Ok::<_, Error>(())
/// })?;
/// let read = file.begin_read();
/// let mut cursor = read.bucket("pods")?.expect("created above").cursor();
/// let key = |item: Option<Item<'_>>| item.map(|item| item.key().to_vec());
/// assert_eq!(key(cursor.seek("b")?), Some(b"c".to_vec()));
/// assert_eq!(key(cursor.next()?), Some(b"e".to_vec()));
/// assert_eq!(key(cursor.next()?), None);
/// assert_eq!(key(cursor.previous()?), Some(b"e".to_vec()));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Cursor<'t> {
    walker: Walker<'t>,
}

impl<'t> Cursor<'t> {
    pub(in crate::pagefile) fn new(source: &'t Source, root: Root<'t>) -> Self {
        let walker = Walker::new(source, root);
        Self { walker }
    }

    /// Goes to the first key or bucket. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn first(&mut self) -> Result<Option<Item<'t>>, Error> {
        self.go(Bound::Unbounded, true)
    }

    /// Goes to the last key or bucket. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn last(&mut self) -> Result<Option<Item<'t>>, Error> {
        self.go(Bound::Unbounded, false)
    }

    /// Goes to `key`, or where it is not there to the nearest one behind it. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Item<'t>>, Error> {
        self.go(Bound::Included(key.as_ref()), true)
    }

    /// Goes to `key`, or where it is not there to the nearest one before it. O(log rows) pages.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn seek_back(&mut self, key: impl AsRef<[u8]>) -> Result<Option<Item<'t>>, Error> {
        self.go(Bound::Included(key.as_ref()), false)
    }

    /// Goes to the nearest one behind. O(1) pages on average.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    #[expect(
        clippy::should_implement_trait,
        reason = "it goes both ways, and does not end at the end"
    )]
    pub fn next(&mut self) -> Result<Option<Item<'t>>, Error> {
        self.walker.step(true)?;
        self.current()
    }

    /// Goes to the nearest one before. O(1) pages on average.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn previous(&mut self) -> Result<Option<Item<'t>>, Error> {
        self.walker.step(false)?;
        self.current()
    }

    /// What the place is at.
    ///
    /// # Errors
    /// [`Error::Corrupted`], [`Error::Io`].
    pub fn current(&self) -> Result<Option<Item<'t>>, Error> {
        Ok(self.walker.entry()?.map(Item::new))
    }

    /// Goes to the first one within a bound from below, or the last one within a bound from above.
    pub(in crate::pagefile) fn go(
        &mut self,
        bound: Bound<&[u8]>,
        forward: bool,
    ) -> Result<Option<Item<'t>>, Error> {
        self.walker.seek(bound, forward)?;
        self.current()
    }
}
