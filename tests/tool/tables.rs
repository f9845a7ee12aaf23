//! Tables out of a file and into one: any rows come back as they were, under their own keys, and a bad line leaves nothing.

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::Path,
    time::{Duration, SystemTime},
};

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use sapwood::{Database, Revision, Table, key::Total};
use serde::{Deserialize, Serialize};

use crate::content::{inspected, opened};
use crate::program::{complained, complaint, fed, fine, json, printed, text};

/// Something of every kind that a shape has.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    Nothing,
    Unit(()),
    One(Option<Option<u8>>),
    Two(i128, char),
    Named { text: String, floats: (f32, f64) },
    Within(Box<Kind>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Empty;

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "all", key(big, name, at, maybe))]
struct All {
    big: u128,
    #[serde(rename = "theName")]
    name: String,
    at: (i16, Option<IpAddr>),
    maybe: Option<bool>,
    wide: (u64, i64, u128, i128),
    small: (i8, u8, i16, u16, i32, u32),
    kinds: Vec<Kind>,
    options: (Option<()>, Option<Option<Option<String>>>),
    by_name: BTreeMap<String, Kind>,
    by_number: BTreeMap<u8, Vec<u8>>,
    pairs: Pairs,
    #[serde(with = "bytes")]
    bytes: Vec<u8>,
    empty: Empty,
    times: (Duration, SystemTime),
}

/// Bytes that serde is told to be bytes.
mod bytes {
    pub fn serialize<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Take;
        impl serde::de::Visitor<'_> for Take {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        from.deserialize_bytes(Take)
    }
}

/// A map that can have a key twice.
#[derive(Clone, Debug)]
struct Pairs(Vec<(String, bool)>);

impl Serialize for Pairs {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Take;
        impl<'de> serde::de::Visitor<'de> for Take {
            type Value = Pairs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("pairs")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Take)
    }
}

/// A key of the program's own, of which the file tells nothing.
#[derive(
    sapwood::Key, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
)]
enum Shelf {
    Low,
    High(u8),
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "own", key(shelf, weight))]
struct Own {
    shelf: Shelf,
    weight: Total<f64>,
    note: String,
}

pub fn text_of_all_kinds() -> impl Strategy<Value = String> {
    "[a-b\\\\\"\\u{0}\\u{7f}ä日{}:,]{0,6}"
}

pub fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<f64>(),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        Just(0.1),
    ]
}

pub fn single() -> impl Strategy<Value = f32> {
    prop_oneof![
        any::<u32>().prop_map(f32::from_bits),
        Just(0.1f32),
        Just(f32::NAN),
        Just(f32::MAX),
        Just(f32::from_bits(1)),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        Just(Kind::Nothing),
        Just(Kind::Unit(())),
        option::of(option::of(any::<u8>())).prop_map(Kind::One),
        (any::<i128>(), any::<char>()).prop_map(|(number, c)| Kind::Two(number, c)),
        (text_of_all_kinds(), single(), float()).prop_map(|(text, single, float)| Kind::Named {
            text,
            floats: (single, float)
        }),
    ];
    leaf.prop_recursive(4, 5, 1, |inner| {
        inner.prop_map(|kind| Kind::Within(Box::new(kind)))
    })
}

/// Near the limits of what JSON's readers take for numbers.
pub fn large() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        (1u64 << 53) - 2..(1 << 53) + 3,
        u64::MAX - 2..=u64::MAX,
        0u64..3,
    ]
}

fn row() -> impl Strategy<Value = All> {
    let address = prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ];
    let key = (
        any::<u128>(),
        text_of_all_kinds(),
        (any::<i16>(), option::of(address)),
        option::of(any::<bool>()),
    );
    let wide = (large(), any::<i64>(), any::<u128>(), any::<i128>());
    let options = (
        option::of(Just(())),
        option::of(option::of(option::of(text_of_all_kinds()))),
    );
    let maps = (
        btree_map(text_of_all_kinds(), kind(), 0..3),
        btree_map(any::<u8>(), vec(any::<u8>(), 0..3), 0..3),
        vec(("[ab]", any::<bool>()), 0..4),
        vec(any::<u8>(), 0..5),
    );
    let rest = (
        vec(kind(), 0..3),
        any::<(i8, u8, i16, u16, i32, u32)>(),
        large(),
    );
    (key, wide, options, maps, rest).prop_map(
        |((big, name, at, maybe), wide, options, maps, (kinds, small, seconds))| All {
            big,
            name,
            at,
            maybe,
            wide,
            small,
            kinds,
            options,
            by_name: maps.0,
            by_number: maps.1,
            pairs: Pairs(maps.2),
            bytes: maps.3,
            empty: Empty,
            times: (
                Duration::new(seconds, 7),
                SystemTime::UNIX_EPOCH + Duration::from_secs(seconds >> 24),
            ),
        },
    )
}

type Stored = Vec<(Vec<u8>, Vec<u8>)>;

/// Keys and rows as the file has them.
fn stored(path: &Path, table: &str) -> Stored {
    let inspect = inspected(path);
    let schema = inspect.table(table).unwrap();
    let entries = inspect.entries(table).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.key.to_vec(), entry.bytes(schema).unwrap().to_vec()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Proves that rows of any kinds come back, through lines of JSON into a new file, with the same bytes under the same keys; those too that are in the journal only, and those
    /// whose keys the file does not tell how to make. The program opens the new file, and finds them.
    #[test]
    fn any_rows_come_back(
        rows in vec(row(), 0..6),
        own in vec((option::of(any::<u8>()), float(), text_of_all_kinds()), 0..4),
        split in 0usize..6,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("state.sap"), folder.path().join("copy.sap"));
        let open = |path: &Path| opened(|| Database::builder().table::<All>().table::<Own>().open(path));
        let db = open(&path);
        for (number, row) in rows.iter().enumerate() {
            db.write(|tx| tx.put(row.clone()).map(drop)).unwrap();
            if number == split {
                db.checkpoint().unwrap();
            }
        }
        for (shelf, weight, note) in own {
            let shelf = shelf.map_or(Shelf::Low, Shelf::High);
            let row = Own { shelf, weight: Total(weight), note };
            db.write(|tx| tx.put(row).map(drop)).unwrap();
        }
        // As a crash leaves it.
        fs::copy(&path, folder.path().join("left.sap")).unwrap();
        let left = folder.path().join("left.sap");
        drop(db);
        let lines = fine(&["export", text(&left), "--tables"]);
        printed(&fed(&["import", "--create", text(&copy)], lines.as_bytes()), 0);
        for table in ["all", "own"] {
            prop_assert_eq!(stored(&copy, table), stored(&left, table));
        }
        let sealed = |table: &str| lines.lines().filter(|line| line.contains("\"seal\"") && line.contains(table)).count();
        prop_assert_eq!(sealed("\"table\":\"all\""), 0);
        prop_assert_eq!(sealed("\"table\":\"own\""), stored(&left, "own").len());
        prop_assert_eq!(fine(&["diff", text(&left), text(&copy)]), "");
        prop_assert_eq!(&fine(&["export", text(&copy), "--tables"]), &lines);
        let db = open(&copy);
        prop_assert_eq!(db.revision(), Revision::new(1));
        prop_assert_eq!(db.snapshot().count(All::ALL), stored(&left, "all").len());
    }
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u32,
    #[index(unique)]
    address: Option<String>,
    ports: Vec<u16>,
}

fn pods(path: &Path) -> Database {
    opened(|| Database::builder().table::<Pod>().open(path))
}

fn pod(id: u32, address: &str) -> Pod {
    Pod {
        id,
        address: Some(address.to_owned()),
        ports: vec![80],
    }
}

/// Proves that rows are put under the keys of their fields, with a revision of their own, and beside what the journal has, which stays.
#[test]
fn rows_are_put_beside_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (path, left) = (folder.path().join("db.sap"), folder.path().join("left.sap"));
    let db = pods(&path);
    for id in 1..4 {
        db.write(|tx| tx.insert(pod(id, &format!("a{id}"))))
            .unwrap();
    }
    fs::copy(&path, &left).unwrap();
    drop(db);
    let facts = json(&["info", text(&left)], 0);
    assert_eq!(facts["journal"]["revisions"], 3);
    assert_eq!(facts["journal"]["rows"], 3);
    // Addresses change hands, and a row that has none is in nobody's way.
    let lines = "{\"table\":\"pods\",\"row\":{\"id\":1,\"address\":\"a2\",\"ports\":[]}}\n\n\
        {\"table\":\"pods\",\"row\":{\"ports\":[\"65535\"],\"id\":2,\"address\":\"a1\"}}\n\
        {\"table\":\"pods\",\"key\":\"00000009\",\"row\":{\"id\":9,\"address\":null,\"ports\":[1,2]}}\n";
    let done = printed(&fed(&["import", text(&left)], lines.as_bytes()), 0);
    assert_eq!(done, "4 lines, 3 rows, 1 commit\n");
    assert!(json(&["info", text(&left)], 0)["journal"].is_null());
    let lines = "{\"row\":{\"id\":10,\"address\":null,\"ports\":[]}}";
    printed(
        &fed(
            &["import", text(&left), "--table", "pods"],
            lines.as_bytes(),
        ),
        0,
    );
    let db = pods(&left);
    assert_eq!(db.revision(), Revision::new(5));
    let rows: Vec<(u32, Option<String>, Vec<u16>)> = db
        .snapshot()
        .list(Pod::ALL)
        .map(|row| (row.id, row.address.clone(), row.ports.clone()))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        rows,
        [
            (1, some("a2"), vec![]),
            (2, some("a1"), vec![65535]),
            (3, some("a3"), vec![80]),
            (9, None, vec![1, 2]),
            (10, None, vec![])
        ]
    );
    let revisions = |id: u32| {
        let snapshot = db.snapshot();
        let row = snapshot.get::<Pod>(id).unwrap();
        (row.created().get(), row.modified().get())
    };
    assert_eq!(revisions(1), (1, 4));
    assert_eq!(revisions(3), (3, 3));
    assert_eq!(revisions(9), (4, 4));
}

/// Proves that a line that is not a row of its table is named, with the field and what was expected there, and that nothing of any line is in the file then.
#[test]
fn a_bad_row_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let db = pods(&path);
    db.write(|tx| tx.insert(pod(1, "a1"))).unwrap();
    db.close().unwrap();
    let before = fs::read(&path).unwrap();
    let row = |row: &str| format!("{{\"table\":\"pods\",\"row\":{row}}}");
    let bad = [
        (row("{\"id\":5,\"address\":null,\"ports\":[1,65536]}"), "field `ports[1]`: invalid value: integer `65536`, expected u16"),
        (row("{\"id\":-5,\"address\":null,\"ports\":[]}"), "field `id`: invalid value: integer `-5`, expected u32"),
        (row("{\"id\":\"x\",\"address\":null,\"ports\":[]}"), "field `id`: invalid value: string \"x\", expected u32"),
        (row("{\"id\":1.5,\"address\":null,\"ports\":[]}"), "field `id`: invalid type: floating point `1.5`, expected u32"),
        (row("{\"id\":5,\"address\":7,\"ports\":[]}"), "field `address`: invalid type: integer `7`, expected String"),
        (row("{\"id\":5,\"ports\":[]}"), "missing field `address`, expected Option<String>"),
        (row("{\"id\":5,\"id\":6,\"address\":null,\"ports\":[]}"), "field `id` stands twice"),
        (row("{\"id\":5,\"address\":null,\"ports\":[],\"more\":1}"), "unknown field `more`"),
        (row("[5,null,[]]"), "invalid type: sequence, expected Pod"),
        ("{\"table\":\"pods\",\"key\":\"00000006\",\"row\":{\"id\":5,\"address\":null,\"ports\":[]}}".to_owned(), "its key is id=6, and its fields make id=5"),
        ("{\"table\":\"pods\",\"key\":\"0000\",\"seal\":\"0000000000000000\",\"row\":{\"id\":5,\"address\":null,\"ports\":[]}}".to_owned(), "the seal is not that of this key with these fields"),
        ("{\"table\":\"pods\",\"seal\":\"00\",\"row\":{\"id\":5,\"address\":null,\"ports\":[]}}".to_owned(), "field `seal`: 16 hexadecimal digits are one"),
        ("{\"table\":\"pots\",\"row\":{}}".to_owned(), "the file has no table `pots`"),
        ("{\"table\":\"pods\"}".to_owned(), "it has neither a row nor a schema"),
        (
            row(&format!(
                "{{\"id\":5,\"address\":\"{}\",\"ports\":[]}}",
                "x".repeat(33_000)
            )),
            "its key in the index `by_address` has 33003 bytes, and 32768 are the most",
        ),
        ("{\"row\":{}}".to_owned(), "it names no table"),
        ("{\"table\":\"new\",\"schema\":\"00\"}".to_owned(), "field `schema`: bytes are not a row of the table"),
        ("{\"table\":\"pods\",\"row\":{}".to_owned(), "EOF while parsing an object"),
        (row("{\"id\":5,\"address\":\"a1\",\"ports\":[]}"), "table `pods`: rows 00000001 and 00000005 have one key in the unique index `by_address`"),
    ];
    let good = row("{\"id\":4,\"address\":\"a4\",\"ports\":[]}");
    for (line, problem) in bad {
        let lines = format!("{good}\n{line}\n");
        let refused = complained(&fed(&["import", text(&path)], lines.as_bytes()), 2);
        let expected = format!("standard input, line 2: {problem}");
        assert!(refused.starts_with(&expected), "{refused}\n{expected}");
        assert!(refused.ends_with(". Nothing was imported"), "{refused}");
        assert!(fs::read(&path).unwrap() == before, "{problem}");
    }
    // By batches, what was committed stays, and is told.
    let lines = format!("{good}\n{good}\n{}\n", row("{}"));
    let refused = complained(
        &fed(&["import", text(&path), "--batch", "2"], lines.as_bytes()),
        2,
    );
    assert!(
        refused.ends_with("Lines 1 to 2 were imported, and no other"),
        "{refused}"
    );
    assert_eq!(stored(&path, "pods").len(), 2);
}

/// Proves that a key that only the program can make is taken with the fields that it was made of, and with no others.
#[test]
fn a_key_of_the_programs_own_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let db = Database::builder().table::<Own>().open(&path).unwrap();
    let row = Own {
        shelf: Shelf::High(3),
        weight: Total(2.5),
        note: "old".to_owned(),
    };
    db.write(|tx| tx.insert(row)).unwrap();
    db.close().unwrap();
    let lines = fine(&["export", text(&path), "--table", "own"]);
    assert!(lines.contains("\"key\":\"0103"), "{lines}");
    // What the key is not made of can be another.
    let changed = lines.replace("\"old\"", "\"new\"");
    printed(&fed(&["import", text(&path)], changed.as_bytes()), 0);
    let rows = fine(&["--json", "rows", text(&path), "own"]);
    assert!(
        rows.contains("\"note\":\"new\"") && rows.lines().count() == 1,
        "{rows}"
    );
    let changed = lines.replace("2.5", "3.5");
    let refused = complained(&fed(&["import", text(&path)], changed.as_bytes()), 2);
    assert!(
        refused.contains("line 2: the seal is not that of this key with these fields"),
        "{refused}"
    );
    let refused = complained(
        &fed(
            &["import", text(&path)],
            b"{\"table\":\"own\",\"row\":{\"shelf\":\"Low\",\"weight\":1,\"note\":\"\"}}",
        ),
        2,
    );
    assert!(
        refused.contains("it must come with its key and the seal that `export` gave it: the file does not tell how keys of this table are made, because field `shelf` is of the type `Shelf`"),
        "{refused}"
    );
    let again = opened(|| Database::builder().table::<Own>().open(&path));
    assert_eq!(again.snapshot().count(Own::ALL), 1);
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "named", index(by_half, unique, with(half) -> u32))]
struct Named {
    #[key]
    id: u32,
}

fn half(row: &Named) -> u32 {
    row.id / 2
}

/// Proves that rows of a table with a unique index that only the program knows are taken only where that is asked for.
#[test]
fn an_index_that_is_not_known_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sap");
    let db = Database::builder().table::<Named>().open(&path).unwrap();
    db.close().unwrap();
    let line = b"{\"table\":\"named\",\"row\":{\"id\":8}}";
    let refused = complained(&fed(&["import", text(&path)], line), 2);
    assert!(
        refused.contains("unique index `by_half`, and whether two rows have one key in it only the program can tell, because they are made by the function `half`"),
        "{refused}"
    );
    printed(&fed(&["import", "--unchecked", text(&path)], line), 0);
    let refused = complaint(&["export", text(&path), "--table", "none"], 1);
    assert!(refused.contains("no table `none`"), "{refused}");
}
