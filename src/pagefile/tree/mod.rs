//! B+trees, copied on write.
//!
//! A tree is a reference to a stored page, or a node in memory that a write transaction has changed; every node above a changed one is in memory
//! too. Reading goes through [`NodeView`], which hides the difference. Editing makes the nodes on its path dirty; [`layout`] gives them
//! pages when the transaction commits.
//!
//! Invariants: keys ascend within a node; the keys below child *i* of a branch are at or above its key, and below the next one's (the first
//! child's key is empty and unused); every leaf of a tree lies equally deep; a node says how high it is, and a child lies one level below its
//! parent, so that no chain of pages is endless.

mod census;
mod children;
mod edit;
mod free;
mod iter;
mod layout;
mod moves;
mod node;
mod node_page;
mod read;
mod relocate;
mod share;
mod split;
mod tighten;
mod walker;

pub(super) use census::Census;
pub(super) use edit::Edit;
pub(super) use free::Freed;
pub(super) use iter::Entries;
pub(super) use layout::{Life, Pages, Units, count_units, inline, inline_len, reference, store};
pub(super) use moves::Moves;
pub(super) use node::{Child, NewValue};
pub(super) use node_page::NodePage;
pub(super) use read::{Found, Kind, Root, find, find_kind};
pub(super) use relocate::{Place, Thing};
pub(super) use tighten::tighten;
pub(super) use walker::Walker;
