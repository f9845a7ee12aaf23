//! A state in another file: as it is, or built anew.

pub(super) mod backup;
pub(super) mod build;
pub(super) mod compact;
pub(super) mod pack;
