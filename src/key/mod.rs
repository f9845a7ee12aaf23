//! Values to bytes that sort as the values do: what every index of every table is made of.
//!
//! A [`Key`] is written without tags, because the type of a column is known. Two laws hold for every type, and everything above relies on
//! them:
//!
//! 1. *Order.* Encoded keys compare, byte by byte, as the values compare.
//! 2. *Prefix-freeness.* No encoded key is the beginning of another one of its type, nor is a sequence of encoded keys the beginning of
//!    another sequence of the same types. So a compound key is a plain concatenation, its leading columns are a prefix of bytes, and a
//!    row can sit at a leaf only.
//!
//! | type | bytes |
//! |---|---|
//! | `bool`, `u8` to `u128`, `usize` as `u64` | big-endian, fixed width |
//! | `i8` to `i128`, `isize` as `i64` | big-endian, the sign bit flipped |
//! | [`Total<f32>`](Total), `Total<f64>` | negative: all bits flipped; else the sign bit flipped; `-0.0` as `0.0`; one NaN, last |
//! | `char` | as `u32` |
//! | `String`, `Box<str>`, `Arc<str>`, `Cow<str>`; `Vec<u8>` | `00` as `00 FF`; then `00 01` |
//! | `[T; N]`, tuples | one after the other, so `[u8; N]` as it is |
//! | `Vec<T>`, `BTreeSet<T>`, for every other `T` | `01` and `T` for each; then `00` |
//! | `Option<T>` | `00`; or `01` and `T` |
//! | `Ipv4Addr`, `Ipv6Addr`, `Uuid` | as they are; `IpAddr`: `04` or `06` first; a network: its address, then its length |
//! | `SystemTime`, timestamps of jiff and chrono | seconds since 1970 as `i64`, nanoseconds as `u32` |
//! | `Duration` | seconds as `u64`, nanoseconds as `u32` |
//! | `std::cmp::Reverse<T>` | the bytes of `T`, all bits flipped |
//! | `#[derive(Key)]` on a struct | its fields, one after the other |
//! | `#[derive(Key)]` on an enum | the variant's number (`u8`; `u16` past 256 variants), then its fields |
//!
//! The encoding is part of the file format: it never changes.
//!
//! A [`KeyOf<K>`](KeyOf) is whatever encodes as a `K` does, such as a `&str` for a `String`, so that a query need not own its keys.
//!
//! This room knows nothing of the others.

mod chrono;
mod error;
mod escape;
mod extends;
mod float;
mod integer;
mod ipnet;
mod jiff;
mod list;
mod net;
mod option;
mod prefix;
mod range;
mod text;
mod time;
mod traits;
mod tuple;
mod uuid;
mod wrapper;

#[cfg(feature = "derive")]
pub use sapwood_derive::Key;

pub use error::{KeyDecodeError, MAX_KEY_LEN};
pub use extends::Extends;
pub use float::Total;
pub use prefix::KeyPrefixOf;
pub use range::KeyBuf;
pub(crate) use range::{KeyRange, after_prefix};
pub use traits::{Key, KeyOf, decode, encode};

/// Cuts the first `N` bytes off `input`.
fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], KeyDecodeError> {
    let (bytes, rest) = input
        .split_first_chunk::<N>()
        .ok_or(KeyDecodeError::Truncated)?;
    *input = rest;
    Ok(*bytes)
}
