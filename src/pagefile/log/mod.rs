//! The log: commits as what they did to keys, durable with one small write each, until the trees take them up.
//!
//! A commit of a hundred keys anywhere in a large file changes two hundred pages: most of what it takes is writing these. So where a file is large, and a commit
//! only puts and deletes keys, what it did goes into the journal's stretches, as one record in one group; its changed nodes stay in memory, and whoever reads
//! finds them there. The next commit that the log has no room for writes them all, as any commit writes what it changed, and moves the log's beginning behind them. What the
//! commits between have changed again and again is written once.
//!
//! Invariants:
//!
//! - A state that is in the log has all its pages in the state that the trees of the file have, its *stored* one, and the rest in memory. So it holds that one, and no page of it is
//!   used again while the log has records, or while anybody reads one of these states.
//! - Nothing of a state in the log is in a meta. A meta is of a stored state, and the records that count are those that come behind its commit.
//! - A record says which commit it follows. So one that is missing is seen, and what stands on it is not applied to another state.
//! - Commits that are not synced, and those of a program that keeps a journal of its own in the file, are not logged.
//!
//! | file | what |
//! |---|---|
//! | `recorded` | what a transaction did, as a record says it |
//! | `record` | reading it again |
//! | `append` | committing into the log, and bringing the trees up to date |
//! | `appended` | a state of the log as pages, for a copy |
//! | `replay` | the log when the file is opened |
//! | `salvage` | the log of a damaged file |

mod append;
mod appended;
mod record;
mod recorded;
mod replay;
mod salvage;

pub(super) use append::{Log, Logged, append, store};
pub(super) use appended::{Appended, appended};
pub(super) use recorded::{Mark, Recorded};
pub(super) use replay::replay;
pub(super) use salvage::{Salvaged, salvage};
