//! What each of their indexers does, as our indexes: on fields, on lists and maps, computed, compound, and of several values each.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sapwood::{Database, Error, Query, Table};
use serde::{Deserialize, Serialize};

use super::fixture::put;

#[derive(Table, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[table(name = "things")]
#[table(index(by_lower, with(lower) -> String))]
#[table(index(by_lower_tag, with(lower_tags) -> String, each))]
#[table(index(by_lower_label, with(lower_labels) -> (String, String), each))]
#[table(index(by_is_set, with(is_set) -> bool))]
#[table(index(by_is_even, with(is_even) -> bool))]
#[table(index(by_even, on(id), when(is_even)))]
#[table(index(by_three, on(text, alias, flag)))]
#[table(index(by_three_known, on(text, alias), sparse))]
struct Thing {
    #[key]
    id: u32,
    #[index]
    text: String,
    #[index]
    #[index(name = by_known_alias, sparse)]
    alias: Option<String>,
    #[index(unique)]
    badge: Option<u16>,
    #[index(each)]
    tags: Vec<String>,
    #[index(each)]
    labels: BTreeMap<String, String>,
    #[index]
    flag: bool,
}

fn lower(thing: &Thing) -> String {
    thing.text.to_lowercase()
}

fn lower_tags(thing: &Thing) -> Vec<String> {
    thing.tags.iter().map(|tag| tag.to_lowercase()).collect()
}

fn lower_labels(thing: &Thing) -> Vec<(String, String)> {
    let labels = thing.labels.iter();
    labels
        .map(|(name, value)| (name.to_lowercase(), value.to_lowercase()))
        .collect()
}

fn is_set(thing: &Thing) -> bool {
    thing.alias.is_some()
}

fn is_even(thing: &Thing) -> bool {
    thing.id.is_multiple_of(2)
}

fn texts(texts: &[&str]) -> Database {
    of(texts.iter().map(|&text| Thing {
        text: text.to_owned(),
        ..Thing::default()
    }))
}

/// A database of things, numbered from 1.
fn of(things: impl IntoIterator<Item = Thing>) -> Database {
    let db = Database::builder().table::<Thing>().in_memory().unwrap();
    let numbered = (1..).zip(things);
    put(&db, numbered.map(|(id, thing)| Thing { id, ..thing }));
    db
}

fn found(db: &Database, query: Query<Thing>) -> Vec<u32> {
    let snapshot = db.snapshot();
    snapshot.list(query).map(|thing| thing.id).collect()
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

/// A string is found by all of it, never by the beginning of a longer one, and by its beginning where that is asked.
#[test]
fn string_field() {
    let db = texts(&["foo", "foobar", "Foo", "fo"]);
    assert_eq!(found(&db, Thing::BY_TEXT.eq("foo")), [1]);
    assert_eq!(found(&db, Thing::BY_TEXT.eq("fo")), [4]);
    assert_eq!(found(&db, Thing::BY_TEXT.starts_with("foo")), [1, 2]);
    assert_eq!(found(&db, Thing::BY_TEXT.starts_with("")), [3, 4, 1, 2]);
}

/// Without regard to case is a computed index, of any rule for it; exact and by beginning.
#[test]
fn string_field_lowercase() {
    let db = texts(&["Foo", "FOOBAR", "Über"]);
    assert_eq!(found(&db, Thing::BY_LOWER.eq("foo")), [1]);
    assert_eq!(found(&db, Thing::BY_LOWER.starts_with("foo")), [1, 2]);
    assert_eq!(found(&db, Thing::BY_LOWER.eq("über")), [3]);
    assert_eq!(found(&db, Thing::BY_LOWER.eq("Foo")), [0; 0]);
}

/// The empty string is a value, found and counted like any other. There, it could not be indexed.
#[test]
fn an_empty_string_is_a_value() {
    let db = texts(&["", "a", ""]);
    assert_eq!(found(&db, Thing::BY_TEXT.eq("")), [1, 3]);
    assert_eq!(found(&db, Thing::BY_TEXT.all()), [1, 3, 2]);
}

/// Strings with zeros in them are not mistaken for others. There, what came after one was lost to prefixes.
#[test]
fn zeros_in_strings() {
    let db = of(["x\0y", "x", "x\0", "x\0\u{1}", "\0"].map(|text| Thing {
        text: text.to_owned(),
        alias: Some("y".to_owned()),
        ..Thing::default()
    }));
    for (id, text) in (1..).zip(["x\0y", "x", "x\0", "x\0\u{1}", "\0"]) {
        assert_eq!(found(&db, Thing::BY_TEXT.eq(text)), [id]);
        assert_eq!(found(&db, Thing::BY_THREE.prefix((text, "y"))), [id]);
    }
    assert_eq!(found(&db, Thing::BY_TEXT.starts_with("x\0")), [3, 4, 1]);
}

/// An option is followed to its value. `None` is a value of its own, the least, other than the empty string; a sparse index leaves it out.
#[test]
fn optional_field() {
    let alias = |alias: Option<&str>| Thing {
        alias: alias.map(str::to_owned),
        ..Thing::default()
    };
    let db = of([None, Some("a"), Some(""), None].map(alias));
    assert_eq!(found(&db, Thing::BY_ALIAS.eq(None::<&str>)), [1, 4]);
    assert_eq!(found(&db, Thing::BY_ALIAS.eq("")), [3]);
    assert_eq!(found(&db, Thing::BY_ALIAS.all()), [1, 4, 3, 2]);
    assert_eq!(found(&db, Thing::BY_KNOWN_ALIAS.all()), [3, 2]);
}

/// In a unique index rows without the value conflict with nobody. There, they took each other's place.
#[test]
fn unique_optional_field() {
    let badge = |badge| Thing {
        badge,
        ..Thing::default()
    };
    let db = of([None, Some(7), None].map(badge));
    assert_eq!(found(&db, Thing::BY_BADGE.eq(None::<u16>)), [1, 3]);
    assert_eq!(found(&db, Thing::BY_BADGE.eq(7)), [2]);
    let another = Thing {
        id: 9,
        ..badge(Some(7))
    };
    let taken = db.write(|tx| tx.insert(another));
    assert!(matches!(taken, Err(Error::Duplicate { .. })));
}

/// A list is found by each of its elements; an empty list by nothing; an empty element is one.
#[test]
fn string_slice_field() {
    let tags = |tags: &[&str]| Thing {
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        ..Thing::default()
    };
    let db = of([tags(&["a", "B"]), tags(&[]), tags(&["b", "", "ab"])]);
    assert_eq!(found(&db, Thing::BY_TAGS.eq("a")), [1]);
    assert_eq!(found(&db, Thing::BY_TAGS.eq("b")), [3]);
    assert_eq!(found(&db, Thing::BY_TAGS.eq("")), [3]);
    assert_eq!(found(&db, Thing::BY_LOWER_TAG.eq("b")), [1, 3]);
    for (tag, rows) in [("B", 1), ("ab", 1), ("A", 0), ("a\0", 0)] {
        assert_eq!(db.snapshot().count(Thing::BY_TAGS.eq(tag)), rows, "{tag}");
    }
}

/// A map is found by a key and its value, and by a key with any value; an empty one by nothing. There, a key alone found it by accident, or not at all.
#[test]
fn string_map_field() {
    let labels = |labels: &[(&str, &str)]| Thing {
        labels: labels
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Thing::default()
    };
    let db = of([
        labels(&[("Team", "Blue"), ("", "x")]),
        labels(&[("team", "blue"), ("app", "")]),
        labels(&[]),
        labels(&[("team", "red")]),
    ]);
    assert_eq!(found(&db, Thing::BY_LABELS.eq(("team", "blue"))), [2]);
    assert_eq!(found(&db, Thing::BY_LABELS.prefix("team")), [2, 4]);
    assert_eq!(found(&db, Thing::BY_LABELS.eq(("app", ""))), [2]);
    assert_eq!(found(&db, Thing::BY_LABELS.prefix("")), [1]);
    assert_eq!(found(&db, Thing::BY_LABELS.starts_with(("team", "r"))), [4]);
    let lower = Thing::BY_LOWER_LABEL;
    assert_eq!(found(&db, lower.eq(("team", "blue"))), [1, 2]);
}

/// Both values of a `bool`.
#[test]
fn bool_field() {
    let flag = |flag| Thing {
        flag,
        ..Thing::default()
    };
    let db = of([true, false, true].map(flag));
    assert_eq!(found(&db, Thing::BY_FLAG.eq(true)), [1, 3]);
    assert_eq!(found(&db, Thing::BY_FLAG.eq(false)), [2]);
}

/// Whether a field is set is a computed index, of any rule for it.
#[test]
fn field_set() {
    let alias = |alias: Option<&str>| Thing {
        alias: alias.map(str::to_owned),
        ..Thing::default()
    };
    let db = of([Some("a"), None].map(alias));
    assert_eq!(found(&db, Thing::BY_IS_SET.eq(true)), [1]);
    assert_eq!(found(&db, Thing::BY_IS_SET.eq(false)), [2]);
}

/// A condition is a computed index with both answers, or a partial one with only those rows for which it holds. There was only the first, so that a rare
/// condition cost an entry for every row.
#[test]
fn conditional() {
    let db = of(vec![Thing::default(); 5]);
    assert_eq!(found(&db, Thing::BY_IS_EVEN.eq(true)), [2, 4]);
    assert_eq!(found(&db, Thing::BY_IS_EVEN.eq(false)), [1, 3, 5]);
    assert_eq!(found(&db, Thing::BY_EVEN.all()), [2, 4]);
    assert_eq!(found(&db, Thing::BY_EVEN.eq(3)), [0; 0]);
    db.write(|tx| tx.remove::<Thing>(2)).unwrap();
    assert_eq!(db.snapshot().count(Thing::BY_EVEN.all()), 1);
}

/// A compound key is found by all of its columns, by the first ones, and by the beginning of a string after whole ones.
#[test]
fn compound() {
    let thing = |text: &str, alias: Option<&str>, flag| Thing {
        text: text.to_owned(),
        alias: alias.map(str::to_owned),
        flag,
        ..Thing::default()
    };
    let db = of([
        thing("x", Some("york"), true),
        thing("x", Some("yard"), false),
        thing("xy", Some("york"), true),
        thing("x", None, true),
    ]);
    let three = Thing::BY_THREE;
    assert_eq!(found(&db, three.eq(("x", "york", true))), [1]);
    assert_eq!(found(&db, three.eq(("x", "york", false))), [0; 0]);
    assert_eq!(found(&db, three.prefix("x")), [4, 2, 1]);
    assert_eq!(found(&db, three.prefix(("x", "york"))), [1]);
    assert_eq!(found(&db, three.starts_with("x")), [4, 2, 1, 3]);
    assert_eq!(found(&db, three.starts_with(("x", "y"))), [2, 1]);
    assert_eq!(found(&db, three.all()), [4, 2, 1, 3]);
}

/// A row without a value in a column is in the index under `None`, or, in a sparse one, not at all. There, with the missing allowed, its key stopped short,
/// and rows with such keys took each other's place in a unique index.
#[test]
fn compound_with_a_missing_part() {
    let thing = |text: &str, alias: Option<&str>| Thing {
        text: text.to_owned(),
        alias: alias.map(str::to_owned),
        ..Thing::default()
    };
    let db = of([thing("x", None), thing("x", Some("y")), thing("", None)]);
    assert_eq!(found(&db, Thing::BY_THREE.prefix(("x", None::<&str>))), [1]);
    assert_eq!(found(&db, Thing::BY_THREE.prefix("")), [3]);
    assert_eq!(found(&db, Thing::BY_THREE_KNOWN.all()), [2]);
    assert_eq!(found(&db, Thing::BY_THREE_KNOWN.eq(("x", "y"))), [2]);
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_one_a_b, with(one_a_b) -> (String, String, String), each))]
#[table(index(by_one_b_a, with(one_b_a) -> (String, String, String), each))]
#[table(index(by_a_one_b, with(a_one_b) -> (String, String, String), each))]
#[table(index(by_a_b_one, with(a_b_one) -> (String, String, String), each))]
#[table(index(by_b_one_a, with(b_one_a) -> (String, String, String), each))]
#[table(index(by_b_a_one, with(b_a_one) -> (String, String, String), each, unique))]
struct Cross {
    #[key]
    id: u32,
    one: String,
    a: Vec<String>,
    b: Vec<String>,
}

/// Every combination of one value out of each list.
fn cross<'a>(
    one: &'a [String],
    two: &'a [String],
    three: &'a [String],
) -> Vec<(&'a str, &'a str, &'a str)> {
    let mut keys = Vec::new();
    for one in one {
        for two in two {
            keys.extend(three.iter().map(|three| (&**one, &**two, &**three)));
        }
    }
    keys
}

type Keys<'a> = Vec<(&'a str, &'a str, &'a str)>;

fn one_a_b(row: &Cross) -> Keys<'_> {
    cross(std::slice::from_ref(&row.one), &row.a, &row.b)
}

fn one_b_a(row: &Cross) -> Keys<'_> {
    cross(std::slice::from_ref(&row.one), &row.b, &row.a)
}

fn a_one_b(row: &Cross) -> Keys<'_> {
    cross(&row.a, std::slice::from_ref(&row.one), &row.b)
}

fn a_b_one(row: &Cross) -> Keys<'_> {
    cross(&row.a, &row.b, std::slice::from_ref(&row.one))
}

fn b_one_a(row: &Cross) -> Keys<'_> {
    cross(&row.b, std::slice::from_ref(&row.one), &row.a)
}

fn b_a_one(row: &Cross) -> Keys<'_> {
    cross(&row.b, &row.a, std::slice::from_ref(&row.one))
}

/// One value, two and two make four keys, in the order of their columns; the row is found by each, by all first columns, and by nothing else.
#[test]
fn compound_multi() {
    let db = Database::builder().table::<Cross>().in_memory().unwrap();
    let row = Cross {
        id: 1,
        one: "x".to_owned(),
        a: words(["a1", "a2"]),
        b: words(["b1", "b2"]),
    };
    assert_eq!(
        one_a_b(&row),
        [
            ("x", "a1", "b1"),
            ("x", "a1", "b2"),
            ("x", "a2", "b1"),
            ("x", "a2", "b2")
        ]
    );
    db.write(|tx| tx.insert(row.clone())).unwrap();
    let snapshot = db.snapshot();
    for key in one_a_b(&row) {
        assert_eq!(snapshot.count(Cross::BY_ONE_A_B.eq(key)), 1, "{key:?}");
    }
    assert!(!snapshot.contains(Cross::BY_ONE_A_B.eq(("x", "a1", "b"))));
    assert!(!snapshot.contains(Cross::BY_ONE_A_B.eq(("x", "b1", "a1"))));
    assert!(snapshot.contains(Cross::BY_ONE_A_B.prefix(("x", "a1"))));
    assert!(snapshot.contains(Cross::BY_A_B_ONE.starts_with(("a1", "b"))));
}

fn word() -> impl Strategy<Value = String> {
    "[ab\0]{0,2}"
}

fn list() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word(), 0..3)
}

proptest! {
    /// In all six orders of a value and two lists, the keys of a row are those of the model, none twice and none corrupted; each finds the row.
    #[test]
    fn index_uniqueness_property(one in word(), a in list(), b in list()) {
        let db = Database::builder().table::<Cross>().in_memory().unwrap();
        let row = Cross { id: 1, one, a, b };
        db.write(|tx| tx.insert(row.clone())).unwrap();
        let snapshot = db.snapshot();
        let orders = [
            (Cross::BY_ONE_A_B, one_a_b(&row)),
            (Cross::BY_ONE_B_A, one_b_a(&row)),
            (Cross::BY_A_ONE_B, a_one_b(&row)),
            (Cross::BY_A_B_ONE, a_b_one(&row)),
            (Cross::BY_B_ONE_A, b_one_a(&row)),
            (Cross::BY_B_A_ONE, b_a_one(&row)),
        ];
        for (index, keys) in orders {
            let keys: BTreeSet<_> = keys.into_iter().collect();
            let found = keys.iter().filter(|&&key| snapshot.contains(index.eq(key)));
            prop_assert_eq!(found.count(), keys.len());
            prop_assert_eq!(snapshot.contains(index.all()), !keys.is_empty());
        }
        let removed = db.write(|tx| tx.remove::<Cross>(1)).unwrap();
        prop_assert!(removed.is_some());
        prop_assert!(!db.snapshot().contains(Cross::BY_B_A_ONE.all()));
    }
}
