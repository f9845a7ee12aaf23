//! Compound keys: the columns, one after the other.

use super::{Key, KeyBuf, KeyDecodeError, KeyOf};

macro_rules! tuple {
    ($($key:ident $query:ident $place:tt),*) => {
        #[diagnostic::do_not_recommend]
        impl<$($key, $query: KeyOf<$key>),*> KeyOf<($($key,)*)> for ($($query,)*) {
            fn encode(&self, out: &mut KeyBuf) {
                $(self.$place.encode(out);)*
            }

            fn has_none(&self) -> bool {
                $(self.$place.has_none())||*
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($key, $query: KeyOf<$key>),*> KeyOf<Option<($($key,)*)>> for ($($query,)*) {
            fn encode(&self, out: &mut KeyBuf) {
                super::option::encode_some::<($($key,)*)>(self, out);
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($key: Key),*> Key for ($($key,)*) {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                Ok(($($key::decode(input)?,)*))
            }
        }
    };
}

tuple!(K0 Q0 0);
tuple!(K0 Q0 0, K1 Q1 1);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2, K3 Q3 3);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2, K3 Q3 3, K4 Q4 4);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2, K3 Q3 3, K4 Q4 4, K5 Q5 5);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2, K3 Q3 3, K4 Q4 4, K5 Q5 5, K6 Q6 6);
tuple!(K0 Q0 0, K1 Q1 1, K2 Q2 2, K3 Q3 3, K4 Q4 4, K5 Q5 5, K6 Q6 6, K7 Q7 7);

/// No column: the key of a table with one row, such as the settings of a program.
#[diagnostic::do_not_recommend]
impl KeyOf<()> for () {
    fn encode(&self, _: &mut KeyBuf) {}
}

#[diagnostic::do_not_recommend]
impl Key for () {
    fn decode(_: &mut &[u8]) -> Result<Self, KeyDecodeError> {
        Ok(())
    }
}
