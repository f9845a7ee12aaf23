//! `sapwood delete`: a key, or a bucket with all that is in it.

use std::path::PathBuf;

use clap::Args;
use sapwood::pagefile::{Error, PageFile};
use serde::Serialize;

use crate::{
    buckets::missing,
    context::Context,
    failure::{Failure, Verdict},
    journal::refuse_unapplied,
    open::to_write,
    output::{Output, print_json},
    path::{BucketPath, shown_path, texts},
    text::{Text, shown},
};

/// Delete a key; or, with --bucket, a bucket with all that is in it
#[derive(Args, Debug)]
pub struct Delete {
    /// The page file
    file: PathBuf,

    /// The bucket that the key is in; with --bucket, the one to delete
    path: BucketPath,

    /// The key
    #[arg(required_unless_present = "bucket")]
    key: Option<Text>,

    /// Delete the bucket itself
    #[arg(long, conflicts_with = "key")]
    bucket: bool,
}

#[derive(Serialize)]
struct Facts {
    bucket: Vec<Text>,
    key: Option<Text>,
    commit: u64,
}

impl Delete {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        refuse_unapplied(&self.file, context)?;
        let file = to_write(&self.file, context)?;
        let outcome = match &self.key {
            Some(Text(key)) => self.delete_key(&file, key),
            None => self.delete_bucket(&file),
        };
        let commit = outcome.map_err(Failure::of(&self.file))?;
        let path = shown_path(&self.path.0);
        let Some(commit) = commit else {
            return Err(match &self.key {
                Some(Text(key)) => Failure::Missing {
                    file: self.file.clone(),
                    what: format!("there is no key {} in bucket {path}", shown(key)),
                },
                None => missing(&self.file, &self.path.0),
            });
        };
        file.close().map_err(Failure::of(&self.file))?;
        if context.json {
            print_json(&Facts {
                bucket: texts(&self.path.0),
                key: self.key.clone(),
                commit,
            })?;
            return Ok(Verdict::Fine);
        }
        let what = match &self.key {
            Some(Text(key)) => format!("{} from {path}", shown(key)),
            None => format!("bucket {path}"),
        };
        let mut out = Output::new();
        out.line(format!("deleted {what}, commit {commit}"))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }

    /// The number of the commit; `None` where there was nothing to delete, and then there is none.
    fn delete_key(&self, file: &PageFile, key: &[u8]) -> Result<Option<u64>, Error> {
        let mut txn = file.begin_write()?;
        let is_deleted = match txn.bucket_mut_at(&self.path.0)? {
            Some(mut bucket) => bucket.delete(key)?,
            None => false,
        };
        is_deleted.then(|| txn.commit()).transpose()
    }

    fn delete_bucket(&self, file: &PageFile) -> Result<Option<u64>, Error> {
        let mut txn = file.begin_write()?;
        let is_deleted = match self.path.0.split_last() {
            Some((name, [])) => txn.delete_bucket(name)?,
            Some((name, above)) => match txn.bucket_mut_at(above)? {
                Some(mut above) => above.delete_bucket(name)?,
                None => false,
            },
            None => false,
        };
        is_deleted.then(|| txn.commit()).transpose()
    }
}
