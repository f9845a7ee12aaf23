//! Rows that have many keys in one index.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use sapwood::{Database, Error, Only, Table};
use serde::{Deserialize, Serialize};

use super::rows::{Object, ids, open, with_objects};

/// A row stands once in a list over several of its keys, at the first of them, from the other end too; it counts once, is removed once, and is the only one if there
/// is no other.
#[test]
fn a_row_with_many_keys_stands_once() {
    let db = with_objects(&[(1, &["b", "c"]), (2, &["a", "b", "ba"]), (3, &["z"])]);
    let snap = db.snapshot();
    assert_eq!(ids(snap.list(Object::BY_TAGS.all())), [2, 1, 3]);
    assert_eq!(ids(snap.list(Object::BY_TAGS.all()).rev()), [3, 1, 2]);
    assert_eq!(ids(snap.list(Object::BY_TAGS.starts_with("b"))), [1, 2]);
    assert_eq!(snap.count(Object::BY_TAGS.starts_with("b")), 2);
    assert_eq!(snap.count(Object::BY_TAGS.all()), 3);
    let only = snap.only(Object::BY_TAGS.range("ba"..="c"));
    assert_eq!(only, Only::Many);
    assert_eq!(
        snap.only(Object::BY_TAGS.starts_with("z"))
            .one()
            .map(|row| row.id),
        Some(3)
    );
    assert_eq!(
        snap.only(Object::BY_TAGS.range("a".."b"))
            .one()
            .map(|row| row.id),
        Some(2)
    );
    assert_eq!(
        db.write(|tx| tx.remove_all(Object::BY_TAGS.starts_with("b")))
            .unwrap(),
        2
    );
    assert_eq!(ids(db.snapshot().list(Object::ALL)), [3]);
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_place_tag, on(place, each(tags))))]
struct Placed {
    #[key]
    id: u8,
    place: u8,
    tags: BTreeSet<String>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// For any tags, lists, counts and both ends of any prefix and range of keys are those of a scan of all rows with the double ones left out.
    #[test]
    fn lists_over_many_keys_are_as_a_scan_says(
        rows in btree_map(0..20_u64, btree_set("[ab]{0,2}", 0..4), 0..10), asked in "[ab]{0,2}", end in "[ab]{0,2}",
    ) {
        let db = open();
        db.write(|tx| {
            rows.iter().try_for_each(|(id, tags)| tx.insert(Object { id: *id, tags: tags.clone() }).map(drop))
        }).unwrap();
        let snap = db.snapshot();
        let expected = |holds: &dyn Fn(&str) -> bool| -> Vec<u64> {
            let first = |tags: &BTreeSet<String>| tags.iter().find(|tag| holds(tag)).cloned();
            let mut found: Vec<_> = rows.iter().filter_map(|(id, tags)| Some((first(tags)?, *id))).collect();
            found.sort();
            found.into_iter().map(|(_, id)| id).collect()
        };
        for (query, expected) in [
            (Object::BY_TAGS.all(), expected(&|_| true)),
            (Object::BY_TAGS.eq(&asked), expected(&|tag| tag == asked)),
            (Object::BY_TAGS.starts_with(asked.as_str()), expected(&|tag| tag.starts_with(&asked))),
            (Object::BY_TAGS.range(asked.as_str()..), expected(&|tag| tag >= asked.as_str())),
            (Object::BY_TAGS.range(asked.as_str()..=end.as_str()), expected(&|tag| tag >= asked.as_str() && tag <= end.as_str())),
        ] {
            prop_assert_eq!(ids(snap.list(query.clone())), &expected[..], "{:?}", query);
            let back: Vec<u64> = expected.iter().rev().copied().collect();
            prop_assert_eq!(ids(snap.list(query.clone()).rev()), back, "{:?}", query);
            prop_assert_eq!(snap.count(query.clone()), expected.len());
            prop_assert_eq!(snap.contains(query.clone()), !expected.is_empty());
            prop_assert_eq!(snap.last(query).map(|row| row.id), expected.last().copied());
        }
    }

    /// A column beside the many keys: by it and one of them, by it alone.
    #[test]
    fn many_keys_beside_a_column(rows in btree_map(0..12_u8, (0..3_u8, btree_set("[ab]{1,2}", 0..4)), 0..10)) {
        let db = Database::builder().table::<Placed>().in_memory().unwrap();
        db.write(|tx| {
            for (id, (place, tags)) in rows.clone() {
                tx.insert(Placed { id, place, tags })?;
            }
            Ok::<_, Error>(())
        }).unwrap();
        let snap = db.snapshot();
        for place in 0..3 {
            let mut by_tag: BTreeMap<&String, Vec<u8>> = BTreeMap::new();
            for (id, (_, tags)) in rows.iter().filter(|(_, row)| row.0 == place) {
                for tag in tags {
                    by_tag.entry(tag).or_default().push(*id);
                }
            }
            for (tag, ids) in &by_tag {
                prop_assert!(snap.list(Placed::BY_PLACE_TAG.eq((place, tag))).map(|row| row.id).eq(ids.iter().copied()));
            }
            let all: BTreeSet<u8> = by_tag.into_values().flatten().collect();
            prop_assert_eq!(snap.count(Placed::BY_PLACE_TAG.prefix(place)), all.len());
        }
    }
}
