//! Questions: a query, and the same in plain values.

use std::cmp::Reverse;
use std::ops::Bound;

use proptest::prelude::*;
use sapwood::Query;

use super::added::ADDED;
use super::item::{Item, Task, task_id};
use super::model::Model;
use super::modelled::{Modelled, Part, Parts};

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
    pub(crate) shape: u8,
    pub(crate) low: [u8; 2],
    pub(crate) high: [u8; 2],
}

pub(crate) fn pick() -> impl Strategy<Value = Pick> {
    let columns = || any::<[u8; 2]>();
    (
        0..(Item::KINDS.len() + ADDED.len()) as u8,
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
pub(crate) struct Ask<T = Item> {
    pub(crate) query: Query<T>,
    pub(crate) index: usize,
    /// The number of the index, if it was added.
    pub(crate) added: Option<usize>,
    pub(crate) wanted: Wanted,
}

#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    All,
    Prefix(Parts),
    /// Whole columns, then the beginning of a text.
    StartsWith(Parts, String),
    Range(Bound<Parts>, Bound<Parts>),
}

impl<T: Modelled> Ask<T> {
    /// Every entry of an index.
    pub(crate) fn all(index: usize) -> Self {
        T::ask(Pick::all(index))
    }

    /// Whether a state has the index.
    pub(crate) fn is_in(&self, model: &Model) -> bool {
        let mut added = model.added.iter();
        self.added
            .is_none_or(|number| added.any(|added| added.number == number))
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

pub(crate) fn bound<T>(kind: u8, end: T) -> Bound<T> {
    match kind % 3 {
        0 => Bound::Included(end),
        1 => Bound::Excluded(end),
        _ => Bound::Unbounded,
    }
}

/// Turns the typed ends of a range into the query and its plain form.
macro_rules! ranged {
    ($index:expr, $low:expr, $high:expr, $shape:expr, $parts:expr) => {{
        let (low, high) = (
            bound($shape / 8, $low.clone()),
            bound($shape / 32, $high.clone()),
        );
        let plain = Wanted::Range(low.clone().map($parts), high.clone().map($parts));
        ($index.range((low, high)), plain)
    }};
}

/// A query of an index with one column, from what makes its key of a byte.
macro_rules! one_column {
    ($pick:expr, $index:expr, $key:expr, $parts:expr) => {{
        let [low, high] = [$pick.low[0], $pick.high[0]].map($key);
        match $pick.shape % 3 {
            0 => ($index.all(), Wanted::All),
            1 => ($index.eq(&low), Wanted::Prefix($parts(low))),
            _ => ranged!($index, low, high, $pick.shape, $parts),
        }
    }};
}

/// A query of an index with two columns, from what makes its key of two bytes.
macro_rules! two_columns {
    ($pick:expr, $index:expr, $key:expr, $first:expr, $parts:expr) => {{
        let [low, high] = [$pick.low, $pick.high].map($key);
        match $pick.shape % 5 {
            0 => ($index.all(), Wanted::All),
            1 => ($index.eq(&low), Wanted::Prefix($parts(low))),
            2 => ($index.prefix(&low.0), Wanted::Prefix($first(low.0))),
            3 => ranged!($index, low, high, $pick.shape, $parts),
            _ => ranged!($index, low.0, high.0, $pick.shape, $first),
        }
    }};
}

pub(crate) use {one_column, ranged, two_columns};

impl Pick {
    /// Every entry of an index.
    pub(crate) fn all(index: usize) -> Self {
        Self {
            index: index as u8,
            shape: 0,
            low: [0; 2],
            high: [0; 2],
        }
    }

    /// The same question on another index.
    pub(crate) fn on(self, index: usize) -> Self {
        Self {
            index: index as u8,
            ..self
        }
    }

    pub(crate) fn ask(self) -> Ask {
        let index = usize::from(self.index) % Item::KINDS.len();
        let (query, wanted) = match index {
            0 => self.group_number(),
            1 => self.node(),
            2 => self.one_text(Item::BY_KNOWN_NODE),
            3 => self.serial(),
            4 => self.one_text(Item::BY_TAGS),
            5 => self.one_number(Item::BY_PORTS, 60),
            6 => self.node_size(),
            7 => self.owner_text(Item::BY_OWNER_NAME),
            8 => self.one_number(Item::BY_PARITY, 3),
            9 => self.one_text(Item::BY_WORD),
            10 => self.large(),
            _ => self.owner_text(Item::BY_OWNER_TAG),
        };
        Ask {
            query,
            index,
            added: None,
            wanted,
        }
    }

    pub(crate) fn ask_tasks(self) -> Ask<Task> {
        let index = usize::from(self.index) % Task::KINDS.len();
        let id = |id: u64| vec![Part::Number(id.cast_signed())];
        let state = |state: i8| vec![Part::Number(state.into())];
        let (query, wanted) = if index == 1 {
            one_column!(self, Task::BY_STATE, u8::cast_signed, state)
        } else {
            let [low, high] = [self.low, self.high].map(task_id);
            match self.shape % 3 {
                0 => (Task::ALL, Wanted::All),
                1 => (Task::BY_ID.eq(low), Wanted::Prefix(id(low))),
                _ => ranged!(Task::BY_ID, low, high, self.shape, id),
            }
        };
        Ask {
            query,
            index,
            added: None,
            wanted,
        }
    }

    pub(crate) fn one_text<T>(self, index: sapwood::Index<T, String>) -> (Query<T>, Wanted) {
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

    fn owner_text(self, index: sapwood::Index<Item, (u8, String)>) -> (Query<Item>, Wanted) {
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
