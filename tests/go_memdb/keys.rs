//! Numbers and ids as keys: every width, in the order of their values.

use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::prelude::*;
use sapwood::Key;
use sapwood::key::encode;

/// That values sort as their keys do, both ways of each pair.
fn sorted<K: Key + Ord + Copy + Debug>(values: &[K]) {
    for a in values {
        for b in values {
            let (left, right) = (encode::<K>(a), encode::<K>(b));
            assert_eq!(left.cmp(&right), a.cmp(b), "{a:?} {b:?}");
            assert_eq!(left.len(), right.len());
        }
    }
}

macro_rules! widths {
    ($($test:ident $law:ident $type:ty)*) => {$(
        /// Keys of this width sort as the numbers do, at both ends, about zero and about every byte's edge.
        #[test]
        fn $test() {
            let edges = (0..<$type>::BITS).step_by(8).flat_map(|bits| {
                let edge = (1 as $type) << bits;
                [edge.wrapping_sub(1), edge, edge.wrapping_add(1), edge.wrapping_neg()]
            });
            let ends = [<$type>::MIN, <$type>::MIN + 1, <$type>::MAX - 1, <$type>::MAX, 0, 1];
            sorted::<$type>(&edges.chain(ends).collect::<Vec<_>>());
            assert_eq!(encode::<$type>(&<$type>::MIN).len(), size_of::<$type>());
        }

        proptest! {
            /// And of any two numbers.
            #[test]
            fn $law(a: $type, b: $type) {
                sorted(&[a, b]);
            }
        }
    )*};
}

widths! {
    int8_sortability any_int8 i8
    int16_sortability any_int16 i16
    int32_sortability any_int32 i32
    int64_sortability any_int64 i64
    int128_sortability any_int128 i128
    int_sortability any_int isize
    uint8_sortability any_uint8 u8
    uint16_sortability any_uint16 u16
    uint32_sortability any_uint32 u32
    uint64_sortability any_uint64 u64
    uint128_sortability any_uint128 u128
    uint_sortability any_uint usize
}

/// A number is looked for in the width of its column, whatever literal is written. There, the width came from the argument, and a narrow one
/// found every small number.
#[test]
fn a_literal_has_the_width_of_its_column() {
    use sapwood::{Database, Error, Table};
    use serde::{Deserialize, Serialize};

    #[derive(Table, Serialize, Deserialize)]
    struct Wide {
        #[key]
        id: u64,
        #[index]
        value: i64,
    }

    let db = Database::builder().table::<Wide>().in_memory().unwrap();
    db.write(|tx| {
        for (id, value) in (0..).zip([0, 1, -1, 127, 128, i64::MAX, i64::MIN]) {
            tx.insert(Wide { id, value })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(Wide::BY_VALUE.eq(0)), 1);
    assert_eq!(snapshot.count(Wide::BY_VALUE.eq(i64::from(1_i8))), 1);
    assert_eq!(snapshot.count(Wide::BY_VALUE.range(-1..=1)), 3);
    let values: BTreeSet<_> = snapshot.list(Wide::ALL).map(|row| row.value).collect();
    assert!(
        snapshot
            .list(Wide::BY_VALUE.all())
            .map(|row| row.value)
            .eq(values)
    );
}

#[cfg(feature = "uuid")]
mod uuids {
    use sapwood::{Database, Error, Query, Table};
    use serde::{Deserialize, Serialize};
    use uuid::Uuid;

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(index(by_uuid, with(uuid) -> Option<Uuid>))]
    struct Tagged {
        #[key]
        id: u32,
        bytes: Option<u128>,
    }

    fn uuid(row: &Tagged) -> Option<Uuid> {
        row.bytes.map(Uuid::from_u128)
    }

    /// An id is found by itself, by its digits to any length, odd or even, with hyphens where they belong or without, in either case. What is no
    /// beginning of an id finds nothing; there, odd digits were an error. What is no id at all does not become a `Uuid`: its own crate refuses it.
    #[test]
    fn uuid_field() {
        let db = Database::builder().table::<Tagged>().in_memory().unwrap();
        let ids = [
            0x1234_5678_9abc_def0_1234_5678_9abc_def0_u128,
            0x1234_5678_9abc_def0_1234_5678_9abc_def1,
            0x1230_0000_0000_0000_0000_0000_0000_0000,
            0xf000_0000_0000_0000_0000_0000_0000_0000,
        ];
        db.write(|tx| {
            for (id, bytes) in (1..).zip(ids.map(Some).into_iter().chain([None])) {
                tx.insert(Tagged { id, bytes })?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
        let snapshot = db.snapshot();
        let found =
            |query: Query<Tagged>| -> Vec<u32> { snapshot.list(query).map(|row| row.id).collect() };
        let by = Tagged::BY_UUID;
        for (id, bytes) in (1..).zip(ids) {
            let uuid = Uuid::from_u128(bytes);
            assert_eq!(found(by.eq(uuid)), [id]);
            assert_eq!(found(by.starts_with(uuid.to_string().as_str())), [id]);
            assert_eq!(
                found(by.starts_with(uuid.simple().to_string().as_str())),
                [id]
            );
            assert_eq!(Uuid::from_slice(uuid.as_bytes()), Ok(uuid));
        }
        assert_eq!(found(by.starts_with("123456")), [1, 2]);
        assert_eq!(found(by.starts_with("12345678-9ABC-")), [1, 2]);
        assert_eq!(found(by.starts_with("123")), [3, 1, 2]);
        assert_eq!(found(by.starts_with("")), [3, 1, 2, 4]);
        assert_eq!(found(by.eq(None::<Uuid>)), [5]);
        for wrong in ["12-34", "zz", "12345678--9abc", "-1"] {
            assert_eq!(found(by.starts_with(wrong)), [0; 0], "{wrong}");
        }
        for wrong in ["", "1234", "12345678-9abc-def0-1234-5678-9abc-def0"] {
            assert!(Uuid::parse_str(wrong).is_err(), "{wrong}");
        }
    }
}
