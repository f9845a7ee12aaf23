//! What can go wrong with a page file.

use std::{fmt, io, path::PathBuf};

/// Why an operation on a page file failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The storage refused an operation.
    Io {
        /// What was being done, such as `read` or `sync`.
        action: &'static str,
        /// What the storage said.
        source: io::Error,
    },
    /// There is no room for the commit. Nothing of it is in the file; the next commit works once there is room.
    StorageFull {
        /// How many bytes the file was to grow by.
        needed: u64,
        /// What the storage said.
        source: io::Error,
    },
    /// The commit needs a longer file than [`Options::max_size`](super::Options::max_size) allows. Nothing of it is in the file; a smaller commit
    /// may work, and so may the same one when readers of older states are gone.
    MaxSize {
        /// The most bytes that the file may have.
        max: u64,
        /// How many bytes it would have.
        needed: u64,
    },
    /// The file was opened to read only.
    ReadOnly,
    /// Somebody else has the file open, and still had when the timeout was over. Readers exclude a writer, and a writer everybody.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file does not begin as a page file does. It was left as it is.
    NotAPageFile,
    /// The file was written in a format that this version does not know. It was left as it is.
    NewerFormat {
        /// The format number in the file.
        found: u32,
        /// The newest format number that this version reads.
        supported: u32,
    },
    /// The file ends before what it must hold.
    Truncated {
        /// Its length in bytes.
        len: u64,
        /// How many bytes it must have.
        expected: u64,
    },
    /// No meta slot leads to a whole state.
    DamagedMeta {
        /// Where the slot begins, in bytes from the start of the file.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A page does not hold what its parent says, or makes no sense.
    Corrupted {
        /// The number of the page.
        page: u64,
        /// Where it begins, in bytes from the start of the file.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A write or sync failed before: this handle refuses to write. Readers go on; open the file again to write.
    Poisoned,
    /// The key is longer than a page file takes.
    KeyTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest there may be.
        max: usize,
    },
    /// The name of a bucket is longer than a page file takes.
    NameTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest there may be.
        max: usize,
    },
    /// There is a bucket of this name already.
    BucketExists {
        /// The name.
        name: Vec<u8>,
    },
    /// There is no bucket of this name.
    NoSuchBucket {
        /// The name.
        name: Vec<u8>,
    },
    /// A bucket lies where a key was to be put or deleted.
    IsABucket {
        /// Its name.
        name: Vec<u8>,
    },
    /// A key with a value lies where a bucket was to be.
    NotABucket {
        /// The key.
        name: Vec<u8>,
    },
    /// A bucket can't be moved into itself, or into one that lies in it.
    MoveIntoItself {
        /// Its name.
        name: Vec<u8>,
    },
    /// The savepoint was undone by going back to an earlier one, or was made by another transaction, or outside of the nested one that runs.
    NoSavepoint,
    /// The page size is no power of two from 512 to 65,536.
    BadPageSize {
        /// The size asked for, in bytes.
        size: u32,
    },
}

impl Error {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, source } => write!(f, "could not {action} the page file: {source}"),
            Self::StorageFull { needed, source } => {
                write!(
                    f,
                    "no room to grow the page file by {needed} bytes: {source}"
                )
            }
            Self::MaxSize { max, needed } => write!(
                f,
                "the page file would need {needed} bytes and may have {max}"
            ),
            Self::ReadOnly => f.write_str("the page file was opened to read only"),
            Self::Locked { path } => {
                write!(f, "page file {} is open elsewhere", path.display())
            }
            Self::NotAPageFile => f.write_str("the file is not a page file"),
            Self::NewerFormat { found, supported } => write!(
                f,
                "the page file has format {found}, this version reads up to format {supported}"
            ),
            Self::Truncated { len, expected } => write!(
                f,
                "the page file has {len} bytes where it must have at least {expected}"
            ),
            Self::DamagedMeta { offset, reason } => {
                write!(f, "no usable meta slot, at offset {offset}: {reason}")
            }
            Self::Corrupted {
                page,
                offset,
                reason,
            } => write!(f, "page {page} at offset {offset} is corrupted: {reason}"),
            Self::Poisoned => f.write_str(
                "an earlier write or sync of this page file failed, open it again to write",
            ),
            Self::KeyTooLong { len, max } => {
                write!(f, "key of {len} bytes is longer than {max}")
            }
            Self::NameTooLong { len, max } => {
                write!(f, "bucket name of {len} bytes is longer than {max}")
            }
            Self::BucketExists { name } => {
                write!(f, "bucket \"{}\" exists already", name.escape_ascii())
            }
            Self::NoSuchBucket { name } => {
                write!(f, "there is no bucket \"{}\"", name.escape_ascii())
            }
            Self::IsABucket { name } => {
                write!(f, "\"{}\" is a bucket, not a key", name.escape_ascii())
            }
            Self::NotABucket { name } => {
                write!(f, "\"{}\" is a key, not a bucket", name.escape_ascii())
            }
            Self::MoveIntoItself { name } => write!(
                f,
                "bucket \"{}\" can't be moved into itself",
                name.escape_ascii()
            ),
            Self::NoSavepoint => f.write_str("the savepoint is gone, or of another transaction"),
            Self::BadPageSize { size } => {
                write!(f, "page size {size} is no power of two from 512 to 65536")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::StorageFull { source, .. } => Some(source),
            _ => None,
        }
    }
}
