//! Bytes that a transaction hands out.

use std::{fmt, ops::Deref, sync::Arc};

/// Bytes of a key or value, as long as their transaction lives: borrowed from the mapped file where there is one, else a share of the page
/// that was read. Derefs to `[u8]`; no copy is made.
#[derive(Clone)]
pub struct Bytes<'t> {
    held: Held<'t>,
}

#[derive(Clone)]
enum Held<'t> {
    Borrowed(&'t [u8]),
    Shared {
        page: Arc<[u8]>,
        start: usize,
        end: usize,
    },
}

impl<'t> Bytes<'t> {
    pub(in crate::pagefile) fn borrowed(bytes: &'t [u8]) -> Self {
        Self {
            held: Held::Borrowed(bytes),
        }
    }

    /// `start..end` of `page`; `None` where it is not that long.
    pub(in crate::pagefile) fn shared(page: &Arc<[u8]>, start: usize, end: usize) -> Option<Self> {
        page.get(start..end)?;
        Some(Self {
            held: Held::Shared {
                page: Arc::clone(page),
                start,
                end,
            },
        })
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.held {
            Held::Borrowed(bytes) => bytes,
            Held::Shared { page, start, end } => &page[*start..*end],
        }
    }
}

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Bytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes<'_> {}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<&T> for Bytes<'_> {
    fn eq(&self, other: &&T) -> bool {
        **self == *other.as_ref()
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}
