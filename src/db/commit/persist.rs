//! The step of a commit that makes it last: what the pipeline asks of a disk, a log, or whatever else keeps commits.

use crate::Error;
use crate::radix::Version;

/// Where commits go before they are published.
///
/// The pipeline calls [`commit`](Self::commit) for each version, in order and one at a time; what it calls else may come from any thread.
pub(crate) trait Persist: Send + Sync {
    /// Takes in `to`, which follows `from`. On return, it may be published: as durable as the mode asks for. On an error it never was, and no
    /// further one is asked for.
    fn commit(&self, from: &Version, to: &Version) -> Result<(), Error>;

    /// `version` was published.
    fn published(&self, version: &Version);

    /// Makes all up to `version`, which is published, durable.
    fn sync(&self, version: &Version) -> Result<(), Error>;

    /// Makes all up to `version` durable and lets go of the file.
    fn close(&self, version: &Version) -> Result<(), Error>;

    /// Why nothing can be written any more.
    fn poisoned(&self) -> Option<Error>;

    /// The size of the file, in bytes.
    fn file_bytes(&self) -> u64;
}
