//! Keys that are computed without the program.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use proptest::{collection::vec, option, prelude::*};
use sapwood::{Database, Table, key::Total};
use serde::{Deserialize, Serialize};

use crate::{
    content::inspected,
    tables::{float, large, single, text_of_all_kinds},
};

/// Columns of all types whose keys are known.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[table(
    name = "keyed",
    key(one, desc(two_b), three, four, five, six, seven, eight)
)]
struct Keyed {
    one: (bool, u8, u16, u32, u64, usize, i8),
    two_b: i64,
    three: (i32, isize, i128, char, Box<str>),
    four: Vec<u8>,
    five: (
        Vec<String>,
        std::collections::BTreeSet<i16>,
        [u8; 3],
        [Option<u16>; 2],
    ),
    six: (std::cmp::Reverse<String>, Duration, SystemTime),
    seven: (std::net::Ipv4Addr, std::net::Ipv6Addr, std::net::IpAddr),
    eight: (Total<f32>, sapwood::key::Total<f64>, Option<(u8, Box<u8>)>),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Proves that keys that are computed from what a file says of its table are those that the program makes, of every type whose keys are known, and whatever serde calls the fields.
    #[test]
    fn keys_are_those_of_the_program(
        integers in any::<(bool, u8, u16, u32, u64, usize, i8)>(),
        signed in any::<(i64, i32, isize, i128, char)>(),
        text in text_of_all_kinds(),
        bytes in vec(prop_oneof![Just(0u8), any::<u8>()], 0..4),
        lists in (vec(text_of_all_kinds(), 0..3), prop::collection::btree_set(any::<i16>(), 0..3), any::<[u8; 3]>()),
        times in (large(), 0u32..1_000_000_000, 0u64..1 << 40),
        addresses in any::<([u8; 4], [u8; 16], bool)>(),
        floats in (single(), float(), option::of(any::<(u8, u8)>())),
    ) {
        let (two_b, a, b, c, d) = signed;
        let row = Keyed {
            one: integers,
            two_b,
            three: (a, b, c, d, text.clone().into()),
            four: bytes,
            five: (lists.0, lists.1, lists.2, [None, Some(integers.2)]),
            six: (
                std::cmp::Reverse(text),
                Duration::new(times.0, times.1),
                SystemTime::UNIX_EPOCH + Duration::new(times.2, times.1),
            ),
            seven: (
                addresses.0.into(),
                addresses.1.into(),
                if addresses.2 { IpAddr::from(addresses.0) } else { IpAddr::from(addresses.1) },
            ),
            eight: (Total(floats.0), Total(floats.1), floats.2.map(|(a, b)| (a, Box::new(b)))),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sap");
        let db = Database::builder().table::<Keyed>().open(&path).unwrap();
        db.write(|tx| tx.put(row.clone()).map(drop)).unwrap();
        drop(db);
        let mut expected = sapwood::key::KeyBuf::new();
        row.encode_key(&mut expected);
        let inspect = inspected(&path);
        let form = sapwood::table::RowForm::new(inspect.table("keyed").unwrap());
        prop_assert_eq!(form.key_unknown(), None);
        let stored = inspect.rows("keyed").unwrap().next().unwrap().unwrap();
        prop_assert_eq!(stored.key(), &expected[..]);
        prop_assert_eq!(form.key_of(stored.value()), Some(expected));
    }
}
