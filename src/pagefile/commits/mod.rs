//! Commits: the pages of one on their way out, and what is made sure of before and after.

pub(super) mod commit;
pub(super) mod output;
pub(super) mod settle;
pub(super) mod unsynced;
