//! `sapwood diff`: what differs between two files, or two revisions of one.

use std::path::{Path, PathBuf};

use clap::Args;
use sapwood::{Error, Inspect, Revision};

use crate::{
    bucket_diff::BucketDiff,
    context::Context,
    failure::{Failure, Verdict},
    open::{to_read, to_read_all},
    output::Output,
    table_diff::TableDiff,
};

/// Tell what differs between two files, or between two revisions of one: tables and rows, or buckets and keys
///
/// A row that was added is +, one that is gone is -, and one that is another is ~ with the fields that differ. What a journal has counts. Exit codes: 0 where nothing
/// differs, 1 where something does, 2 where it could not be found out.
///
/// A file has the revision of its trees, those in its journal, and sometimes one before; where one is asked for that it has not, they are listed.
#[derive(Args, Debug)]
pub struct Diff {
    /// The file before
    left: PathBuf,

    /// The file after; without it, --from and --to are revisions of the one file
    #[arg(required_unless_present_any = ["from", "to"])]
    right: Option<PathBuf>,

    /// The revision before; the oldest that the file has without it
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["right", "buckets"])]
    from: Option<u64>,

    /// The revision after; the newest without it
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["right", "buckets"])]
    to: Option<u64>,

    /// Only this table
    #[arg(long, value_name = "NAME", conflicts_with = "buckets")]
    table: Option<String>,

    /// Compare buckets and keys, of databases too
    #[arg(long)]
    buckets: bool,
}

impl Diff {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let differs = self.differs(context);
        // 1 says that something differs.
        let differs = differs.map_err(|failure| match failure {
            failure if failure.is_broken_pipe() => failure,
            failure => Failure::Trouble(Box::new(failure)),
        })?;
        Ok(if differs {
            Verdict::Problem
        } else {
            Verdict::Fine
        })
    }

    fn differs(&self, context: &Context) -> Result<bool, Failure> {
        let mut out = Output::new();
        let right = self.right.as_deref();
        let differs = match right {
            None => {
                let left = self.revision(context, self.from, true)?;
                let right = self.revision(context, self.to, false)?;
                self.tables(&left, &right, context, &mut out)?
            }
            Some(right) => {
                let found = if self.buckets {
                    None
                } else {
                    database(&self.left, context)?.zip(database(right, context)?)
                };
                match found {
                    Some((left, right)) => self.tables(&left, &right, context, &mut out)?,
                    None if self.table.is_some() => {
                        let why = "--table: the files are not both those of databases".to_owned();
                        return Err(Failure::Usage(why));
                    }
                    None => {
                        let left_file = to_read_all(&self.left, context)?;
                        let right_file = to_read_all(right, context)?;
                        BucketDiff {
                            left: (&self.left, &left_file),
                            right: (right, &right_file),
                            json: context.json,
                        }
                        .run(&mut out)?
                    }
                }
            }
        };
        out.finish()?;
        Ok(differs)
    }

    fn revision(
        &self,
        context: &Context,
        asked: Option<u64>,
        oldest: bool,
    ) -> Result<Inspect, Failure> {
        let failed = |source| Failure::Database { source };
        let open = || to_read(&self.left, context);
        let revision = match asked {
            Some(revision) => Revision::new(revision),
            None if oldest => {
                let now = Inspect::of(&self.left, open()?).map_err(failed)?;
                let found = now.revisions().map_err(failed)?;
                found.first().copied().unwrap_or(now.revision())
            }
            None => return Inspect::of(&self.left, open()?).map_err(failed),
        };
        Inspect::at(&self.left, open()?, revision).map_err(failed)
    }

    fn tables(
        &self,
        left: &Inspect,
        right: &Inspect,
        context: &Context,
        out: &mut Output,
    ) -> Result<bool, Failure> {
        let failed = |source| Failure::Database { source };
        if let Some(table) = &self.table
            && left.table(table).is_none()
            && right.table(table).is_none()
        {
            left.count(table).map_err(failed)?;
        }
        TableDiff {
            left,
            right,
            only: self.table.as_deref(),
            json: context.json,
        }
        .run(out)
    }
}

/// The database in a file; `None` where there is none.
fn database(path: &Path, context: &Context) -> Result<Option<Inspect>, Failure> {
    let file = to_read(path, context)?;
    let is_one = file
        .begin_read()
        .bucket("sapwood")
        .map_err(Failure::of(path))?
        .is_some();
    if !is_one {
        return Ok(None);
    }
    match Inspect::of(path, file) {
        Ok(inspect) => Ok(Some(inspect)),
        // A bucket of this name in a file of something else.
        Err(Error::Foreign { .. }) => Ok(None),
        Err(source) => Err(Failure::Database { source }),
    }
}
