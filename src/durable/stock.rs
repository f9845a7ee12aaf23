//! The rows of a table in a file, as they are loaded: those in the trees with what the journal says of them, in parts.

use std::ops::Bound;
use std::sync::Arc;

use super::replay::{Replay, Rows};
use crate::Error;
use crate::db::{EachRow, Stock};
use crate::pagefile::{Bucket, Error as FileError};

/// The bytes of the leaves of a part, about: enough to be worth the change from one to the next, and few enough that threads end together.
const PART: usize = 512 << 10;

/// The rows of a table in a file.
pub(super) struct FileStock<'s> {
    path: &'s Arc<str>,
    bucket: Option<Bucket<'s>>,
    /// What the journal says.
    newer: &'s Rows,
    /// The keys at which parts other than the first begin.
    cuts: Vec<Vec<u8>>,
}

impl<'s> FileStock<'s> {
    pub(super) fn new(
        path: &'s Arc<str>,
        table: &str,
        bucket: Option<Bucket<'s>>,
        replay: &'s Replay,
    ) -> Self {
        let cuts = bucket.map_or(Vec::new(), |bucket| {
            let leaves = PART / bucket.page_size() as usize;
            bucket.cuts(leaves)
        });
        Self {
            path,
            bucket,
            newer: replay.of(table),
            cuts,
        }
    }

    fn failed(&self, error: FileError) -> Error {
        Error::File {
            path: Arc::clone(self.path),
            source: Arc::new(error),
        }
    }
}

impl Stock for FileStock<'_> {
    fn parts(&self) -> usize {
        self.cuts.len() + 1
    }

    fn len(&self) -> u64 {
        self.bucket.as_ref().map_or(0, Bucket::len)
    }

    fn read(&self, part: usize, each: &mut EachRow<'_>) -> Result<(), Error> {
        let from = part.checked_sub(1).and_then(|part| self.cuts.get(part));
        let from = from.map_or(Bound::Unbounded, |key| Bound::Included(&**key));
        let to = self.cuts.get(part);
        let to = to.map_or(Bound::Unbounded, |key| Bound::Excluded(&**key));
        let mut newer = self.newer.range::<[u8], _>((from, to)).peekable();
        // In the journal a row without bytes was removed; in the trees it is damaged.
        let tell = |key: &[u8], row: &[u8], each: &mut EachRow<'_>| match row {
            [] => Ok(()),
            row => each(key, row),
        };
        if let Some(bucket) = &self.bucket {
            for entry in bucket.range::<&[u8]>((from, to)) {
                let (key, row) = entry.map_err(|error| self.failed(error))?;
                while let Some((newer, row)) = newer.next_if(|(newer, _)| ***newer < *key) {
                    tell(newer, row, each)?;
                }
                match newer.next_if(|(newer, _)| ***newer == *key) {
                    Some((key, row)) => tell(key, row, each)?,
                    None => each(&key, &row)?,
                }
            }
        }
        newer.try_for_each(|(key, row)| tell(key, row, each))
    }
}
