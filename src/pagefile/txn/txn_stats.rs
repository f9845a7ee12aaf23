//! Figures about a write transaction.

use super::super::{Error, commit::preview, source::Source};
use super::work::Work;

/// What a write transaction has changed, and what its commit would cost now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TxnStats {
    /// Buckets of which something was changed, or something in buckets that lie in them.
    pub changed_buckets: u64,
    /// Pages that the commit would write, with those that only lead to what was changed, and without the meta.
    pub pages_to_write: u64,
    /// Pages of the state before that would no longer be needed.
    pub pages_to_free: u64,
}

impl TxnStats {
    /// Does with a copy what the commit does before it writes.
    pub(in crate::pagefile) fn gather(source: &Source, mut work: Work) -> Result<Self, Error> {
        if !work.is_changed {
            return Ok(Self::default());
        }
        let (pages_to_write, changed_buckets) = preview(&mut work, source)?;
        Ok(Self {
            changed_buckets,
            pages_to_write,
            pages_to_free: work.freed.iter().map(|run| run.pages).sum(),
        })
    }
}
