//! fjall, which is a log-structured tree: single commits are cheap for it, and reads and openings are not.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Reader, Store};
use crate::Failure;
use crate::data::{Key, Value};

pub(super) struct Fjall {
    db: Database,
    rows: Keyspace,
}

impl Store for Fjall {
    const NAME: &'static str = "fjall";

    fn open(folder: &Path) -> Result<Self, Failure> {
        let db = Database::builder(folder).cache_size(4 << 30).open()?;
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default)?;
        Ok(Self { db, rows })
    }

    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure> {
        let mut batch = self.db.batch();
        for (key, value) in rows {
            batch.insert(&self.rows, key, value);
        }
        batch.commit()?;
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure> {
        let mut batch = self.db.batch();
        for key in keys {
            batch.remove(&self.rows, key);
        }
        batch.commit()?;
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn read(
        &self,
        read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        read(&self.rows)
    }

    fn len(&self) -> Result<u64, Failure> {
        Ok(self.rows.len()? as u64)
    }

    fn compact(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }

    fn close(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl Reader for Keyspace {
    fn get(&self, key: &Key) -> Result<u64, Failure> {
        let value = Keyspace::get(self, key)?;
        Ok(value.map_or(0, |value| u64::from(value[0])))
    }

    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure> {
        let mut sum = 0;
        for row in self.range(&key[..]..).take(rows) {
            sum += u64::from(row.value()?[0]);
        }
        Ok(sum)
    }
}
