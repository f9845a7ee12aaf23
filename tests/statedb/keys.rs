//! Keys as bytes: the order that an index has is the order of the values, whatever they are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use sapwood::key::{Key, Total, decode, encode};
use sapwood::{Database, Error, Query, Table};
use serde::{Deserialize, Serialize};

/// Negative numbers come before zero and the positive ones, in lists and in ranges. Theirs has them last (D5).
#[test]
fn negative_numbers_come_first() {
    #[derive(Table, Clone, Debug, Serialize, Deserialize)]
    struct Level {
        #[key]
        level: i64,
        #[index]
        small: i16,
    }
    let db = Database::builder().table::<Level>().in_memory().unwrap();
    let levels = [i64::MIN, -70_000, -1, 0, 1, 70_000, i64::MAX];
    db.write(|tx| {
        for level in levels.into_iter().rev() {
            let small = level.clamp(-300, 300) as i16;
            tx.insert(Level { level, small })?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    let snap = db.snapshot();
    assert!(snap.list(Level::ALL).map(|row| row.level).eq(levels));
    assert!(
        snap.list(Level::BY_SMALL.all())
            .map(|row| row.level)
            .eq(levels)
    );
    assert!(
        snap.list(Level::BY_LEVEL.range(-1..=1))
            .map(|row| row.level)
            .eq(-1..=1)
    );
}

/// Keys sort as their values do, one is never the beginning of another, and each is read back as it was.
fn lawful<K: Key + Ord + Clone>(a: &K, b: &K) -> Result<(), TestCaseError> {
    let (left, right) = (encode::<K>(a), encode::<K>(b));
    prop_assert_eq!(left.cmp(&right), a.cmp(b), "{:?} {:?}", a, b);
    prop_assert_eq!(left.starts_with(&right), a == b, "{:?} {:?}", a, b);
    prop_assert!(decode::<K>(&left).is_ok_and(|read| read == *a));
    Ok(())
}

/// An index key with a primary key behind it sorts as the pair of both does.
fn paired<S: Key + Ord + Clone, P: Key + Ord + Clone>(
    a: &(S, P),
    b: &(S, P),
) -> Result<(), TestCaseError> {
    let bytes = |(index, primary): &(S, P)| {
        let mut bytes = encode::<S>(index);
        primary.encode(&mut bytes);
        bytes
    };
    prop_assert_eq!(bytes(a).cmp(&bytes(b)), a.cmp(b), "{:?} {:?}", a, b);
    Ok(())
}

/// Bytes that are made to be taken for an end, an escape, or the beginning of what follows.
fn adversarial() -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![
            Just(0),
            Just(1),
            Just(2),
            Just(0xFE),
            Just(0xFF),
            any::<u8>()
        ],
        0..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Entries of an index that is not unique sort by index key and then primary key, whatever bytes both are made of, and none is the beginning of another.
    /// (Theirs: an escape for zero bytes, and lengths at the end.)
    #[test]
    fn entries_sort_by_index_key_and_then_primary_key(
        a in (adversarial(), adversarial()), b in (adversarial(), adversarial()),
    ) {
        paired(&a, &b)?;
        lawful(&a, &b)?;
    }

    /// Integers of every width, with and without a sign, sort as numbers: theirs have two widths for one type, and no order below zero.
    #[test]
    fn integers_sort_as_numbers(a: (u16, i8, i64, i128), b: (u16, i8, i64, i128)) {
        lawful(&a.0, &b.0)?;
        lawful(&a.1, &b.1)?;
        lawful(&a.2, &b.2)?;
        lawful(&a.3, &b.3)?;
        lawful(&(a.2 as isize), &(b.2 as isize))?;
        paired(&(a.1, a.2), &(b.1, b.2))?;
    }

    /// Floats sort as numbers, negative ones too: theirs sort as bits.
    #[test]
    fn floats_sort_as_numbers(a in any::<f64>(), b in any::<f64>()) {
        let (left, right) = (encode::<Total<f64>>(&Total(a)), encode::<Total<f64>>(&Total(b)));
        prop_assert_eq!(left.cmp(&right), a.partial_cmp(&b).unwrap());
    }

    /// Truth values, strings, addresses, options and what is descending sort as their values.
    #[test]
    fn other_values_sort_as_themselves(
        a: (bool, String, u32, u128, Option<String>), b: (bool, String, u32, u128, Option<String>),
    ) {
        lawful(&a.0, &b.0)?;
        lawful(&a.1, &b.1)?;
        lawful(&Ipv4Addr::from(a.2), &Ipv4Addr::from(b.2))?;
        lawful(&IpAddr::V6(Ipv6Addr::from(a.3)), &IpAddr::V6(Ipv6Addr::from(b.3)))?;
        lawful(&a.4, &b.4)?;
        lawful(&Reverse(a.1.clone()), &Reverse(b.1.clone()))?;
        paired(&(Reverse(a.4.clone()), a.1.clone()), &(Reverse(b.4.clone()), b.1.clone()))?;
    }

    /// A list or a set as one key sorts as Rust sorts it, and is none of the beginnings of another.
    #[test]
    fn lists_and_sets_sort_as_themselves(
        a in (vec(any::<i16>(), 0..4), btree_set(adversarial(), 0..4)),
        b in (vec(any::<i16>(), 0..4), btree_set(adversarial(), 0..4)),
    ) {
        lawful(&a.0, &b.0)?;
        lawful(&a.1, &b.1)?;
        paired(&a, &b)?;
    }

    /// The elements of a set and the pairs of a map in a row are keys of an index, and the index gives each in order: what their key sets of sequences, sets and
    /// maps are for.
    #[test]
    fn elements_of_collections_are_keys_in_order(
        rows in btree_map(any::<u8>(), (btree_set(".{0,2}", 0..4), btree_map(".{0,2}", any::<i8>(), 0..4)), 0..8),
    ) {
        #[derive(Table, Clone, Debug, Serialize, Deserialize)]
        struct Tagged {
            #[key]
            id: u8,
            #[index(each)]
            tags: BTreeSet<String>,
            #[index(each)]
            labels: BTreeMap<String, i8>,
        }
        let db = Database::builder().table::<Tagged>().in_memory().unwrap();
        db.write(|tx| {
            for (id, (tags, labels)) in rows.clone() {
                tx.insert(Tagged { id, tags, labels })?;
            }
            Ok::<_, Error>(())
        }).unwrap();
        let snap = db.snapshot();
        let tags: BTreeSet<&String> = rows.values().flat_map(|(tags, _)| tags).collect();
        for tag in tags {
            let expected = rows.iter().filter(|(_, row)| row.0.contains(tag)).map(|(id, _)| *id);
            prop_assert!(snap.list(Tagged::BY_TAGS.eq(tag)).map(|row| row.id).eq(expected));
        }
        let labels: BTreeSet<(&String, &i8)> = rows.values().flat_map(|(_, labels)| labels).collect();
        for (key, value) in labels {
            let with = |test: &dyn Fn(i8) -> bool| -> BTreeSet<u8> {
                let rows = rows.iter().filter(|(_, row)| row.1.get(key).is_some_and(|value| test(*value)));
                rows.map(|(id, _)| *id).collect()
            };
            let found = |query: Query<Tagged>| snap.list(query).map(|row| row.id).collect::<BTreeSet<u8>>();
            prop_assert_eq!(found(Tagged::BY_LABELS.eq((key, value))), with(&|other| other == *value));
            prop_assert_eq!(found(Tagged::BY_LABELS.prefix(key)), with(&|_| true));
            prop_assert_eq!(found(Tagged::BY_LABELS.range((key, value)..=(key, &i8::MAX))), with(&|other| other >= *value));
        }
    }
}
