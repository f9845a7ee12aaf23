//! Optional keys: `None` is a value, and the least.

use super::{Key, KeyBuf, KeyDecodeError, KeyOf};

impl<K, Q: KeyOf<K>> KeyOf<Option<K>> for Option<Q> {
    fn encode(&self, out: &mut KeyBuf) {
        match self {
            None => out.push(0),
            Some(key) => encode_some(key, out),
        }
    }

    fn has_none(&self) -> bool {
        self.is_none()
    }
}

impl<K: Key> Key for Option<K> {
    fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        bool::decode(input)?.then(|| K::decode(input)).transpose()
    }
}

/// Appends a key as the `Some` of an optional one.
pub(super) fn encode_some<K: ?Sized>(key: &(impl KeyOf<K> + ?Sized), out: &mut KeyBuf) {
    out.push(1);
    key.encode(out);
}

/// Lets what stands for a key stand for the optional key too. Done type by type, because a rule for all of them would also cover options.
macro_rules! stands_for_some {
    ($query:ty as $key:ty) => {
        #[diagnostic::do_not_recommend]
        impl $crate::key::KeyOf<Option<$key>> for $query {
            fn encode(&self, out: &mut $crate::key::KeyBuf) {
                $crate::key::option::encode_some::<$key>(self, out);
            }
        }
    };
}
pub(super) use stands_for_some;
