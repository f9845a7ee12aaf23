//! jammdb.

use std::path::Path;

use jammdb::{Bucket, DB};

use super::{Reader, Store};
use crate::Failure;
use crate::data::{Key, Value};

pub(super) struct Jammdb(DB);

const ROWS: &str = "rows";
/// It takes over 100 seconds for a million rows in one transaction: rows go in in pieces.
const PIECE: usize = 10_000;

impl Store for Jammdb {
    const NAME: &'static str = "jammdb";

    fn open(folder: &Path) -> Result<Self, Failure> {
        let db = DB::open(folder.join("rows.jammdb"))?;
        let tx = db.tx(true)?;
        tx.get_or_create_bucket(ROWS)?;
        tx.commit()?;
        Ok(Self(db))
    }

    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure> {
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let tx = self.0.tx(true)?;
            let bucket = tx.get_bucket(ROWS)?;
            for (key, value) in rows.by_ref().take(PIECE) {
                bucket.put(key.to_vec(), value.to_vec())?;
            }
            tx.commit()?;
        }
        Ok(())
    }

    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure> {
        let mut keys = keys.peekable();
        while keys.peek().is_some() {
            let tx = self.0.tx(true)?;
            let bucket = tx.get_bucket(ROWS)?;
            for key in keys.by_ref().take(PIECE) {
                bucket.delete(key)?;
            }
            tx.commit()?;
        }
        Ok(())
    }

    fn read(
        &self,
        read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let tx = self.0.tx(false)?;
        read(&tx.get_bucket(ROWS)?)
    }

    fn len(&self) -> Result<u64, Failure> {
        let tx = self.0.tx(false)?;
        Ok(tx.get_bucket(ROWS)?.kv_pairs().count() as u64)
    }

    fn compact(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }

    fn close(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Reader for Bucket<'_, '_> {
    fn get(&self, key: &Key) -> Result<u64, Failure> {
        let row = self.get_kv(key);
        Ok(row.map_or(0, |row| u64::from(row.value()[0])))
    }

    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure> {
        let mut cursor = self.cursor();
        cursor.seek(key);
        let values = cursor.take(rows).map(|row| u64::from(row.kv().value()[0]));
        Ok(values.sum())
    }
}
