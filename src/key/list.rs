//! Lists and sets as one key, byte strings among them, and arrays.

use std::collections::BTreeSet;

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, KeyPrefixOf, escape, extends::extends_bytes};

/// Every form of a list stands for a `Vec<K>`.
macro_rules! list_form {
    ([$($size:tt)*] $form:ty) => {
        impl<K: Key, Q: KeyOf<K>, $($size)*> KeyOf<Vec<K>> for $form {
            fn encode(&self, out: &mut KeyBuf) {
                K::encode_list(self.iter(), out);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<K: Key, Q: KeyOf<K>, $($size)*> KeyOf<Option<Vec<K>>> for $form {
            fn encode(&self, out: &mut KeyBuf) {
                super::option::encode_some::<Vec<K>>(self, out);
            }
        }
    };
}

list_form!([] Vec<Q>);
list_form!([][Q]);
list_form!([const N: usize] [Q; N]);

impl<K: Key> Key for Vec<K> {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        K::decode_list(input)
    }
}

/// Every form of a byte string begins a `Vec<u8>`, and can have one as its own beginning.
macro_rules! bytes_prefix {
    ([$($size:tt)*] $form:ty) => {
        extends_bytes!([$($size)*] $form as Vec<u8>, std::convert::identity::<&[u8]>);

        impl<$($size)*> KeyPrefixOf<Vec<u8>> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                escape::escape_prefix(self, low);
                escape::escape_prefix(self, high);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($size)*> KeyPrefixOf<Option<Vec<u8>>> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                low.push(1);
                high.push(1);
                KeyPrefixOf::<Vec<u8>>::encode_prefix(self, low, high);
            }
        }
    };
}

bytes_prefix!([] Vec<u8>);
bytes_prefix!([][u8]);
bytes_prefix!([const N: usize] [u8; N]);

impl<K: Key, Q: KeyOf<K>> KeyOf<BTreeSet<K>> for BTreeSet<Q> {
    fn encode(&self, out: &mut KeyBuf) {
        K::encode_list(self.iter(), out);
    }
}

impl<K: Key + Ord> Key for BTreeSet<K> {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let items = K::decode_list(input)?;
        if items.is_sorted_by(|a, b| a < b) {
            Ok(items.into_iter().collect())
        } else {
            Err(KeyDecodeError::Invalid {
                expected: "set in order",
            })
        }
    }
}

impl<K, Q: KeyOf<K>, const N: usize> KeyOf<[K; N]> for [Q; N] {
    fn encode(&self, out: &mut KeyBuf) {
        Q::encode_each(self, out);
    }
}

#[diagnostic::do_not_recommend]
impl<K, Q: KeyOf<K>, const N: usize> KeyOf<Option<[K; N]>> for [Q; N] {
    fn encode(&self, out: &mut KeyBuf) {
        super::option::encode_some::<[K; N]>(self, out);
    }
}

impl<K: Key, const N: usize> Key for [K; N] {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        let mut items = Vec::new();
        for _ in 0..N {
            items.push(K::decode(input)?);
        }
        items
            .try_into()
            .map_err(|_| KeyDecodeError::Invalid { expected: "array" })
    }
}
