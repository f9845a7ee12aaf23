//! Rows to bytes and back. The only file that knows bincode.
//!
//! A row is written in bincode 2's standard configuration: fields in order without names, integers in a variable length, little-endian.
//! A file says the number of the format that its rows are in, [`FORMAT`], so that another one can stand beside this.

use std::{error::Error, fmt, marker::PhantomData};

use bincode::{
    config::{self, Configuration},
    enc::write::Writer as Output,
    error::{DecodeError, EncodeError},
    serde::{encode_into_slice, encode_into_writer, seed_decode_from_slice},
};
use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed},
};

use super::bounded::{Seed, Writer};

/// The number of the row format that is written, as it stands in a file.
pub(crate) const FORMAT: u32 = 1;

const CONFIGURATION: Configuration = config::standard();

/// A row that cannot be written, or bytes that are not the row they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodecError {
    /// The row cannot be written.
    Encode {
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are not a row of the table.
    Decode {
        /// What is wrong with them.
        reason: String,
    },
    /// A whole row was read, but bytes are left over.
    Trailing {
        /// How many.
        len: usize,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode { reason } => write!(f, "row cannot be written: {reason}"),
            Self::Decode { reason } => write!(f, "bytes are not a row of the table: {reason}"),
            Self::Trailing { len } => write!(f, "{len} bytes are left over after the row"),
        }
    }
}

impl Error for CodecError {}

/// Appends `value` to `out`; on an error `out` is as it was.
pub(crate) fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    let writer = Writer::new(value);
    let refusal = match encode_into_writer(&writer, Bytes(out), CONFIGURATION) {
        Ok(()) => writer.refusal(out.len() - start),
        Err(error) => Some(encode_reason(error)),
    };
    match refusal {
        None => Ok(()),
        Some(reason) => {
            out.truncate(start);
            Err(CodecError::Encode { reason })
        }
    }
}

/// Takes in what is written, without the ways of `std::io::Write` to fail, which cost more than a byte does.
struct Bytes<'b>(&'b mut Vec<u8>);

impl Output for Bytes<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The byte of a value that is written as one.
#[inline]
pub(super) fn byte<T: Serialize>(value: T) -> Option<u8> {
    let mut byte = [0];
    match encode_into_slice(value, &mut byte, CONFIGURATION) {
        Ok(1) => Some(byte[0]),
        _ => None,
    }
}

/// Reads a value that takes up all of `bytes`. What it allocates is in proportion to `bytes`, whatever they say.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    decode_seed(bytes, PhantomData)
}

/// Reads what `seed` does, which takes up all of `bytes`. What sequences and strings allocate is in proportion to `bytes`, whatever they say.
pub(super) fn decode_seed<'de, S: DeserializeSeed<'de>>(
    bytes: &'de [u8],
    seed: S,
) -> Result<S::Value, CodecError> {
    let seed = Seed::new(bytes.len(), seed);
    let (value, len) =
        seed_decode_from_slice(seed, bytes, CONFIGURATION).map_err(|error| CodecError::Decode {
            reason: decode_reason(error),
        })?;
    if len == bytes.len() {
        Ok(value)
    } else {
        Err(CodecError::Trailing {
            len: bytes.len() - len,
        })
    }
}

fn encode_reason(error: EncodeError) -> String {
    match error {
        EncodeError::Other(reason) => reason.to_owned(),
        EncodeError::OtherString(reason) => reason,
        EncodeError::Serde(_) => {
            "a sequence or map does not say its length; `#[serde(flatten)]` cannot be kept"
                .to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn decode_reason(error: DecodeError) -> String {
    match error {
        DecodeError::Other(reason) => reason.to_owned(),
        DecodeError::OtherString(reason) => reason,
        DecodeError::UnexpectedEnd { .. } => "the bytes end too early".to_owned(),
        DecodeError::Utf8 { .. } => "a string is not UTF-8".to_owned(),
        DecodeError::Serde(_) => {
            "the type wants to be told what comes next, as with `#[serde(untagged)]` and `#[serde(tag)]`; \
             the row format does not say"
                .to_owned()
        }
        other => format!("{other:?}"),
    }
}
