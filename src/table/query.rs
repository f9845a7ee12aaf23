//! What is asked of a table.

use std::{fmt, marker::PhantomData};

use crate::key::{KeyBuf, KeyRange, after_prefix};

/// Rows of one table that lie side by side in one of its indexes: what every verb takes.
///
/// Made by an [`Index`](super::Index), or taken as it is from the constant `ALL` of a table. A query is a value: it can be kept, cloned and
/// asked of any snapshot.
pub struct Query<T> {
    index: usize,
    name: &'static str,
    range: KeyRange,
    /// Whether a row may have more than one entry in the range.
    repeats: bool,
    rows: PhantomData<fn() -> T>,
}

impl<T> Query<T> {
    /// Every row in an index.
    pub(crate) const fn all(index: usize, name: &'static str) -> Self {
        Self {
            index,
            name,
            range: KeyRange::ALL,
            repeats: false,
            rows: PhantomData,
        }
    }

    /// What lies in a range of an index.
    pub(crate) const fn new(index: usize, name: &'static str, range: KeyRange) -> Self {
        Self {
            index,
            name,
            range,
            repeats: false,
            rows: PhantomData,
        }
    }

    /// The same query, of an index in which a row may have more than one entry in such a range.
    pub(crate) const fn repeating(mut self, repeats: bool) -> Self {
        self.repeats = repeats;
        self
    }

    /// Whether a row may have more than one entry in the range.
    pub(crate) fn repeats(&self) -> bool {
        self.repeats
    }

    /// The number of the index that is asked.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The name of the index that is asked.
    pub(crate) fn index_name(&self) -> &'static str {
        self.name
    }

    /// The entries that are asked for.
    pub(crate) fn range(&self) -> &KeyRange {
        &self.range
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self {
            range: self.range.clone(),
            ..*self
        }
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("index", &self.name)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// The entries that are not below `low`, and are below `high` or begin with it.
pub(super) fn through(low: KeyBuf, high: &[u8]) -> KeyRange {
    if low.as_slice() == high {
        KeyRange::Prefix(low)
    } else {
        between(Some(low), after_prefix(high))
    }
}

/// The entries from `start` on, up to but without `end`; none where `start` is `None`. What is the wrong way round holds nothing, in one form.
pub(super) fn between(start: Option<KeyBuf>, end: Option<KeyBuf>) -> KeyRange {
    match (start, end) {
        (Some(start), None) if start.is_empty() => KeyRange::ALL,
        (Some(start), end) if end.as_ref().is_none_or(|end| start < *end) => {
            KeyRange::Span { start, end }
        }
        _ => KeyRange::Span {
            start: KeyBuf::new(),
            end: Some(KeyBuf::new()),
        },
    }
}
