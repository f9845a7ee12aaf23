//! What differs between the buckets of two files.

use std::path::Path;

use sapwood::pagefile::{Bucket, PageFile, ReadTxn};
use serde::Serialize;

use crate::{
    differences::{Pair, merge},
    failure::Failure,
    output::Output,
    path::{shown_path, texts},
    size::count,
    text::{Text, shortened, shown},
};

/// The most characters of a value that are shown to people.
const MOST: usize = 60;
/// The bytes of a bucket in the one that it lies in, at least.
const RECORD: u64 = 48;

pub struct BucketDiff<'d> {
    pub left: (&'d Path, &'d PageFile),
    pub right: (&'d Path, &'d PageFile),
    pub json: bool,
}

/// A difference, for JSON. `change` is `added`, `removed`, `changed`, `bucket added`, `bucket removed` or `sequence`.
#[derive(Serialize, Default)]
struct Difference {
    bucket: Vec<Text>,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Side>,
    /// Of a bucket, with those that lie in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Side {
    Value(Text),
    Number(u64),
}

type Entry = (Vec<u8>, Vec<u8>);

impl BucketDiff<'_> {
    /// Tells of all differences, and whether there are any. In memory are a key and its value of each side, and the paths of buckets to come.
    pub fn run(&self, out: &mut Output) -> Result<bool, Failure> {
        let (left, right) = (self.left.1.begin_read(), self.right.1.begin_read());
        let mut differs = false;
        let mut waiting: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
        let bytes = self.left.1.stats().file_bytes + self.right.1.stats().file_bytes;
        // In a file that somebody has made by hand, a bucket could lie in itself.
        let mut left_to_see = bytes / RECORD + 1;
        while let Some(path) = waiting.pop() {
            left_to_see = left_to_see.checked_sub(1).ok_or_else(|| Failure::Missing {
                file: self.left.0.to_owned(),
                what: "there are more buckets than fit into it; `sapwood check` tells more"
                    .to_owned(),
            })?;
            let before = find(&left, self.left.0, &path)?;
            let after = find(&right, self.right.0, &path)?;
            let first = waiting.len();
            match (before, after) {
                (Some(before), Some(after)) => {
                    differs |= self.keys(&path, before, after, out)?;
                    let below = names(before, self.left.0);
                    merge(below, names(after, self.right.0), Vec::cmp, |name| {
                        let (Pair::Left(name) | Pair::Right(name) | Pair::Both(name, _)) = name;
                        let mut path = path.clone();
                        path.push(name);
                        waiting.push(path);
                        Ok(())
                    })?;
                }
                (Some(before), None) => {
                    differs = true;
                    self.bucket(&path, "bucket removed", before, self.left.0, out)?;
                }
                (None, Some(after)) => {
                    differs = true;
                    self.bucket(&path, "bucket added", after, self.right.0, out)?;
                }
                (None, None) => {}
            }
            waiting[first..].reverse();
        }
        Ok(differs)
    }

    fn bucket(
        &self,
        path: &[Vec<u8>],
        change: &'static str,
        bucket: Bucket<'_>,
        file: &Path,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let mut keys = 0;
        let bytes = self.left.1.stats().file_bytes + self.right.1.stats().file_bytes;
        crate::buckets::each(file, bytes, (path.to_vec(), bucket), |_, bucket| {
            keys += bucket.len();
            Ok(())
        })?;
        if self.json {
            return out.json(&Difference {
                bucket: texts(path),
                change,
                keys: Some(keys),
                ..Difference::default()
            });
        }
        let sign = if change == "bucket added" { '+' } else { '-' };
        out.line(format!(
            "{sign} bucket {}, {}",
            shown_path(path),
            count(keys, "key")
        ))
    }

    fn keys(
        &self,
        path: &[Vec<u8>],
        before: Bucket<'_>,
        after: Bucket<'_>,
        out: &mut Output,
    ) -> Result<bool, Failure> {
        let mut differs = before.sequence() != after.sequence();
        if differs {
            self.tell(
                out,
                Difference {
                    bucket: texts(path),
                    change: "sequence",
                    from: Some(Side::Number(before.sequence())),
                    to: Some(Side::Number(after.sequence())),
                    ..Difference::default()
                },
            )?;
        }
        let left = entries(before, self.left.0);
        let right = entries(after, self.right.0);
        merge(
            left,
            right,
            |left, right| left.0.cmp(&right.0),
            |pair| {
                let (change, key, from, to) = match pair {
                    Pair::Left((key, value)) => ("removed", key, Some(value), None),
                    Pair::Right((key, value)) => ("added", key, None, Some(value)),
                    Pair::Both((_, from), (_, to)) if from == to => return Ok(()),
                    Pair::Both((key, from), (_, to)) => ("changed", key, Some(from), Some(to)),
                };
                differs = true;
                let side = |value: Option<Vec<u8>>| value.map(Text).map(Side::Value);
                self.tell(
                    out,
                    Difference {
                        bucket: texts(path),
                        change,
                        key: Some(Text(key)),
                        from: side(from),
                        to: side(to),
                        ..Difference::default()
                    },
                )
            },
        )?;
        Ok(differs)
    }

    fn tell(&self, out: &mut Output, told: Difference) -> Result<(), Failure> {
        if self.json {
            return out.json(&told);
        }
        let path: Vec<Vec<u8>> = told.bucket.iter().map(|Text(name)| name.clone()).collect();
        let side = |side: Option<Side>| match side {
            Some(Side::Value(Text(value))) => shortened(&value, MOST),
            Some(Side::Number(number)) => number.to_string(),
            None => String::new(),
        };
        let what = told
            .key
            .map_or_else(|| "its sequence".to_owned(), |Text(key)| shown(&key));
        let (from, to) = (side(told.from), side(told.to));
        let path = shown_path(&path);
        out.line(match told.change {
            "added" => format!("+ {path} {what}: {to}"),
            "removed" => format!("- {path} {what}: {from}"),
            _ => format!("~ {path} {what}: {from} -> {to}"),
        })
    }
}

fn find<'t>(
    read: &'t ReadTxn,
    file: &Path,
    path: &[Vec<u8>],
) -> Result<Option<Bucket<'t>>, Failure> {
    if path.is_empty() {
        return Ok(Some(read.root()));
    }
    read.bucket_at(path).map_err(Failure::of(file))
}

fn names<'t>(
    bucket: Bucket<'t>,
    file: &'t Path,
) -> impl Iterator<Item = Result<Vec<u8>, Failure>> + 't {
    bucket
        .buckets()
        .map(move |name| name.map(|name| name.to_vec()).map_err(Failure::of(file)))
}

fn entries<'t>(
    bucket: Bucket<'t>,
    file: &'t Path,
) -> impl Iterator<Item = Result<Entry, Failure>> + 't {
    bucket.iter().map(move |entry| {
        entry
            .map(|(key, value)| (key.to_vec(), value.to_vec()))
            .map_err(Failure::of(file))
    })
}
