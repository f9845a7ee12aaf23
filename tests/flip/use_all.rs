//! Everything that can be done with a file that cannot be trusted, and what holds of it nevertheless: keys ascend, both ways give the same, and what a
//! clean check has passed can be read, written, and is clean again.

use sapwood::pagefile::{Bucket, Error, Options, PageFile, Storage};

/// Opens, checks, reads, copies and writes what lies on the storage, as far as it goes.
pub(crate) fn use_all_of(storage: Box<dyn Storage>) {
    let Ok(file) = Options::new().grow_by(512).open_storage(storage) else {
        return;
    };
    let is_clean = file.check().is_ok_and(|report| report.is_clean());
    let is_read = read_all_of(&file).is_ok();
    assert!(is_read || !is_clean, "the check has missed something");
    let written = file.update(|tx| {
        let names = tx.buckets().collect::<Result<Vec<_>, _>>()?;
        let names: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
        for name in &names {
            if let Some(mut bucket) = tx.bucket_mut(name)? {
                for key in [0, 9, 14, 29u8] {
                    bucket.put([key], [key; 200])?;
                    bucket.delete([key / 2])?;
                }
            }
        }
        if let [first, last, ..] = names.as_slice() {
            let _ = tx.move_bucket([first.as_slice()], [last, b"moved".as_slice()]);
        }
        if let Some(name) = names.last() {
            tx.delete_bucket(name)?;
        }
        Ok::<_, Error>(())
    });
    assert!(written.is_ok() || !is_clean, "{written:?}");
    let is_read = read_all_of(&file).is_ok();
    assert!(is_read || !is_clean, "a clean file was spoilt");
    if is_clean {
        let report = file.check();
        let problems = report.map(|report| report.problems);
        assert!(problems.as_ref().is_ok_and(Vec::is_empty), "{problems:?}");
    }
}

fn read_all_of(file: &PageFile) -> Result<(), Error> {
    let read = file.begin_read();
    let _ = read.root().stats_of_all();
    let mut waiting = vec![read.root()];
    // A bucket could be made to lie in itself.
    for _ in 0..200 {
        let Some(bucket) = waiting.pop() else { break };
        waiting.extend(read_bucket(&bucket)?);
    }
    Ok(())
}

/// Reads a bucket in every way, and gives those that lie in it.
fn read_bucket<'t>(bucket: &Bucket<'t>) -> Result<Vec<Bucket<'t>>, Error> {
    let mut below = Vec::new();
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for item in bucket.items() {
        let item = item?;
        let key = item.key().to_vec();
        let last = keys.last();
        assert!(last.is_none_or(|last| *last < key), "keys do not ascend");
        match item.value() {
            Some(value) => drop(value.to_vec()),
            None => below.extend(bucket.bucket(&key)?),
        }
        keys.push(key);
    }
    for item in bucket.items().rev() {
        let item = item?;
        let key = keys.pop();
        assert_eq!(Some(&**item.key()), key.as_deref(), "both ways differ");
        if let Some(value) = item.value() {
            // Where a branch leads astray, gets and iterators need not agree; they must come back.
            let found = bucket.get(item.key())?;
            assert!(found.is_none_or(|found| *found == **value));
        }
    }
    Ok(below)
}
