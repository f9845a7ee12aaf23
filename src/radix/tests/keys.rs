//! Keys and ranges that hit every case: short and long, with and without common beginnings, prefixes of each other, full of zeros.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::key::{KeyBuf, KeyRange};

/// Keys of a small alphabet collide and nest; long common beginnings make deep trees.
pub(super) fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(prop_oneof![Just(0u8), Just(1), Just(2), Just(255)], 0..6),
        vec(prop_oneof![Just(0u8), Just(7)], 0..24),
        (0u16..600).prop_map(|number| number.to_be_bytes().to_vec()),
        (0u64..5, 0u64..400).prop_map(|(group, number)| {
            let name = format!("a/long/common/name/{group}/").into_bytes();
            [name, number.to_be_bytes().to_vec()].concat()
        }),
        (0usize..40, any::<u8>()).prop_map(|(len, last)| [vec![b'x'; len], vec![last]].concat()),
        vec(any::<u8>(), 0..40),
        (0u8..4).prop_map(|last| [vec![b'L'; 300], vec![last]].concat()),
    ]
}

pub(super) fn range() -> impl Strategy<Value = KeyRange> {
    let span = |start, end: Option<Vec<u8>>| KeyRange::Span {
        start: KeyBuf::from_vec(start),
        end: end.map(KeyBuf::from_vec),
    };
    prop_oneof![
        key().prop_map(|key| KeyRange::Prefix(KeyBuf::from_vec(key))),
        (key(), key()).prop_map(move |(start, end)| span(start, Some(end))),
        key().prop_map(move |start| span(start, None)),
    ]
}
