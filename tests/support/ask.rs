//! Questions: a query, and the same in plain values.

use std::cmp::Reverse;
use std::ops::Bound;

use proptest::prelude::*;
use sapwood::Query;

use super::item::{Item, KINDS, Part, Parts};

/// Texts that are prefixes and neighbours of each other, and have the bytes that keys escape.
pub(crate) const TEXTS: [&str; 12] = [
    "", "a", "ab", "abc", "b", "a\0", "a\0\u{1}", "n1", "n10", "é", "a-b", "ab-a-c",
];

/// A longer one of them, too: it does not fit into the head of any node.
pub(crate) fn text(pick: u8) -> String {
    let text = TEXTS[usize::from(pick) % TEXTS.len()];
    if pick >= 230 {
        format!("{}{text}", "long-".repeat(60))
    } else {
        text.to_owned()
    }
}

pub(crate) fn optional(pick: u8) -> Option<String> {
    (!pick.is_multiple_of(5)).then(|| text(pick))
}

/// Which question: numbers, so that it shrinks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) index: u8,
    shape: u8,
    low: [u8; 2],
    high: [u8; 2],
}

pub(crate) fn pick() -> impl Strategy<Value = Pick> {
    let columns = || any::<[u8; 2]>();
    (
        0..KINDS.len() as u8,
        any::<u8>(),
        columns(),
        columns(),
        any::<bool>(),
    )
        .prop_map(|(index, shape, low, high, same)| Pick {
            index,
            shape,
            low,
            // Ranges that begin and end in one first column are rare otherwise.
            high: if same { [low[0], high[1]] } else { high },
        })
}

/// A query and what it should find.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) query: Query<Item>,
    pub(crate) index: usize,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    All,
    Prefix(Parts),
    /// Whole columns, then the beginning of a text.
    StartsWith(Parts, String),
    Range(Bound<Parts>, Bound<Parts>),
}

impl Ask {
    /// Every entry of an index.
    pub(crate) fn all(index: usize) -> Self {
        Pick {
            index: index as u8,
            shape: 0,
            low: [0; 2],
            high: [0; 2],
        }
        .ask()
    }

    /// Whether an entry with this key belongs to the answer. A shorter end stands for all keys that begin with it.
    pub(crate) fn finds(&self, key: &[Part]) -> bool {
        let cut = |end: &Parts| key[..end.len()].to_vec();
        match &self.wanted {
            Wanted::All => true,
            Wanted::Prefix(columns) => cut(columns) == *columns,
            Wanted::StartsWith(columns, beginning) => {
                cut(columns) == *columns
                    && matches!(&key[columns.len()], Part::Text(text) if text.starts_with(beginning))
            }
            Wanted::Range(low, high) => {
                (match low {
                    Bound::Included(low) => cut(low) >= *low,
                    Bound::Excluded(low) => cut(low) > *low,
                    Bound::Unbounded => true,
                }) && (match high {
                    Bound::Included(high) => cut(high) <= *high,
                    Bound::Excluded(high) => cut(high) < *high,
                    Bound::Unbounded => true,
                })
            }
        }
    }
}

fn bound<T>(kind: u8, end: T) -> Bound<T> {
    match kind % 3 {
        0 => Bound::Included(end),
        1 => Bound::Excluded(end),
        _ => Bound::Unbounded,
    }
}

/// Turns the typed ends of a range into the query and its plain form.
macro_rules! ranged {
    ($index:path, $low:expr, $high:expr, $shape:expr, $parts:expr) => {{
        let (low, high) = (
            bound($shape / 8, $low.clone()),
            bound($shape / 32, $high.clone()),
        );
        let plain = Wanted::Range(low.clone().map($parts), high.clone().map($parts));
        ($index.range((low, high)), plain)
    }};
}

impl Pick {
    /// The same question on another index.
    pub(crate) fn on(self, index: usize) -> Self {
        Self {
            index: index as u8,
            ..self
        }
    }

    pub(crate) fn ask(self) -> Ask {
        let index = usize::from(self.index) % KINDS.len();
        let (query, wanted) = match index {
            0 => self.group_number(),
            1 => self.node(),
            2 => self.one_text(Item::BY_KNOWN_NODE),
            3 => self.serial(),
            4 => self.one_text(Item::BY_TAGS),
            5 => self.one_number(Item::BY_PORTS, 60),
            6 => self.node_size(),
            7 => self.owner_name(),
            8 => self.one_number(Item::BY_PARITY, 3),
            9 => self.one_text(Item::BY_WORD),
            _ => self.large(),
        };
        Ask {
            query,
            index,
            wanted,
        }
    }

    fn one_text(self, index: sapwood::Index<Item, String>) -> (Query<Item>, Wanted) {
        let (low, high) = (text(self.low[0]), text(self.high[0]));
        let parts = |text: String| vec![Part::Text(text)];
        match self.shape % 4 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => (
                index.starts_with(low.as_str()),
                Wanted::StartsWith(vec![], low),
            ),
            _ => ranged!(index, low, high, self.shape, parts),
        }
    }

    fn one_number(self, index: sapwood::Index<Item, u8>, below: u8) -> (Query<Item>, Wanted) {
        let (low, high) = (self.low[0] % below, self.high[0] % below);
        let parts = |number: u8| vec![Part::Number(number.into())];
        match self.shape % 3 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(low), Wanted::Prefix(parts(low))),
            _ => ranged!(index, low, high, self.shape, parts),
        }
    }

    fn node(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_NODE;
        let (low, high) = (optional(self.low[0]), optional(self.high[0]));
        let parts = |node: Option<String>| vec![Part::from(node.as_deref())];
        match self.shape % 4 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => {
                let beginning = text(self.low[0]);
                (
                    index.starts_with(beginning.as_str()),
                    Wanted::StartsWith(vec![], beginning),
                )
            }
            _ => ranged!(index, low, high, self.shape, parts),
        }
    }

    fn serial(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_SERIAL;
        let serial = |pick: u8| (!pick.is_multiple_of(4)).then_some(pick % 50);
        let (low, high) = (serial(self.low[0]), serial(self.high[0]));
        let parts = |serial: Option<u8>| {
            vec![serial.map_or(Part::None, |serial| Part::Number(serial.into()))]
        };
        match self.shape % 3 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(low), Wanted::Prefix(parts(low))),
            _ => ranged!(index, low, high, self.shape, parts),
        }
    }

    fn group_number(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_GROUP_NUMBER;
        let ends = [self.low, self.high].map(|[group, number]| (text(group), u16::from(number)));
        let [low, high] = ends;
        let parts =
            |(group, number): (String, u16)| vec![Part::Text(group), Part::Number(number.into())];
        match self.shape % 6 {
            0 => (Item::ALL, Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => (
                index.prefix(low.0.as_str()),
                Wanted::Prefix(vec![Part::Text(low.0)]),
            ),
            3 => (
                index.starts_with(low.0.as_str()),
                Wanted::StartsWith(vec![], low.0),
            ),
            4 => ranged!(index, low, high, self.shape, parts),
            _ => ranged!(index, low.0, high.0, self.shape, |group: String| vec![
                Part::Text(group)
            ]),
        }
    }

    fn node_size(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_NODE_SIZE;
        let [low, high] = [self.low, self.high].map(|[node, size]| (optional(node), size_of(size)));
        let parts = |(node, size): (Option<String>, u32)| {
            vec![Part::from(node.as_deref()), Part::Number(size.into())]
        };
        match self.shape % 6 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => (
                index.prefix(&low.0),
                Wanted::Prefix(vec![Part::from(low.0.as_deref())]),
            ),
            3 => {
                let beginning = text(self.low[0]);
                (
                    index.starts_with(beginning.as_str()),
                    Wanted::StartsWith(vec![], beginning),
                )
            }
            4 => ranged!(index, low, high, self.shape, parts),
            _ => ranged!(
                index,
                low.0,
                high.0,
                self.shape,
                |node: Option<String>| vec![Part::from(node.as_deref())]
            ),
        }
    }

    fn owner_name(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_OWNER_NAME;
        let [low, high] = [self.low, self.high].map(|[owner, name]| (owner % 4, text(name)));
        let parts =
            |(owner, name): (u8, String)| vec![Part::Number(owner.into()), Part::Text(name)];
        match self.shape % 6 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => (
                index.prefix(low.0),
                Wanted::Prefix(vec![Part::Number(low.0.into())]),
            ),
            3 => (
                index.starts_with((low.0, low.1.as_str())),
                Wanted::StartsWith(vec![Part::Number(low.0.into())], low.1),
            ),
            4 => ranged!(index, low, high, self.shape, parts),
            _ => ranged!(index, low.0, high.0, self.shape, |owner: u8| vec![
                Part::Number(owner.into())
            ]),
        }
    }

    fn large(self) -> (Query<Item>, Wanted) {
        let index = Item::BY_LARGE;
        let [low, high] =
            [self.low, self.high].map(|[size, name]| (Reverse(size_of(size)), text(name)));
        let size = |size: Reverse<u32>| Part::Number(-i64::from(size.0));
        let parts =
            |(reversed, name): (Reverse<u32>, String)| vec![size(reversed), Part::Text(name)];
        match self.shape % 6 {
            0 => (index.all(), Wanted::All),
            1 => (index.eq(&low), Wanted::Prefix(parts(low))),
            2 => (index.prefix(low.0), Wanted::Prefix(vec![size(low.0)])),
            3 => (
                index.starts_with((low.0, low.1.as_str())),
                Wanted::StartsWith(vec![size(low.0)], low.1),
            ),
            4 => ranged!(index, low, high, self.shape, parts),
            _ => ranged!(index, low.0, high.0, self.shape, |reversed| vec![size(
                reversed
            )]),
        }
    }
}

/// Sizes on both sides of the partial index, and of a byte.
pub(crate) fn size_of(pick: u8) -> u32 {
    u32::from(pick % 8) * 40 + u32::from(pick / 128) * 70_000
}
