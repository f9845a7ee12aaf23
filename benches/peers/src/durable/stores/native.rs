//! `native_db`, which keeps its indexes itself.

use std::path::Path;

use super::Store;
use crate::Failure;
use crate::memory::stores::{self, Store as _};
use crate::task::{Change, Task};

pub(in crate::durable) struct Native(stores::Native);

impl Store for Native {
    const NAME: &'static str = "native_db";

    fn create(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(stores::Native::open(&folder.join("tasks.redb"))?))
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) -> Result<(), Failure> {
        self.0.load(rows);
        Ok(())
    }

    fn update(&self, ids: &[String], change: Change) -> Result<(), Failure> {
        self.0.update(ids, change);
        Ok(())
    }
}
