//! LMDB, through heed.

use std::ops::Bound;
use std::path::Path;

use heed::types::Bytes;
use heed::{CompactionOption, Database, Env, EnvOpenOptions, RoTxn};

use super::{Reader, Store};
use crate::Failure;
use crate::data::{Key, Value};

pub(super) struct Lmdb {
    env: Env,
    rows: Rows,
    folder: std::path::PathBuf,
}

type Rows = Database<Bytes, Bytes>;

/// Opens an environment.
#[allow(unsafe_code, reason = "heed has no other way to open a file")]
pub(crate) fn environment(folder: &Path) -> Result<Env, Failure> {
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30).max_dbs(3);
    // SAFETY: nobody else touches the files of this run.
    Ok(unsafe { options.open(folder)? })
}

impl Store for Lmdb {
    const NAME: &'static str = "lmdb";

    fn open(folder: &Path) -> Result<Self, Failure> {
        let env = environment(folder)?;
        let mut tx = env.write_txn()?;
        let rows = env.create_database(&mut tx, Some("rows"))?;
        tx.commit()?;
        Ok(Self {
            env,
            rows,
            folder: folder.to_owned(),
        })
    }

    fn put(&self, rows: &mut dyn Iterator<Item = (Key, Value)>) -> Result<(), Failure> {
        let mut tx = self.env.write_txn()?;
        for (key, value) in rows {
            self.rows.put(&mut tx, &key, &value)?;
        }
        Ok(tx.commit()?)
    }

    fn remove(&self, keys: &mut dyn Iterator<Item = Key>) -> Result<(), Failure> {
        let mut tx = self.env.write_txn()?;
        for key in keys {
            self.rows.delete(&mut tx, &key)?;
        }
        Ok(tx.commit()?)
    }

    fn read(
        &self,
        read: &mut dyn FnMut(&dyn Reader) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let tx = self.env.read_txn()?;
        read(&Reading {
            tx: &tx,
            rows: self.rows,
        })
    }

    fn len(&self) -> Result<u64, Failure> {
        let tx = self.env.read_txn()?;
        Ok(self.rows.len(&tx)?)
    }

    fn compact(&mut self) -> Result<bool, Failure> {
        let (copy, file) = (self.folder.join("copy"), self.folder.join("data.mdb"));
        self.env.copy_to_path(&copy, CompactionOption::Enabled)?;
        std::fs::rename(copy, file)?;
        Ok(true)
    }

    fn close(self) -> Result<(), Failure> {
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}

struct Reading<'t> {
    tx: &'t RoTxn<'t>,
    rows: Rows,
}

impl Reader for Reading<'_> {
    fn get(&self, key: &Key) -> Result<u64, Failure> {
        let value = self.rows.get(self.tx, key)?;
        Ok(value.map_or(0, |value| u64::from(value[0])))
    }

    fn sum_from(&self, key: &Key, rows: usize) -> Result<u64, Failure> {
        let mut sum = 0;
        let range = (Bound::Included(&key[..]), Bound::Unbounded);
        for row in self.rows.range(self.tx, &range)?.take(rows) {
            sum += u64::from(row?.1[0]);
        }
        Ok(sum)
    }
}
