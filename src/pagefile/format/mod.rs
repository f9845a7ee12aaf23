//! The bytes: fields, checksums, pages, metas. docs/format.md draws them all.

pub(super) mod checksum;
pub(super) mod field;
pub(super) mod meta;
pub(super) mod page;
pub(super) mod slots;
