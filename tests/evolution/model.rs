//! Rows of any shape that serde's rules bring into a struct, against what they should become.
//!
//! The struct is always the same. The shape in the file is made up: its fields are those of the struct in any order, under any of their names, of narrower types, or
//! absent, and among them are others of any type. Shape and rows are written by hand, as `docs/format.md` has them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sapwood::Table;
use serde::{Deserialize, Serialize};

use super::fixture::{File, rows};
use super::hostile::{Content, Node, forge, schema};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "rows")]
struct Row {
    #[key]
    id: u16,
    #[serde(default, alias = "size", alias = "length")]
    width: u64,
    #[serde(default)]
    offset: i128,
    name: Option<String>,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    by_name: BTreeMap<String, Option<u32>>,
    #[serde(default)]
    state: State,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Part {
    #[serde(default)]
    on: bool,
    #[serde(default)]
    pair: (u32, String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum State {
    #[default]
    Idle,
    #[serde(alias = "Active")]
    Busy(u64),
    Gone {
        #[serde(default)]
        since: Option<i64>,
    },
}

/// A type and a value of it, with the bytes of both.
#[derive(Clone, Debug)]
enum Any {
    Unit,
    Bool(bool),
    Uint(u8, u64),
    Int(u8, i64),
    Text(String),
    Option(Box<Any>, bool),
    /// Elements of one type: that of the first one here, with this many of it.
    List(Box<Any>, u8),
    Map(Box<Any>, Box<Any>, bool),
    Tuple(Vec<Any>),
    Fields(Vec<(Vec<String>, Any)>),
    /// So many variants before it and behind it, its names, and what it holds.
    Variant(u8, u8, Vec<String>, Held),
}

#[derive(Clone, Debug)]
enum Held {
    Nothing,
    One(Box<Any>),
    Fields(Vec<(Vec<String>, Any)>),
}

/// A shape and a row that are being written.
#[derive(Default)]
struct Writer {
    nodes: Vec<Node>,
    bytes: Vec<u8>,
}

impl Writer {
    fn uint(&mut self, value: u64) {
        match value {
            0..=250 => self.bytes.push(value as u8),
            251..=0xFFFF => {
                self.bytes.push(251);
                self.bytes.extend((value as u16).to_le_bytes());
            }
            0x1_0000..=0xFFFF_FFFF => {
                self.bytes.push(252);
                self.bytes.extend((value as u32).to_le_bytes());
            }
            _ => {
                self.bytes.push(253);
                self.bytes.extend(value.to_le_bytes());
            }
        }
    }

    fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn names(names: &[String]) -> (String, Vec<String>) {
        (names[0].clone(), names[1..].to_vec())
    }

    fn fields(&mut self, fields: &[(Vec<String>, Any)]) -> Vec<((String, Vec<String>), u32)> {
        let fields = fields.iter();
        fields
            .map(|(names, value)| (Self::names(names), self.value(value)))
            .collect()
    }

    /// Writes the type of a value without writing the value.
    fn only_type(&mut self, value: &Any) -> u32 {
        let len = self.bytes.len();
        let node = self.value(value);
        self.bytes.truncate(len);
        node
    }

    fn value(&mut self, value: &Any) -> u32 {
        let place = self.nodes.len();
        self.nodes.push(Node::Unit);
        let node = match value {
            Any::Unit => Node::Unit,
            Any::Bool(value) => {
                self.bytes.push(u8::from(*value));
                Node::Bool
            }
            Any::Uint(1, value) => {
                self.bytes.push(*value as u8);
                Node::U8
            }
            Any::Uint(width, value) => {
                self.uint(*value);
                match width {
                    2 => Node::U16,
                    4 => Node::U32,
                    _ => Node::U64,
                }
            }
            Any::Int(1, value) => {
                self.bytes.push((*value as i8).cast_unsigned());
                Node::I8
            }
            Any::Int(width, value) => {
                self.int(*value);
                match width {
                    2 => Node::I16,
                    4 => Node::I32,
                    _ => Node::I64,
                }
            }
            Any::Text(text) => {
                self.uint(text.len() as u64);
                self.bytes.extend(text.as_bytes());
                Node::Text
            }
            Any::Option(value, some) => {
                self.bytes.push(u8::from(*some));
                Node::Option(if *some {
                    self.value(value)
                } else {
                    self.only_type(value)
                })
            }
            Any::List(value, len) => {
                self.uint((*len).into());
                let start = self.bytes.len();
                let node = self.value(value);
                let element = self.bytes.split_off(start);
                self.bytes.extend(element.repeat((*len).into()));
                Node::List(node)
            }
            Any::Map(key, value, full) => {
                self.bytes.push(u8::from(*full));
                let len = self.bytes.len();
                let (key, value) = (self.value(key), self.value(value));
                if !full {
                    self.bytes.truncate(len);
                }
                Node::Map(key, value)
            }
            Any::Tuple(values) => {
                Node::Tuple(values.iter().map(|value| self.value(value)).collect())
            }
            Any::Fields(fields) => Node::Struct("S".to_owned(), self.fields(fields)),
            Any::Variant(before, behind, names, held) => {
                self.bytes.push(*before);
                let other = |number: u8| ((format!("Other{number}"), Vec::new()), Content::Unit);
                let mut variants: Vec<_> = (0..*before).map(other).collect();
                let content = match held {
                    Held::Nothing => Content::Unit,
                    Held::One(value) => Content::One(self.value(value)),
                    Held::Fields(fields) => Content::Fields(self.fields(fields)),
                };
                variants.push((Self::names(names), content));
                variants.extend((0..*behind).map(|number| other(100 + number)));
                Node::Enum("E".to_owned(), variants)
            }
        };
        self.nodes[place] = node;
        place as u32
    }
}

fn uint(most: u64) -> impl Strategy<Value = Any> {
    prop_oneof![
        (0..=0xFFu64).prop_map(|value| Any::Uint(1, value)),
        (0..=0xFFFFu64).prop_map(|value| Any::Uint(2, value)),
        (0..=most.min(0xFFFF_FFFF)).prop_map(|value| Any::Uint(4, value)),
        (0..=most).prop_map(|value| Any::Uint(8, value)),
        (0..=0x7Fi64).prop_map(|value| Any::Int(1, value)),
    ]
}

fn int() -> impl Strategy<Value = Any> {
    prop_oneof![
        any::<i8>().prop_map(|value| Any::Int(1, value.into())),
        any::<i16>().prop_map(|value| Any::Int(2, value.into())),
        any::<i64>().prop_map(|value| Any::Int(8, value)),
        any::<u64>().prop_map(|value| Any::Uint(8, value)),
    ]
}

fn text() -> impl Strategy<Value = Any> {
    "[a-zö]{0,5}".prop_map(Any::Text)
}

/// Of any type.
fn anything() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Unit),
        any::<bool>().prop_map(Any::Bool),
        uint(u64::MAX),
        int(),
        text(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let named = proptest::collection::vec(inner.clone(), 0..3).prop_map(|values| {
            let names = (0..).map(|number| vec![format!("f{number}")]);
            names.zip(values).collect::<Vec<_>>()
        });
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            (boxed.clone(), any::<bool>()).prop_map(|(value, some)| Any::Option(value, some)),
            (boxed.clone(), 0..4u8).prop_map(|(value, len)| Any::List(value, len)),
            (boxed.clone(), boxed.clone(), any::<bool>())
                .prop_map(|(key, value, full)| Any::Map(key, value, full)),
            proptest::collection::vec(inner, 0..3).prop_map(Any::Tuple),
            named.clone().prop_map(Any::Fields),
            (0..3u8, named.prop_map(Held::Fields)).prop_map(|(before, held)| Any::Variant(
                before,
                1,
                vec!["V".into()],
                held
            )),
            (0..3u8, boxed.prop_map(Held::One)).prop_map(|(before, held)| Any::Variant(
                before,
                0,
                vec!["V".into()],
                held
            )),
        ]
    })
}

/// Sometimes in an option, which a plain field may have been.
fn perhaps_optional(value: impl Strategy<Value = Any>) -> impl Strategy<Value = Any> {
    (value, 0..3).prop_map(|(value, wrap)| match wrap {
        0 => Any::Option(Box::new(value), true),
        _ => value,
    })
}

/// A part that may lack fields, and has others.
fn part() -> impl Strategy<Value = Any> {
    let on = proptest::option::of(any::<bool>().prop_map(Any::Bool));
    let pair = (uint(0xFFFF_FFFF), text());
    let pair = proptest::option::of(pair.prop_map(|(number, text)| Any::Tuple(vec![number, text])));
    let junk = proptest::option::of(anything());
    (on, pair, junk, any::<bool>()).prop_map(|(on, pair, junk, turn)| {
        let named = [("on", on), ("junk", junk), ("pair", pair)];
        let mut fields: Vec<_> = named
            .into_iter()
            .filter_map(|(name, value)| Some((vec![name.to_owned()], value?)))
            .collect();
        if turn {
            fields.reverse();
        }
        Any::Fields(fields)
    })
}

fn state() -> impl Strategy<Value = Any> {
    let since = proptest::option::of(perhaps_optional(
        any::<i16>().prop_map(|it| Any::Int(2, it.into())),
    ));
    let held = prop_oneof![
        Just((vec!["Idle"], Held::Nothing)),
        Just((vec!["Gone"], Held::Nothing)),
        (any::<bool>(), uint(u64::MAX)).prop_map(|(alias, value)| {
            let name = if alias { "Active" } else { "Busy" };
            (vec!["Unheard", name], Held::One(Box::new(value)))
        }),
        since.prop_map(|since| {
            let fields = since.map(|value| (vec!["since".to_owned()], value));
            (vec!["Gone"], Held::Fields(fields.into_iter().collect()))
        }),
    ];
    (0..3u8, 0..3u8, held).prop_map(|(before, behind, (names, held))| {
        let names = names.into_iter().map(str::to_owned).collect();
        Any::Variant(before, behind, names, held)
    })
}

/// The fields of a row, but for its key, in any order, among others.
fn fields() -> impl Strategy<Value = Vec<(Vec<String>, Any)>> {
    fn named(
        names: &'static [&'static [&'static str]],
        value: impl Strategy<Value = Any>,
    ) -> impl Strategy<Value = Option<(Vec<String>, Any)>> {
        let names = prop::sample::select(names);
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        proptest::option::weighted(
            0.7,
            (names, value).prop_map(move |(names, value)| (owned(names), value)),
        )
    }
    let width = named(
        &[&["width"], &["size"], &["length"], &["wide", "size"]],
        perhaps_optional(uint(u64::MAX)),
    );
    let offset = named(&[&["offset"]], int());
    let name = named(&[&["name"]], perhaps_optional(text()));
    let parts = (part(), 0..3u8).prop_map(|(part, len)| Any::List(Box::new(part), len));
    let parts = named(&[&["parts"]], parts);
    let entries = (text(), uint(0xFFFF_FFFF), any::<bool>());
    let entries = entries.prop_map(|(key, value, full)| Any::Map(key.into(), value.into(), full));
    let by_name = named(&[&["by_name"]], entries);
    let state = named(&[&["state"]], state());
    let junk = named(&[&["junk"]], anything());
    let more = named(&[&["more", "other"]], anything());
    (width, offset, name, parts, by_name, state, junk, more)
        .prop_map(|(a, b, c, d, e, f, g, h)| {
            [a, b, c, d, e, f, g, h]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
        })
        .prop_shuffle()
}

/// What values become, by hand.
impl Any {
    fn bare(&self) -> Option<&Self> {
        match self {
            Self::Option(inner, true) => inner.bare(),
            Self::Option(_, false) => None,
            other => Some(other),
        }
    }

    fn number(&self) -> i128 {
        match self.bare() {
            Some(Self::Uint(_, value)) => (*value).into(),
            Some(Self::Int(_, value)) => (*value).into(),
            other => panic!("{other:?} is no number"),
        }
    }

    fn unsigned<N: TryFrom<i128>>(&self) -> N {
        let number = N::try_from(self.number());
        number.unwrap_or_else(|_| panic!("{self:?} does not fit"))
    }

    fn text(&self) -> String {
        match self.bare() {
            Some(Self::Text(text)) => text.clone(),
            other => panic!("{other:?} is no text"),
        }
    }

    fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Fields(fields) => field(fields, &[name]),
            _ => None,
        }
    }

    fn part(&self) -> Part {
        Part {
            on: matches!(self.field("on"), Some(Self::Bool(true))),
            pair: match self.field("pair") {
                Some(Self::Tuple(pair)) => (pair[0].unsigned(), pair[1].text()),
                _ => Default::default(),
            },
        }
    }

    fn state(&self) -> State {
        let Self::Variant(_, _, names, held) = self else {
            panic!("{self:?} is no state");
        };
        match (names.last().map(String::as_str), held) {
            (Some("Idle"), _) => State::Idle,
            (Some("Gone"), Held::Fields(fields)) => State::Gone {
                since: field(fields, &["since"]).map(|since| since.number() as i64),
            },
            (Some("Gone"), _) => State::Gone { since: None },
            (_, Held::One(value)) => State::Busy(value.unsigned()),
            other => panic!("{other:?} is no state"),
        }
    }
}

fn field<'a>(fields: &'a [(Vec<String>, Any)], known: &[&str]) -> Option<&'a Any> {
    let known = |names: &[String]| names.iter().any(|name| known.contains(&name.as_str()));
    fields
        .iter()
        .find(|(names, _)| known(names))
        .map(|(_, value)| value)
}

fn expected(id: u16, fields: &[(Vec<String>, Any)]) -> Row {
    let find = |names: &[&str]| field(fields, names);
    Row {
        id,
        width: find(&["width", "size", "length"]).map_or(0, Any::unsigned),
        offset: find(&["offset"]).map_or(0, Any::number),
        name: find(&["name"]).map(Any::text),
        parts: match find(&["parts"]) {
            Some(Any::List(part, len)) => vec![part.part(); (*len).into()],
            _ => Vec::new(),
        },
        by_name: match find(&["by_name"]) {
            Some(Any::Map(key, value, true)) => {
                BTreeMap::from([(key.text(), Some(value.unsigned()))])
            }
            _ => BTreeMap::new(),
        },
        state: find(&["state"]).map_or(State::Idle, Any::state),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The row is what the rules make of it, when the file is first opened and ever after.
    #[test]
    fn rows_of_any_shape(id: u16, mut fields in fields(), key_at: prop::sample::Index) {
        let expected = expected(id, &fields);
        let at = key_at.index(fields.len() + 1);
        fields.insert(at, (vec!["id".to_owned()], Any::Uint(2, id.into())));
        let mut writer = Writer::default();
        writer.value(&Any::Fields(fields));

        let file = File::empty();
        let db = file.open_with::<Row>();
        // A commit that the file's revision can be of.
        let other = Row { id: !id, width: 0, offset: 0, name: None, parts: vec![], by_name: BTreeMap::new(), state: State::Idle };
        db.write(|tx| tx.insert(other)).unwrap();
        db.write(|tx| tx.remove::<Row>(!id)).unwrap();
        db.close().unwrap();
        let key = id.to_be_bytes();
        let schema = schema(&Row::definition(), &writer.nodes);
        forge(&file, "rows", &schema, Some((&key, &writer.bytes)));
        for _ in 0..3 {
            let db = file.open_with::<Row>();
            prop_assert_eq!(&rows(&db, Row::ALL), std::slice::from_ref(&expected));
        }
    }
}
