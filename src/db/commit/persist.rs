//! The step of a commit that makes it last: what the pipeline asks of a disk, a log, or whatever else keeps commits.

use std::sync::Arc;

use super::super::stats::Disk;
use super::super::stored::RowBytes;
use super::durable::Durable;
use crate::Error;
use crate::radix::{Staged, Version};
use crate::table::TableSchema;

/// A commit as bytes: [`Persist::record`]. `None` for one that is too long for what keeps records: it goes another way. No bytes for one that changes only
/// ephemeral tables: there is nothing to keep.
pub(crate) type CommitRecord = Option<Vec<u8>>;

/// The tables that a file has and the program does not declare. Nobody changes them while the database is open.
pub(crate) trait UnknownTables {
    /// What the file says of them, in the order of their names.
    fn schemas(&self) -> &[TableSchema];

    /// Calls `each` for every row of one of them, with its key and its bytes, in the order of their keys.
    fn rows(
        &self,
        table: &str,
        each: &mut dyn FnMut(RowBytes<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

/// Where commits go before they are published, or behind them.
pub(crate) trait Persist: Send + Sync {
    /// Whether commits are published only when they are durable: then each goes through [`record`](Self::record) and [`write`](Self::write) before, else through
    /// [`published`](Self::published) only.
    fn is_first(&self) -> bool;

    /// Makes bytes of the commit that leads from one version to the next, with code of the rows. In the writer's turn.
    fn record(&self, from: &Version, to: &Staged) -> Result<CommitRecord, Error>;

    /// Makes commits durable, which lead from the last one that was written to `to`. In order, one call at a time. On an error, nothing of it may
    /// ever be published.
    fn write(&self, records: &mut [CommitRecord], to: &Version) -> Result<(), Error>;

    /// `version` was published.
    fn published(&self, version: &Version);

    /// Makes all up to `version`, which is published, durable.
    fn sync(&self, version: &Version) -> Result<(), Error>;

    /// As [`sync`](Self::sync), and so that opening the file has no commit to repeat.
    fn checkpoint(&self, version: &Version) -> Result<(), Error>;

    /// Makes all up to `version` durable and lets go of the file.
    fn close(&self, version: &Version) -> Result<(), Error>;

    /// Why nothing can be written any more.
    fn poisoned(&self) -> Option<Error>;

    /// What is durable, and who waits for it.
    fn durable(&self) -> &Arc<Durable>;

    /// The size of the file, in bytes.
    fn file_bytes(&self) -> u64;

    /// The tables that the file has and the program does not declare; `None` where there are none.
    fn unknown_tables(&self) -> Result<Option<Box<dyn UnknownTables>>, Error>;

    /// Numbers about the file.
    fn disk(&self) -> Disk;
}
