//! A store of its own: byte keys and values in order, in named buckets, in one file.
//!
//! # How it holds together
//!
//! The file is a B+tree of buckets, and a B+tree for each bucket, in pages of one size; a bucket can hold buckets beside its keys. A page is never changed where it lies: a commit writes
//! new pages for what it changed, up to the root, and then a small *meta* that names the new root. Two meta slots are written in turn, so the
//! state before is there until the next but one commit. A reader holds one state and waits for nobody.
//!
//! Invariants:
//!
//! - A parent holds the checksum of each child, and a meta its own; so whatever is read is what was written, or an error.
//! - The writer writes only into pages that no held state and neither meta reaches. All else (free readers, crash safety, references into the
//!   mapped file) rests on this.
//! - A commit is durable with one sync. One that is in the log has its record; any other has a meta, which carries a checksum over all the pages that it wrote, and counts only where that is right. Commits that are not
//!   synced have no meta, and what a meta reaches is not written, however many of them lie between.
//! - After a failed write or sync nothing more is written, neither into trees nor into the journal.
//! - The same operations give the same bytes.
//!
//! Every byte, and what a crash at each step leaves, is in `docs/format.md`.
//!
//! # Where to look
//!
//! `medium` is what a file lies on, `format` its bytes. `open` chooses the meta. `tree` reads and edits a single tree; `buckets` are trees to read and to change, and `txn` is what
//! transactions see of them and have changed so far. `commits` writes that, through `output`, where `space` says: from what `writer` knows to be free. `log` keeps what commits did to keys until the
//! trees take it up; `journal` keeps records beside the trees. `walk` goes through everything, for the free pages, for `check` and for `copies`, and tells who asks what it meets; `inspect`
//! looks into pages, and gets out of damaged files what can be got. This room imports nothing of the others. `unsafe` is in `medium/mapping` only.

mod buckets;
mod check;
mod commits;
mod copies;
mod error;
mod format;
mod inspect;
mod journal;
mod log;
mod medium;
mod open;
mod options;
mod page_file;
mod shared;
mod source;
mod space;
mod stats;
mod tree;
mod txn;
mod walk;
mod writer;

// Each has one path within this room, whatever folder it lies in.
use buckets::{bucket, bucket_mut, bucket_stats, bytes, cursor, cursor_mut, iter};
use commits::{commit, settle, unsynced};
use copies::build;
use format::{checksum, field, meta, page, slots};
use medium::{create, file_storage, lock, mapping, mem_storage, storage};
use space::{extents, page_set, placement, segments, shrink, shrink_options, tail};
use txn::{batch, nested_txn, opened, read_txn, savepoint, txn_stats, work, write_txn};

pub use bucket::Bucket;
pub use bucket_mut::{BucketMut, KeyValue};
pub use bucket_stats::BucketStats;
pub(crate) use build::{NewBucket, NewFile, NotStreamed};
pub use bytes::Bytes;
pub use check::Report;
pub use cursor::Cursor;
pub use cursor_mut::CursorMut;
pub use error::Error;
pub use file_storage::FileStorage;
pub(crate) use inspect::Remains;
pub use inspect::{
    Damage, DamagedPage, EntryContent, PageContent, PageEntry, PageInfo, PageKind, PageView,
    RecoverOptions, Recovery, Slot, SlotState, Unverified, slots,
};
pub use iter::{Buckets, Item, Items, Range};
pub(crate) use journal::{Journal, Position, Seen, Watched};
pub use mem_storage::MemStorage;
pub use nested_txn::NestedTxn;
pub use options::Options;
pub use page_file::PageFile;
pub use read_txn::ReadTxn;
pub use savepoint::Savepoint;
pub use shrink::{HeldBack, Shrunk};
pub use shrink_options::ShrinkOptions;
pub use stats::Stats;
pub use storage::Storage;
pub use txn_stats::TxnStats;
pub use write_txn::WriteTxn;

/// The longest key, in bytes. Keys and values may be empty.
pub const MAX_KEY_LEN: usize = page::MAX_KEY;
/// The longest name of a bucket, in bytes. Any bytes are a name, none as well.
pub const MAX_NAME_LEN: usize = 1024;
