//! Registries of watched key ranges, and what a user waits on: [`Watch`] and [`WatchSet`].
//!
//! A tree could carry its watches in its nodes, as go-memdb and statedb do. Then every node pays for a channel that hardly anyone
//! waits on, and a watch wakes for whatever shares a node with what was asked for. Here watches live **beside** the trees: each index has
//! one `Registry` of the ranges that somebody watches. Trees, versions and snapshots know nothing of it, and a watch is exact: it fires
//! when a key in its range changes after its snapshot, and never for a neighbour, nor for what its snapshot shows.
//!
//! # Structure
//!
//! * `trie`: the watched prefixes, in a path-compressed trie. A key passes every prefix that covers it on one way down: O(key length).
//! * `spans`: the watched spans `[start, end)`, in an interval tree: O(log spans) comparisons of keys for the first span that covers a
//!   key, and again for every further one, however many spans there are on other keys.
//! * `chain`: watches of the same range hang in one chain at it, so that a wave of equal watches costs one look-up to fire.
//! * `signal`: what one watch waits on. It holds neither channel nor waker until somebody waits.
//!
//! # No lost wake-up
//!
//! Whoever registers and whoever publishes each store first and look afterwards:
//!
//! | watcher | committer |
//! |---|---|
//! | W1 `Registry::register`: the range is in, the count is raised | P1 the new version is published |
//! | W2 a sequentially consistent fence (in `register`) | P2 `publication_fence` |
//! | W3 load the published version; if it is newer and differs below the range, `Watch::fire` | P3 `Registry::is_empty`; if not, fire the changed keys |
//!
//! The two fences have an order in which all threads agree. If W2 comes first, then P3 sees the raised count (or a later one): the
//! committer takes the lock, and because the count is raised under that lock, it finds the range there. If P2 comes first, then W3 sees
//! the new version and fires by itself. Either way the watch fires; no lock is held over both steps. The same holds where the version is a
//! value behind a lock instead of an atomic: the fences then order the operations on the lock's word.
//!
//! A watch is settled with release and asked with acquire, so whoever sees it fired also sees the version for which it fired.
//!
//! # No false wake-up
//!
//! A version may be published, and its notification (P3) still under way, when somebody watches from that very version. So a watch carries
//! the number of the version that its snapshot shows, a notification the number of the version that it tells of, and a watch fires only
//! for a greater one. That loses nothing above: the committer fires what is on an older version, and from this version on there was
//! nothing to fire for. It asks of the committer that a notification tells of the change from one published version to the next: if
//! it told of two steps at once, then a watch between them would fire for the first.
//!
//! The least number is noted at each chain, as a bound: most often all of a chain fire or none, and only where a chain has both kinds are
//! its watches looked at one by one; that raises the bound.
//!
//! # Invariants
//!
//! * A watch leaves its registry before it settles: a settled watch is in none, so to drop it takes no lock.
//! * Nobody is woken while a registry is locked: a waker is a stranger's code, and may register or drop watches.
//! * A chain is never empty, and a trie node without a chain has at least two children: what nobody watches takes no memory.
//! * No recursion anywhere: keys are up to 32 KiB long.
//!
//! The room imports `key::{KeyBuf, KeyRange}` and nothing else of the crate.
#![cfg_attr(
    all(test, sapwood_loom),
    allow(dead_code, reason = "the models do not need every part")
)]

mod chain;
mod handle;
mod inbox;
mod registry;
mod set;
mod signal;
mod slab;
mod spans;
mod sync;
mod trie;

#[cfg(feature = "async")]
mod future;

#[cfg(all(test, sapwood_loom))]
mod interleavings;
#[cfg(all(test, not(sapwood_loom)))]
mod tests;

#[cfg(feature = "async")]
pub use future::WatchFuture;
pub use handle::{Closed, Watch};
pub(crate) use registry::{Registry, publication_fence};
pub use set::{WatchId, WatchSet};
