//! Structs that the rows of a table had before.

use serde::de::DeserializeOwned;

use super::codec;
use super::reading::NotRead;
use super::shape::{Traced, Untraceable, trace};
use super::value::{self, Value};

/// How rows of an earlier version of a table become those of now: `#[table(version = .., from(..))]` makes it.
pub struct Former<T> {
    trace: fn() -> Result<Traced, Untraceable>,
    read: Box<Read<T>>,
}

type Read<T> = dyn Fn(FormerRow<'_>) -> Result<T, NotRead> + Send + Sync;

/// A row of an earlier version.
pub(super) enum FormerRow<'r> {
    /// In the bytes of the earlier struct.
    Bytes(&'r [u8]),
    /// Of another shape than the earlier struct has, which takes it by its names.
    Value(Value<'r>, &'r [&'static str]),
}

impl<T> Former<T> {
    /// Rows that were `F` then, and become `T` by these steps.
    #[doc(hidden)]
    pub fn new<F: DeserializeOwned + 'static>(steps: fn(F) -> T) -> Self
    where
        T: 'static,
    {
        Self {
            trace: trace::<F>,
            read: Box::new(move |row| {
                let former = match row {
                    FormerRow::Bytes(bytes) => codec::decode(bytes)?,
                    FormerRow::Value(value, by_place) => value::read(value, by_place)?,
                };
                Ok(steps(former))
            }),
        }
    }

    pub(super) fn trace(&self) -> Result<Traced, Untraceable> {
        (self.trace)()
    }

    pub(super) fn read(&self, row: FormerRow<'_>) -> Result<T, NotRead> {
        (self.read)(row)
    }
}
