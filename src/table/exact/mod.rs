//! Rows in a form of text that loses nothing, such as lines of JSON, and back to the bytes and the key under which a program would keep them, without its structs.
//!
//! Values are shown as [`Exact`] and read by a shape, so the form need not tell one kind from another where the shape does. Keys are computed from the types that the
//! definition tells, and only where these leave no doubt; of all else a row brings its key with it, and a *seal* that binds it to the fields that it is made of.
//!
//! | file | what |
//! |---|---|
//! | `show` | values to text |
//! | `read`, `number` | text to values, by a shape |
//! | `write` | values to the bytes of rows, by a shape |
//! | `key_type` | which types of keys a definition tells for sure |
//! | `key_bytes` | values to keys of these types, and back |
//! | `form` | rows of a table: bytes, key, entries of unique indexes |

mod form;
mod key_bytes;
mod key_type;
mod number;
mod read;
mod show;
mod write;

pub use form::{FormedRow, RowForm, RowProblem};
pub use show::Exact;

use super::shape;
use super::value::{Kind, Step, Value};
