//! The shape of a type, found out by reading made-up values with its own `Deserialize`.
//!
//! A type asks for what it is made of, one after the other, and cannot be asked anything itself. So it is read again and again. Each time something new is
//! noted: which names a struct or an enum knows, which of them are aliases of one another, what each field and element asks for, which of several values a type
//! takes that does not take every one. Fields are offered by name, those first that are not known, so a field is found out about even if no value is found that
//! another one takes. What is known already is filled with the least that will do: `None`, nothing, the first variant that ends.
//!
//! Types are known again by the names of their visitors, so types that hold themselves come to an end, and two of one name are told apart. Each reading notes
//! something or is the last one; types are small.

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Visitor};

use super::access::{Elements, Entries, Variants, fields};
use super::book::{At, Book, Id, Key, ROOT, Tag};
use super::{Shape, probes};

/// How deep types are followed that are read within one another.
const MAX_DEPTH: usize = 128;

/// More often than this no type is read.
const MAX_READINGS: usize = 100_000;

/// A stack entry for a newtype, which has no entry in the book.
const NEWTYPE: Id = usize::MAX;

/// What is known of a type of rows.
pub(crate) struct Traced {
    pub(crate) shape: Shape,
    /// The visitors of structs that take their fields by place only.
    pub(crate) by_place: Vec<&'static str>,
}

/// A type that cannot be kept in a format that does not describe itself.
pub(crate) struct Untraceable {
    /// The field that asks what comes next, by its names from the row on.
    pub(crate) field: String,
}

/// Finds out what a `T` is made of.
pub(crate) fn trace<T: DeserializeOwned>() -> Result<Traced, Untraceable> {
    let book = RefCell::new(Book::new());
    for reading in 0..MAX_READINGS {
        let before = book.borrow().notes;
        let _: Result<T, Stop> = visit(&book, ROOT, false, PhantomData);
        let mut book = book.borrow_mut();
        book.stack.clear();
        let Some(open) = book.first_open(ROOT.entry) else {
            break;
        };
        if book.notes == before || reading + 1000 > MAX_READINGS {
            book.leave(open);
        }
    }
    let book = book.into_inner();
    let (shape, any) = book.shape();
    if let Some(field) = any {
        return Err(Untraceable { field });
    }
    let structs = book.entries.iter().filter(|entry| entry.by_place);
    Ok(Traced {
        shape,
        by_place: structs.map(|entry| entry.key.visitor).collect(),
    })
}

/// Why a reading ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The type does not take what it was given. Whoever gave it tries another value next time.
    Refused,
    /// A field came twice, of which this is the own name.
    Twice(&'static str),
    /// A value would have to hold itself.
    Endless,
    /// What there is to be learnt from it is noted.
    Noted,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a made-up value is refused")
    }
}

impl std::error::Error for Stop {}

impl serde::de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Refused
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Twice(field)
    }
}

/// Reads what stands at a place.
pub(super) fn visit<'de, S: DeserializeSeed<'de>>(
    book: &RefCell<Book>,
    at: At,
    filling: bool,
    seed: S,
) -> Result<S::Value, Stop> {
    settle(book, at, filling, || {
        seed.deserialize(Tracer { book, at, filling })
    })
}

/// Runs the code of a type that reads what stands at a place, and notes how that went.
pub(super) fn settle<T>(
    book: &RefCell<Book>,
    at: At,
    filling: bool,
    read: impl FnOnce() -> Result<T, Stop>,
) -> Result<T, Stop> {
    let depth = book.borrow().stack.len();
    let read = catch_unwind(AssertUnwindSafe(read));
    let mut book = book.borrow_mut();
    book.stack.truncate(depth);
    match read {
        Ok(Ok(value)) => {
            if book.at(at).entry.is_none() && !book.at(at).given_up {
                // It was made of nothing.
                let unit = book.entry(Tag::Unit.alone(), 0);
                book.learn(at, unit);
            }
            Ok(value)
        }
        Ok(Err(Stop::Noted)) => Err(Stop::Noted),
        Ok(Err(Stop::Endless)) if !(filling && book.entries[at.entry].key.tag == Tag::Enum) => {
            Err(Stop::Endless)
        }
        // Another variant may come to an end.
        Ok(Err(Stop::Endless)) => {
            book.at(at).empty = true;
            book.notes += 1;
            Err(Stop::Noted)
        }
        Ok(Err(Stop::Refused | Stop::Twice(_))) | Err(_) => {
            book.refused(at);
            Err(Stop::Noted)
        }
    }
}

/// A deserializer that takes down what it is asked for, and gives made-up values.
pub(super) struct Tracer<'b> {
    book: &'b RefCell<Book>,
    at: At,
    /// Whether nothing is to be found out any more, but a value is needed.
    filling: bool,
}

impl<'b> Tracer<'b> {
    /// Notes a type without parts, and gives the number of the value to try.
    fn leaf(&self, tag: Tag) -> usize {
        let mut book = self.book.borrow_mut();
        let entry = book.entry(tag.alone(), 0);
        book.learn(self.at, entry);
        book.at(self.at).tries
    }

    /// Notes a type with parts, and says whether it is only to be filled.
    fn enter(&self, key: Key, slots: usize) -> Result<(Id, bool), Stop> {
        let mut book = self.book.borrow_mut();
        let entry = book.entry(key, slots);
        book.learn(self.at, entry);
        let within = |filling| book.stack.contains(&(entry, filling));
        if within(true) || book.stack.len() >= MAX_DEPTH {
            return Err(Stop::Endless);
        }
        let filling = self.filling || within(false) || !book.is_open(entry);
        book.stack.push((entry, filling));
        Ok((entry, filling))
    }

    fn any<T>(&self) -> Result<T, Stop> {
        self.leaf(Tag::Any);
        Err(Stop::Refused)
    }

    /// How many elements to try.
    fn len(&self) -> usize {
        self.book.borrow_mut().at(self.at).tries
    }

    fn elements(self, tag: Tag, visitor: &'static str, len: usize) -> Result<Elements<'b>, Stop> {
        let key = Key {
            visitor,
            ..tag.alone()
        };
        let fixed = tag == Tag::Tuple;
        let (entry, filling) = self.enter(key, if fixed { len } else { 1 })?;
        Ok(Elements::new(self.book, entry, filling, fixed, self.len()))
    }
}

/// Methods for types without parts.
macro_rules! leaves {
    ($($method:ident: $tag:ident, $visit:ident($tries:ident => $value:expr);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            let $tries = self.leaf(Tag::$tag);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Stop;

    leaves! {
        deserialize_bool: Bool, visit_bool(tries => tries > 0);
        deserialize_i8: I8, visit_i8(tries => probes::integer(tries).cast_signed());
        deserialize_i16: I16, visit_i16(tries => probes::integer(tries).into());
        deserialize_i32: I32, visit_i32(tries => probes::integer(tries).into());
        deserialize_i64: I64, visit_i64(tries => probes::integer(tries).into());
        deserialize_i128: I128, visit_i128(tries => probes::integer(tries).into());
        deserialize_u8: U8, visit_u8(tries => probes::integer(tries));
        deserialize_u16: U16, visit_u16(tries => probes::integer(tries).into());
        deserialize_u32: U32, visit_u32(tries => probes::integer(tries).into());
        deserialize_u64: U64, visit_u64(tries => probes::integer(tries).into());
        deserialize_u128: U128, visit_u128(tries => probes::integer(tries).into());
        deserialize_f32: F32, visit_f32(tries => probes::float(tries));
        deserialize_f64: F64, visit_f64(tries => probes::float(tries).into());
        deserialize_char: Char, visit_char(tries => probes::char(tries));
        deserialize_str: Text, visit_borrowed_str(tries => probes::text(tries));
        deserialize_string: Text, visit_string(tries => probes::text(tries).to_owned());
        deserialize_bytes: Bytes, visit_bytes(tries => &probes::bytes(tries));
        deserialize_byte_buf: Bytes, visit_byte_buf(tries => probes::bytes(tries));
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf(Tag::Unit);
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_unit(visitor)
    }

    /// What holds one value is that value, in the bytes of rows too.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        {
            let mut book = self.book.borrow_mut();
            if book.stack.len() >= MAX_DEPTH {
                return Err(Stop::Endless);
            }
            book.stack.push((NEWTYPE, false));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let key = Key {
            visitor: type_name::<V>(),
            ..Tag::Option.alone()
        };
        let (entry, filling) = self.enter(key, 1)?;
        let at = At { entry, slot: 0 };
        let book = self.book;
        if filling || !book.borrow().is_slot_open(at) || book.borrow_mut().at(at).empty {
            return visitor.visit_none();
        }
        settle(book, at, filling, || {
            visitor.visit_some(Tracer { book, at, filling })
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let elements = self.elements(Tag::List, type_name::<V>(), 0)?;
        visitor.visit_seq(elements)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        let elements = self.elements(Tag::Tuple, type_name::<V>(), len)?;
        visitor.visit_seq(elements)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let key = Key {
            visitor: type_name::<V>(),
            ..Tag::Map.alone()
        };
        let len = self.len();
        let (entry, filling) = self.enter(key, 2)?;
        visitor.visit_map(Entries::new(self.book, entry, filling, len))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let key = Key {
            visitor: type_name::<V>(),
            name,
            names,
            ..Tag::Struct.alone()
        };
        let (entry, filling) = self.enter(key, 0)?;
        fields(self.book, entry, filling, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let key = Key {
            visitor: type_name::<V>(),
            name,
            names,
            ..Tag::Enum.alone()
        };
        let (entry, filling) = self.enter(key, 0)?;
        visitor.visit_enum(Variants::new(self.book, entry, filling))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.any()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.any()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.any()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
