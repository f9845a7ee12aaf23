//! A table with every kind of index, and what the entries of its rows are in plain values.

use std::collections::BTreeSet;

use sapwood::Table;
use serde::{Deserialize, Serialize};

use super::added::{self, Added};
use super::ask::{Ask, Pick, optional, size_of, text};
use super::model::{Model, Rows};
use super::modelled::{Kind, Modelled, Part, Parts, kind, number};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "items", key(group, number))]
#[table(index(by_node_size, on[node, size]))]
#[table(index(by_owner_name, on[owner, name], unique))]
#[table(index(by_parity, with(parity) -> u8))]
#[table(index(by_word, with(words) -> String, each))]
#[table(index(by_large, on[desc(size), name], when(is_large)))]
#[table(index(by_owner_tag, on[owner, each(tags)]))]
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

/// A second table, so that a transaction spans several. Its key is an integer.
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

impl Modelled for Item {
    const KINDS: &'static [Kind] = &[
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
        kind("by_owner_tag", false),
    ];

    fn key(&self) -> Key {
        (self.group.clone(), self.number)
    }

    fn entries(&self, index: usize) -> BTreeSet<Parts> {
        let node = || Part::from(self.node.as_deref());
        let name = || Part::from(self.name.as_str());
        let one = |parts: Parts| BTreeSet::from([parts]);
        match index {
            0 => one(vec![Part::from(self.group.as_str()), number(self.number)]),
            1 => one(vec![node()]),
            2 => self.node.iter().map(|_| vec![node()]).collect(),
            3 => one(vec![self.serial.map_or(Part::None, number)]),
            4 => self
                .tags
                .iter()
                .map(|tag| vec![Part::from(tag.as_str())])
                .collect(),
            5 => self.ports.iter().map(|port| vec![number(*port)]).collect(),
            6 => one(vec![node(), number(self.size)]),
            7 => one(vec![number(self.owner), name()]),
            8 => one(vec![number(self.number % 2)]),
            9 => self
                .name
                .split('-')
                .map(|word| vec![Part::from(word)])
                .collect(),
            10 if self.size >= 100 => one(vec![Part::Number(-i64::from(self.size)), name()]),
            10 => BTreeSet::new(),
            11 => {
                let tags = self.tags.iter();
                tags.map(|tag| vec![number(self.owner), Part::from(tag.as_str())])
                    .collect()
            }
            _ => added::entries(self, index - Self::KINDS.len()),
        }
    }

    fn is_too_long(&self) -> bool {
        self.name.len() > 32 * 1024
    }

    fn ask(pick: Pick) -> Ask<Self> {
        pick.ask()
    }

    fn ask_in(model: &Model, pick: Pick) -> Ask<Self> {
        let behind = usize::from(pick.index).checked_sub(Self::KINDS.len());
        match behind {
            Some(number) if !model.added.is_empty() => {
                model.added[number % model.added.len()].ask(pick)
            }
            _ => pick.ask(),
        }
    }

    fn added(model: &Model) -> &[Added] {
        &model.added
    }

    fn rows(model: &Model) -> &Rows<Self> {
        &model.items
    }

    fn rows_mut(model: &mut Model) -> &mut Rows<Self> {
        &mut model.items
    }

    fn make(bytes: [u8; 9], long: bool) -> Self {
        let [group, number, node, serial, tags, ports, owner, name, size] = bytes;
        // Mostly one of a few, so that it is there.
        let group = text(if group < 200 { group % 3 } else { group });
        let number = u16::from(number % if number < 200 { 6 } else { 24 });
        let mut words = text(name);
        if name % 3 != 0 {
            words = format!("{words}-{group}{number}");
        }
        if long {
            words = "long".repeat(9000);
        }
        Self {
            node: optional(node),
            serial: serial.is_multiple_of(3).then_some(serial % 50),
            // With one element twice, now and then.
            tags: (0..tags % 4).map(|i| text(tags / 4 + i / 2)).collect(),
            ports: (0..ports % 3)
                .map(|i| (ports / 3).wrapping_mul(i + 1) % 60)
                .filter(|_| ports.is_multiple_of(2))
                .collect(),
            owner: owner % 4,
            name: words,
            size: size_of(size),
            group,
            number,
        }
    }

    fn take(&mut self, from: Self, which: u8) {
        match which % 4 {
            0 => self.node = from.node,
            1 => (self.serial, self.size) = (from.serial, from.size),
            2 => (self.tags, self.ports) = (from.tags, from.ports),
            _ => (self.owner, self.name) = (from.owner, from.name),
        }
    }

    fn change_key(&mut self) {
        self.number += 1;
    }

    fn neighbour(&self, place: u16) -> Self {
        let number = self.number + place * 7;
        Self {
            number,
            serial: None,
            ports: BTreeSet::new(),
            name: format!("{}-{number}", self.group),
            size: self.size + u32::from(place),
            ..self.clone()
        }
    }
}

impl Modelled for Task {
    const KINDS: &'static [Kind] = &[kind("by_id", true), kind("by_state", false)];

    fn key(&self) -> u64 {
        self.id
    }

    fn entries(&self, index: usize) -> BTreeSet<Parts> {
        BTreeSet::from([vec![match index {
            0 => Part::Number(self.id.cast_signed()),
            _ => number(self.state),
        }]])
    }

    fn ask(pick: Pick) -> Ask<Self> {
        pick.ask_tasks()
    }

    fn rows(model: &Model) -> &Rows<Self> {
        &model.tasks
    }

    fn rows_mut(model: &mut Model) -> &mut Rows<Self> {
        &mut model.tasks
    }

    fn make(bytes: [u8; 9], _: bool) -> Self {
        Self {
            id: task_id([bytes[0], bytes[1]]),
            state: bytes[2].cast_signed(),
        }
    }

    fn take(&mut self, from: Self, _: u8) {
        self.state = from.state;
    }

    fn change_key(&mut self) {
        self.id += 1;
    }

    fn neighbour(&self, place: u16) -> Self {
        Self {
            id: self.id + u64::from(place),
            state: self.state.wrapping_add(place as i8),
        }
    }
}

/// Few, and of all lengths.
pub(crate) fn task_id([number, shift]: [u8; 2]) -> u64 {
    u64::from(number % 20) << (shift % 48)
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
