//! How a database is described before it is opened.

use std::sync::Arc;
use std::time::Duration;

use super::Database;
use super::catalog::Catalog;
use super::commit::core::Core;
use super::observe::slow_write::WARN_AFTER;
use super::observe::{Hook, Stopwatch};
use crate::radix::Writer;
use crate::table::Table;
use crate::{Error, Revision};

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
    pub(super) warn_after: Duration,
    pub(super) on_slow_write: Option<Hook>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            catalog: Ok(Catalog::default()),
            durability: Durability::Immediate,
            warn_after: WARN_AFTER,
            on_slow_write: None,
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
