//! Writing what a walk meets into another file.

use std::ops::ControlFlow;

use super::{
    super::{BucketMut, Error, KeyValue, PageFile, WriteTxn, walk::Met},
    Paths, Place,
};

/// Rows are kept until they have so many bytes, and then written to their bucket together.
const ROWS: usize = 1 << 20;
/// A transaction is committed when it has so many bytes, which it keeps in memory.
const TRANSACTION: usize = 16 << 20;
/// More problems than this are not collected.
const MOST_PROBLEMS: usize = 1000;

/// Writes rows and buckets as a walk tells of them.
pub(super) struct Salvage<'o> {
    out: &'o PageFile,
    txn: Option<WriteTxn>,
    /// The bytes that the transaction has taken.
    taken: usize,
    /// Names that come before every path.
    prefix: Vec<Vec<u8>>,
    /// The bucket that `rows` come from, and its path in the new file.
    place: Place,
    path: Vec<Vec<u8>>,
    rows: Vec<KeyValue>,
    row_bytes: usize,
    /// Why nothing more can be written.
    failed: Option<Error>,
    /// Keys and buckets written.
    pub(super) keys: u64,
    pub(super) buckets: u64,
    /// What the new file does not take.
    pub(super) problems: Vec<Error>,
}

impl<'o> Salvage<'o> {
    pub(super) fn new(out: &'o PageFile) -> Self {
        Self {
            out,
            txn: None,
            taken: 0,
            prefix: Vec::new(),
            place: Paths::TOP,
            path: Vec::new(),
            rows: Vec::new(),
            row_bytes: 0,
            failed: None,
            keys: 0,
            buckets: 0,
            problems: Vec::new(),
        }
    }

    /// From here on, all comes into the bucket `name`.
    pub(super) fn put_below(&mut self, name: &[u8]) {
        self.prefix = vec![name.to_vec()];
    }

    /// Takes what a walk has met; breaks where no more can be written.
    pub(super) fn take(&mut self, paths: &Paths, place: Place, met: Met<'_>) -> ControlFlow<()> {
        match met {
            Met::Row { key, value } => {
                if self.place != place {
                    self.flush();
                    self.place = place;
                    self.path = self.below(paths.path(place));
                }
                self.row(key, value);
            }
            Met::Bucket { place, record } => {
                self.flush();
                let path = self.below(paths.path(place));
                let sequence = record.sequence;
                let made = self.write(&path, 0, |bucket| {
                    bucket.set_sequence(sequence);
                    Ok(())
                });
                self.buckets += u64::from(made);
            }
            Met::Node { .. } | Met::Run { .. } => {}
        }
        match self.failed {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Writes one row into the bucket `name`.
    pub(super) fn put(&mut self, name: &[u8], key: &[u8], value: &[u8]) {
        self.path = self.below(vec![name.to_vec()]);
        self.row(key, value);
        self.flush();
    }

    /// Ends what was begun.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.flush();
        self.place = Paths::TOP;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.commit()
    }

    fn below(&self, path: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.prefix.iter().cloned().chain(path).collect()
    }

    fn row(&mut self, key: &[u8], value: &[u8]) {
        self.row_bytes += key.len() + value.len();
        self.rows.push((key.to_vec(), value.to_vec()));
        if self.row_bytes >= ROWS {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let path = std::mem::take(&mut self.path);
        let bytes = std::mem::take(&mut self.row_bytes);
        let mut keys = 0;
        self.write(&path, bytes, |bucket| {
            for (key, value) in &rows {
                bucket.put(key, value)?;
                keys += 1;
            }
            Ok(())
        });
        self.keys += keys;
        self.path = path;
    }

    /// Changes the bucket of this path, and tells whether it went well.
    fn write(
        &mut self,
        path: &[Vec<u8>],
        bytes: usize,
        change: impl FnOnce(&mut BucketMut<'_>) -> Result<(), Error>,
    ) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let written = self.txn().and_then(|txn| {
            let mut bucket = txn.bucket_or_create_at(path)?;
            change(&mut bucket)
        });
        self.taken += bytes;
        let full = self.taken >= TRANSACTION;
        let committed = if full { self.commit() } else { Ok(()) };
        let is_written = written.is_ok();
        for outcome in [written, committed] {
            match outcome {
                Ok(()) => {}
                // What no page file writes, and a hostile one may hold: the rest goes on.
                Err(
                    error @ (Error::NameTooLong { .. }
                    | Error::KeyTooLong { .. }
                    | Error::IsABucket { .. }
                    | Error::NotABucket { .. }),
                ) => {
                    if self.problems.len() < MOST_PROBLEMS {
                        self.problems.push(error);
                    }
                }
                Err(error) => self.failed = Some(error),
            }
        }
        is_written
    }

    fn txn(&mut self) -> Result<&mut WriteTxn, Error> {
        if self.txn.is_none() {
            self.txn = Some(self.out.begin_write()?);
        }
        match &mut self.txn {
            Some(txn) => Ok(txn),
            None => Err(Error::Poisoned),
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.taken = 0;
        match self.txn.take() {
            Some(txn) => txn.commit_unsynced().map(drop),
            None => Ok(()),
        }
    }
}
