//! A journal in the page file: records one behind the other, each group of them durable with one write and one sync, and read again when the file is opened.
//!
//! What the records say is the business of who writes them; here they are bytes. The journal lies in *stretches*, runs of pages that the meta names. They are filled one
//! after the other, page by page and once, and given back by a commit that moves the journal's beginning past them. So the journal has no end to run around, and its pages
//! are freed as all others are: not before neither meta can need them.
//!
//! Invariants:
//!
//! - A group is one contiguous write, in whole pages of one stretch, and synced before the next one is written. So whatever a crash leaves of the last one, all
//!   before it are whole; and a group that is not whole with a later one behind it was damaged.
//! - Every group says its stretch's number, which no other stretch has had, its place, and its own number in the row of all groups. So no old bytes are taken for it.
//! - Only stretches that both metas name are written: a commit that moves the beginning writes its meta into both slots. So the loss of one loses no group.
//!
//! | file | what |
//! |---|---|
//! | `stretches` | what a meta says of the journal |
//! | `group` | the bytes of a group |
//! | `replay` | reading it at open |
//! | `append` | the handle: writing groups, and moving the beginning |
//! | `follow` | reading it while somebody else writes it |

mod append;
mod follow;
mod group;
mod replay;
mod stretches;
#[cfg(test)]
mod tests;

pub(crate) use append::Journal;
pub(super) use append::{Appender, Moved};
pub(crate) use follow::{Position, Seen, Watched};
pub(super) use replay::replay;
pub(super) use stretches::{Stretch, Stretches};
