//! Our own page file.

use std::ops::Bound;
use std::path::Path;

use sapwood::pagefile::{Bucket, PageFile};

use super::{Reader, Store};
use crate::Failure;
use crate::data::{Key, Value};
use crate::figures::OURS;

pub(super) struct PageFileStore(PageFile);

const ROWS: &str = "rows";

impl Store for PageFileStore {
    const NAME: &'static str = OURS;

    fn open(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(PageFile::open(folder.join("rows.sap"))?))
    }

    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure> {
        self.0.update(|tx| {
            let mut bucket = tx.bucket_or_create(ROWS)?;
            for (key, value) in rows {
                bucket.put(key, value)?;
            }
            Ok(())
        })
    }

    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure> {
        self.0.update(|tx| {
            let mut bucket = tx.bucket_or_create(ROWS)?;
            for key in keys {
                bucket.delete(key)?;
            }
            Ok(())
        })
    }

    fn read(
        &self,
        read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.0.view(|tx| match tx.bucket(ROWS)? {
            Some(bucket) => read(&bucket),
            None => Ok(()),
        })
    }

    fn len(&self) -> Result<u64, Failure> {
        self.0
            .view(|tx| Ok(tx.bucket(ROWS)?.map_or(0, |bucket| bucket.len())))
    }

    fn compact(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }

    fn close(self) -> Result<(), Failure> {
        Ok(self.0.close()?)
    }

    fn syncs(&self) -> Option<u64> {
        Some(self.0.stats().syncs)
    }

    fn writes(&self) -> Option<u64> {
        Some(self.0.stats().writes)
    }
}

impl Reader for Bucket<'_> {
    fn get(&self, key: &Key) -> Result<u64, Failure> {
        let value = Bucket::get(self, key)?;
        Ok(value.map_or(0, |value| u64::from(value[0])))
    }

    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure> {
        let mut sum = 0;
        let range = self.range::<&[u8]>((Bound::Included(&key[..]), Bound::Unbounded));
        for row in range.take(rows) {
            sum += u64::from(row?.1[0]);
        }
        Ok(sum)
    }
}
