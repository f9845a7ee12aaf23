//! Indexes of the items that can be added while a database runs: one of each kind that a description can be.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use sapwood::{Error, Index, NewIndex, Table, WriteTxn};

use super::ask::{
    Ask, Pick, Wanted, bound, one_column, optional, ranged, size_of, text, two_columns,
};
use super::item::Item;
use super::model::{Model, Reads};
use super::modelled::{Kind, Modelled, Part, Parts, kind, number};

/// Those that can be added. Questions have their numbers behind those that are declared.
pub(crate) const ADDED: &[Kind] = &[
    kind("by_size", false),
    kind("by_tag_number", false),
    kind("by_set_serial", false),
    kind("by_large_node", true),
    kind("by_word_of_few", true),
    kind("by_owner_size", false),
    kind("by_node_of_few", true),
];

/// A handle, by the type of its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {
    Size(Index<Item, u32>),
    TagNumber(Index<Item, (String, u16)>),
    Serial(Index<Item, u8>),
    Text(Index<Item, String>),
    OwnerSize(Index<Item, (u8, Reverse<u32>)>),
    Node(Index<Item, Option<String>>),
}

/// An index that is there. Its number tells it from all others that ever were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) number: usize,
    /// Its place in [`ADDED`].
    pub(crate) which: usize,
    pub(crate) handle: Handle,
}

impl PartialEq for Added {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

fn is_large(item: &Item) -> bool {
    item.owner == 1 && item.size >= 100
}

fn tags(item: &Item) -> Vec<(String, u16)> {
    let tags = item.tags.iter();
    tags.map(|tag| (tag.clone(), item.number)).collect()
}

fn words(item: &Item) -> Vec<String> {
    item.name.split('-').map(str::to_owned).collect()
}

/// The keys of a row, each once.
pub(crate) fn entries(item: &Item, which: usize) -> BTreeSet<Parts> {
    let one = |parts: Parts| BTreeSet::from([parts]);
    let node = item.node.as_deref();
    match which {
        0 => one(vec![number(item.size)]),
        1 => tags(item).into_iter().map(tag_number).collect(),
        2 => item
            .serial
            .iter()
            .map(|serial| vec![number(*serial)])
            .collect(),
        3 if is_large(item) => node.iter().map(|node| vec![Part::from(*node)]).collect(),
        4 if item.number % 8 == 5 => words(item).into_iter().map(whole).collect(),
        5 => one(vec![number(item.owner), number(-i64::from(item.size))]),
        6 if item.number % 8 == 3 => one(vec![Part::from(node)]),
        _ => BTreeSet::new(),
    }
}

impl Handle {
    fn add(which: usize, tx: &mut WriteTxn) -> Result<Self, Error> {
        let name = ADDED[which].name;
        Ok(match which {
            0 => Self::Size(tx.add_index(NewIndex::new(name, |item: &Item| item.size))?),
            1 => Self::TagNumber(tx.add_index(NewIndex::each(name, tags))?),
            2 => Self::Serial(tx.add_index(NewIndex::sparse(name, |item: &Item| item.serial))?),
            3 => {
                let node = NewIndex::sparse(name, |item: &Item| item.node.clone()).unique();
                let node = node.when(|item| item.owner == 1);
                Self::Text(tx.add_index(node.when(|item| item.size >= 100))?)
            }
            4 => {
                let words = NewIndex::each(name, words).unique();
                Self::Text(tx.add_index(words.when(|item| item.number % 8 == 5))?)
            }
            5 => {
                let pair = |item: &Item| (item.owner, Reverse(item.size));
                Self::OwnerSize(tx.add_index(NewIndex::new(name, pair))?)
            }
            _ => {
                let node = NewIndex::new(name, |item: &Item| item.node.clone()).unique();
                Self::Node(tx.add_index(node.when(|item| item.number % 8 == 3))?)
            }
        })
    }

    fn drop(self, tx: &mut WriteTxn) -> Result<(), Error> {
        match self {
            Self::Size(index) => tx.drop_index(index),
            Self::TagNumber(index) => tx.drop_index(index),
            Self::Serial(index) => tx.drop_index(index),
            Self::Text(index) => tx.drop_index(index),
            Self::OwnerSize(index) => tx.drop_index(index),
            Self::Node(index) => tx.drop_index(index),
        }
    }
}

impl Added {
    /// The number of its kind, behind those that are declared.
    pub(crate) fn index(&self) -> usize {
        Item::KINDS.len() + self.which
    }

    pub(crate) fn ask(&self, pick: Pick) -> Ask<Item> {
        let (query, wanted) = match self.handle {
            Handle::Size(index) => {
                one_column!(pick, index, size_of, |size: u32| vec![number(size)])
            }
            Handle::TagNumber(index) => two_columns!(
                pick,
                index,
                |[tag, number]: [u8; 2]| (text(tag), u16::from(number % 24)),
                whole,
                tag_number
            ),
            Handle::Serial(index) => {
                one_column!(pick, index, |pick| pick % 50, |serial: u8| vec![number(
                    serial
                )])
            }
            Handle::Text(index) => pick.one_text(index),
            Handle::OwnerSize(index) => two_columns!(
                pick,
                index,
                |[owner, size]: [u8; 2]| (owner % 4, Reverse(size_of(size))),
                |owner: u8| vec![number(owner)],
                |(owner, size): (u8, Reverse<u32>)| vec![number(owner), number(-i64::from(size.0))]
            ),
            Handle::Node(index) => one_column!(pick, index, optional, |node: Option<String>| vec![
                Part::from(node.as_deref())
            ]),
        };
        Ask {
            query,
            index: self.index(),
            added: Some(self.number),
            wanted,
        }
    }
}

fn whole(text: String) -> Parts {
    vec![Part::Text(text)]
}

fn tag_number((tag, of): (String, u16)) -> Parts {
    vec![Part::Text(tag), number(of)]
}

/// Adds one to both. It is refused if it is there, or unique where the rows are not.
pub(crate) fn add(tx: &mut WriteTxn, model: &mut Model, pick: u8) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let which = usize::from(pick) % ADDED.len();
    let Kind { name, unique } = ADDED[which];
    let result = Handle::add(which, tx);
    if model.added.iter().any(|added| added.which == which) {
        assert!(
            matches!(&result, Err(Error::IndexExists { table, index }) if *table == Item::NAME && index == name),
            "{result:?}"
        );
        return;
    }
    let all = model.entries::<Item>(Item::KINDS.len() + which, |key| !key.contains(&Part::None));
    let twice = all.windows(2).filter(|two| two[0].0 == two[1].0);
    let twice: Vec<_> = twice
        .map(|two| [two[0].1, two[1].1].map(Item::words))
        .collect();
    if unique && !twice.is_empty() {
        let Err(Error::Duplicate {
            table,
            index,
            existing,
            refused,
            ..
        }) = result
        else {
            panic!("{result:?}, but {twice:?}");
        };
        assert_eq!((table, &*index), (Item::NAME, name));
        let same = |row: &str, words: &String| row == words;
        assert!(
            all.iter().any(|a| same(&existing, &Item::words(a.1))
                && all
                    .iter()
                    .any(|b| a.0 == b.0 && a.1 != b.1 && same(&refused, &Item::words(b.1)))),
            "{existing} and {refused} have no key in common"
        );
        return;
    }
    model.added.push(Added {
        number: NEXT.fetch_add(1, Ordering::Relaxed),
        which,
        handle: result.unwrap(),
    });
}

/// Drops one from both, if there is one. A second time it is not there.
pub(crate) fn drop_one(tx: &mut WriteTxn, model: &mut Model, pick: u8) {
    if model.added.is_empty() {
        return;
    }
    let added = model.added.remove(usize::from(pick) % model.added.len());
    added.handle.drop(tx).unwrap();
    for result in [
        added.handle.drop(tx),
        tx.remove_all(added.ask(Pick::all(0)).query).map(drop),
    ] {
        assert!(
            matches!(result, Err(Error::UnknownIndex { .. })),
            "{result:?}"
        );
    }
}

/// Exactly those of the model are found by their names, with the right type of keys.
pub(crate) fn check(model: &Model, reads: &impl Reads) {
    for (which, Kind { name, .. }) in ADDED.iter().enumerate() {
        let found = [
            reads.has_added::<u32>(name),
            reads.has_added::<(String, u16)>(name),
            reads.has_added::<u8>(name),
            reads.has_added::<String>(name),
            reads.has_added::<(u8, Reverse<u32>)>(name),
            reads.has_added::<Option<String>>(name),
        ];
        let mut expected = [false; 6];
        expected[[0, 1, 2, 3, 3, 4, 5][which]] =
            model.added.iter().any(|added| added.which == which);
        assert_eq!(found, expected, "{name}");
    }
}
