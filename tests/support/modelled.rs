//! What the model must know of a table.

use std::collections::BTreeSet;
use std::fmt::Debug;

use sapwood::Table;

use super::added::{ADDED, Added};
use super::ask::{Ask, Pick};
use super::model::{Model, Rows};

/// One column of a key, in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    None,
    Number(i64),
    Text(String),
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Part {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::None, Self::from)
    }
}

/// A number as a column, whatever its type.
pub(crate) fn number(number: impl Into<i64>) -> Part {
    Part::Number(number.into())
}

/// A key of an index: its columns.
pub(crate) type Parts = Vec<Part>;

/// An index, as the model knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) unique: bool,
}

pub(crate) const fn kind(name: &'static str, unique: bool) -> Kind {
    Kind { name, unique }
}

/// A table of which the model can answer queries, and whose rows chance can make and change.
pub(crate) trait Modelled:
    Table<Key: Ord + Clone + Debug> + Clone + PartialEq + Debug
{
    /// The indexes, by the numbers that questions have for them; the primary one first.
    const KINDS: &'static [Kind];

    fn key(&self) -> Self::Key;

    /// A primary key, as errors have it.
    fn words(key: &Self::Key) -> String {
        format!("{key:?}")
    }

    /// The keys of the row in an index, each once.
    fn entries(&self, index: usize) -> BTreeSet<Parts>;

    /// Whether a key of the row is too long to be stored.
    fn is_too_long(&self) -> bool {
        false
    }

    /// A question to this table, on an index that is declared.
    fn ask(pick: Pick) -> Ask<Self>;

    /// A question to this table as the model has it: also on the indexes that were added.
    fn ask_in(_: &Model, pick: Pick) -> Ask<Self> {
        Self::ask(pick)
    }

    /// The indexes that were added at run time and are there.
    fn added(_: &Model) -> &[Added] {
        &[]
    }

    /// An index by its number: those that can be added are behind those that are declared.
    fn kind(index: usize) -> &'static Kind {
        Self::KINDS
            .get(index)
            .unwrap_or_else(|| &ADDED[index - Self::KINDS.len()])
    }

    fn rows(model: &Model) -> &Rows<Self>;

    fn rows_mut(model: &mut Model) -> &mut Rows<Self>;

    /// A row of random bytes; with a key that is too long, if there can be one.
    fn make(bytes: [u8; 9], long: bool) -> Self;

    /// Takes some of the columns from another row, but not the primary key.
    fn take(&mut self, from: Self, which: u8);

    fn change_key(&mut self);

    /// One of the rows that lie side by side behind this one, with nothing that conflicts but what is there.
    fn neighbour(&self, place: u16) -> Self;
}
