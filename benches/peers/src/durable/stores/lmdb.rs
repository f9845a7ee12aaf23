//! LMDB, through heed.

use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, RwTxn};

use super::hand::{ByHand, Part, Parts};
use crate::Failure;

type Tree = Database<Bytes, Bytes>;

pub(in crate::durable) struct Lmdb {
    env: Env,
    trees: [Tree; 3],
}

impl ByHand for Lmdb {
    const NAME: &'static str = "lmdb";

    fn create(folder: &Path) -> Result<Self, Failure> {
        let env = crate::files::environment(folder)?;
        let mut tx = env.write_txn()?;
        let trees = Part::NAMES.map(|name| env.create_database(&mut tx, Some(name)));
        let [rows, by_node, by_job] = trees;
        let trees = [rows?, by_node?, by_job?];
        tx.commit()?;
        Ok(Self { env, trees })
    }

    fn write(
        &self,
        write: &mut dyn FnMut(&mut dyn Parts) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let tx = self.env.write_txn()?;
        let trees = self.trees;
        let mut open = Open { tx, trees };
        write(&mut open)?;
        Ok(open.tx.commit()?)
    }
}

struct Open<'e> {
    tx: RwTxn<'e>,
    trees: [Tree; 3],
}

impl Parts for Open<'_> {
    fn row(&mut self, id: &str) -> Result<Option<Vec<u8>>, Failure> {
        let row = self.trees[Part::Rows as usize].get(&self.tx, id.as_bytes())?;
        Ok(row.map(<[u8]>::to_vec))
    }

    fn put(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        Ok(self.trees[part as usize].put(&mut self.tx, key, value)?)
    }

    fn remove(&mut self, part: Part, key: &[u8]) -> Result<(), Failure> {
        self.trees[part as usize].delete(&mut self.tx, key)?;
        Ok(())
    }
}
