//! How a database is described before it is opened.

use std::sync::Arc;
use std::time::Duration;

use super::Database;
use super::catalog::Catalog;
use super::commit::core::Core;
use super::observe::slow_write::WARN_AFTER;
use super::observe::{Hook, Stopwatch};
use super::progress::Told;
use crate::radix::Writer;
use crate::table::Table;
use crate::{Error, Revision};

/// The journal of a file, in bytes, where nobody says.
const JOURNAL_SIZE: u64 = 8 << 20;
/// A commit is in the journal only for no longer than this, where nobody says.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(60);

/// When a commit on a file is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Before it is published: a commit that was acknowledged survives the loss of power.
    #[default]
    Immediate,
    /// Within this time after it was published. What is lost with the power are the newest commits, whole ones and from the end.
    Eventual {
        /// The longest that a published commit waits for the disk, while the disk keeps up.
        within: Duration,
    },
    /// When the program calls [`Database::checkpoint`] or closes the database.
    Checkpoint,
}

/// Describes a database: [`Database::builder`].
#[must_use = "a builder does nothing until it is opened"]
pub struct Builder {
    pub(crate) catalog: Result<Catalog, Error>,
    pub(crate) durability: Durability,
    pub(crate) journal_size: u64,
    pub(crate) checkpoint_within: Duration,
    pub(super) warn_after: Duration,
    pub(super) on_slow_write: Option<Hook>,
    pub(crate) on_progress: Option<Told>,
    pub(crate) load_threads: Option<usize>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            catalog: Ok(Catalog::default()),
            durability: Durability::Immediate,
            journal_size: JOURNAL_SIZE,
            checkpoint_within: CHECKPOINT_WITHIN,
            warn_after: WARN_AFTER,
            on_slow_write: None,
            on_progress: None,
            load_threads: None,
        }
    }

    /// Adds a table. Once is enough; more often changes nothing.
    pub fn table<T: Table>(mut self) -> Self {
        self.catalog = self.catalog.and_then(|mut catalog| {
            catalog.add::<T>()?;
            Ok(catalog)
        });
        self
    }

    /// When commits are durable, on a file. [`Durability::Immediate`] unless said.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many bytes of commits the file's journal takes before a checkpoint, about; 8 MiB unless said. It begins smaller, and grows to that where writers fill it.
    ///
    /// A commit goes into the journal, and into the trees of the file with the next checkpoint, which runs beside the writers. A longer journal makes fewer
    /// checkpoints, a larger file, which holds up to three times as much of it, and more to repeat when the file is opened after a crash. Where writers fill it faster than checkpoints
    /// empty it, they wait for them; and a commit that is larger goes to the trees at once.
    pub fn journal_size(mut self, bytes: u64) -> Self {
        self.journal_size = bytes;
        self
    }

    /// For how long at most, about, a commit is in the journal only, a minute unless said: then there is a checkpoint, also where the journal has room. Not with
    /// [`Durability::Checkpoint`], which has no journal.
    pub fn checkpoint_within(mut self, time: Duration) -> Self {
        self.checkpoint_within = time;
        self
    }

    /// Is called while a file is opened, on the thread that opens it: with how much is done and how much there is to do, a few times a second, and when all is done. A row
    /// counts once when it is read, and once for each index when that is built.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state.sap");
    /// let builder = Database::builder().table::<Node>();
    /// let db = builder.on_progress(|done, total| eprintln!("{done} of {total}")).open(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_progress(mut self, told: impl FnMut(u64, u64) + Send + 'static) -> Self {
        self.on_progress = Some(Box::new(told));
        self
    }

    /// On how many threads a file is loaded, the one that opens it among them; as many as the machine has cores unless said. What is loaded, and what is refused with which
    /// error, does not depend on it.
    pub fn load_threads(mut self, threads: usize) -> Self {
        self.load_threads = Some(threads.max(1));
        self
    }

    /// A database that lives in memory and ends with its last handle.
    ///
    /// # Errors
    /// [`Error::SameName`] for two tables of one name.
    pub fn in_memory(mut self) -> Result<Database, Error> {
        let observe = self.observe("memory");
        let catalog = self.catalog?.complete();
        let (writer, version) = Writer::new(catalog.layout.clone(), Revision::ZERO);
        observe.opened(Revision::ZERO, 0, Stopwatch::start());
        Ok(Database::from_core(Core::new(
            Arc::new(catalog),
            writer,
            version,
            None,
            observe,
        )))
    }
}
