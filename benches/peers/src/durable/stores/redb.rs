//! redb.

use std::path::Path;

use redb::{Database, ReadableTable as _, Table, TableDefinition};

use super::hand::{ByHand, Part, Parts};
use crate::Failure;

type Bytes = &'static [u8];

pub(in crate::durable) struct Redb(Database);

impl ByHand for Redb {
    const NAME: &'static str = "redb";

    fn create(folder: &Path) -> Result<Self, Failure> {
        let mut builder = Database::builder();
        builder.set_cache_size(4 << 30);
        Ok(Self(builder.create(folder.join("tasks.redb"))?))
    }

    fn write(
        &self,
        write: &mut dyn FnMut(&mut dyn Parts) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let tx = self.0.begin_write()?;
        {
            let open = |name| tx.open_table(TableDefinition::<Bytes, Bytes>::new(name));
            let [rows, by_node, by_job] = Part::NAMES.map(open);
            write(&mut Open([rows?, by_node?, by_job?]))?;
        }
        Ok(tx.commit()?)
    }
}

struct Open<'t>([Table<'t, Bytes, Bytes>; 3]);

impl Parts for Open<'_> {
    fn row(&mut self, id: &str) -> Result<Option<Vec<u8>>, Failure> {
        let row = self.0[Part::Rows as usize].get(id.as_bytes())?;
        Ok(row.map(|row| row.value().to_vec()))
    }

    fn put(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.0[part as usize].insert(key, value)?;
        Ok(())
    }

    fn remove(&mut self, part: Part, key: &[u8]) -> Result<(), Failure> {
        self.0[part as usize].remove(key)?;
        Ok(())
    }
}
