//! The stores, and what each must offer for the workloads.

mod fjall;
mod hand;
mod lmdb;
mod native;
mod redb;
mod sapwood;

use std::path::Path;

pub(super) use fjall::Fjall;
pub(super) use lmdb::Lmdb;
pub(super) use native::Native;
pub(super) use redb::Redb;
pub(super) use sapwood::Sapwood;

use crate::Failure;
use crate::task::{Change, Task};

/// Tasks in a file, by id and with two more indexes. What returns is on the disk.
pub(super) trait Store: Sync + Sized {
    const NAME: &'static str;

    /// A new one in an empty folder.
    fn create(folder: &Path) -> Result<Self, Failure>;
    /// One transaction that adds rows.
    fn load(&self, rows: &mut dyn Iterator<Item = Task>) -> Result<(), Failure>;
    /// One transaction that reads rows, changes each, and writes them and their index entries.
    fn update(&self, ids: &[String], change: Change) -> Result<(), Failure>;
    /// Writes what the store has put off, where it can be told to.
    fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }
    /// Syncs so far, where the store tells.
    fn syncs(&self) -> Option<u64> {
        None
    }
}

/// Calls a generic function with the type of each store that is asked for.
macro_rules! each_store {
    ($only:expr, $function:ident($($argument:expr),*)) => {{
        use $crate::durable::stores::{self, Store as _};
        let wanted = |name: &str| $crate::wants($only, name);
        if wanted(stores::Sapwood::NAME) { $function::<stores::Sapwood>($($argument),*)?; }
        if wanted(stores::Redb::NAME) { $function::<stores::Redb>($($argument),*)?; }
        if wanted(stores::Lmdb::NAME) { $function::<stores::Lmdb>($($argument),*)?; }
        if wanted(stores::Fjall::NAME) { $function::<stores::Fjall>($($argument),*)?; }
        if wanted(stores::Native::NAME) { $function::<stores::Native>($($argument),*)?; }
    }};
}
pub(super) use each_store;
