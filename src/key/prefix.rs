//! The beginning of a key: what a search as one types asks for.

use super::KeyBuf;

/// The beginning of a key of type `K`: a string for strings, bytes for bytes, hexadecimal digits for a `Uuid`, a network for the networks within it.
///
/// It stands for `Option<K>` too, and means the `Some` that begin so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the beginning of a key of type `{K}`",
    label = "not the beginning of a `{K}`",
    note = "a `&str` can begin a string, a `&[u8]` can begin bytes"
)]
pub trait KeyPrefixOf<K: ?Sized> {
    /// Appends bytes to both, so that the keys wanted are those that are not below `low`, and below `high` or begin with it.
    /// O(length of the prefix).
    ///
    /// For whole bytes the two are the same. Where nothing can begin so, `low` is above `high`.
    #[doc(hidden)]
    fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf);
}

impl<K: ?Sized, P: KeyPrefixOf<K> + ?Sized> KeyPrefixOf<K> for &P {
    fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
        P::encode_prefix(self, low, high);
    }
}
