//! How a database is restored.

/// What [`Database::restore_with`](crate::Database::restore_with) does with tables that only one side has.
///
/// ```
/// # use sapwood::{Database, Inspect, RestoreOptions, Table};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Table, Clone, Serialize, Deserialize)]
/// # struct Node {
/// #     #[key]
/// #     name: String,
/// # }
/// # #[derive(Table, Clone, Serialize, Deserialize)]
/// # struct Lease {
/// #     #[key]
/// #     name: String,
/// # }
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("backup.sap");
/// // Of the days before there were leases.
/// let db = Database::builder().table::<Node>().in_memory()?;
/// db.backup_to(&path)?;
///
/// let db = Database::builder().table::<Node>().table::<Lease>().in_memory()?;
/// db.write(|tx| tx.insert(Lease { name: "leader".into() }))?;
/// let options = RestoreOptions::new().keep_absent(true);
/// db.restore_with(&Inspect::open(&path)?, &options, &mut |_, _| ())?;
/// assert!(db.snapshot().get::<Lease>("leader").is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    pub(super) keep_absent: bool,
    pub(super) ignore_unknown: bool,
}

impl RestoreOptions {
    /// The defaults, which each method states.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether tables that the backup does not have keep their rows. Off by default: they have none then, as if the backup had been opened.
    #[must_use]
    pub fn keep_absent(mut self, on: bool) -> Self {
        self.keep_absent = on;
        self
    }

    /// Whether tables of the backup that the program does not declare are passed over, and [named](crate::Restored::ignored). Off by default: they are an
    /// error where they have rows, unless the database's own file has the same.
    #[must_use]
    pub fn ignore_unknown(mut self, on: bool) -> Self {
        self.ignore_unknown = on;
        self
    }
}
