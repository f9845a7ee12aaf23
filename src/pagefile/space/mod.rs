//! Which pages are free, where those of a commit go, and how the end of the file is given back.

pub(super) mod extents;
pub(super) mod page_set;
pub(super) mod placement;
pub(super) mod segments;
pub(super) mod shrink;
pub(super) mod shrink_options;
pub(super) mod survey;
pub(super) mod tail;
