//! `sapwood put`: a value under a key.

use std::{
    fs,
    io::{Read, stdin},
    path::{Path, PathBuf},
};

use clap::Args;
use sapwood::pagefile::{Error, PageFile};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    journal::refuse_unapplied,
    open::to_write,
    output::{Output, print_json},
    path::{BucketPath, shown_path, texts},
    text::{Text, shown},
};

/// Put a value under a key, in place of the one that is there
#[derive(Args, Debug)]
pub struct Put {
    /// The page file
    file: PathBuf,

    /// The bucket
    bucket: BucketPath,

    /// The key
    key: Text,

    /// The value
    #[arg(required_unless_present = "value_from")]
    value: Option<Text>,

    /// Read the value from this file, all of its bytes; - is the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "value")]
    value_from: Option<PathBuf>,

    /// Make the bucket, and those on the way to it, where they are missing
    #[arg(long)]
    create: bool,
}

#[derive(Serialize)]
struct Facts {
    bucket: Vec<Text>,
    key: Text,
    /// Whether there was a value before.
    replaced: bool,
    commit: u64,
}

impl Put {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let value = match (&self.value, &self.value_from) {
            (Some(Text(value)), _) => value.clone(),
            (None, Some(file)) => read(file)?,
            (None, None) => Vec::new(),
        };
        refuse_unapplied(&self.file, context)?;
        let file = to_write(&self.file, context)?;
        let (replaced, commit) = self.put(&file, &value).map_err(Failure::of(&self.file))?;
        file.close().map_err(Failure::of(&self.file))?;
        if context.json {
            print_json(&Facts {
                bucket: texts(&self.bucket.0),
                key: self.key.clone(),
                replaced,
                commit,
            })?;
            return Ok(Verdict::Fine);
        }
        let done = if replaced { "replaced" } else { "added" };
        let key = shown(&self.key.0);
        let mut out = Output::new();
        out.line(format!(
            "{done} {key} in {}, commit {commit}",
            shown_path(&self.bucket.0)
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }

    fn put(&self, file: &PageFile, value: &[u8]) -> Result<(bool, u64), Error> {
        let names = &self.bucket.0;
        let mut txn = file.begin_write()?;
        let replaced = if self.create {
            txn.bucket_or_create_at(names)?.put(&self.key.0, value)?
        } else if let Some(mut bucket) = txn.bucket_mut_at(names)? {
            bucket.put(&self.key.0, value)?
        } else {
            let name = shown_path(names).into_bytes();
            return Err(Error::NoSuchBucket { name });
        };
        Ok((replaced, txn.commit()?))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file == Path::new("-") {
        let mut value = Vec::new();
        let read = stdin().read_to_end(&mut value);
        read.map_err(Failure::io(file))?;
        return Ok(value);
    }
    fs::read(file).map_err(Failure::io(file))
}
