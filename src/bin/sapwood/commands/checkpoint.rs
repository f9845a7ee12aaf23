//! `sapwood checkpoint`: what a database's journal has, in its trees.

use std::path::PathBuf;

use clap::Args;
use sapwood::{Edit, Error};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    journal::Journal,
    open::to_write,
    output::{Output, print_json},
    size::count,
};

/// Bring what the journal of a database has into its tables, as closing it with its program would
#[derive(Args, Debug)]
pub struct Checkpoint {
    /// The file of a database; it is changed
    file: PathBuf,
}

#[derive(Serialize)]
struct Facts {
    revision: u64,
    revisions: u64,
    rows: u64,
}

impl Checkpoint {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let failed = |source: Error| Failure::Database { source };
        let before = Journal::of(&self.file, context)?;
        let file = to_write(&self.file, context)?;
        let mut edit = Edit::of(&self.file, file).map_err(failed)?;
        let revision = edit.commit().map_err(failed)?.get();
        edit.close().map_err(failed)?;
        let (revisions, rows) = before.counts();
        if context.json {
            print_json(&Facts {
                revision,
                revisions,
                rows,
            })?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        out.line(format!(
            "{}: revision {revision}; {} of {} were in the journal",
            self.file.display(),
            count(revisions, "revision"),
            count(rows, "row")
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
