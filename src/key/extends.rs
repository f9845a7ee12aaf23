//! What a key can be the beginning of: what longest-prefix match searches with.

use super::KeyBuf;

/// Something that keys of type `K` can be a prefix of: a string for strings, bytes for bytes, and with feature `ipnet` an address or a network for
/// networks.
///
/// It stands for `Option<K>` too, of which `None` is never a prefix. [`Snapshot::longest_prefix`](crate::Snapshot::longest_prefix) takes it.
#[diagnostic::on_unimplemented(
    message = "no key of type `{K}` can be a prefix of `{Self}`",
    label = "not something that begins with a `{K}`",
    note = "strings are prefixes of a `&str`, bytes of a `&[u8]`, and networks, with feature `ipnet`, of an address or a network"
)]
pub trait Extends<K: ?Sized> {
    /// The length of the longest key that can be a prefix of this, in bytes, or bits of an address. `None` where none can.
    #[doc(hidden)]
    fn longest(&self) -> Option<usize>;

    /// Appends the key that is the first `len` of this. The keys of greater lengths are greater. O(`len`).
    #[doc(hidden)]
    fn encode_first(&self, len: usize, out: &mut KeyBuf);

    /// The greatest length, at most `len`, of which the key is not greater than `found`: an entry that is not above the key of `len`.
    /// O(length of the key).
    #[doc(hidden)]
    fn not_above(&self, len: usize, found: &[u8]) -> Option<usize>;
}

impl<K: ?Sized, P: Extends<K> + ?Sized> Extends<K> for &P {
    fn longest(&self) -> Option<usize> {
        P::longest(self)
    }

    fn encode_first(&self, len: usize, out: &mut KeyBuf) {
        P::encode_first(self, len, out);
    }

    fn not_above(&self, len: usize, found: &[u8]) -> Option<usize> {
        P::not_above(self, len, found)
    }
}

/// Lets a form of a byte string have keys of a type as prefixes; `$bytes` makes it bytes.
macro_rules! extends_bytes {
    ([$($generics:tt)*] $form:ty as $key:ty, $bytes:expr) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::key::Extends<$key> for $form {
            fn longest(&self) -> Option<usize> {
                let bytes: &[u8] = $bytes(self);
                Some(bytes.len())
            }

            fn encode_first(&self, len: usize, out: &mut $crate::key::KeyBuf) {
                let bytes: &[u8] = $bytes(self);
                $crate::key::escape::escape(&bytes[..len], out);
            }

            fn not_above(&self, len: usize, found: &[u8]) -> Option<usize> {
                let bytes: &[u8] = $bytes(self);
                // What both have in common is the beginning of both.
                Some($crate::key::escape::common(&bytes[..len], found))
            }
        }

        $crate::key::extends::extends_some!([$($generics)*] $form as $key);
    };
}
pub(super) use extends_bytes;

/// Lets what extends a key extend the optional key too.
macro_rules! extends_some {
    ([$($generics:tt)*] $form:ty as $key:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> $crate::key::Extends<Option<$key>> for $form {
            fn longest(&self) -> Option<usize> {
                $crate::key::Extends::<$key>::longest(self)
            }

            fn encode_first(&self, len: usize, out: &mut $crate::key::KeyBuf) {
                out.push(1);
                $crate::key::Extends::<$key>::encode_first(self, len, out);
            }

            fn not_above(&self, len: usize, found: &[u8]) -> Option<usize> {
                // `None` is below all of them.
                let found = found.strip_prefix(&[1])?;
                $crate::key::Extends::<$key>::not_above(self, len, found)
            }
        }
    };
}
pub(super) use extends_some;
