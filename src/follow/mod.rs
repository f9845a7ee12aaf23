//! Following a query: what it holds, and then how that changes.
//!
//! A follower holds the snapshot that its consumer has seen. To step, it waits until the query changed, takes the newest snapshot, and hands out the
//! difference between the two. So nothing is queued, however slow the consumer: it gets fewer, merged steps, each a consistent move from
//! one revision to another, and no removal can be missed. What is pinned is the one snapshot.
//!
//! The room imports `db`, and `table`, `watch` and `key` for what its queries are made of.

mod batch;
mod follower;
#[cfg(feature = "async")]
mod stream;

pub use batch::Batch;
pub use follower::Follow;
