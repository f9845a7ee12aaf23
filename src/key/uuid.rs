//! Keys of the crate `uuid`.
#![cfg(feature = "uuid")]

use uuid::Uuid;

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, KeyPrefixOf, option::stands_for_some, take};

impl KeyOf<Uuid> for Uuid {
    fn encode(&self, out: &mut KeyBuf) {
        out.extend_from_slice(self.as_bytes());
    }
}

stands_for_some!(Uuid as Uuid);

impl Key for Uuid {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        take(input).map(Self::from_bytes)
    }
}

/// The bytes that `digits` begin a `Uuid` with, and the half byte after them. `None` where no `Uuid` begins so.
///
/// Hyphens may be left out, but stand only where they belong.
fn leading_bytes(digits: &str) -> Option<(KeyBuf, Option<u8>)> {
    let mut bytes = KeyBuf::new();
    let mut half = None;
    let mut last = '-';
    for symbol in digits.chars() {
        let before = std::mem::replace(&mut last, symbol);
        if symbol == '-' && before != '-' && half.is_none() && matches!(bytes.len(), 4 | 6 | 8 | 10)
        {
            continue;
        }
        let digit = symbol.to_digit(16)? as u8;
        half = match half {
            None => Some(digit),
            Some(high) => {
                bytes.push(high << 4 | digit);
                None
            }
        };
    }
    (bytes.len() + usize::from(half.is_some()) <= 16).then_some((bytes, half))
}

/// The hexadecimal digits that an id begins with.
macro_rules! digits {
    ($($form:ty),*) => {$(
        impl KeyPrefixOf<Uuid> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                let Some((bytes, half)) = leading_bytes(self) else {
                    low.push(0xFF);
                    high.push(0);
                    return;
                };
                low.extend_from_slice(&bytes);
                high.extend_from_slice(&bytes);
                if let Some(half) = half {
                    low.push(half << 4);
                    high.push(half << 4 | 0xF);
                }
            }
        }

        impl KeyPrefixOf<Option<Uuid>> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                low.push(1);
                high.push(1);
                KeyPrefixOf::<Uuid>::encode_prefix(self, low, high);
            }
        }
    )*};
}

digits!(str, String);
