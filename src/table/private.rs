//! What the code that the derive macros emit is written with. Not for use by hand: it may change in any release.

pub use super::{Each, Former, Index, IndexDefinition, KeySet, Query, Table, TableDefinition};
pub use crate::key::{Key, KeyBuf, KeyDecodeError, KeyOf};
pub use std::string::String;

use std::{cmp::Reverse, fmt::Debug};

use super::{FieldDefinition, IndexColumns};

/// The handle of an index. That `K` is a key shows where it is encoded, column by column.
pub const fn index<T: Table, K>(number: usize, name: &'static str) -> Index<T, K> {
    Index::new(number, name)
}

/// The handle of an index in which a row may have several entries.
pub const fn index_of_several<T: Table, K>(number: usize, name: &'static str) -> Index<T, K> {
    Index::new(number, name).of_several()
}

/// The query for every row, in the order of the primary key.
pub const fn all<T: Table>(name: &'static str) -> Query<T> {
    Query::all(0, name)
}

/// Appends a column.
pub fn encode<K: Key>(column: &K, out: &mut KeyBuf) {
    column.encode(out);
}

/// Appends a descending column.
pub fn encode_descending<K: Key>(column: &K, out: &mut KeyBuf) {
    KeyOf::<Reverse<K>>::encode(&Reverse(column), out);
}

/// Columns for people to read: a single one as it is, several as a tuple.
pub fn format(columns: &[&dyn Debug]) -> String {
    match columns {
        [only] => format!("{only:?}"),
        several => {
            let texts: Vec<String> = several.iter().map(|column| format!("{column:?}")).collect();
            format!("({})", texts.join(", "))
        }
    }
}

/// The keys of an index that has one for each of several, for people to read.
pub fn format_each(keys: impl IntoIterator<Item = impl Debug>) -> String {
    format!("{:?}", keys.into_iter().collect::<Vec<_>>())
}

/// The elements of a collection among other columns, for people to read.
pub fn elements(keys: impl IntoIterator<Item = impl Debug>) -> Vec<impl Debug> {
    keys.into_iter().collect()
}

/// Takes a column from the beginning of an entry.
pub fn decode<K: Key>(entry: &mut &[u8]) -> Option<K> {
    K::decode(entry).ok()
}

/// Takes a descending column from the beginning of an entry.
pub fn decode_descending<K: Key>(entry: &mut &[u8]) -> Option<K> {
    decode::<Reverse<K>>(entry).map(|Reverse(column)| column)
}

/// The definition of a table: its fields as pairs of name and type.
pub fn table(
    name: &str,
    version: u32,
    fields: &[(&str, &str)],
    indexes: &[IndexDefinition],
) -> TableDefinition {
    let fields = fields.iter().map(|&(name, type_text)| FieldDefinition {
        name: name.to_owned(),
        type_text: type_text.to_owned(),
    });
    TableDefinition {
        name: name.to_owned(),
        version,
        fields: fields.collect(),
        indexes: indexes.to_vec(),
    }
}

/// Properties of an index as the derive has parsed them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Properties {
    /// No two rows may have the same key.
    pub unique: bool,
    /// Every element is a key.
    pub each: bool,
    /// Rows with `None` are left out.
    pub sparse: bool,
    /// Only rows for which this function holds are in it.
    pub when: Option<&'static str>,
}

/// The definition of an index on fields.
pub fn index_on(
    number: usize,
    name: &str,
    fields: &[&str],
    properties: Properties,
) -> IndexDefinition {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    definition(number, name, IndexColumns::Fields(fields), properties)
}

/// The definition of a computed index.
pub fn index_with(
    number: usize,
    name: &str,
    function: &str,
    type_text: &str,
    properties: Properties,
) -> IndexDefinition {
    let columns = IndexColumns::Computed {
        function: function.to_owned(),
        type_text: type_text.to_owned(),
    };
    definition(number, name, columns, properties)
}

fn definition(
    number: usize,
    name: &str,
    columns: IndexColumns,
    properties: Properties,
) -> IndexDefinition {
    IndexDefinition {
        name: name.to_owned(),
        number,
        columns,
        unique: properties.unique,
        each: properties.each,
        sparse: properties.sparse,
        when: properties.when.map(str::to_owned),
    }
}
