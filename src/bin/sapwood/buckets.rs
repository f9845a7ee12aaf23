//! Going through all buckets of a file.

use std::path::Path;

use sapwood::pagefile::{Bucket, ReadTxn};

use crate::{
    failure::Failure,
    path::{BucketPath, shown_path},
};

/// The bytes of a bucket in the one that it lies in, at least.
const RECORD: u64 = 48;

/// The bucket that a path leads to; that in which all others lie for `None`.
pub fn find<'t>(
    read: &'t ReadTxn,
    file: &Path,
    path: Option<&BucketPath>,
) -> Result<Bucket<'t>, Failure> {
    let Some(BucketPath(names)) = path else {
        return Ok(read.root());
    };
    match read.bucket_at(names).map_err(Failure::of(file))? {
        Some(bucket) => Ok(bucket),
        None => Err(missing(file, names)),
    }
}

pub fn missing(file: &Path, names: &[Vec<u8>]) -> Failure {
    Failure::Missing {
        file: file.to_owned(),
        what: format!("there is no bucket {}", shown_path(names)),
    }
}

/// Calls `visit` with a bucket and all below it, each with its path, and each before those that lie in it; those that lie in one by their names.
pub fn each<'t>(
    file: &Path,
    file_bytes: u64,
    (path, bucket): (Vec<Vec<u8>>, Bucket<'t>),
    mut visit: impl FnMut(&[Vec<u8>], Bucket<'t>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // A list and no recursion: nothing bounds how deep buckets lie in one another.
    let mut waiting = vec![(path, bucket)];
    let mut left = file_bytes / RECORD + 1;
    while let Some((path, bucket)) = waiting.pop() {
        // In a file that somebody has made by hand, a bucket could lie in itself.
        if left == 0 {
            return Err(Failure::Missing {
                file: file.to_owned(),
                what: "it has more buckets than fit into it; `sapwood check` tells more".to_owned(),
            });
        }
        left -= 1;
        visit(&path, bucket)?;
        let first = waiting.len();
        for name in bucket.buckets() {
            let name = name.map_err(Failure::of(file))?;
            if let Some(below) = bucket.bucket(&name).map_err(Failure::of(file))? {
                let mut path = path.clone();
                path.push(name.to_vec());
                waiting.push((path, below));
            }
        }
        waiting[first..].reverse();
    }
    Ok(())
}
