//! What a transaction changed: typed, as bytes, and written on another node.

mod apply;
pub(super) mod change;
pub(super) mod change_list;

pub use change::Change;
pub use change_list::{ChangeList, ChangeListError, RowChange};
