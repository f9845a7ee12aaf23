//! Values to keys of known types, and back.

use std::time::{Duration, SystemTime};

use super::key_type::KeyType;
use super::{Kind, Value};
use crate::key::{Key, KeyBuf, KeyOf, Total};

impl KeyType {
    /// Appends the key that the value is; `None` where it is none of this type.
    pub(super) fn encode(&self, value: &Value<'_>, out: &mut KeyBuf) -> Option<()> {
        match (self, &value.0) {
            (Self::Bool, Kind::Bool(value)) => KeyOf::<bool>::encode(value, out),
            (Self::Char, Kind::Char(value)) => KeyOf::<char>::encode(value, out),
            (Self::Unsigned(len), Kind::Unsigned(value)) => {
                out.extend_from_slice(value.to_be_bytes().get(16 - len..)?);
            }
            (Self::Signed(len), Kind::Signed(value)) => {
                let mut bytes = value.to_be_bytes();
                let bytes = bytes.get_mut(16 - len..)?;
                *bytes.first_mut()? ^= 0x80;
                out.extend_from_slice(bytes);
            }
            (Self::Float32, Kind::F32(value)) => KeyOf::<Total<f32>>::encode(&Total(*value), out),
            (Self::Float64, Kind::F64(value)) => {
                KeyOf::<Total<f64>>::encode(&Total(*value), out);
            }
            (Self::Text, Kind::Text(value)) => KeyOf::<String>::encode(value, out),
            (Self::ByteString, Kind::List(values)) => {
                KeyOf::<Vec<u8>>::encode(&octets(values)?, out);
            }
            (Self::List(element), Kind::List(values)) => {
                for value in values {
                    out.push(1);
                    element.encode(value, out)?;
                }
                out.push(0);
            }
            (Self::Set(element), Kind::List(values)) => {
                let mut keys = std::collections::BTreeSet::new();
                for value in values {
                    let mut key = KeyBuf::new();
                    element.encode(value, &mut key)?;
                    keys.insert(key);
                }
                for key in keys {
                    out.push(1);
                    out.extend_from_slice(&key);
                }
                out.push(0);
            }
            (Self::Array(element), Kind::List(values)) => {
                for value in values {
                    element.encode(value, out)?;
                }
            }
            (Self::Tuple(types), Kind::List(values)) if types.len() == values.len() => {
                for (part, value) in types.iter().zip(values) {
                    part.encode(value, out)?;
                }
            }
            (Self::Option(_), Kind::None) => out.push(0),
            (Self::Option(inner), Kind::Some(value)) => {
                out.push(1);
                inner.encode(value, out)?;
            }
            (Self::Reverse(inner), _) => {
                let start = out.len();
                inner.encode(value, out)?;
                flip(&mut out[start..]);
            }
            (Self::Address, Kind::Variant(variant, content)) => {
                let Kind::List(values) = &content.0 else {
                    return None;
                };
                let octets = octets(values)?;
                out.push(match (variant.names.name(), octets.len()) {
                    ("V4", 4) => 4,
                    ("V6", 16) => 6,
                    _ => return None,
                });
                out.extend_from_slice(&octets);
            }
            (Self::Instant, Kind::Fields(_, values)) => {
                let after = span(values)?;
                let instant = SystemTime::UNIX_EPOCH.checked_add(after)?;
                KeyOf::<SystemTime>::encode(&instant, out);
            }
            (Self::Span, Kind::Fields(_, values)) => {
                KeyOf::<Duration>::encode(&span(values)?, out);
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether a key of it is, or has, a `None`, which conflicts with nothing in a unique index.
    pub(super) fn has_none(&self, value: &Value<'_>) -> bool {
        match (self, &value.0) {
            (Self::Option(_), Kind::None) => true,
            (Self::Reverse(inner), _) => inner.has_none(value),
            (Self::Tuple(types), Kind::List(values)) => {
                let mut parts = types.iter().zip(values);
                parts.any(|(part, value)| part.has_none(value))
            }
            _ => false,
        }
    }

    /// Reads a value back from the beginning of a key, to be shown; `None` of types of which nobody needs it.
    pub(super) fn decode<'s>(&self, input: &mut &[u8]) -> Option<Value<'s>> {
        let kind = match self {
            Self::Bool => Kind::Bool(bool::decode(input).ok()?),
            Self::Char => Kind::Char(char::decode(input).ok()?),
            Self::Unsigned(len) => Kind::Unsigned(number(input, *len)?),
            Self::Signed(len) => {
                let bits = u32::try_from(*len * 8).ok()?;
                let flipped = number(input, *len)? ^ (1 << (bits - 1));
                // The sign is that of the type's own width.
                Kind::Signed((flipped << (128 - bits)).cast_signed() >> (128 - bits))
            }
            Self::Float32 => Kind::F32(Total::<f32>::decode(input).ok()?.0),
            Self::Float64 => Kind::F64(Total::<f64>::decode(input).ok()?.0),
            Self::Text => Kind::Text(String::decode(input).ok()?),
            Self::ByteString => {
                let octets = Vec::<u8>::decode(input).ok()?;
                let octets = octets.into_iter().map(u128::from);
                Kind::List(octets.map(Kind::Unsigned).map(Value).collect())
            }
            Self::Tuple(types) => {
                let parts = types.iter().map(|part| part.decode(input));
                Kind::List(parts.collect::<Option<_>>()?)
            }
            Self::Option(inner) => {
                if bool::decode(input).ok()? {
                    Kind::Some(Box::new(inner.decode(input)?))
                } else {
                    Kind::None
                }
            }
            Self::Reverse(inner) => {
                let mut flipped = input.to_vec();
                flip(&mut flipped);
                let mut rest = flipped.as_slice();
                let value = inner.decode(&mut rest)?;
                *input = &input[input.len() - rest.len()..];
                return Some(value);
            }
            _ => return None,
        };
        Some(Value(kind))
    }
}

fn flip(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

fn number(input: &mut &[u8], len: usize) -> Option<u128> {
    let (bytes, rest) = input.split_at_checked(len)?;
    *input = rest;
    let number = bytes.iter();
    Some(number.fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

fn octets(values: &[Value<'_>]) -> Option<Vec<u8>> {
    let octet = |value: &Value<'_>| match value.0 {
        Kind::Unsigned(octet) => u8::try_from(octet).ok(),
        _ => None,
    };
    values.iter().map(octet).collect()
}

/// Seconds and nanoseconds. More of the latter than a second has are no value that serde takes.
fn span(values: &[Value<'_>]) -> Option<Duration> {
    let [Value(Kind::Unsigned(seconds)), Value(Kind::Unsigned(nanos))] = values else {
        return None;
    };
    let nanos = u32::try_from(*nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(*seconds).ok()?, nanos))
}
