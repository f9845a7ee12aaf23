//! A row that has several entries in an index is given once, by every verb: at the first of them that lies in the query.
#![allow(
    clippy::unwrap_used,
    clippy::duplicated_attributes,
    reason = "a test that cannot go on fails; indexes share columns"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use sapwood::{Change, Database, Error, Only, Query, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_word, with(words) -> String, each))]
#[table(index(by_space_tag, on[space, each(tags)]))]
#[table(index(by_tag_port, on[each(tags), each(ports)]))]
#[table(index(by_port_id, on[each(ports), desc(id)], unique))]
#[table(index(by_zone_tag, on[zone, each(tags)], sparse, when(is_live)))]
struct Doc {
    #[key]
    id: u16,
    space: String,
    zone: Option<u8>,
    #[index(each)]
    tags: Vec<String>,
    #[index(each)]
    ports: BTreeSet<u8>,
    text: String,
}

fn words(doc: &Doc) -> impl Iterator<Item = &str> {
    doc.text.split(' ')
}

fn is_live(doc: &Doc) -> bool {
    !doc.id.is_multiple_of(3)
}

const TEXTS: [&str; 8] = ["", "a", "a\0", "a\0b", "ab", "b", "ÿ", "\0"];

fn text() -> impl Strategy<Value = String> {
    select(TEXTS.to_vec()).prop_map(String::from)
}

fn doc() -> impl Strategy<Value = Doc> {
    (
        0..40u16,
        select(vec!["", "x", "x\0"]),
        proptest::option::of(0..3u8),
        vec(text(), 0..4),
        btree_set(0..6u8, 0..4),
        vec(text(), 0..4),
    )
        .prop_map(|(id, space, zone, tags, ports, words)| Doc {
            id,
            space: space.into(),
            zone,
            tags,
            ports,
            text: words.join(" "),
        })
}

fn database(docs: &[Doc]) -> (Database, BTreeMap<u16, Doc>) {
    let db = Database::builder().table::<Doc>().in_memory().unwrap();
    let mut model = BTreeMap::new();
    db.write(|tx| {
        for doc in docs {
            tx.put(doc.clone())?;
            model.insert(doc.id, doc.clone());
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    (db, model)
}

/// The rows that have a wanted entry, at the first of these.
fn expected<K: Ord>(
    model: &BTreeMap<u16, Doc>,
    entries: impl Fn(&Doc) -> Vec<K>,
    wanted: impl Fn(&K) -> bool,
) -> Vec<u16> {
    let firsts = model.values().filter_map(|doc| {
        let first = entries(doc).into_iter().filter(&wanted).min()?;
        Some((first, doc.id))
    });
    let mut found: Vec<_> = firsts.collect();
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

/// Every read verb gives these rows.
macro_rules! check_verbs {
    ($name:ident, $reader:ty) => {
        fn $name(reads: &$reader, query: &Query<Doc>, expected: &[u16]) {
            let ids = |rows: Vec<&Row<Doc>>| rows.into_iter().map(|doc| doc.id).collect::<Vec<_>>();
            let all = || reads.list(query.clone());
            assert_eq!(ids(all().collect()), expected, "{query:?}");
            let mut backwards = ids(all().rev().collect());
            backwards.reverse();
            assert_eq!(backwards, expected, "backwards, {query:?}");
            let (least, most) = all().size_hint();
            assert!(least <= expected.len() && expected.len() <= most.unwrap());
            assert_eq!(all().count(), expected.len());
            assert_eq!(reads.count(query.clone()), expected.len());
            assert_eq!(reads.contains(query.clone()), !expected.is_empty());
            let first = reads.first(query.clone()).map(|doc| doc.id);
            assert_eq!(first, expected.first().copied());
            let last = reads.last(query.clone()).map(|doc| doc.id);
            assert_eq!(last, expected.last().copied());
            match (reads.only(query.clone()), expected) {
                (Only::None, []) | (Only::Many, [_, _, ..]) => {}
                (Only::One(doc), [id]) => assert_eq!(doc.id, *id),
                (only, _) => panic!("{only:?} for {query:?}, expected {expected:?}"),
            }
            for offset in 0..=expected.len() {
                let id = expected.get(offset).copied();
                assert_eq!(all().nth(offset).map(|doc| doc.id), id);
                let mirrored = expected.len().checked_sub(offset + 1);
                let id = mirrored.map(|offset| expected[offset]);
                assert_eq!(all().nth_back(offset).map(|doc| doc.id), id);
                // From both ends: what the front has given, the back gives no more.
                let mut rows = all();
                let mut front = ids(rows.by_ref().take(offset).collect());
                let rest = rows.clone();
                let mut back = ids(rows.rev().collect());
                back.reverse();
                assert_eq!(ids(rest.collect()), back);
                front.extend(back);
                assert_eq!(front, expected);
            }
        }
    };
}

check_verbs!(check_snapshot, Snapshot);
check_verbs!(check_txn, WriteTxn);

/// All verbs, of a snapshot and of a transaction, that which removes, and a follower.
fn check<K: Ord + Clone>(
    (db, model): (&Database, &BTreeMap<u16, Doc>),
    query: Query<Doc>,
    entries: impl Fn(&Doc) -> Vec<K>,
    wanted: impl Fn(&K) -> bool,
) {
    let expected = expected(model, entries, wanted);
    check_snapshot(&db.snapshot(), &query, &expected);
    let followed = db.follow(query.clone()).unwrap().try_next().unwrap();
    let followed: Vec<u16> = followed
        .into_iter()
        .filter_map(|change| match change {
            Change::Inserted(doc) => Some(doc.id),
            _ => None,
        })
        .collect();
    assert_eq!(followed, expected);
    let mut tx = db.begin_write().unwrap();
    check_txn(&tx, &query, &expected);
    assert_eq!(tx.remove_all(query.clone()).unwrap(), expected.len());
    check_txn(&tx, &query, &[]);
    assert_eq!(tx.count(Doc::ALL), model.len() - expected.len());
}

fn pairs(doc: &Doc) -> Vec<(String, u8)> {
    let pair = |tag: &String| {
        doc.ports
            .iter()
            .map(|port| (tag.clone(), *port))
            .collect::<Vec<_>>()
    };
    doc.tags.iter().flat_map(pair).collect()
}

fn spaced(doc: &Doc) -> Vec<(String, String)> {
    doc.tags
        .iter()
        .map(|tag| (doc.space.clone(), tag.clone()))
        .collect()
}

fn zoned(doc: &Doc) -> Vec<(u8, String)> {
    let zone = doc.zone.filter(|_| is_live(doc));
    zone.into_iter()
        .flat_map(|zone| doc.tags.iter().map(move |tag| (zone, tag.clone())))
        .collect()
}

/// A descending column sorts as its negative.
fn ported(doc: &Doc) -> Vec<(u8, i32)> {
    doc.ports
        .iter()
        .map(|port| (*port, -i32::from(doc.id)))
        .collect()
}

fn tags(doc: &Doc) -> Vec<String> {
    doc.tags.clone()
}

fn within<K: PartialOrd>(low: &K, high: &K) -> impl Fn(&K) -> bool {
    move |key| low <= key && key < high
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// In every kind of index with several entries for a row, every kind of query gives each row once, in the order of the rows' first entries in
    /// the query, and from the end in exactly the reverse of that.
    #[test]
    fn every_verb_gives_a_row_once(
        docs in vec(doc(), 0..30),
        (low, high) in (text(), text()),
        (from, to) in (0..6u8, 0..7u8),
        space in select(vec!["", "x", "x\0"]),
    ) {
        let (db, model) = database(&docs);
        let of = (&db, &model);
        check(of, Doc::BY_TAGS.all(), tags, |_| true);
        check(of, Doc::BY_TAGS.eq(&low), tags, |tag| *tag == low);
        check(of, Doc::BY_TAGS.starts_with(&low), tags, |tag| tag.starts_with(&low));
        check(of, Doc::BY_TAGS.range(&low..&high), tags, within(&low, &high));
        check(of, Doc::BY_TAGS.range(&low..=&low), tags, |tag| *tag == low);
        check(of, Doc::BY_TAGS.range((Bound::Excluded(&low), Bound::Unbounded)), tags, |tag| *tag > low);
        let word = |doc: &Doc| words(doc).map(String::from).collect::<Vec<_>>();
        check(of, Doc::BY_WORD.all(), word, |_| true);
        check(of, Doc::BY_WORD.range(&low..&high), word, within(&low, &high));
        let ports = |doc: &Doc| doc.ports.iter().copied().collect::<Vec<_>>();
        check(of, Doc::BY_PORTS.range(from..to), ports, within(&from, &to));
        check(of, Doc::BY_SPACE_TAG.all(), spaced, |_| true);
        check(of, Doc::BY_SPACE_TAG.eq((space, &low)), spaced, |key| *key == (space.to_owned(), low.clone()));
        check(of, Doc::BY_SPACE_TAG.prefix(space), spaced, |key| key.0 == space);
        check(of, Doc::BY_SPACE_TAG.starts_with((space, &low)), spaced, |key| key.0 == space && key.1.starts_with(&low));
        check(of, Doc::BY_TAG_PORT.all(), pairs, |_| true);
        check(of, Doc::BY_TAG_PORT.prefix(&low), pairs, |key| key.0 == low);
        check(of, Doc::BY_TAG_PORT.eq((&low, from)), pairs, |key| *key == (low.clone(), from));
        check(of, Doc::BY_TAG_PORT.range((&low, from)..(&high, to)), pairs, within(&(low.clone(), from), &(high.clone(), to)));
        check(of, Doc::BY_PORT_ID.all(), ported, |_| true);
        check(of, Doc::BY_PORT_ID.prefix(from), ported, |key| key.0 == from);
        check(of, Doc::BY_ZONE_TAG.all(), zoned, |_| true);
        check(of, Doc::BY_ZONE_TAG.prefix(from), zoned, |key| key.0 == from);
    }
}

/// go-memdb gives a row with one name, three tags and two ports eight times to whoever asks for a part of the key, and cannot remove what it
/// finds twice (#95).
#[test]
fn a_cross_product_is_one_row() {
    let doc = Doc {
        id: 1,
        space: "x".into(),
        zone: Some(1),
        tags: vec!["a".into(), "b".into(), "c".into(), "a".into()],
        ports: BTreeSet::from([80, 44]),
        text: "a b".into(),
    };
    let (db, _) = database(std::slice::from_ref(&doc));
    let snapshot = db.snapshot();
    assert_eq!(snapshot.count(Doc::BY_TAG_PORT.all()), 1);
    assert_eq!(snapshot.list(Doc::BY_TAG_PORT.range("a"..="b")).count(), 1);
    assert!(matches!(
        snapshot.only(Doc::BY_TAG_PORT.all()),
        Only::One(_)
    ));
    // Each of the six is there.
    for tag in ["a", "b", "c"] {
        for port in [80, 44] {
            assert!(snapshot.contains(Doc::BY_TAG_PORT.eq((tag, port))));
        }
    }
    assert_eq!(
        db.write(|tx| tx.remove_all(Doc::BY_TAG_PORT.all()))
            .unwrap(),
        1
    );
    assert_eq!(db.snapshot().count(Doc::BY_TAGS.all()), 0);
}

/// Where a row has one entry at most, the number of rows to come is known, and is told.
#[test]
fn lengths_are_known_where_rows_have_one_entry() {
    let docs: Vec<Doc> = (0..100)
        .map(|id| Doc {
            id,
            space: "x".into(),
            zone: None,
            tags: vec!["a".into(), "b".into()],
            ports: BTreeSet::new(),
            text: String::new(),
        })
        .collect();
    let (db, _) = database(&docs);
    let snapshot = db.snapshot();
    for query in [
        Doc::ALL,
        Doc::BY_ID.range(..),
        Doc::BY_TAGS.eq("a"),
        Doc::BY_SPACE_TAG.eq(("x", "b")),
    ] {
        let mut rows = snapshot.list(query);
        assert_eq!(rows.size_hint(), (100, Some(100)));
        rows.next();
        rows.next_back();
        assert_eq!(rows.size_hint(), (98, Some(98)));
    }
    assert_eq!(
        snapshot.list(Doc::BY_TAGS.all()).size_hint(),
        (0, Some(200))
    );
}

/// A scan allocates once to begin where rows have several entries, and never for a row, be there few or many.
#[test]
fn no_step_allocates() {
    let allocations = |rows: u16| {
        let doc = |id| Doc {
            id,
            space: "x".into(),
            zone: None,
            tags: vec!["a".into(), "b".into()],
            ports: BTreeSet::new(),
            text: String::new(),
        };
        let (db, _) = database(&(0..rows).map(doc).collect::<Vec<_>>());
        let snapshot = db.snapshot();
        let queries = [
            Doc::BY_TAGS.eq("a"),
            Doc::BY_TAGS.starts_with("a"),
            Doc::BY_SPACE_TAG.prefix("x"),
        ];
        queries.map(|query| {
            let count = || assert_eq!(snapshot.list(query.clone()).fold(0, |n, _| n + 1), rows);
            allocation_counter::measure(count).count_total
        })
    };
    assert_eq!(allocations(10), [0, 1, 1]);
    assert_eq!(allocations(2000), [0, 1, 1]);
}
