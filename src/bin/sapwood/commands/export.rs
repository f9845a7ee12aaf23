//! `sapwood export`: rows as lines of JSON.

use std::{
    io::{BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::ProgressBar;
use sapwood::pagefile::Bucket;

use crate::{
    buckets::{each, find},
    context::Context,
    failure::{Failure, Verdict},
    line::Line,
    open::to_read,
    path::{BucketPath, texts},
    progress,
    target::Target,
    text::Text,
};

/// Write all rows as lines of JSON, which `import` reads
///
/// A line {"bucket":["eu","berlin"],"sequence":0} for each bucket, and behind it one for each of its keys,
/// {"bucket":["eu","berlin"],"key":"web-1","value":"running"}. What is not UTF-8 is {"hex":"00ff"}.
#[derive(Args, Debug)]
pub struct Export {
    /// The page file
    file: PathBuf,

    /// The new file; the standard output without it
    to: Option<PathBuf>,

    /// Only this bucket, and those that lie in it
    #[arg(long, value_name = "PATH")]
    bucket: Option<BucketPath>,

    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

impl Export {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read(&self.file, context)?;
        let read = file.begin_read();
        let bucket = find(&read, &self.file, self.bucket.as_ref())?;
        let bytes = file.stats().file_bytes;
        match self.to.as_deref().filter(|to| *to != Path::new("-")) {
            None => {
                let out = BufWriter::new(stdout().lock());
                self.write(bytes, bucket, out, Failure::Output)?;
            }
            Some(to) => {
                let target = Target::new(to, self.force, Some(&self.file))?;
                let out = BufWriter::new(target.create()?);
                self.write(bytes, bucket, out, Failure::io(to))?;
                target.publish()?;
            }
        }
        Ok(Verdict::Fine)
    }

    fn write(
        &self,
        file_bytes: u64,
        bucket: Bucket<'_>,
        mut out: impl Write,
        failed: impl Fn(std::io::Error) -> Failure,
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
            self.write_bucket(path, bucket, &mut out, &failed, &bar)
        })?;
        bar.finish_and_clear();
        out.flush().map_err(failed)
    }

    fn write_bucket(
        &self,
        path: &[Vec<u8>],
        bucket: Bucket<'_>,
        out: &mut impl Write,
        failed: &impl Fn(std::io::Error) -> Failure,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut write = |line: &Line| {
            serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
            out.write_all(b"\n").map_err(failed)
        };
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
