//! What the log of a damaged file has, into the file that was made of the rest.

use super::{
    super::{
        BucketMut, Error, PageFile, Storage, WriteTxn,
        journal::{Stretches, replay},
    },
    record::{NO_BUCKET, Record, Step},
};

/// What was taken out of a log.
#[derive(Default)]
pub(in super::super) struct Salvaged {
    pub(in super::super) commits: u64,
    /// How many keys came, and how many went.
    pub(in super::super) keys: (u64, u64),
    /// How many buckets were made anew for it: they were lost.
    pub(in super::super) buckets: u64,
    /// Why it ends where it does, where that is not its own end: what comes later is lost.
    pub(in super::super) problem: Option<Error>,
}

/// Reads the log behind commit `stored` as far as it is sound, and does in `out` what it says. Of a bucket that is lost, what the log says of it is there.
pub(in super::super) fn salvage(
    storage: &dyn Storage,
    page_size: u32,
    log: &Stretches,
    stored: u64,
    out: &PageFile,
) -> Result<Salvaged, Error> {
    let mut newest = stored;
    let mut salvaged = Salvaged::default();
    let mut txn = out.begin_write()?;
    let first = log.list.first().map_or(0, |first| first.run.start);
    let corrupted = |reason| Error::Corrupted {
        page: first,
        offset: first * u64::from(page_size),
        reason,
    };
    // The outer error is one of the new file.
    let read = replay(storage, page_size, log, |record, _| -> Result<(), Stop> {
        let record = Record::behind(record, stored, newest);
        let Some(record) = record.map_err(|reason| Stop::Log(corrupted(reason)))? else {
            return Ok(());
        };
        apply(&record, &mut txn, &mut salvaged).map_err(|error| match error {
            Stop::Record(reason) => Stop::Log(corrupted(reason)),
            other => other,
        })?;
        newest = record.commit;
        salvaged.commits += 1;
        Ok(())
    });
    match read {
        Ok(_) => {}
        Err(Stop::Out(error)) => return Err(error),
        Err(Stop::Log(error)) => salvaged.problem = Some(error),
        Err(Stop::Record(reason)) => salvaged.problem = Some(corrupted(reason)),
    }
    txn.commit()?;
    Ok(salvaged)
}

/// Why it does not go on.
enum Stop {
    Log(Error),
    Record(&'static str),
    Out(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Log(error)
    }
}

fn apply(record: &Record<'_>, txn: &mut WriteTxn, salvaged: &mut Salvaged) -> Result<(), Stop> {
    let mut path = Vec::new();
    for step in record.steps() {
        let step = step.map_err(Stop::Record)?;
        if let Step::Bucket(names) = step {
            path = names;
            if txn.bucket_at(&path).map_err(Stop::Out)?.is_none() {
                salvaged.buckets += 1;
            }
            continue;
        }
        if path.is_empty() {
            return Err(Stop::Record(NO_BUCKET));
        }
        let change = |mut bucket: BucketMut<'_>| match step {
            Step::Put(key, value) => bucket.put(key, value).map(|was| (!was, false)),
            Step::Delete(key) => bucket.delete(key).map(|was| (false, was)),
            Step::Sequence(sequence) => {
                bucket.set_sequence(sequence);
                Ok((false, false))
            }
            Step::Bucket(_) => Ok((false, false)),
        };
        match txn.bucket_or_create_at(&path).and_then(change) {
            Ok((came, went)) => {
                salvaged.keys.0 += u64::from(came);
                salvaged.keys.1 += u64::from(went);
            }
            // What was damaged may be of another shape than what the commit found.
            Err(
                Error::IsABucket { .. }
                | Error::NotABucket { .. }
                | Error::KeyTooLong { .. }
                | Error::NameTooLong { .. },
            ) => {}
            Err(error) => return Err(Stop::Out(error)),
        }
    }
    Ok(())
}
