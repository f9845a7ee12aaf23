//! Bytes to values, by a shape.
//!
//! Neither the shape nor the bytes are believed. The limits of the codec bound depth and the elements of sequences; here the values that a shape alone makes of no
//! bytes are counted, for a few nodes can stand for more than there is memory.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::super::codec::{CodecError, decode_seed};
use super::super::shape::{Content, Node, Place, Shape};
use super::{Kind, Value};

/// How many values a row may have beyond those that its bytes pay for.
const FREE_VALUES: usize = 1 << 20;

/// How many values a byte pays for: itself, and all that it can be nested in.
const VALUES_PER_BYTE: usize = 128;

/// Reads a row of this shape, which takes up all of `bytes`.
pub(crate) fn decode<'s>(bytes: &[u8], shape: &'s Shape) -> Result<Value<'s>, CodecError> {
    let left = Cell::new(bytes.len().saturating_mul(VALUES_PER_BYTE) + FREE_VALUES);
    let row = AsShaped {
        shape,
        place: Shape::ROW,
        left: &left,
    };
    decode_seed(bytes, row)
}

/// Reads what lies at a place of a shape.
#[derive(Clone, Copy)]
pub(crate) struct AsShaped<'s, 'c> {
    shape: &'s Shape,
    place: Place,
    left: &'c Cell<usize>,
}

impl<'s, 'c> AsShaped<'s, 'c> {
    fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    fn several<I>(self, places: I) -> Several<'s, 'c, I> {
        Several { row: self, places }
    }
}

impl<'de, 's> DeserializeSeed<'de> for AsShaped<'s, '_> {
    type Value = Value<'s>;

    fn deserialize<D: Deserializer<'de>>(self, bytes: D) -> Result<Value<'s>, D::Error> {
        let left = self.left.get().checked_sub(1);
        let left = left.ok_or_else(|| D::Error::custom("more values than its bytes can hold"))?;
        self.left.set(left);
        let kind = match self.shape.node(self.place) {
            Node::Unknown(why) => {
                return Err(D::Error::custom(format_args!(
                    "a part of it is of a type that is not known: {why}"
                )));
            }
            Node::Unit => bytes.deserialize_unit(Leaf),
            Node::Bool => bytes.deserialize_bool(Leaf),
            Node::I8 => bytes.deserialize_i8(Leaf),
            Node::I16 => bytes.deserialize_i16(Leaf),
            Node::I32 => bytes.deserialize_i32(Leaf),
            Node::I64 => bytes.deserialize_i64(Leaf),
            Node::I128 => bytes.deserialize_i128(Leaf),
            Node::U8 => bytes.deserialize_u8(Leaf),
            Node::U16 => bytes.deserialize_u16(Leaf),
            Node::U32 => bytes.deserialize_u32(Leaf),
            Node::U64 => bytes.deserialize_u64(Leaf),
            Node::U128 => bytes.deserialize_u128(Leaf),
            Node::F32 => bytes.deserialize_f32(Leaf),
            Node::F64 => bytes.deserialize_f64(Leaf),
            Node::Char => bytes.deserialize_char(Leaf),
            Node::Text => bytes.deserialize_str(Leaf),
            Node::Bytes => bytes.deserialize_bytes(Leaf),
            Node::Option(inner) => bytes.deserialize_option(Optional(self.at(*inner))),
            Node::List(inner) => bytes.deserialize_seq(List(self.at(*inner))),
            Node::Map(key, value) => bytes.deserialize_map(Pairs(self.at(*key), self.at(*value))),
            Node::Array(inner, len) => {
                let len = usize::try_from(*len).unwrap_or(usize::MAX);
                let places = std::iter::repeat_n(*inner, len);
                bytes
                    .deserialize_tuple(len, self.several(places))
                    .map(Kind::List)
            }
            Node::Tuple(places) => {
                let all = self.several(places.iter().copied());
                bytes.deserialize_tuple(places.len(), all).map(Kind::List)
            }
            Node::Struct(_, fields) => {
                let all = self.several(fields.iter().map(|field| field.node));
                let read = bytes.deserialize_tuple(fields.len(), all);
                read.map(|values| Kind::Fields(fields, values))
            }
            Node::Enum(..) => bytes.deserialize_enum("", &[], AVariant(self)),
        };
        kind.map(Value)
    }
}

/// A value without parts.
struct Leaf;

/// Methods of a visitor that keep what they are given.
macro_rules! keep {
    ($($method:ident($type:ty) => $kind:ident)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<Self::Value, E> {
            Ok(Kind::$kind(value.into()))
        }
    )*};
}

/// A struct that is a visitor for one kind of value, of which it says nothing.
macro_rules! expecting {
    () => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("what the shape of the rows says")
        }
    };
}

impl Visitor<'_> for Leaf {
    type Value = Kind<'static>;

    expecting!();

    keep! {
        visit_bool(bool) => Bool
        visit_i8(i8) => Signed
        visit_i16(i16) => Signed
        visit_i32(i32) => Signed
        visit_i64(i64) => Signed
        visit_i128(i128) => Signed
        visit_u8(u8) => Unsigned
        visit_u16(u16) => Unsigned
        visit_u32(u32) => Unsigned
        visit_u64(u64) => Unsigned
        visit_u128(u128) => Unsigned
        visit_f32(f32) => F32
        visit_f64(f64) => F64
        visit_char(char) => Char
        visit_str(&str) => Text
        visit_bytes(&[u8]) => Bytes
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Kind::Unit)
    }
}

struct Optional<'s, 'c>(AsShaped<'s, 'c>);

impl<'de, 's> Visitor<'de> for Optional<'s, '_> {
    type Value = Kind<'s>;

    expecting!();

    fn visit_none<E: Error>(self) -> Result<Kind<'s>, E> {
        Ok(Kind::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, bytes: D) -> Result<Kind<'s>, D::Error> {
        let inner = self.0.deserialize(bytes)?;
        Ok(Kind::Some(Box::new(inner)))
    }
}

struct List<'s, 'c>(AsShaped<'s, 'c>);

impl<'de, 's> Visitor<'de> for List<'s, '_> {
    type Value = Kind<'s>;

    expecting!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Kind<'s>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = bytes.next_element_seed(self.0)? {
            values.push(value);
        }
        Ok(Kind::List(values))
    }
}

struct Pairs<'s, 'c>(AsShaped<'s, 'c>, AsShaped<'s, 'c>);

impl<'de, 's> Visitor<'de> for Pairs<'s, '_> {
    type Value = Kind<'s>;

    expecting!();

    fn visit_map<A: MapAccess<'de>>(self, mut bytes: A) -> Result<Kind<'s>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = bytes.next_key_seed(self.0)? {
            pairs.push((key, bytes.next_value_seed(self.1)?));
        }
        Ok(Kind::Map(pairs))
    }
}

/// One value for each of several places.
struct Several<'s, 'c, I> {
    row: AsShaped<'s, 'c>,
    places: I,
}

impl<'de, 's, I: Iterator<Item = Place>> Visitor<'de> for Several<'s, '_, I> {
    type Value = Vec<Value<'s>>;

    expecting!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        for place in self.places {
            let value = bytes.next_element_seed(self.row.at(place))?;
            values.push(value.ok_or_else(|| A::Error::custom("it ends too early"))?);
        }
        Ok(values)
    }
}

/// An enum's variant; the place is that of the enum.
struct AVariant<'s, 'c>(AsShaped<'s, 'c>);

impl<'de, 's> Visitor<'de> for AVariant<'s, '_> {
    type Value = Kind<'s>;

    expecting!();

    fn visit_enum<A: EnumAccess<'de>>(self, bytes: A) -> Result<Kind<'s>, A::Error> {
        let Self(row) = self;
        let (number, bytes) = bytes.variant::<u32>()?;
        let variants = match row.shape.node(row.place) {
            Node::Enum(_, variants) => &variants[..],
            _ => &[],
        };
        let variant = variants.get(number as usize).ok_or_else(|| {
            let len = variants.len();
            A::Error::custom(format_args!("variant {number} of an enum that has {len}"))
        })?;
        let content = match &variant.content {
            Content::Unit => {
                bytes.unit_variant()?;
                Value(Kind::Unit)
            }
            Content::One(place) => bytes.newtype_variant_seed(row.at(*place))?,
            Content::Tuple(places) => {
                let all = row.several(places.iter().copied());
                Value(Kind::List(bytes.tuple_variant(places.len(), all)?))
            }
            Content::Fields(fields) => {
                let all = row.several(fields.iter().map(|field| field.node));
                let values = bytes.tuple_variant(fields.len(), all)?;
                Value(Kind::Fields(fields, values))
            }
        };
        Ok(Kind::Variant(variant, Box::new(content)))
    }
}
