//! What a page file holds, as the model has it and as it is read.

use std::collections::BTreeMap;

use sapwood::pagefile::{Bucket, Error, PageFile};

/// A bucket without those that lie in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) sequence: u64,
    pub(crate) rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// All buckets. One that lies in another is named by that one's name, a slash, and its own.
pub(crate) type State = BTreeMap<Vec<u8>, Rows>;

/// The path of a bucket as the library takes it.
pub(crate) fn path_of(name: &[u8]) -> Vec<&[u8]> {
    name.split(|byte| *byte == b'/').collect()
}

/// Whether the bucket `name` is `top` or lies in it, however deep.
pub(crate) fn lies_in(name: &[u8], top: &[u8]) -> bool {
    name.strip_prefix(top)
        .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b'/'))
}

/// The newest state, read from its beginning to its end. Panics where the file contradicts itself.
pub(crate) fn read(file: &PageFile) -> Result<State, Error> {
    let txn = file.begin_read();
    let mut state = State::new();
    let mut waiting: Vec<(Vec<u8>, Bucket<'_>)> = Vec::new();
    let root = txn.root();
    for name in root.buckets() {
        let name = name?;
        waiting.push((name.to_vec(), is_there(root.bucket(&*name)?)));
    }
    assert_eq!(waiting.len() as u64, txn.bucket_count());
    while let Some((path, bucket)) = waiting.pop() {
        let mut rows = BTreeMap::new();
        let mut buckets = 0;
        for item in bucket.items() {
            let item = item?;
            if let Some(value) = item.value() {
                rows.insert(item.key().to_vec(), value.to_vec());
                continue;
            }
            buckets += 1;
            let below = is_there(bucket.bucket(item.key())?);
            waiting.push(([&path, b"/".as_slice(), item.key()].concat(), below));
        }
        assert_eq!(
            (rows.len() as u64, buckets),
            (bucket.len(), bucket.bucket_count())
        );
        let sequence = bucket.sequence();
        state.insert(path, Rows { sequence, rows });
    }
    Ok(state)
}

fn is_there<T>(listed: Option<T>) -> T {
    let Some(found) = listed else {
        panic!("a bucket is listed and not there");
    };
    found
}
