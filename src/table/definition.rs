//! A table as data: what a file remembers of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Difference;

/// A table's name, fields and indexes. Made by `#[derive(Table)]`; a file keeps it, to be [compared](Self::difference) when it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TableDefinition {
    /// The name of the table.
    pub name: String,
    /// The version of the struct: 1, unless `#[table(version = ..)]` says another.
    pub version: u32,
    /// The fields of a row, in their order.
    pub fields: Vec<FieldDefinition>,
    /// The indexes, each at the place of its number: first the primary one.
    pub indexes: Vec<IndexDefinition>,
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldDefinition {
    /// The name of the field.
    pub name: String,
    /// Its type, as written in the struct.
    pub type_text: String,
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexDefinition {
    /// The name of the index.
    pub name: String,
    /// Its number: 0 for the primary one.
    pub number: usize,
    /// What its key is made of.
    pub columns: IndexColumns,
    /// Whether no two rows may have the same key.
    pub unique: bool,
    /// Whether a row may have several entries: one for every element of its column, or of those columns that are `each(field)`.
    pub each: bool,
    /// Whether rows with `None` in a column are left out.
    pub sparse: bool,
    /// The function that says which rows are in the index, as written in the struct; all rows where there is none.
    pub when: Option<String>,
}

/// What the key of an index is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum IndexColumns {
    /// These fields of the row; a descending one as `desc(field)`, and one of several of which every element is a key as `each(field)`.
    Fields(Vec<String>),
    /// What a function makes of the row.
    Computed {
        /// The function, as written in the struct.
        function: String,
        /// The type of the key, as written in the struct.
        type_text: String,
    },
}

impl TableDefinition {
    /// The primary index.
    pub fn primary(&self) -> Option<&IndexDefinition> {
        self.indexes.first()
    }

    /// The index of this number.
    pub fn index(&self, number: usize) -> Option<&IndexDefinition> {
        self.indexes.get(number)
    }

    /// What first differs between this definition, which a file has stored, and the one that a program declares: fields, then the primary
    /// key, then the other indexes. `None` where they are the same but for the order of the indexes. Not each difference keeps a file from being opened: see
    /// [changing structs](crate#changing-structs). O(fields and indexes).
    pub fn difference(&self, declared: &Self) -> Option<Difference> {
        Difference::first(self, declared)
    }
}

impl fmt::Display for IndexDefinition {
    /// As in `on(node, phase) unique`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.columns.fmt(f)?;
        let says_each = matches!(&self.columns, IndexColumns::Fields(fields) if fields.iter().any(|field| field.starts_with("each(")));
        for (flag, word) in [
            (self.unique, " unique"),
            (self.each && !says_each, " each"),
            (self.sparse, " sparse"),
        ] {
            if flag {
                f.write_str(word)?;
            }
        }
        match &self.when {
            Some(when) => write!(f, " when({when})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for IndexColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(fields) => write!(f, "on({})", fields.join(", ")),
            Self::Computed {
                function,
                type_text,
            } => write!(f, "with({function}) -> {type_text}"),
        }
    }
}
