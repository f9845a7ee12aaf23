//! `sapwood export`: keys and rows as lines of JSON.

use std::{
    io::{self, BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::ProgressBar;
use sapwood::{
    Inspect,
    pagefile::Bucket,
    table::{RowForm, TableSchema},
};
use serde::Serialize;

use crate::{
    buckets::{each, find},
    context::Context,
    database::{Database, inspect},
    failure::{Failure, Verdict},
    line::Line,
    open::to_read_all,
    path::{BucketPath, texts},
    progress,
    table_line::{RowLine, TableLine},
    target::Target,
    text::Text,
};

/// Write all keys, or all rows of tables, as lines of JSON, which `import` reads
///
/// A line {"bucket":["eu","berlin"],"sequence":0} for each bucket, and behind it one for each of its keys,
/// {"bucket":["eu","berlin"],"key":"web-1","value":"running"}. What is not UTF-8 is {"hex":"00ff"}.
///
/// With --table or --tables, a line {"table":"pods","schema":"04.."} for each table of a database, and behind it one for each of its rows, {"table":"pods","row":{"id":1,"node":"n1"}}.
#[derive(Args, Debug)]
pub struct Export {
    /// The page file
    file: PathBuf,

    /// The new file; the standard output without it
    to: Option<PathBuf>,

    /// Only this bucket, and those that lie in it
    #[arg(long, value_name = "PATH")]
    bucket: Option<BucketPath>,

    /// Only this table of a database, row by row; can be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "bucket")]
    table: Vec<String>,

    /// All tables of a database, row by row
    #[arg(long, conflicts_with_all = ["bucket", "table"])]
    tables: bool,

    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

impl Export {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        if self.tables || !self.table.is_empty() {
            let Database { inspect, failed } = inspect(&self.file, context)?;
            self.to_target(|out, unwritten| self.write_tables(&inspect, &failed, out, unwritten))?;
            return Ok(Verdict::Fine);
        }
        let file = to_read_all(&self.file, context)?;
        let read = file.begin_read();
        let bucket = find(&read, &self.file, self.bucket.as_ref())?;
        let bytes = file.stats().file_bytes;
        self.to_target(|out, failed| self.write(bytes, bucket, out, failed))?;
        Ok(Verdict::Fine)
    }

    /// Has the lines written where they are to go.
    fn to_target(
        &self,
        write: impl FnOnce(&mut dyn Write, &dyn Fn(io::Error) -> Failure) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.to.as_deref().filter(|to| *to != Path::new("-")) {
            None => write(&mut BufWriter::new(stdout().lock()), &Failure::Output),
            Some(to) => {
                let target = Target::new(to, self.force, Some(&self.file))?;
                write(&mut BufWriter::new(target.create()?), &Failure::io(to))?;
                target.publish()
            }
        }
    }

    fn write_tables(
        &self,
        inspect: &Inspect,
        failed: &dyn Fn(sapwood::Error) -> Failure,
        out: &mut dyn Write,
        unwritten: &dyn Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        let bar = progress::steps(None, "rows");
        for name in &self.table {
            inspect.count(name).map_err(failed)?;
        }
        let asked =
            |table: &&TableSchema| self.tables || self.table.contains(&table.definition.name);
        for table in inspect.tables().iter().filter(asked) {
            let name = &table.definition.name;
            let no_row = |problem: String| Failure::Missing {
                file: self.file.clone(),
                what: format!("table `{name}`: {problem}"),
            };
            let line = TableLine::new(table).map_err(|error| no_row(error.to_string()))?;
            put_line(out, &line, unwritten)?;
            let form = RowForm::new(table);
            for row in inspect.rows(name).map_err(failed)? {
                let row = row.map_err(failed)?;
                let line = RowLine::new(name, &form, &row);
                put_line(
                    out,
                    &line.map_err(|error| no_row(error.to_string()))?,
                    unwritten,
                )?;
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        out.flush().map_err(unwritten)
    }

    fn write(
        &self,
        file_bytes: u64,
        bucket: Bucket<'_>,
        out: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> Failure,
    ) -> Result<(), Failure> {
        let bar = progress::steps(None, "keys");
        let path = self
            .bucket
            .as_ref()
            .map_or_else(Vec::new, |path| path.0.clone());
        each(&self.file, file_bytes, (path, bucket), |path, bucket| {
            if path.is_empty() {
                return Ok(());
            }
            self.write_bucket(path, bucket, out, failed, &bar)
        })?;
        bar.finish_and_clear();
        out.flush().map_err(failed)
    }

    fn write_bucket(
        &self,
        path: &[Vec<u8>],
        bucket: Bucket<'_>,
        out: &mut dyn Write,
        failed: &dyn Fn(io::Error) -> Failure,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut write = |line: &Line| put_line(out, line, failed);
        let mut line = Line {
            bucket: texts(path),
            key: None,
            value: None,
            sequence: Some(bucket.sequence()),
        };
        write(&line)?;
        line.sequence = None;
        for row in &bucket {
            let (key, value) = row.map_err(Failure::of(&self.file))?;
            line.key = Some(Text(key.to_vec()));
            line.value = Some(Text(value.to_vec()));
            write(&line)?;
            bar.inc(1);
        }
        Ok(())
    }
}

fn put_line(
    out: &mut dyn Write,
    line: &impl Serialize,
    failed: &dyn Fn(io::Error) -> Failure,
) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}
