//! What is to be said of a database's journal.

use std::path::Path;

use sapwood::{Error, Inspect, JournalStats};
use serde::Serialize;

use crate::{
    context::Context,
    failure::Failure,
    open::to_read,
    size::{count, size},
};

/// A journal, for JSON.
#[derive(Serialize)]
pub struct JournalRow {
    /// Of the trees.
    trees_revision: u64,
    revisions: u64,
    rows: u64,
    file_bytes: u64,
    /// Why it cannot be read.
    problem: Option<String>,
}

/// The journal of a file: what it has, or why it cannot be read. `None` of a file that keeps no room for one.
pub struct Journal(Option<Result<JournalStats, (u64, String)>>);

impl Journal {
    /// That of the file at `path`.
    pub fn of(path: &Path, context: &Context) -> Result<Self, Failure> {
        let file = to_read(path, context)?;
        let file_bytes = file.journal_bytes();
        if file_bytes == 0 {
            return Ok(Self(None));
        }
        let read = Inspect::of(path, file).map(|inspect| inspect.journal());
        Ok(Self(Some(read.map_err(|error| {
            // The path is told once.
            let why = match &error {
                Error::File { source, .. } => source.to_string(),
                Error::Foreign { what, .. } => what.clone(),
                other => other.to_string(),
            };
            (file_bytes, why)
        }))))
    }

    /// Whether it has what the trees have not.
    pub fn holds_any(&self) -> bool {
        !matches!(&self.0, None | Some(Ok(JournalStats { revisions: 0, .. })))
    }

    /// How many revisions and rows it has.
    pub fn counts(&self) -> (u64, u64) {
        match &self.0 {
            Some(Ok(stats)) => (stats.revisions, stats.rows),
            _ => (0, 0),
        }
    }

    pub fn problem(&self) -> Option<&str> {
        match &self.0 {
            Some(Err((_, why))) => Some(why),
            _ => None,
        }
    }

    pub fn row(&self) -> Option<JournalRow> {
        Some(match self.0.as_ref()? {
            Ok(stats) => JournalRow {
                trees_revision: stats.trees.get(),
                revisions: stats.revisions,
                rows: stats.rows,
                file_bytes: stats.file_bytes,
                problem: None,
            },
            Err((file_bytes, problem)) => JournalRow {
                trees_revision: 0,
                revisions: 0,
                rows: 0,
                file_bytes: *file_bytes,
                problem: Some(problem.clone()),
            },
        })
    }

    /// For people.
    pub fn described(&self) -> Option<String> {
        Some(match self.0.as_ref()? {
            Ok(stats) => format!(
                "{} of {} that the trees, of revision {}, have not; {}",
                count(stats.revisions, "revision"),
                count(stats.rows, "row"),
                stats.trees,
                size(stats.file_bytes)
            ),
            Err((bytes, why)) => format!("{}, not readable: {why}", size(*bytes)),
        })
    }
}

/// Refuses to write buckets beside a journal, which says otherwise of some rows, and would have the last word.
pub fn refuse_unapplied(path: &Path, context: &Context) -> Result<(), Failure> {
    if Journal::of(path, context)?.holds_any() {
        return Err(unapplied(path));
    }
    Ok(())
}

pub fn unapplied(path: &Path) -> Failure {
    let why = "its journal has what its buckets have not, and would go before what is written to them. `sapwood checkpoint` brings them up to date";
    Failure::Usage(format!("{}: {why}", path.display()))
}
