//! `sapwood keys`: the keys of a bucket.

use std::{ops::Bound, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::{
    buckets::find,
    context::Context,
    failure::{Failure, Verdict},
    open::to_read_all,
    output::Output,
    path::BucketPath,
    text::{Text, shown},
};

/// List the keys of a bucket, in order, one a line
#[derive(Args, Debug)]
pub struct Keys {
    /// The page file
    file: PathBuf,

    /// The bucket
    bucket: BucketPath,

    /// Only keys from this one on
    #[arg(long, value_name = "KEY")]
    from: Option<Text>,

    /// Only keys before this one
    #[arg(long, value_name = "KEY")]
    before: Option<Text>,

    /// Only keys that begin with this
    #[arg(long, value_name = "KEY", conflicts_with_all = ["from", "before"])]
    prefix: Option<Text>,

    /// The last ones first
    #[arg(long)]
    reverse: bool,

    /// No more than so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Print the values too, behind a tab
    #[arg(long)]
    values: bool,
}

/// A line for each key.
#[derive(Serialize)]
struct Row {
    key: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Text>,
}

impl Keys {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = to_read_all(&self.file, context)?;
        let read = file.begin_read();
        let bucket = find(&read, &self.file, Some(&self.bucket))?;
        let (from, to) = self.range();
        if is_empty(&from, &to) {
            return Ok(Verdict::Fine);
        }
        let range = bucket.range((from, to));
        let rows: Box<dyn Iterator<Item = _>> = if self.reverse {
            Box::new(range.rev())
        } else {
            Box::new(range)
        };
        let mut out = Output::new();
        for row in rows.take(self.limit.unwrap_or(usize::MAX)) {
            let (key, value) = row.map_err(Failure::of(&self.file))?;
            if context.json {
                out.json(&Row {
                    key: Text(key.to_vec()),
                    value: self.values.then(|| Text(value.to_vec())),
                })?;
            } else if self.values {
                out.line(format!("{}\t{}", shown(&key), shown(&value)))?;
            } else {
                out.line(shown(&key))?;
            }
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }

    fn range(&self) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
        if let Some(Text(prefix)) = &self.prefix {
            let end = end_of_prefix(prefix.clone());
            return (
                Bound::Included(prefix.clone()),
                end.map_or(Bound::Unbounded, Bound::Excluded),
            );
        }
        let bytes = |text: &Option<Text>| text.as_ref().map(|Text(bytes)| bytes.clone());
        (
            bytes(&self.from).map_or(Bound::Unbounded, Bound::Included),
            bytes(&self.before).map_or(Bound::Unbounded, Bound::Excluded),
        )
    }
}

/// The first key behind all that begin with `prefix`.
fn end_of_prefix(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

fn is_empty(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    matches!((from, to), (Bound::Included(from), Bound::Excluded(to)) if from >= to)
}
