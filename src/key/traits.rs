//! What can be a key, and what can stand for one.

use std::fmt;

use super::{KeyBuf, KeyDecodeError};

/// A type whose values can be a key, or a column of one.
///
/// Implemented for the types in the table at the head of [this module](super), and by `#[derive(Key)]` for structs and enums of them.
///
/// ```
/// use sapwood::key::{self, Key};
///
/// #[derive(Key, Debug, PartialEq)]
/// enum Place {
///     Nowhere,
///     On { node: String },
/// }
///
/// let bytes = key::encode::<Place>(&Place::On { node: "n1".into() });
/// assert_eq!(bytes.as_slice(), b"\x01n1\x00\x01");
/// assert_eq!(key::decode::<Place>(&bytes)?, Place::On { node: "n1".into() });
/// # Ok::<(), key::KeyDecodeError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "not a key type",
    note = "keys are integers, `bool`, `char`, strings, bytes, addresses, times, and options, tuples, lists and sets of them",
    note = "for a struct or an enum of yours add `#[derive(Key)]`; for a float use `sapwood::key::Total`"
)]
pub trait Key: KeyOf<Self> + Sized {
    /// Reads a key from the beginning of `input` and cuts off what it read. O(length of the key).
    ///
    /// # Errors
    ///
    /// [`KeyDecodeError`] where the bytes are not those of such a key. `input` is then left anywhere.
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError>;

    /// Appends a list of such keys as one key. A hook, so that a list of `u8` is a byte string.
    #[doc(hidden)]
    fn encode_list<'a, Q: KeyOf<Self> + 'a>(items: impl Iterator<Item = &'a Q>, out: &mut KeyBuf) {
        for item in items {
            out.push(1);
            item.encode(out);
        }
        out.push(0);
    }

    /// The counterpart of [`Key::encode_list`].
    #[doc(hidden)]
    fn decode_list(input: &mut &[u8]) -> Result<Vec<Self>, KeyDecodeError> {
        let mut items = Vec::new();
        while bool::decode(input)? {
            items.push(Self::decode(input)?);
        }
        Ok(items)
    }
}

/// A value that encodes exactly as a `K` does, so that it can stand for one in a query.
///
/// | for a key of type | stand |
/// |---|---|
/// | any `K` | `K`, `&K` |
/// | `String` and the other strings | `&str`, and every other string |
/// | `Vec<K>`, bytes among them | slices and arrays |
/// | `Option<K>` | an option of what stands for `K`, and mostly what stands for `K` itself, which means `Some` |
/// | `Total<f64>` | `f64` |
/// | a tuple | a tuple of what stands for its columns |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand for a key of type `{K}`",
    label = "not a key of type `{K}`",
    note = "a compound key is a tuple with a value for every column, in the order of the index"
)]
pub trait KeyOf<K: ?Sized>: fmt::Debug {
    /// Appends the encoded key to `out`. O(length of the key).
    fn encode(&self, out: &mut KeyBuf);

    /// Appends several, one after the other. A hook, so that bytes go in one piece.
    #[doc(hidden)]
    fn encode_each(items: &[Self], out: &mut KeyBuf)
    where
        Self: Sized,
    {
        for item in items {
            item.encode(out);
        }
    }

    /// Whether the key, or a column of it, is `None`: then it conflicts with no other in a unique index.
    #[doc(hidden)]
    fn has_none(&self) -> bool {
        false
    }
}

impl<K: ?Sized, Q: KeyOf<K> + ?Sized> KeyOf<K> for &Q {
    fn encode(&self, out: &mut KeyBuf) {
        Q::encode(self, out);
    }

    fn has_none(&self) -> bool {
        Q::has_none(self)
    }
}

/// The bytes of one key. O(length of the key).
///
/// ```
/// assert_eq!(sapwood::key::encode::<(String, u16)>(&("a", 258)).as_slice(), b"a\x00\x01\x01\x02");
/// ```
pub fn encode<K: Key>(key: &(impl KeyOf<K> + ?Sized)) -> KeyBuf {
    let mut out = KeyBuf::new();
    key.encode(&mut out);
    out
}

/// The key that `bytes` are, all of them. O(length of the key).
///
/// # Errors
///
/// [`KeyDecodeError`] where the bytes are not those of such a key, or where bytes are left over.
pub fn decode<K: Key>(mut bytes: &[u8]) -> Result<K, KeyDecodeError> {
    let key = K::decode(&mut bytes)?;
    if bytes.is_empty() {
        Ok(key)
    } else {
        Err(KeyDecodeError::Trailing { len: bytes.len() })
    }
}
