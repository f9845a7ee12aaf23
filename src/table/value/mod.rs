//! Rows without their struct: read by a [`Shape`](super::Shape), shown to people, or read into another struct by serde's own rules.
//!
//! | file | what |
//! |---|---|
//! | `decode` | bytes to values, by a shape that is not believed |
//! | `read`, `parts` | values into a struct that asks for names |
//! | `refusal` | what did not fit, and where |
//! | `show` | values by serde, for JSON and the like |

mod decode;
mod parts;
mod read;
mod refusal;
mod show;

use super::shape::{Field, Variant};

pub(crate) use decode::decode;
pub(crate) use read::read;
pub(crate) use refusal::{ReadRefusal, Step};
pub(super) use show::hex;

/// A value, of the row or in it, as its table's shape tells it.
///
/// By serde it is what its type would be in JSON: structs and maps are maps, enums the name of the variant, or a map from that to what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Value<'s>(pub(super) Kind<'s>);

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'s> {
    Unit,
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Value<'s>>),
    List(Vec<Value<'s>>),
    Map(Vec<(Value<'s>, Value<'s>)>),
    Fields(&'s [Field], Vec<Value<'s>>),
    /// What it holds is nothing, the one value, a list or fields.
    Variant(&'s Variant, Box<Value<'s>>),
}
