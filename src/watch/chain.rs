//! The watches of one range.

use super::slab::Id;

/// All watches of one range, linked by their numbers. A range that nobody watches has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) first: Id,
    /// No watch of the chain is on an older version. Where one was dropped, all may be on newer ones.
    pub(super) oldest: u64,
}
