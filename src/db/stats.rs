//! Numbers about a database.

use crate::Revision;

/// Numbers about a database, from [`Database::stats`](super::Database::stats).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The newest published commit.
    pub revision: Revision,
    /// The size of the file in bytes; zero in memory.
    pub file_bytes: u64,
}
