//! The number of a commit.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a commit, as users see it: each is greater than those before it in the same database.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// Before the first commit.
    pub const ZERO: Self = Self(0);

    /// The greatest that [`Staged::publish_at`](crate::Staged::publish_at) and [`Database::apply`](crate::Database::apply) take: it leaves more to come than ever will.
    pub const MAX: Self = Self(u64::MAX >> 1);

    /// The revision with this number, for one that was kept outside of the database.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
