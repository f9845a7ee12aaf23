//! Transactions: what they read, and what they have changed so far.

pub(super) mod batch;
pub(super) mod nested_txn;
pub(super) mod opened;
pub(super) mod read_txn;
pub(super) mod savepoint;
pub(super) mod txn_stats;
pub(super) mod work;
pub(super) mod write_txn;
