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
//! `open` chooses the meta; `tree` reads and edits a single tree, `work` the buckets of a write transaction; `commit` writes what was edited through
//! `output`, where `placement` says, from what `writer` knows to be free and `segments` to be nearly so; `walk` goes through everything, for the free pages, for
//! `check` and for `backup`, and tells who asks what it meets; `inspect` looks into pages and gets out of damaged files what can be got; `compact` builds trees anew with `pack`, and `build` files of what was never in one;
//! `log` keeps what commits did to keys until the trees take it up; `shrink` moves what `survey` finds near the end, and `tail` gives that back; `batch` lets threads share a commit, `unsynced` leaves one to be made durable later; `journal` keeps records beside the trees. This room
//! imports nothing of the others. `unsafe` is in `mapping` only.

mod backup;
mod batch;
mod bucket;
mod bucket_mut;
mod bucket_stats;
mod build;
mod bytes;
mod check;
mod checksum;
mod commit;
mod compact;
mod create;
mod cursor;
mod cursor_mut;
mod error;
mod extents;
mod field;
mod file_storage;
mod inspect;
mod iter;
mod journal;
mod lock;
mod log;
mod mapping;
mod mem_storage;
mod meta;
mod nested_txn;
mod open;
mod opened;
mod options;
mod output;
mod pack;
mod page;
mod page_file;
mod page_set;
mod parts;
mod placement;
mod read_txn;
mod savepoint;
mod segments;
mod settle;
mod shared;
mod shrink;
mod shrink_options;
mod slots;
mod source;
mod stats;
mod storage;
mod survey;
mod tail;
mod tree;
mod txn_stats;
mod unsynced;
mod walk;
mod work;
mod write_txn;
mod writer;

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
