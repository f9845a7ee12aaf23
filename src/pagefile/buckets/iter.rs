//! Walking through a bucket.

use super::super::{
    Bytes, Error,
    tree::{Entries, Found},
};

/// Keys and values of a [`Bucket`](crate::pagefile::Bucket), in order, from both ends. Ends after an error.
pub struct Range<'t> {
    entries: Entries<'t>,
}

impl<'t> Range<'t> {
    pub(in crate::pagefile) fn new(entries: Entries<'t>) -> Self {
        Self { entries }
    }

    fn step(&mut self, forward: bool) -> Option<<Self as Iterator>::Item> {
        loop {
            match self.entries.step(forward)? {
                Ok((key, Found::Value(value))) => return Some(Ok((key, value))),
                Ok((_, Found::Bucket(_))) => {}
                Err(error) => return Some(Err(error)),
            }
        }
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
    pub(in crate::pagefile) fn new(entries: Entries<'t>) -> Self {
        Self { entries }
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

/// What lies in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'t> {
    /// A key, and its value.
    Value(Bytes<'t>, Bytes<'t>),
    /// The name of a bucket.
    Bucket(Bytes<'t>),
}

impl<'t> Item<'t> {
    pub(in crate::pagefile) fn new((key, found): (Bytes<'t>, Found<'t>)) -> Self {
        match found {
            Found::Value(value) => Self::Value(key, value),
            Found::Bucket(_) => Self::Bucket(key),
        }
    }

    /// The key, or the name of the bucket.
    pub fn key(&self) -> &Bytes<'t> {
        match self {
            Self::Value(key, _) | Self::Bucket(key) => key,
        }
    }

    /// The value; a bucket has none.
    pub fn value(&self) -> Option<&Bytes<'t>> {
        match self {
            Self::Value(_, value) => Some(value),
            Self::Bucket(_) => None,
        }
    }
}

/// Keys with values and names of buckets of a [`Bucket`](crate::pagefile::Bucket), in order, from both ends. Ends after an error.
pub struct Items<'t> {
    entries: Entries<'t>,
}

impl<'t> Items<'t> {
    pub(in crate::pagefile) fn new(entries: Entries<'t>) -> Self {
        Self { entries }
    }
}

impl<'t> Iterator for Items<'t> {
    type Item = Result<Item<'t>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.entries.step(true)?.map(Item::new))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        Some(self.entries.step(false)?.map(Item::new))
    }
}

impl std::iter::FusedIterator for Items<'_> {}
