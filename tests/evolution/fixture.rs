//! Files that tests open with other structs than they were written with.

use std::path::{Path, PathBuf};

use sapwood::{Builder, Database, Error, Query, Revision, Table};
use tempfile::TempDir;

use super::golden;

/// A copy of a file, to be opened at will.
pub(crate) struct File {
    _dir: TempDir,
    path: PathBuf,
}

impl File {
    /// What the structs of `past` wrote.
    pub(crate) fn golden() -> Self {
        Self::copy("first.sap")
    }

    pub(crate) fn copy(name: &str) -> Self {
        let file = Self::empty();
        std::fs::copy(golden::path(name), &file.path).unwrap();
        file
    }

    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.sap");
        Self { _dir: dir, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it with these tables.
    pub(crate) fn open(&self, tables: impl FnOnce(Builder) -> Builder) -> Result<Database, Error> {
        tables(Database::builder()).open(&self.path)
    }

    pub(crate) fn open_with<T: Table>(&self) -> Database {
        self.open(Builder::table::<T>)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The error with which it is refused, after which it has the bytes that it had.
    pub(crate) fn refused<T: Table>(&self) -> String {
        let before = std::fs::read(&self.path).unwrap();
        let refused = self.open(Builder::table::<T>).map(drop).unwrap_err();
        assert!(
            std::fs::read(&self.path).unwrap() == before,
            "the file was changed"
        );
        let file = format!("{}: ", self.path.display());
        refused.to_string().replace(&file, "")
    }
}

/// All rows: the query is `T::ALL`.
pub(crate) fn rows<T: Table + Clone>(db: &Database, all: Query<T>) -> Vec<T> {
    let snapshot = db.snapshot();
    let rows = snapshot.list(all);
    rows.map(|row| T::clone(row)).collect()
}

/// The revisions of the rows: that made them, and that last wrote them.
pub(crate) fn revisions<T: Table>(db: &Database, all: Query<T>) -> Vec<(Revision, Revision)> {
    let snapshot = db.snapshot();
    let rows = snapshot.list(all);
    rows.map(|row| (row.created(), row.modified())).collect()
}
