//! A table with every kind of index, and what the entries of its rows are in plain values.

use std::collections::BTreeSet;

use sapwood::Table;
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "items", key(group, number))]
#[table(index(by_node_size, on[node, size]))]
#[table(index(by_owner_name, on[owner, name], unique))]
#[table(index(by_parity, with(parity) -> u8))]
#[table(index(by_word, with(words) -> String, each))]
#[table(index(by_large, on[desc(size), name], when(is_large)))]
pub(crate) struct Item {
    pub(crate) group: String,
    pub(crate) number: u16,
    #[index]
    #[index(name = by_known_node, sparse)]
    pub(crate) node: Option<String>,
    #[index(unique)]
    pub(crate) serial: Option<u8>,
    #[index(each)]
    pub(crate) tags: Vec<String>,
    #[index(each, unique)]
    pub(crate) ports: BTreeSet<u8>,
    pub(crate) owner: u8,
    pub(crate) name: String,
    pub(crate) size: u32,
}

/// A second table, so that a transaction spans two. Its key is an integer.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "tasks")]
pub(crate) struct Task {
    #[key]
    pub(crate) id: u64,
    #[index]
    pub(crate) state: i8,
}

fn parity(item: &Item) -> u8 {
    (item.number % 2) as u8
}

fn words(item: &Item) -> impl Iterator<Item = &str> {
    item.name.split('-')
}

fn is_large(item: &Item) -> bool {
    item.size >= 100
}

pub(crate) type Key = (String, u16);

impl Item {
    pub(crate) fn key(&self) -> Key {
        (self.group.clone(), self.number)
    }
}

/// One column of a key, in its order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    None,
    Number(i64),
    Text(String),
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Option<&str>> for Part {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::None, Self::from)
    }
}

/// A key of an index: its columns.
pub(crate) type Parts = Vec<Part>;

/// An index, as the model knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) unique: bool,
}

/// The indexes, by the numbers that questions have for them.
pub(crate) const KINDS: [Kind; 11] = [
    kind("by_group_number", true),
    kind("by_node", false),
    kind("by_known_node", false),
    kind("by_serial", true),
    kind("by_tags", false),
    kind("by_ports", true),
    kind("by_node_size", false),
    kind("by_owner_name", true),
    kind("by_parity", false),
    kind("by_word", false),
    kind("by_large", false),
];

const fn kind(name: &'static str, unique: bool) -> Kind {
    Kind { name, unique }
}

/// The keys of a row in an index, each once.
pub(crate) fn entries(item: &Item, index: usize) -> BTreeSet<Parts> {
    let number = |number: u32| Part::Number(i64::from(number));
    let node = || Part::from(item.node.as_deref());
    let name = || Part::from(item.name.as_str());
    let one = |parts: Parts| BTreeSet::from([parts]);
    match index {
        0 => one(vec![
            Part::from(item.group.as_str()),
            number(item.number.into()),
        ]),
        1 => one(vec![node()]),
        2 => item.node.iter().map(|_| vec![node()]).collect(),
        3 => one(vec![
            item.serial
                .map_or(Part::None, |serial| number(serial.into())),
        ]),
        4 => item
            .tags
            .iter()
            .map(|tag| vec![Part::from(tag.as_str())])
            .collect(),
        5 => item
            .ports
            .iter()
            .map(|port| vec![number((*port).into())])
            .collect(),
        6 => one(vec![node(), number(item.size)]),
        7 => one(vec![number(item.owner.into()), name()]),
        8 => one(vec![number((item.number % 2).into())]),
        9 => item
            .name
            .split('-')
            .map(|word| vec![Part::from(word)])
            .collect(),
        10 if item.size >= 100 => one(vec![Part::Number(-i64::from(item.size)), name()]),
        10 => BTreeSet::new(),
        _ => unreachable!("there are as many as KINDS"),
    }
}

/// A row with nothing special in it.
pub(crate) fn plain(group: &str, number: u16) -> Item {
    Item {
        group: group.to_owned(),
        number,
        node: None,
        serial: None,
        tags: Vec::new(),
        ports: BTreeSet::new(),
        owner: 0,
        name: format!("{group}-{number}"),
        size: 0,
    }
}
