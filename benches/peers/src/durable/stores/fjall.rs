//! fjall, with its transactions of one writer at a time.

use std::path::Path;

use fjall::{
    KeyspaceCreateOptions, PersistMode, Readable as _, SingleWriterTxDatabase,
    SingleWriterTxKeyspace, SingleWriterWriteTx,
};

use super::hand::{ByHand, Part, Parts};
use crate::Failure;

pub(in crate::durable) struct Fjall {
    db: SingleWriterTxDatabase,
    keyspaces: [SingleWriterTxKeyspace; 3],
}

impl ByHand for Fjall {
    const NAME: &'static str = "fjall";

    fn create(folder: &Path) -> Result<Self, Failure> {
        let builder = SingleWriterTxDatabase::builder(folder);
        let db = builder.cache_size(4 << 30).open()?;
        let keyspace = |name| db.keyspace(name, KeyspaceCreateOptions::default);
        let [rows, by_node, by_job] = Part::NAMES.map(keyspace);
        let keyspaces = [rows?, by_node?, by_job?];
        Ok(Self { db, keyspaces })
    }

    /// The next writer need not wait for the sync of this one.
    fn write(
        &self,
        write: &mut dyn FnMut(&mut dyn Parts) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut open = Open {
            tx: self.db.write_tx(),
            keyspaces: &self.keyspaces,
        };
        write(&mut open)?;
        open.tx.commit()?;
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }
}

struct Open<'d> {
    tx: SingleWriterWriteTx<'d>,
    keyspaces: &'d [SingleWriterTxKeyspace; 3],
}

impl Parts for Open<'_> {
    fn row(&mut self, id: &str) -> Result<Option<Vec<u8>>, Failure> {
        let row = self.tx.get(&self.keyspaces[Part::Rows as usize], id)?;
        Ok(row.map(|row| row.to_vec()))
    }

    fn put(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.tx.insert(&self.keyspaces[part as usize], key, value);
        Ok(())
    }

    fn remove(&mut self, part: Part, key: &[u8]) -> Result<(), Failure> {
        self.tx.remove(&self.keyspaces[part as usize], key);
        Ok(())
    }
}
