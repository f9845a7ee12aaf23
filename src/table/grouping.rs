//! Groups: rows by the first columns of an index.

use std::{fmt, marker::PhantomData};

use super::{Index, LeadingColumns, Query, Ranges, StartsWith};
use crate::key::Key;

/// A compound key `K`, as what its first `N` columns are: the bare first one, or the tuple of the first ones.
#[diagnostic::on_unimplemented(
    message = "a key of type `{Self}` has no {N} first columns",
    label = "not a compound key of so many columns",
    note = "a key of one column is grouped with `group_by_key`"
)]
pub trait FirstColumns<const N: usize> {
    /// The type of the columns.
    type Columns: Key;
}

macro_rules! first_columns {
    ($(($key:ident $number:literal))+) => {
        first_columns!(@step [$($key)+] [] $(($key $number))+);
    };
    // One column after the other goes to those that come first.
    (@step [$($all:ident)+] [] ($key:ident $number:literal) $($rest:tt)*) => {
        impl<$($all: Key),+> FirstColumns<$number> for ($($all,)+) {
            type Columns = $key;
        }
        first_columns!(@step [$($all)+] [$key] $($rest)*);
    };
    (@step [$($all:ident)+] [$($done:ident)+] ($key:ident $number:literal) $($rest:tt)*) => {
        impl<$($all: Key),+> FirstColumns<$number> for ($($all,)+) {
            type Columns = ($($done,)+ $key,);
        }
        first_columns!(@step [$($all)+] [$($done)+ $key] $($rest)*);
    };
    (@step $all:tt $done:tt) => {};
}

first_columns!((K0 1)(K1 2));
first_columns!((K0 1)(K1 2)(K2 3));
first_columns!((K0 1)(K1 2)(K2 3)(K3 4));
first_columns!((K0 1)(K1 2)(K2 3)(K3 4)(K4 5));
first_columns!((K0 1)(K1 2)(K2 3)(K3 4)(K4 5)(K5 6));
first_columns!((K0 1)(K1 2)(K2 3)(K3 4)(K4 5)(K5 6)(K6 7));
first_columns!((K0 1)(K1 2)(K2 3)(K3 4)(K4 5)(K5 6)(K6 7)(K7 8));

/// The rows of an index with keys `K`, or of a part of it, by its first columns `G`: what [`groups`](crate::Snapshot::groups) takes.
///
/// Made by [`Index::group_by`] and [`Index::group_by_key`]; of the whole index, until one of the methods here says of which part.
///
/// ```
/// # use sapwood::{Database, Table};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Table, Serialize, Deserialize)]
/// struct Volume {
///     #[key]
///     name: String,
///     #[index]
///     pool: String,
/// }
///
/// # fn main() -> Result<(), sapwood::Error> {
/// let db = Database::builder().table::<Volume>().in_memory()?;
/// for (name, pool) in [("a", "ssd-1"), ("b", "hdd-1"), ("c", "ssd-2"), ("d", "ssd-1")] {
///     db.write(|tx| tx.insert(Volume { name: name.into(), pool: pool.into() }))?;
/// }
/// let ssd = Volume::BY_POOL.group_by_key().starts_with("ssd-");
/// let pools: Vec<(String, usize)> = db.snapshot().groups(ssd).collect();
/// assert_eq!(pools, [("ssd-1".to_owned(), 2), ("ssd-2".to_owned(), 1)]);
/// # Ok(())
/// # }
/// ```
pub struct Grouping<T, K, G> {
    index: Index<T, K>,
    query: Query<T>,
    columns: PhantomData<fn() -> G>,
}

impl<T, K> Index<T, K> {
    /// The rows by the first `N` columns of a compound key.
    pub fn group_by<const N: usize>(self) -> Grouping<T, K, K::Columns>
    where
        K: FirstColumns<N>,
    {
        Grouping::new(self)
    }

    /// The rows by the whole key.
    pub fn group_by_key(self) -> Grouping<T, K, K> {
        Grouping::new(self)
    }
}

// As the queries of an index.
#[allow(clippy::needless_pass_by_value)]
impl<T, K, G> Grouping<T, K, G> {
    fn new(index: Index<T, K>) -> Self {
        Self {
            index,
            query: index.all(),
            columns: PhantomData,
        }
    }

    /// Only what [`Index::prefix`] finds.
    #[must_use]
    pub fn prefix<Q: LeadingColumns<K, M>, M>(self, columns: Q) -> Self {
        let query = self.index.prefix(columns);
        Self { query, ..self }
    }

    /// Only what [`Index::starts_with`] finds.
    #[must_use]
    pub fn starts_with<Q: StartsWith<K, M>, M>(self, beginning: Q) -> Self {
        let query = self.index.starts_with(beginning);
        Self { query, ..self }
    }

    /// Only what [`Index::range`] finds. Of a group that lies in it in part, that part is counted.
    #[must_use]
    pub fn range<R: Ranges<K, M>, M>(self, range: R) -> Self {
        let query = self.index.range(range);
        Self { query, ..self }
    }

    pub(crate) fn query(&self) -> &Query<T> {
        &self.query
    }
}

impl<T, K, G> Clone for Grouping<T, K, G> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            ..*self
        }
    }
}

impl<T, K, G> fmt::Debug for Grouping<T, K, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Grouping").field(&self.query).finish()
    }
}
