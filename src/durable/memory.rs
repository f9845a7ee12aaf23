//! A database in memory that begins with the rows of a file.

use std::path::Path;
use std::sync::Arc;

use super::inspect::Inspect;
use super::open::{LoadedFile, Opened};
use crate::db::{Builder, Core, Stopwatch};
use crate::pagefile::Storage;
use crate::{Database, Error};

impl Builder {
    /// A database in memory that begins with the rows of the file at `path`, with their revisions, and has nothing to do with it from then on. The file is as it was, and nobody may have it open
    /// to write. What was said of durability is passed over.
    ///
    /// As [`open`](Self::open) in all that concerns reading: every page of the program's tables is verified, rows of [earlier structs](crate#changing-structs) are read, and the indexes are built.
    /// O(rows). Tables of the file that the program does not declare stay there: the database does not have them, nor a backup of it.
    ///
    /// ```
    /// # use sapwood::{Database, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Table, Clone, Serialize, Deserialize)]
    /// # struct Node {
    /// #     #[key]
    /// #     name: String,
    /// # }
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("state.sap");
    /// # let db = Database::builder().table::<Node>().open(&path)?;
    /// # db.write(|tx| tx.insert(Node { name: "n1".into() }))?;
    /// # db.close()?;
    /// let db = Database::builder().table::<Node>().load(&path)?;
    /// assert_eq!(db.snapshot().count(Node::ALL), 1);
    /// // In memory only.
    /// db.write(|tx| tx.remove::<Node>("n1"))?;
    /// # drop(db);
    /// # let db = Database::builder().table::<Node>().load(&path)?;
    /// # assert_eq!(db.snapshot().count(Node::ALL), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::File`], too, where there is no file.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Database, Error> {
        self.load_file(|| Inspect::open(path))
    }

    /// As [`load`](Self::load), from something that is not a file: bytes in a [`MemStorage`](crate::pagefile::MemStorage), say. Errors call it `storage`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_storage(self, storage: Box<dyn Storage>) -> Result<Database, Error> {
        self.load_file(|| Inspect::open_storage(storage))
    }

    fn load_file(
        mut self,
        open: impl FnOnce() -> Result<Inspect, Error>,
    ) -> Result<Database, Error> {
        let loading = Stopwatch::start();
        let observe = self.observe("memory");
        let catalog = self.catalog?.complete();
        let file = open()?;
        let opened = Opened {
            path: Arc::clone(&file.path),
            catalog: &catalog,
        };
        let LoadedFile {
            writer, version, ..
        } = opened.load(&file.snapshot, Some(&file.catalogue), &file.replay)?;
        observe.opened(version.revision(), 0, loading);
        Ok(Database::from_core(Core::new(
            Arc::new(catalog),
            writer,
            version,
            None,
            observe,
        )))
    }
}
