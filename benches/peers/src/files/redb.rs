//! redb.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableDefinition};

use super::{Reader, Store};
use crate::Failure;
use crate::data::{Key, Value};

pub(super) struct Redb(Database);

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

impl Store for Redb {
    const NAME: &'static str = "redb";

    fn open(folder: &Path) -> Result<Self, Failure> {
        let mut builder = Database::builder();
        builder.set_cache_size(4 << 30);
        Ok(Self(builder.create(folder.join("rows.redb"))?))
    }

    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure> {
        let tx = self.0.begin_write()?;
        {
            let mut table = tx.open_table(ROWS)?;
            for (key, value) in rows {
                table.insert(&key[..], &value[..])?;
            }
        }
        Ok(tx.commit()?)
    }

    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure> {
        let tx = self.0.begin_write()?;
        {
            let mut table = tx.open_table(ROWS)?;
            for key in keys {
                table.remove(&key[..])?;
            }
        }
        Ok(tx.commit()?)
    }

    fn read(
        &self,
        read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        read(&self.0.begin_read()?.open_table(ROWS)?)
    }

    fn len(&self) -> Result<u64, Failure> {
        Ok(self.0.begin_read()?.open_table(ROWS)?.len()?)
    }

    fn compact(&mut self) -> Result<bool, Failure> {
        self.0.compact()?;
        Ok(true)
    }

    fn close(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Reader for redb::ReadOnlyTable<&'static [u8], &'static [u8]> {
    fn get(&self, key: &Key) -> Result<u64, Failure> {
        let value = redb::ReadOnlyTable::get(self, &key[..])?;
        Ok(value.map_or(0, |value| u64::from(value.value()[0])))
    }

    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure> {
        let mut sum = 0;
        for row in self.range(&key[..]..)?.take(rows) {
            sum += u64::from(row?.1.value()[0]);
        }
        Ok(sum)
    }
}
