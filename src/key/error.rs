//! What can be wrong with a key.

use std::{error::Error, fmt};

/// The longest key that an index takes, in bytes: the key of a row together with what its index adds.
pub const MAX_KEY_LEN: usize = 32 * 1024;

/// Bytes are not those of a key of the wanted type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDecodeError {
    /// The bytes end inside the key.
    Truncated,
    /// The bytes are of no value of the type.
    Invalid {
        /// The type, or what it needs.
        expected: &'static str,
    },
    /// The key is whole, but bytes are left over.
    Trailing {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for KeyDecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("encoded key ends too early"),
            Self::Invalid { expected } => write!(f, "encoded key is not a valid {expected}"),
            Self::Trailing { len } => write!(f, "{len} bytes are left over after the encoded key"),
        }
    }
}

impl Error for KeyDecodeError {}
