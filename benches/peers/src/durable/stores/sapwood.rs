//! sapwood.

use std::path::Path;

use super::Store;
use crate::Failure;
use crate::figures::OURS;
use crate::memory::stores::{self, Store as _};
use crate::task::{Change, Task};

pub(in crate::durable) struct Sapwood(stores::Sapwood);

impl Store for Sapwood {
    const NAME: &'static str = OURS;

    fn create(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(stores::Sapwood::open(&folder.join("state.sap"))?))
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) -> Result<(), Failure> {
        self.0.load(rows);
        Ok(())
    }

    fn update(&self, ids: &[String], change: Change) -> Result<(), Failure> {
        self.0.update(ids, change);
        Ok(())
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(self.0.db.checkpoint()?)
    }

    fn syncs(&self) -> Option<u64> {
        Some(self.0.db.counters().disk?.syncs)
    }
}
