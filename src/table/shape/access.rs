//! How made-up values of types with parts are given: element by element, field by field, variant by variant.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::book::{At, Book, Id, Key, Slot, Tag};
use super::trace::{Stop, settle, visit};

/// The elements of a tuple or a list.
pub(super) struct Elements<'b> {
    book: &'b RefCell<Book>,
    entry: Id,
    filling: bool,
    /// Whether each element has a slot of its own.
    fixed: bool,
    next: usize,
    len: usize,
}

impl<'b> Elements<'b> {
    pub(super) fn new(
        book: &'b RefCell<Book>,
        entry: Id,
        filling: bool,
        fixed: bool,
        tries: usize,
    ) -> Self {
        let slots = &book.borrow().entries[entry].slots;
        let len = match slots.first() {
            _ if fixed => slots.len(),
            Some(element) if element.empty => 0,
            _ => tries.max(usize::from(!filling)),
        };
        Self {
            book,
            entry,
            filling,
            fixed,
            next: 0,
            len,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if self.next >= self.len {
            return Ok(None);
        }
        let slot = if self.fixed { self.next } else { 0 };
        self.next += 1;
        let at = At {
            entry: self.entry,
            slot,
        };
        let open = {
            let mut book = self.book.borrow_mut();
            if book.at(at).empty {
                // What is behind it is never reached.
                for slot in slot + 1..self.len {
                    let at = At { slot, ..at };
                    if book.at(at).entry.is_none() && !book.at(at).given_up {
                        book.give_up(at);
                    }
                }
                return Err(Stop::Refused);
            }
            book.is_slot_open(at)
        };
        visit(self.book, at, self.filling || !open, seed).map(Some)
    }
}

/// The entries of a map.
pub(super) struct Entries<'b> {
    book: &'b RefCell<Book>,
    entry: Id,
    filling: bool,
    left: usize,
}

impl<'b> Entries<'b> {
    pub(super) fn new(book: &'b RefCell<Book>, entry: Id, filling: bool, tries: usize) -> Self {
        let value = At { entry, slot: 1 };
        let mut noted = book.borrow_mut();
        let no_key = noted.entries[entry].slots[0].empty;
        if no_key && noted.at(value).entry.is_none() && !noted.at(value).given_up {
            noted.give_up(value);
        }
        let none = no_key || noted.at(value).empty;
        Self {
            book,
            entry,
            filling,
            left: if none {
                0
            } else {
                tries.max(usize::from(!filling))
            },
        }
    }

    fn visit<'de, S: DeserializeSeed<'de>>(&self, slot: usize, seed: S) -> Result<S::Value, Stop> {
        let at = At {
            entry: self.entry,
            slot,
        };
        let open = self.book.borrow().is_slot_open(at);
        visit(self.book, at, self.filling || !open, seed)
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.visit(0, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        self.visit(1, seed)
    }
}

/// What a name stands for, to be compared with that of another name. Code that serde derives has an enum for that; of all else each name stands for
/// itself.
fn mark<T>(value: &T, name: &str) -> (u64, bool) {
    let derived = type_name::<T>().contains("__Field");
    let mut hash = DefaultHasher::new();
    if derived {
        discriminant(value).hash(&mut hash);
    } else {
        name.hash(&mut hash);
    }
    (hash.finish(), derived)
}

/// Reads a struct, or what a variant with named fields holds.
pub(super) fn fields<'de, V: Visitor<'de>>(
    book: &RefCell<Book>,
    entry: Id,
    filling: bool,
    visitor: V,
) -> Result<V::Value, Stop> {
    if book.borrow().entries[entry].by_place {
        return visitor.visit_seq(Elements::new(book, entry, filling, true, 0));
    }
    let asked = Cell::new(false);
    let fields = Fields::new(book, entry, filling, &asked);
    match visitor.visit_map(fields) {
        Err(Stop::Twice(name)) => {
            book.borrow_mut().own_name(entry, name);
            Err(Stop::Noted)
        }
        Err(Stop::Refused) if !asked.get() => {
            book.borrow_mut().by_place(entry);
            Err(Stop::Noted)
        }
        read => read,
    }
}

/// The fields of a struct, by name.
struct Fields<'b> {
    book: &'b RefCell<Book>,
    entry: Id,
    filling: bool,
    /// The names that are still to come, the next one last.
    names: Vec<&'static str>,
    slot: usize,
    /// Whether a name was asked for.
    asked: &'b Cell<bool>,
}

impl<'b> Fields<'b> {
    fn new(book: &'b RefCell<Book>, entry: Id, filling: bool, asked: &'b Cell<bool>) -> Self {
        let noted = book.borrow();
        let fields = &noted.entries[entry];
        let unplaced = fields.names.iter().filter(|(_, slot)| slot.is_none());
        let mut names: Vec<&'static str> = unplaced.map(|(name, _)| *name).collect();
        let slots = (0..fields.slots.len()).map(|slot| At { entry, slot });
        let (open, known): (Vec<At>, Vec<At>) = slots
            .filter(|at| !fields.slots[at.slot].empty)
            .partition(|at| !filling && noted.is_slot_open(*at));
        // A name that turns out to be another one of a field that is here already ends the reading, with the field's own name: the others are known then.
        let placed = open.into_iter().chain(known);
        names.extend(placed.filter_map(|at| fields.name_of(at.slot)));
        if let Some((slot, first)) = fields.unnamed() {
            let others = fields.names.iter().rev();
            let mut others = others.filter(|(name, of)| *of == Some(slot) && *name != first);
            names.extend(others.next().map(|(name, _)| *name));
        }
        names.reverse();
        drop(noted);
        Self {
            book,
            entry,
            filling,
            names,
            slot: 0,
            asked,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        self.asked.set(true);
        let Some(name) = self.names.pop() else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Stop> = name.into_deserializer();
        let value = seed.deserialize(key)?;
        let (mark, _) = mark(&value, name);
        self.slot = self.book.borrow_mut().name(self.entry, name, mark);
        Ok(Some(value))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        let at = At {
            entry: self.entry,
            slot: self.slot,
        };
        let open = self.book.borrow().is_slot_open(at);
        visit(self.book, at, self.filling || !open, seed)
    }
}

/// A variant of an enum: one that is not known, as long as there is one.
pub(super) struct Variants<'b> {
    book: &'b RefCell<Book>,
    entry: Id,
    filling: bool,
}

/// The content of one of them.
pub(super) struct Chosen<'b> {
    book: &'b RefCell<Book>,
    at: At,
    filling: bool,
}

/// What to give an enum next.
enum Choice {
    /// The number of a variant that may be there.
    Unknown(usize),
    /// A name of a variant, one does not know of which.
    Name(&'static str),
    Known(usize),
}

impl<'b> Variants<'b> {
    pub(super) fn new(book: &'b RefCell<Book>, entry: Id, filling: bool) -> Self {
        Self {
            book,
            entry,
            filling,
        }
    }

    fn choose(&self) -> Result<Choice, Stop> {
        let mut book = self.book.borrow_mut();
        let entry = self.entry;
        let variants = &mut book.entries[entry];
        if !variants.settled {
            if variants.slots.len() < variants.names.len() {
                return Ok(Choice::Unknown(variants.slots.len()));
            }
            variants.settled = true;
        }
        if variants.names.len() == variants.slots.len() {
            for (slot, (_, of)) in variants.names.iter_mut().enumerate() {
                *of = Some(slot);
            }
        } else if let Some((name, _)) = variants.names.iter().find(|(_, of)| of.is_none()) {
            return Ok(Choice::Name(name));
        }
        let slots = 0..variants.slots.len();
        let mut full = slots.clone().filter(|slot| !variants.slots[*slot].empty);
        let first = full.next();
        let mut open = slots.filter(|&slot| !self.filling && book.is_slot_open(At { entry, slot }));
        let chosen = open.next().or(first);
        chosen.map(Choice::Known).ok_or(Stop::Refused)
    }
}

impl<'de, 'b> EnumAccess<'de> for Variants<'b> {
    type Error = Stop;
    type Variant = Chosen<'b>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Chosen<'b>), Stop> {
        let book = self.book;
        let number =
            |number: usize| -> U32Deserializer<Stop> { (number as u32).into_deserializer() };
        let (value, slot) = match self.choose()? {
            Choice::Known(slot) => (seed.deserialize(number(slot))?, slot),
            Choice::Unknown(slot) => {
                let read = seed.deserialize(number(slot));
                let mut book = book.borrow_mut();
                book.notes += 1;
                let variants = &mut book.entries[self.entry];
                let Ok(value) = read else {
                    variants.settled = true;
                    return Err(Stop::Noted);
                };
                let (mark, derived) = mark(&value, &slot.to_string());
                if derived && variants.marks.iter().any(|(known, _)| *known == mark) {
                    // The one for all others, `#[serde(other)]`.
                    variants.settled = true;
                    return Err(Stop::Noted);
                }
                variants.marks.push((mark, None));
                variants.slots.push(Slot::default());
                (value, slot)
            }
            Choice::Name(name) => {
                let key: StrDeserializer<'_, Stop> = name.into_deserializer();
                let read = seed.deserialize(key);
                let mut book = book.borrow_mut();
                book.notes += 1;
                let variants = &mut book.entries[self.entry];
                let mark = read.ok().map(|value| mark(&value, name).0);
                let slot = variants
                    .marks
                    .iter()
                    .position(|(known, _)| Some(*known) == mark);
                variants
                    .names
                    .retain(|(other, _)| slot.is_some() || *other != name);
                for (other, of) in &mut variants.names {
                    if *other == name {
                        *of = slot;
                    }
                }
                return Err(Stop::Noted);
            }
        };
        let at = At {
            entry: self.entry,
            slot,
        };
        let filling = self.filling || !book.borrow().is_slot_open(at);
        Ok((value, Chosen { book, at, filling }))
    }
}

impl Chosen<'_> {
    /// Notes what the variant holds.
    fn content(&self, key: Key, slots: usize) -> Id {
        let mut book = self.book.borrow_mut();
        let key = Key {
            variant: Some((self.at.entry, self.at.slot)),
            ..key
        };
        let entry = book.entry(key, slots);
        book.learn(self.at, entry);
        entry
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.content(Tag::Unit.alone(), 0);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        let entry = self.content(Tag::One.alone(), 1);
        let at = At { entry, slot: 0 };
        settle(self.book, self.at, self.filling, || {
            if self.book.borrow_mut().at(at).empty {
                return Err(Stop::Refused);
            }
            visit(self.book, at, self.filling, seed)
        })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        let entry = self.content(Tag::Tuple.alone(), len);
        settle(self.book, self.at, self.filling, || {
            visitor.visit_seq(Elements::new(self.book, entry, self.filling, true, 0))
        })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let key = Key {
            visitor: type_name::<V>(),
            names,
            ..Tag::Struct.alone()
        };
        let entry = self.content(key, 0);
        settle(self.book, self.at, self.filling, || {
            fields(self.book, entry, self.filling, visitor)
        })
    }
}
