//! What has been found out about a type so far.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

use super::probes::Kind;
use super::{Content, Field, Names, Node, Place, Shape, Variant};

/// The number of an entry.
pub(super) type Id = usize;

/// A place in an entry where a value of another type stands: an element, a field, a variant's content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) entry: Id,
    pub(super) slot: usize,
}

/// The entry whose only slot is the row.
pub(super) const ROOT: At = At { entry: 0, slot: 0 };

/// By what a type is known again: serde's visitors have the types that they make in their names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) tag: Tag,
    pub(super) visitor: &'static str,
    pub(super) name: &'static str,
    pub(super) names: &'static [&'static str],
    /// Of a variant's content: the enum, and the number of the variant.
    pub(super) variant: Option<(Id, usize)>,
}

/// What kind of type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tag {
    Row,
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    /// It wants to be told what comes next.
    Any,
    Option,
    List,
    Map,
    Tuple,
    Struct,
    Enum,
    /// The content of a variant that holds one value.
    One,
}

/// One type.
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) slots: Vec<Slot>,
    /// The names of fields or variants, with the slot of each once it is known. Several names of one slot are aliases.
    pub(super) names: Vec<(&'static str, Option<usize>)>,
    /// Of each slot with a name: what tells it from the others, and its own name among the aliases.
    pub(super) marks: Vec<(u64, Option<&'static str>)>,
    /// Of an enum: whether all variants are found.
    pub(super) settled: bool,
    /// Of a struct: whether its fields come by place, for it does not ask for names.
    pub(super) by_place: bool,
}

/// What stands at one place.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) entry: Option<Id>,
    /// The number of the value that is tried there.
    pub(super) tries: usize,
    /// No value was found that the type takes.
    pub(super) empty: bool,
    /// Nothing more is to be found out here.
    pub(super) given_up: bool,
}

#[derive(Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Entry>,
    keys: HashMap<Key, Id>,
    /// The types that are being read, from the outside in, and whether each is only filled with anything that it takes.
    pub(super) stack: Vec<(Id, bool)>,
    /// How often something was noted.
    pub(super) notes: usize,
}

impl Entry {
    /// A field of which it is not known which of its names is its own, and its first name.
    pub(super) fn unnamed(&self) -> Option<(usize, &'static str)> {
        if self.key.tag != Tag::Struct {
            return None;
        }
        let marks = self.marks.iter().enumerate();
        let mut unnamed =
            marks.filter(|(slot, (_, own))| own.is_none() && !self.slots[*slot].empty);
        unnamed.find_map(|(slot, _)| {
            let mut names = self.names.iter().filter(|(_, of)| *of == Some(slot));
            let first = names.next()?.0;
            names.next().map(|_| (slot, first))
        })
    }

    /// A name of a slot.
    pub(super) fn name_of(&self, slot: usize) -> Option<&'static str> {
        let mut names = self.names.iter();
        let own = self.marks.get(slot).and_then(|(_, own)| *own);
        own.or_else(|| {
            names
                .find(|(_, of)| *of == Some(slot))
                .map(|(name, _)| *name)
        })
    }
}

impl Tag {
    fn probes(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::I8
            | Self::I16
            | Self::I32
            | Self::I64
            | Self::I128
            | Self::U8
            | Self::U16
            | Self::U32
            | Self::U64
            | Self::U128 => Kind::Integer,
            Self::F32 | Self::F64 => Kind::Float,
            Self::Char => Kind::Char,
            Self::Text => Kind::Text,
            Self::Bytes => Kind::Bytes,
            Self::List | Self::Map => Kind::Length,
            _ => Kind::One,
        }
    }

    /// The key of a type that is the same whoever reads it.
    pub(super) fn alone(self) -> Key {
        Key {
            tag: self,
            visitor: "",
            name: "",
            names: &[],
            variant: None,
        }
    }
}

impl Book {
    pub(super) fn new() -> Self {
        let mut book = Self::default();
        book.entry(Tag::Row.alone(), 1);
        book
    }

    /// The entry of a type, made with so many slots if it is new.
    pub(super) fn entry(&mut self, key: Key, slots: usize) -> Id {
        let id = self.entries.len();
        match self.keys.entry(key) {
            MapEntry::Occupied(known) => *known.get(),
            MapEntry::Vacant(new) => {
                let key = new.key().clone();
                self.entries.push(Entry {
                    names: key.names.iter().map(|&name| (name, None)).collect(),
                    key,
                    slots: (0..slots).map(|_| Slot::default()).collect(),
                    marks: Vec::new(),
                    settled: false,
                    by_place: false,
                });
                self.notes += 1;
                *new.insert(id)
            }
        }
    }

    pub(super) fn at(&mut self, at: At) -> &mut Slot {
        &mut self.entries[at.entry].slots[at.slot]
    }

    /// Notes what stands at a place. One type per place: what asks for another one each time cannot be told.
    pub(super) fn learn(&mut self, at: At, entry: Id) {
        let slot = self.at(at);
        match slot.entry {
            None => slot.entry = Some(entry),
            Some(known) if known != entry && !slot.given_up => {
                slot.entry = None;
                slot.given_up = true;
            }
            Some(_) => return,
        }
        self.notes += 1;
    }

    /// The value that was tried at a place was refused.
    pub(super) fn refused(&mut self, at: At) {
        let kind = self.at(at).entry.map(|entry| self.entries[entry].key.tag);
        let slot = self.at(at);
        slot.tries += 1;
        slot.empty |= kind.is_none_or(|kind| slot.tries >= kind.probes().tries());
        self.notes += 1;
    }

    pub(super) fn give_up(&mut self, at: At) {
        self.at(at).given_up = true;
        self.notes += 1;
    }

    /// Whether there is more to be found out about an entry, without going through those that are being read.
    pub(super) fn is_open(&self, entry: Id) -> bool {
        self.first_open(entry).is_some()
    }

    /// The first place below an entry that is not known.
    pub(super) fn first_open(&self, entry: Id) -> Option<At> {
        let mut seen: Vec<Id> = self.stack.iter().map(|(id, _)| *id).collect();
        let mut rest = vec![entry];
        while let Some(id) = rest.pop() {
            let entry = &self.entries[id];
            let tag = entry.key.tag;
            let unplaced = entry.names.iter().any(|(_, slot)| slot.is_none());
            if unplaced || tag == Tag::Enum && !entry.settled || entry.unnamed().is_some() {
                return Some(At { entry: id, slot: 0 });
            }
            for (slot, place) in entry.slots.iter().enumerate() {
                match place.entry {
                    _ if place.given_up => {}
                    None => return Some(At { entry: id, slot }),
                    Some(below) if !seen.contains(&below) => {
                        seen.push(below);
                        rest.push(below);
                    }
                    Some(_) => {}
                }
            }
        }
        None
    }

    /// Whether a slot is not known, or something below it.
    pub(super) fn is_slot_open(&self, at: At) -> bool {
        let slot = &self.entries[at.entry].slots[at.slot];
        match slot.entry {
            _ if slot.given_up => false,
            None => true,
            Some(entry) => !self.stack.iter().any(|(id, _)| *id == entry) && self.is_open(entry),
        }
    }

    /// Stops asking at a place where nothing comes any more.
    pub(super) fn leave(&mut self, at: At) {
        self.notes += 1;
        let entry = &mut self.entries[at.entry];
        match entry.slots.get_mut(at.slot) {
            Some(slot) if slot.entry.is_none() && !slot.given_up => slot.given_up = true,
            _ => {
                entry.settled = true;
                entry.names.retain(|(_, slot)| slot.is_some());
                while let Some((slot, name)) = entry.unnamed() {
                    entry.marks[slot].1 = Some(name);
                }
            }
        }
    }

    /// Notes that `name` leads to what `mark` stands for, which may have other names. Gives its slot.
    pub(super) fn name(&mut self, entry: Id, name: &'static str, mark: u64) -> usize {
        let entry = &mut self.entries[entry];
        let known = entry.marks.iter().position(|(known, _)| *known == mark);
        let slot = known.unwrap_or_else(|| {
            entry.marks.push((mark, None));
            entry.slots.push(Slot::default());
            entry.marks.len() - 1
        });
        for (other, of) in &mut entry.names {
            if *other == name && of.is_none() {
                *of = Some(slot);
                self.notes += 1;
            }
        }
        slot
    }

    /// Notes which of its names is a field's own.
    pub(super) fn own_name(&mut self, entry: Id, name: &'static str) {
        let entry = &mut self.entries[entry];
        let slot = entry.names.iter().find(|(other, _)| *other == name);
        if let Some(slot) = slot.and_then(|(_, slot)| *slot)
            && entry.marks[slot].1.is_none()
        {
            entry.marks[slot].1 = Some(name);
            self.notes += 1;
        }
    }

    /// The fields of an entry come by place.
    pub(super) fn by_place(&mut self, entry: Id) {
        let entry = &mut self.entries[entry];
        entry.by_place = true;
        for (place, (_, slot)) in entry.names.iter_mut().enumerate() {
            *slot = Some(place);
        }
        let len = entry.names.len();
        entry.slots.resize_with(len, Slot::default);
        self.notes += 1;
    }

    /// The shape, and the first place that wants to be told what comes next.
    pub(super) fn shape(&self) -> (Shape, Option<String>) {
        let mut build = Build {
            book: self,
            nodes: Vec::new(),
            places: HashMap::new(),
            waiting: Vec::new(),
            any: None,
        };
        build.place(ROOT, String::new());
        while let Some((entry, place, path)) = build.waiting.pop() {
            build.nodes[place as usize] = build.node(entry, &path);
        }
        (Shape { nodes: build.nodes }, build.any)
    }
}

/// A shape that is being written down.
struct Build<'b> {
    book: &'b Book,
    nodes: Vec<Node>,
    places: HashMap<Id, Place>,
    /// What has a place, but is not written down.
    waiting: Vec<(Id, Place, String)>,
    any: Option<String>,
}

impl Build<'_> {
    fn place(&mut self, at: At, path: String) -> Place {
        let place = self.nodes.len() as Place;
        let slot = &self.book.entries[at.entry].slots[at.slot];
        let Some(entry) = slot.entry.filter(|_| !slot.given_up) else {
            let reason = "no value was found that the types before it take";
            self.nodes.push(Node::Unknown(reason.to_owned()));
            return place;
        };
        if let Some(known) = self.places.get(&entry) {
            return *known;
        }
        self.places.insert(entry, place);
        self.nodes.push(Node::Unit);
        self.waiting.push((entry, place, path));
        place
    }

    fn slots(&mut self, entry: Id, path: &str) -> Vec<Place> {
        let slots = 0..self.book.entries[entry].slots.len();
        slots
            .map(|slot| self.place(At { entry, slot }, path.to_owned()))
            .collect()
    }

    fn only(&mut self, entry: Id, path: &str) -> Place {
        self.place(At { entry, slot: 0 }, path.to_owned())
    }

    /// The names of a slot.
    fn names(&self, entry: Id, slot: usize) -> Names {
        let entry = &self.book.entries[entry];
        let all = entry.names.iter().filter(|(_, of)| *of == Some(slot));
        let all: Vec<&str> = all.map(|(name, _)| *name).collect();
        let own = entry.marks.get(slot).and_then(|(_, own)| *own);
        let number = slot.to_string();
        let name = own.or_else(|| all.first().copied()).unwrap_or(&number);
        Names::new(name, &all)
    }

    fn fields(&mut self, entry: Id, path: &str) -> Vec<Field> {
        let slots = 0..self.book.entries[entry].slots.len();
        slots
            .map(|slot| {
                let names = self.names(entry, slot);
                let path = joined(path, names.name());
                let node = self.place(At { entry, slot }, path);
                Field { names, node }
            })
            .collect()
    }

    fn node(&mut self, entry: Id, path: &str) -> Node {
        let key = &self.book.entries[entry].key;
        match key.tag {
            Tag::Row | Tag::One | Tag::Unit => Node::Unit,
            Tag::Bool => Node::Bool,
            Tag::I8 => Node::I8,
            Tag::I16 => Node::I16,
            Tag::I32 => Node::I32,
            Tag::I64 => Node::I64,
            Tag::I128 => Node::I128,
            Tag::U8 => Node::U8,
            Tag::U16 => Node::U16,
            Tag::U32 => Node::U32,
            Tag::U64 => Node::U64,
            Tag::U128 => Node::U128,
            Tag::F32 => Node::F32,
            Tag::F64 => Node::F64,
            Tag::Char => Node::Char,
            Tag::Text => Node::Text,
            Tag::Bytes => Node::Bytes,
            Tag::Any => {
                self.any.get_or_insert_with(|| path.to_owned());
                Node::Unknown("its type wants to be told what comes next".to_owned())
            }
            Tag::Option => Node::Option(self.only(entry, path)),
            Tag::List => Node::List(self.only(entry, path)),
            Tag::Map => {
                let places = self.slots(entry, path);
                Node::Map(places[0], places[1])
            }
            Tag::Tuple => {
                let places = self.slots(entry, path);
                match places.first() {
                    Some(&first) if places.len() > 1 && places.iter().all(|it| *it == first) => {
                        Node::Array(first, places.len() as u64)
                    }
                    _ => Node::Tuple(places),
                }
            }
            Tag::Struct => Node::Struct(key.name.to_owned(), self.fields(entry, path)),
            Tag::Enum => {
                let name = key.name.to_owned();
                let variants = 0..self.book.entries[entry].slots.len();
                let variants = variants.map(|slot| self.variant(entry, slot, path));
                Node::Enum(name, variants.collect())
            }
        }
    }

    fn variant(&mut self, entry: Id, slot: usize, path: &str) -> Variant {
        let names = self.names(entry, slot);
        let path = joined(path, names.name());
        let place = &self.book.entries[entry].slots[slot];
        let content = match place.entry.filter(|_| !place.given_up) {
            None => Content::One(self.place(At { entry, slot }, path)),
            Some(content) => match self.book.entries[content].key.tag {
                Tag::One => Content::One(self.only(content, &path)),
                Tag::Tuple => Content::Tuple(self.slots(content, &path)),
                Tag::Struct => Content::Fields(self.fields(content, &path)),
                _ => Content::Unit,
            },
        };
        Variant { names, content }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
