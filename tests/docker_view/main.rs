//! Docker's view of its containers on this library: ids that may be cut short, names that are reserved, and pictures of both that agree. `docs/parity.md` has the
//! list.
#![cfg(feature = "derive")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ids;
mod listing;
mod names;
mod pictures;
mod view;
