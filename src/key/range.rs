//! Ranges of encoded keys: what a query, a watch and a scan are over.

use smallvec::SmallVec;

/// The bytes of an encoded key. Short keys stay without an allocation.
pub type KeyBuf = SmallVec<[u8; 48]>;

/// A set of keys that lie side by side in byte order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyRange {
    /// Every key that starts with these bytes; all keys where they are empty.
    Prefix(KeyBuf),
    /// Every key from `start` on, up to but without `end`; without a limit where `end` is `None`.
    Span {
        /// The first key that may be in the range.
        start: KeyBuf,
        /// The first key behind the range.
        end: Option<KeyBuf>,
    },
}

impl KeyRange {
    /// Every key there is.
    pub(crate) const ALL: Self = Self::Prefix(SmallVec::new_const());

    /// Whether `key` lies in the range.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Prefix(prefix) => key.starts_with(prefix),
            Self::Span { start, end } => {
                key >= start.as_slice() && end.as_ref().is_none_or(|end| key < end.as_slice())
            }
        }
    }

    /// The first key that may be in the range.
    pub(crate) fn start(&self) -> &[u8] {
        match self {
            Self::Prefix(start) | Self::Span { start, .. } => start,
        }
    }

    /// The first key behind the range; `None` where it has no upper limit.
    pub(crate) fn end(&self) -> Option<KeyBuf> {
        match self {
            Self::Prefix(prefix) => after_prefix(prefix),
            Self::Span { end, .. } => end.clone(),
        }
    }
}

/// The least byte string that is greater than every string starting with `prefix`: its last byte below `FF` raised, and what follows cut.
/// `None` where there is none (`prefix` is empty or all `FF`).
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<KeyBuf> {
    let last = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut end = KeyBuf::from_slice(&prefix[..=last]);
    end[last] += 1;
    Some(end)
}
