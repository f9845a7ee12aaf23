//! Figures about a bucket.

use super::super::{Bucket, Error, source::Source, tree::Census};

/// What a bucket holds and takes. In a write transaction, what was changed is counted as the commit will store it, as far as it is known by then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketStats {
    /// Keys with values.
    pub keys: u64,
    /// Buckets that lie in it.
    pub buckets: u64,
    /// How high its tree is: 0 where it is empty, 1 where it is a single leaf.
    pub depth: u32,
    /// Pages of branches.
    pub branch_pages: u64,
    /// Pages of leaves.
    pub leaf_pages: u64,
    /// Pages of values that lie in runs of their own.
    pub value_pages: u64,
    /// Bytes in use on pages of branches.
    pub branch_bytes: u64,
    /// Bytes in use on pages of leaves.
    pub leaf_bytes: u64,
    /// Bytes in use on pages of values.
    pub value_bytes: u64,
}

/// Counts a bucket, and if `below` all that lie in it; then the depth is that of the highest tree.
pub(in crate::pagefile) fn gather(
    source: &Source,
    bucket: Bucket<'_>,
    below: bool,
) -> Result<BucketStats, Error> {
    let mut census = Census {
        source,
        stats: BucketStats::default(),
        buckets: Vec::new(),
        stored: 0,
    };
    let mut waiting = vec![bucket];
    while let Some(bucket) = waiting.pop() {
        census.add(bucket.root())?;
        for name in std::mem::take(&mut census.buckets) {
            if below {
                waiting.extend(bucket.bucket(name)?);
            }
        }
    }
    Ok(census.stats)
}
