//! What a table is: its rows as bytes, its keys and indexes, and the queries over them.
//!
//! `#[derive(Table)]` says all of it for a struct. A table is described by a [`TableDefinition`], which a file can keep and compare; each of
//! its indexes has a number (0 for the primary one, the others from 1 in the order in which they are declared) and, for users, a typed
//! handle, [`Index`]. A handle makes a [`Query`]: an index number and a range of key bytes, which is all that the other rooms need.
//!
//! What holds here:
//!
//! - The entries of one row in one index are a [`KeySet`]: sorted, no entry twice. In an index that is not unique, and in a unique one where a column is
//!   `None`, an entry is the index key and then the primary key; else it is the index key alone. Entries of one index are prefix-free.
//! - A query finds an entry by the index key at its beginning. So an included upper bound takes in every entry that begins with it.
//! - An index that a program adds at run time ([`NewIndex`]) is in no definition. Its number is above all of these.
//! - The file `codec` is the only file that knows how rows are written.
//! - Without the struct (`exact`), a key is computed only from types whose keys leave no doubt.
//!
//! It imports `key` only.

mod bounded;
mod codec;
mod columns;
mod definition;
mod difference;
mod each;
mod exact;
mod former;
mod grouping;
mod index;
mod key_set;
mod new_index;
pub(crate) mod private;
mod query;
mod ranges;
mod reading;
mod schema;
mod shape;
mod table_schema;
#[cfg(all(test, feature = "derive"))]
mod tests;
mod value;

#[cfg(feature = "derive")]
pub use sapwood_derive::Table;

pub use codec::CodecError;
pub(crate) use codec::FORMAT;
#[doc(hidden)]
pub use columns::rule;
pub use columns::{ExtendsLast, LeadingColumns, RangeEnd, StartsWith};
pub use definition::{FieldDefinition, IndexColumns, IndexDefinition, TableDefinition};
pub use difference::Difference;
pub use each::Each;
pub use exact::{Exact, FormedRow, RowForm, RowProblem};
#[doc(hidden)]
pub use former::Former;
pub use grouping::{FirstColumns, Grouping};
pub use index::Index;
pub use key_set::KeySet;
pub use new_index::NewIndex;
pub use query::Query;
pub use ranges::Ranges;
pub(crate) use reading::{NoReading, NotRead, Reading};
pub use schema::Table;
pub use shape::Shape;
pub(crate) use shape::{Traced, Untraceable, trace};
pub use table_schema::TableSchema;
pub use value::Value;
pub(crate) use value::decode as decode_value;
