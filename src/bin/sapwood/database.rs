//! The way to a database in a page file.

use std::path::Path;

use sapwood::{Error, Inspect};

use crate::{context::Context, failure::Failure, open::to_read};

/// A database that is read without its program, and what to make of its errors.
pub struct Database<F> {
    pub inspect: Inspect,
    pub failed: F,
}

/// Opens the database in the file at `path` to read.
pub fn inspect<'p>(
    path: &'p Path,
    context: &Context,
) -> Result<Database<impl Fn(Error) -> Failure + 'p>, Failure> {
    let file = to_read(path, context)?;
    let failed = |source| Failure::Database { source };
    let inspect = Inspect::of(path, file).map_err(failed)?;
    Ok(Database { inspect, failed })
}
