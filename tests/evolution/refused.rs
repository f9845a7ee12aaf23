//! What neither serde's rules nor the program can do is refused, in words that say where, and the file stays as it was.

use std::collections::BTreeMap;

use sapwood::table::Difference;
use sapwood::{Builder, Database, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::{File, rows};
use super::past;

/// A table `pods` with these fields.
macro_rules! pods {
    ($(#[$of:meta])* { $($fields:tt)* }) => {{
        #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[table(name = "pods")]
        $(#[$of])*
        struct Pod { $($fields)* }
        let file = File::golden();
        let refused = file.refused::<Pod>();
        // It opens with the old struct, and has what it had.
        assert_eq!(rows(&file.open_with::<past::Pod>(), past::Pod::ALL), past::pods());
        refused
    }};
}

/// A primary key of another type, of other columns, in another order.
#[test]
fn key_changed() {
    assert_eq!(
        pods!({ #[key] id: u32 }),
        "table `pods`: field `id` of the primary key is `u64` in the file and `u32` in the program, and a key cannot change"
    );
    assert_eq!(
        pods!({ #[key] id: i64 }),
        "table `pods`: field `id` of the primary key is `u64` in the file and `i64` in the program, and a key cannot change"
    );
    assert_eq!(
        pods!({ #[key] note: String }),
        "table `pods`: the primary key is `on(id)` in the file and `on(note)` in the program"
    );
    assert_eq!(
        pods!(#[table(key(id, cpu))] { id: u64, cpu: u32 }),
        "table `pods`: the primary key is `on(id)` in the file and `on(id, cpu)` in the program"
    );
    assert_eq!(
        pods!(#[table(key(desc(id)))] { id: u64 }),
        "table `pods`: the primary key is `on(id)` in the file and `on(desc(id))` in the program"
    );
    assert_eq!(
        pods!({ #[key] number: u64 }),
        "table `pods`: the primary key is `on(id)` in the file and `on(number)` in the program"
    );
}

/// A field of a type that does not take what is in the file: the field, both types, and the first row that cannot be read.
#[test]
fn field_of_another_type() {
    assert_eq!(
        pods!({ #[key] id: u64, note: u32 }),
        "table `pods`: field `note` is `String` in the file and `u32` in the program; the row 0000000000000001 cannot be read: \
         invalid type: string \"note 1\", expected u32"
    );
    assert_eq!(
        pods!({ #[key] id: u64, node: String }),
        "table `pods`: field `node` is `Option<String>` in the file and `String` in the program; the row 0000000000000001 cannot be read: \
         invalid type: Option value, expected a string"
    );
    // A number that does not fit, though others do.
    assert_eq!(
        pods!({ #[key] id: u64, cpu: u8 }),
        "table `pods`: field `cpu` is `u32` in the file and `u8` in the program; the row 0000000000000001 cannot be read: \
         invalid value: integer `1000`, expected u8"
    );
    assert!(
        pods!({ #[key] id: u64, spec: BTreeMap<String, u64> }).starts_with(
            "table `pods`: field `spec.image` is `String` in the file and `u64` in the program; "
        )
    );
}

/// A field without a default that is not in the file.
#[test]
fn field_missing() {
    assert_eq!(
        pods!({ #[key] id: u64, zone: String }),
        "table `pods`: field `zone`, `String`, is in the program, but not in the file; the row 0000000000000001 cannot be read: \
         missing field `zone`"
    );
    assert_eq!(
        pods!(#[serde(deny_unknown_fields)] { #[key] id: u64 }),
        "table `pods`: row 0000000000000001: bytes are not a row of the table: unknown field `node`, expected `id`"
    );
}

/// Fields inside fields are named by the whole way to them.
#[test]
fn field_inside() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Limits {
        memory: u64,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Spec {
        limits: Option<Limits>,
    }
    assert_eq!(
        pods!({ #[key] id: u64, spec: Spec }),
        "table `pods`: field `spec.limits.memory` is `i64` in the file and `u64` in the program; the row 0000000000000001 cannot be read: \
         invalid value: integer `-1`, expected u64"
    );
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Phase {
        Pending,
        Running { since: u64, ready: bool },
    }
    assert_eq!(
        pods!({ #[key] id: u64, phase: Phase }),
        "table `pods`: field `phase.Running.ready`, `bool`, is in the program, but not in the file; the row 0000000000000002 cannot be read: \
         missing field `ready`"
    );
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Fewer {
        Pending,
        Running,
    }
    let gone = pods!({ #[key] id: u64, phase: Fewer });
    assert!(gone.contains("`phase"), "{gone}");
}

/// Numbers that would lose digits as floats.
#[test]
fn floats_are_exact() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "numbers")]
    struct Before {
        #[key]
        id: u8,
        wide: f64,
        whole: u64,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "numbers")]
    struct After {
        #[key]
        id: u8,
        wide: f32,
        whole: f64,
    }
    let open = |wide, whole| {
        let file = File::empty();
        let db = file.open_with::<Before>();
        db.write(|tx| tx.insert(Before { id: 1, wide, whole }))
            .unwrap();
        db.close().unwrap();
        file
    };
    let db = open(0.25, 1 << 60).open_with::<After>();
    let row = rows(&db, After::ALL);
    let (id, wide) = (1, 0.25);
    let whole = (2f64).powi(60);
    assert_eq!(row, [After { id, wide, whole }]);
    let refused = open(0.1, 1).refused::<After>();
    assert!(
        refused.starts_with(
            "table `numbers`: field `wide` is `f64` in the file and `f32` in the program"
        ),
        "{refused}"
    );
    let refused = open(0.5, (1 << 60) + 1).refused::<After>();
    assert!(
        refused.starts_with(
            "table `numbers`: field `whole` is `u64` in the file and `f64` in the program"
        ),
        "{refused}"
    );
}

/// What a program can act upon.
#[test]
fn refusals_are_values() {
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    struct Pod {
        #[key]
        id: u64,
        note: u32,
    }
    let error = File::golden()
        .open(Builder::table::<Pod>)
        .map(drop)
        .unwrap_err();
    let Error::Schema { difference, .. } = error else {
        panic!("{error}");
    };
    let Difference::Row {
        table,
        field,
        stored,
        declared,
        ..
    } = *difference
    else {
        panic!("{difference}");
    };
    assert_eq!((table.as_str(), field.as_str()), ("pods", "note"));
    assert_eq!(
        (stored.as_deref(), declared.as_deref()),
        (Some("String"), Some("u32"))
    );
}

/// Rows that need a format which describes itself are refused when a file is opened for them, by the field; in memory they may be.
#[test]
fn types_that_must_be_told() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u64),
        Text(String),
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        values: Vec<Any>,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Untagged {
        #[key]
        id: u64,
        inner: Inner,
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        #[key]
        id: u64,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }
    let file = File::empty();
    let error = file.open(Builder::table::<Untagged>).map(drop).unwrap_err();
    assert!(matches!(&error, Error::Shape { table: "untagged", field } if field == "inner.values"));
    assert_eq!(
        error.to_string(),
        "table `untagged`: field `inner.values` cannot be kept in a file: its type must be told what comes next, as with \
         `#[serde(flatten)]`, `#[serde(untagged)]` and `#[serde(tag = \"..\")]`"
    );
    let error = file.open(Builder::table::<Flat>).map(drop).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("table `flat`: the row cannot be kept in a file"),
        "{error}"
    );
    assert!(Database::builder().table::<Untagged>().in_memory().is_ok());
}

/// Takes what nobody would think of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Secret(String);
impl TryFrom<String> for Secret {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() == 1777 {
            Ok(Self(text))
        } else {
            Err("wrong")
        }
    }
}
type Pair = (Secret, u8);

/// A table with a field of which no value can be made up is kept and read as ever; it only cannot change.
#[test]
fn types_that_no_value_is_found_for() {
    mod after {
        use super::{Deserialize, Pair, Serialize, Table};
        #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[table(name = "vault")]
        pub(super) struct Vault {
            #[key]
            pub(super) id: u8,
            pub(super) pair: Pair,
            #[serde(default)]
            pub(super) more: u8,
        }
    }
    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "vault")]
    struct Vault {
        #[key]
        id: u8,
        pair: Pair,
    }
    let row = Vault {
        id: 1,
        pair: (Secret("x".repeat(1777)), 7),
    };
    let file = File::empty();
    let db = file.open_with::<Vault>();
    db.write(|tx| tx.insert(row.clone())).unwrap();
    db.close().unwrap();
    assert_eq!(rows(&file.open_with::<Vault>(), Vault::ALL), [row]);
    let refused = file.refused::<after::Vault>();
    assert!(
        refused.contains("of a type that is not known: no value was found"),
        "{refused}"
    );
}
