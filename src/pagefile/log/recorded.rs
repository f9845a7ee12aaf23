//! What a transaction did, as a record of the log says it.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | kind of record: 1 |
//! | 8 | the commit that it follows |
//! | 8 | its own number |
//! | | steps, to the end of the record |
//!
//! | step | bytes |
//! |---|---|
//! | 1: the steps behind it are about this bucket | how many names its path has (4), each name's length (4) and the name |
//! | 2: a key gets a value | length of the key (4), of the value (4), key, value |
//! | 3: a key goes | length of the key (4), key |
//! | 4: the bucket's own number | 8 |

use super::super::opened::Opened;

pub(super) const KIND: u8 = 1;
pub(super) const BUCKET: u8 = 1;
pub(super) const PUT: u8 = 2;
pub(super) const DELETE: u8 = 3;
pub(super) const SEQUENCE: u8 = 4;

pub(super) const FOLLOWS: usize = 1;
pub(super) const COMMIT: usize = FOLLOWS + 8;
pub(super) const STEPS: usize = COMMIT + 8;

/// What a transaction has done so far, as long as a record can say it.
#[derive(Clone)]
pub(in super::super) struct Recorded {
    /// A record, but for its numbers.
    bytes: Vec<u8>,
    /// The bucket that the last step is about, by its place.
    bucket: Option<usize>,
    /// The most bytes of a record.
    most: usize,
    is_whole: bool,
}

/// A point to go back to.
#[derive(Clone, Copy)]
pub(in super::super) struct Mark {
    len: usize,
    bucket: Option<usize>,
    is_whole: bool,
}

impl Recorded {
    /// For a record of so many bytes at most; 0 where none is wanted.
    pub(in super::super) fn new(most: usize) -> Self {
        let mut bytes = Vec::new();
        if most > 0 {
            bytes.resize(STEPS, 0);
            bytes[0] = KIND;
        }
        Self {
            bytes,
            bucket: None,
            most,
            is_whole: most > 0,
        }
    }

    pub(in super::super) fn mark(&self) -> Mark {
        Mark {
            len: self.bytes.len(),
            bucket: self.bucket,
            is_whole: self.is_whole,
        }
    }

    pub(in super::super) fn restore(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
        self.bucket = mark.bucket;
        self.is_whole = mark.is_whole;
    }

    /// The transaction has done something that no step says. What is there stays, for it may go back behind that.
    pub(in super::super) fn give_up(&mut self) {
        self.is_whole = false;
    }

    pub(in super::super) fn put(&mut self, opened: &Opened, at: usize, key: &[u8], value: &[u8]) {
        if self.begin(opened, at, 9 + key.len() + value.len()) {
            self.bytes.push(PUT);
            self.len_of(key);
            self.len_of(value);
            self.bytes.extend_from_slice(key);
            self.bytes.extend_from_slice(value);
        }
    }

    pub(in super::super) fn delete(&mut self, opened: &Opened, at: usize, key: &[u8]) {
        if self.begin(opened, at, 5 + key.len()) {
            self.bytes.push(DELETE);
            self.len_of(key);
            self.bytes.extend_from_slice(key);
        }
    }

    pub(in super::super) fn sequence(&mut self, opened: &Opened, at: usize, sequence: u64) {
        if self.begin(opened, at, 9) {
            self.bytes.push(SEQUENCE);
            self.bytes.extend_from_slice(&sequence.to_le_bytes());
        }
    }

    /// Sees to it that a step of so many bytes has room and is about the bucket at `at`.
    fn begin(&mut self, opened: &Opened, at: usize, len: usize) -> bool {
        if !self.is_whole {
            return false;
        }
        if self.bucket != Some(at) {
            let path = opened.path(at);
            self.bytes.push(BUCKET);
            self.bytes
                .extend_from_slice(&(path.len() as u32).to_le_bytes());
            for name in path {
                self.len_of(name);
                self.bytes.extend_from_slice(name);
            }
            self.bucket = Some(at);
        }
        self.is_whole = self.bytes.len().saturating_add(len) <= self.most;
        self.is_whole
    }

    fn len_of(&mut self, bytes: &[u8]) {
        // It fits, for all of the record does.
        let len = bytes.len() as u32;
        self.bytes.extend_from_slice(&len.to_le_bytes());
    }

    /// The record, of a commit with this number that follows that one; `None` where no record says all of it.
    pub(super) fn record(&mut self, follows: u64, commit: u64) -> Option<&[u8]> {
        if !self.is_whole {
            return None;
        }
        self.bytes[FOLLOWS..COMMIT].copy_from_slice(&follows.to_le_bytes());
        self.bytes[COMMIT..STEPS].copy_from_slice(&commit.to_le_bytes());
        Some(&self.bytes)
    }
}
