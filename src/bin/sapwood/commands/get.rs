//! `sapwood get`: the value of a key.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    buckets::find,
    context::Context,
    failure::{Failure, Verdict},
    open::to_read_all,
    output::{Output, print_json},
    path::{BucketPath, shown_path, texts},
    text::{Text, shown},
};

/// Print the value of a key
#[derive(Args, Debug)]
pub struct Get {
    /// The page file
    file: PathBuf,

    /// The bucket
    bucket: BucketPath,

    /// The key
    key: Text,

    /// Print the bytes of the value as they are, and no end of line
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

#[derive(Serialize)]
struct Facts {
    bucket: Vec<Text>,
    key: Text,
    value: Text,
}

impl Get {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read_all(&self.file, context)?;
        let read = file.begin_read();
        let bucket = find(&read, &self.file, Some(&self.bucket))?;
        let Text(key) = &self.key;
        let Some(value) = bucket.get(key).map_err(Failure::of(&self.file))? else {
            let path = shown_path(&self.bucket.0);
            let is_bucket = bucket
                .bucket(key)
                .map_err(Failure::of(&self.file))?
                .is_some();
            let what = if is_bucket {
                format!("{} is a bucket in {path}, not a key", shown(key))
            } else {
                format!("there is no key {} in bucket {path}", shown(key))
            };
            let file = self.file.clone();
            return Err(Failure::Missing { file, what });
        };
        if context.json {
            print_json(&Facts {
                bucket: texts(&self.bucket.0),
                key: self.key.clone(),
                value: Text(value.to_vec()),
            })?;
            return Ok(Verdict::Fine);
        }
        let mut out = Output::new();
        if self.raw {
            out.bytes(&value)?;
        } else {
            out.line(shown(&value))?;
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
