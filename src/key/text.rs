//! Strings, owned, shared and borrowed: each encodes as every other.

use std::{borrow::Cow, sync::Arc};

use super::{
    Key, KeyBuf, KeyDecodeError, KeyOf, KeyPrefixOf, escape, extends::extends_bytes,
    option::stands_for_some,
};

/// Every form of a string stands for the key `$key`.
macro_rules! string_key {
    ($key:ty) => {
        string_key!($key: str, String, Box<str>, Arc<str>, Cow<'_, str>);

        impl Key for $key {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                String::from_utf8(escape::unescape(input)?)
                    .map(Into::into)
                    .map_err(|_| KeyDecodeError::Invalid { expected: "UTF-8 string" })
            }
        }
    };
    ($key:ty: $($form:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl KeyOf<$key> for $form {
            fn encode(&self, out: &mut KeyBuf) {
                escape::escape(self.as_bytes(), out);
            }
        }

        stands_for_some!($form as $key);

        extends_bytes!([] $form as $key, str::as_bytes);

        #[diagnostic::do_not_recommend]
        impl KeyPrefixOf<$key> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                escape::escape_prefix(self.as_bytes(), low);
                escape::escape_prefix(self.as_bytes(), high);
            }
        }

        #[diagnostic::do_not_recommend]
        impl KeyPrefixOf<Option<$key>> for $form {
            fn encode_prefix(&self, low: &mut KeyBuf, high: &mut KeyBuf) {
                low.push(1);
                high.push(1);
                KeyPrefixOf::<$key>::encode_prefix(self, low, high);
            }
        }
    )*};
}

string_key!(String);
string_key!(Box<str>);
string_key!(Arc<str>);
string_key!(Cow<'static, str>);
