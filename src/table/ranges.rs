//! Rust's range expressions as ranges of keys.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use super::{columns::RangeEnd, query::between};
use crate::key::{KeyBuf, KeyRange, after_prefix};

/// A range expression over the keys of an index with keys of type `K`. `M` is found by the compiler.
///
/// Also a pair of [`Bound`]s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range over the keys of an index with keys of type `{K}`",
    label = "not a range of such keys",
    note = "give `a..b`, `a..=b`, `a..`, `..b`, `..=b` or `..`, with whole keys or first columns as ends"
)]
pub trait Ranges<K, M> {
    #[doc(hidden)]
    fn key_range(&self) -> Encoded;
}

/// A range of encoded keys.
#[doc(hidden)]
pub struct Encoded(pub(super) KeyRange);

/// The range between two ends. An entry is at an end if it begins with it.
fn encode<K, M, Q: RangeEnd<K, M>>(low: Bound<&Q>, high: Bound<&Q>) -> Encoded {
    let bytes = |end: &Q| {
        let mut bytes = KeyBuf::new();
        end.encode_end(&mut bytes);
        bytes
    };
    let start = match low {
        Bound::Included(end) => Some(bytes(end)),
        Bound::Excluded(end) => after_prefix(&bytes(end)),
        Bound::Unbounded => Some(KeyBuf::new()),
    };
    let end = match high {
        Bound::Included(end) => after_prefix(&bytes(end)),
        Bound::Excluded(end) => Some(bytes(end)),
        Bound::Unbounded => None,
    };
    Encoded(between(start, end))
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for Range<Q> {
    fn key_range(&self) -> Encoded {
        encode(Bound::Included(&self.start), Bound::Excluded(&self.end))
    }
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for RangeInclusive<Q> {
    fn key_range(&self) -> Encoded {
        encode(Bound::Included(self.start()), Bound::Included(self.end()))
    }
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for RangeFrom<Q> {
    fn key_range(&self) -> Encoded {
        encode(Bound::Included(&self.start), Bound::Unbounded)
    }
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for RangeTo<Q> {
    fn key_range(&self) -> Encoded {
        encode(Bound::Unbounded, Bound::Excluded(&self.end))
    }
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for RangeToInclusive<Q> {
    fn key_range(&self) -> Encoded {
        encode(Bound::Unbounded, Bound::Included(&self.end))
    }
}

impl<K, M, Q: RangeEnd<K, M>> Ranges<K, M> for (Bound<Q>, Bound<Q>) {
    fn key_range(&self) -> Encoded {
        encode(self.0.as_ref(), self.1.as_ref())
    }
}

impl<K> Ranges<K, ()> for RangeFull {
    fn key_range(&self) -> Encoded {
        Encoded(KeyRange::ALL)
    }
}
