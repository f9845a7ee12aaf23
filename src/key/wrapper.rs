//! Types around a key: descending order, boxes, shared pointers.

use std::{cmp::Reverse, sync::Arc};

use super::{Key, KeyBuf, KeyDecodeError, KeyOf};

impl<K, Q: KeyOf<K>> KeyOf<Reverse<K>> for Reverse<Q> {
    fn encode(&self, out: &mut KeyBuf) {
        let start = out.len();
        self.0.encode(out);
        for byte in &mut out[start..] {
            *byte = !*byte;
        }
    }

    fn has_none(&self) -> bool {
        self.0.has_none()
    }
}

impl<K, Q: KeyOf<K>> KeyOf<Option<Reverse<K>>> for Reverse<Q> {
    fn encode(&self, out: &mut KeyBuf) {
        super::option::encode_some::<Reverse<K>>(self, out);
    }
}

impl<K: Key> Key for Reverse<K> {
    /// Copies the input: O(length of the input), not of the key.
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let flipped: KeyBuf = input.iter().map(|byte| !byte).collect();
        let mut rest = flipped.as_slice();
        let key = K::decode(&mut rest)?;
        *input = &input[input.len() - rest.len()..];
        Ok(Self(key))
    }
}

macro_rules! pointer {
    ($($pointer:ident)*) => {$(
        impl<K, Q: KeyOf<K>> KeyOf<$pointer<K>> for $pointer<Q> {
            fn encode(&self, out: &mut KeyBuf) {
                Q::encode(self, out);
            }

            fn has_none(&self) -> bool {
                Q::has_none(self)
            }
        }

        impl<K: Key> Key for $pointer<K> {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                K::decode(input).map($pointer::new)
            }
        }
    )*};
}

pointer!(Box Arc);
