//! Reading: the verbs that snapshots and write transactions have in common, and what they give.

pub(super) mod groups;
pub(super) mod prefixes;
pub(super) mod rows;
pub(super) mod verbs;

pub use groups::Groups;
pub use rows::Rows;
pub use verbs::Only;
