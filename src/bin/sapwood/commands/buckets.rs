//! `sapwood buckets`: which buckets there are.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    buckets::{each, find},
    context::Context,
    failure::{Failure, Verdict},
    open::to_read_all,
    output::{Output, print_json},
    path::{BucketPath, shown_path, texts},
    table::table,
    text::Text,
};

/// List the buckets at all depths, with how many keys and buckets lie in each
#[derive(Args, Debug)]
pub struct Buckets {
    /// The page file
    file: PathBuf,

    /// Only this bucket, and those that lie in it
    bucket: Option<BucketPath>,
}

#[derive(Serialize)]
struct Facts {
    buckets: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    bucket: Vec<Text>,
    keys: u64,
    buckets: u64,
    sequence: u64,
    #[serde(skip)]
    path: String,
}

impl Buckets {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read_all(&self.file, context)?;
        let read = file.begin_read();
        let bucket = find(&read, &self.file, self.bucket.as_ref())?;
        let path = self
            .bucket
            .as_ref()
            .map_or_else(Vec::new, |path| path.0.clone());
        let mut rows = Vec::new();
        each(
            &self.file,
            file.stats().file_bytes,
            (path, bucket),
            |path, bucket| {
                if !path.is_empty() {
                    rows.push(Row {
                        bucket: texts(path),
                        keys: bucket.len(),
                        buckets: bucket.bucket_count(),
                        sequence: bucket.sequence(),
                        path: shown_path(path),
                    });
                }
                Ok(())
            },
        )?;
        if context.json {
            print_json(&Facts { buckets: rows })?;
            return Ok(Verdict::Fine);
        }
        let mut table = table(["bucket", "keys", "buckets", "sequence"], 1);
        for row in rows {
            let numbers = [row.keys, row.buckets, row.sequence].map(|n| n.to_string());
            table.add_row([row.path].into_iter().chain(numbers));
        }
        let mut out = Output::new();
        out.line(table.to_string())?;
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
