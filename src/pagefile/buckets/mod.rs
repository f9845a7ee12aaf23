//! Buckets and cursors, to read and to change.

pub(super) mod bucket;
pub(super) mod bucket_mut;
pub(super) mod bucket_stats;
pub(super) mod bytes;
pub(super) mod cursor;
pub(super) mod cursor_mut;
pub(super) mod iter;
pub(super) mod parts;
