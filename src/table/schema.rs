//! What a struct must give to be a row.

use serde::{Serialize, de::DeserializeOwned};

use super::{CodecError, Former, KeySet, TableDefinition, codec};
use crate::key::{Key, KeyBuf};

/// A struct whose values are the rows of a table. Made by `#[derive(Table)]`, not by hand.
///
/// The derive also gives the struct one constant for each of its indexes, an [`Index`](super::Index), and `ALL`, a
/// [`Query`](super::Query) for every row.
///
/// Rows are kept in a format without names, so serde must be able to tell from the type alone what comes next. `#[serde(skip)]`, `default`,
/// `rename` and `with` are fine. A row of a type with `#[serde(flatten)]`, or with a field that `skip_serializing_if` leaves out, is refused when
/// it is written. Types that must be told what comes next, such as those with `#[serde(flatten)]` and enums with `#[serde(untagged)]` or
/// `#[serde(tag = "..")]`, are refused when a database that has them is opened on a file. Values may be nested 128 levels deep.
///
/// What the struct is made of is kept in the file, so that the struct can [change](crate#changing-structs). It is found out by reading made-up values with the
/// struct's `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "add `#[derive(Table)]` to the struct of its rows"
)]
pub trait Table: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of the primary key: of its column, or the tuple of its columns.
    type Key: Key;

    /// The name of the table in the database and in its file.
    const NAME: &'static str;

    /// The version of the struct, for [changes](crate#changing-structs) that serde's own rules cannot make.
    const VERSION: u32 = 1;

    /// Whether the table is never in a file.
    const EPHEMERAL: bool = false;

    /// The table's fields, key and indexes, as data.
    fn definition() -> TableDefinition;

    /// Appends the primary key of the row.
    fn encode_key(&self, out: &mut KeyBuf);

    /// Adds the entries of the row in the index of this number to `out`, which knows its primary key. An index that is not there has none.
    fn encode_index_keys(&self, index: usize, out: &mut KeySet);

    /// The columns of the row in the index of this number, for people to read.
    fn format_key(&self, index: usize) -> String;

    /// The same of one of the row's entries in that index, which is given as its bytes.
    #[doc(hidden)]
    fn format_entry(&self, index: usize, entry: &[u8]) -> String {
        let _ = entry;
        self.format_key(index)
    }

    /// How rows of an earlier version are read; `None` for one of which nothing is known.
    #[doc(hidden)]
    fn former(version: u32) -> Option<Former<Self>> {
        let _ = version;
        None
    }

    /// Appends the row as the file keeps it.
    ///
    /// # Errors
    ///
    /// [`CodecError`] where the row's `Serialize` fails, or does what the format cannot hold.
    fn encode_row(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        codec::encode(self, out)
    }

    /// Reads a row that [`Table::encode_row`] wrote; `bytes` are all of it.
    ///
    /// # Errors
    ///
    /// [`CodecError`] where `bytes` are not such a row.
    fn decode_row(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }
}
