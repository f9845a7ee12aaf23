//! Numbers of fixed width, `bool` and `char`.

use super::{Key, KeyBuf, KeyDecodeError, KeyOf, escape, option::stands_for_some, take};

/// Implements a key of fixed width through the integer that it is written as.
macro_rules! fixed_width {
    ($type:ty as $wire:ty, $encode:expr, $decode:expr $(, { $($hooks:item)* } { $($ways:item)* })?) => {
        #[diagnostic::do_not_recommend]
        impl KeyOf<$type> for $type {
            fn encode(&self, out: &mut KeyBuf) {
                let wire: $wire = $encode(*self);
                out.extend_from_slice(&wire.to_be_bytes());
            }
            $($($ways)*)?
        }

        stands_for_some!($type as $type);

        #[diagnostic::do_not_recommend]
        impl Key for $type {
            fn decode(input: &mut &[u8]) -> Result<Self, KeyDecodeError> {
                $decode(<$wire>::from_be_bytes(take(input)?)).ok_or(KeyDecodeError::Invalid {
                    expected: stringify!($type),
                })
            }
            $($($hooks)*)?
        }
    };
}

macro_rules! unsigned {
    ($($type:ident)*) => {$(
        fixed_width!($type as $type, |value| value, Some);
    )*};
}

macro_rules! signed {
    ($($type:ident as $wire:ident)*) => {$(
        fixed_width!(
            $type as $wire,
            |value: $type| value.cast_unsigned() ^ (1 << ($wire::BITS - 1)),
            |wire: $wire| Some((wire ^ (1 << ($wire::BITS - 1))).cast_signed())
        );
    )*};
}

unsigned!(u16 u32 u64 u128);
signed!(i8 as u8 i16 as u16 i32 as u32 i64 as u64 i128 as u128);

fixed_width!(u8 as u8, |value| value, Some, {
    fn encode_list<'a, Q: KeyOf<Self> + 'a>(items: impl Iterator<Item = &'a Q>, out: &mut KeyBuf) {
        for item in items {
            item.encode(out);
            if out.last() == Some(&0) {
                out.push(0xFF);
            }
        }
        escape::end(out);
    }

    fn decode_list(input: &mut &[u8]) -> Result<Vec<Self>, KeyDecodeError> {
        escape::unescape(input)
    }
} {
    fn encode_each(items: &[Self], out: &mut KeyBuf) {
        out.extend_from_slice(items);
    }
});

fixed_width!(usize as u64, |value| value as u64, |wire: u64| wire
    .try_into()
    .ok());
fixed_width!(
    isize as u64,
    |value| (value as i64).cast_unsigned() ^ (1 << 63),
    |wire: u64| (wire ^ (1 << 63)).cast_signed().try_into().ok()
);
fixed_width!(bool as u8, u8::from, |wire| match wire {
    0 => Some(false),
    1 => Some(true),
    _ => None,
});
fixed_width!(char as u32, u32::from, char::from_u32);
