//! Values to the bytes of rows, by a shape.

use serde::ser::{Error, Serialize, SerializeTuple, SerializeTupleVariant, Serializer};

use super::shape::{Content, Node, Place, Shape};
use super::{Kind, Value};

/// A value as its type would be written.
#[derive(Clone, Copy)]
pub(super) struct Written<'v, 's> {
    pub(super) value: &'v Value<'s>,
    pub(super) shape: &'s Shape,
    pub(super) place: Place,
}

impl<'v, 's> Written<'v, 's> {
    fn at(self, place: Place, value: &'v Value<'s>) -> Self {
        Self {
            value,
            place,
            ..self
        }
    }

    fn tuple<S: Serializer>(
        self,
        places: impl Iterator<Item = Place>,
        values: &'v [Value<'s>],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        let mut tuple = out.serialize_tuple(values.len())?;
        for (place, value) in places.zip(values) {
            tuple.serialize_element(&self.at(place, value))?;
        }
        tuple.end()
    }

    fn variant<S: Serializer>(
        self,
        number: u32,
        places: impl Iterator<Item = Place>,
        values: &'v [Value<'s>],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        let mut tuple = out.serialize_tuple_variant("", number, "", values.len())?;
        for (place, value) in places.zip(values) {
            tuple.serialize_field(&self.at(place, value))?;
        }
        tuple.end()
    }
}

impl Serialize for Written<'_, '_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let other = || S::Error::custom("a value is not of the shape of its row");
        match (self.shape.node(self.place), &self.value.0) {
            (Node::Unit, Kind::Unit) => out.serialize_unit(),
            (Node::Bool, Kind::Bool(value)) => out.serialize_bool(*value),
            (Node::I8, Kind::Signed(value)) => out.serialize_i8(*value as i8),
            (Node::I16, Kind::Signed(value)) => out.serialize_i16(*value as i16),
            (Node::I32, Kind::Signed(value)) => out.serialize_i32(*value as i32),
            (Node::I64, Kind::Signed(value)) => out.serialize_i64(*value as i64),
            (Node::I128, Kind::Signed(value)) => out.serialize_i128(*value),
            (Node::U8, Kind::Unsigned(value)) => out.serialize_u8(*value as u8),
            (Node::U16, Kind::Unsigned(value)) => out.serialize_u16(*value as u16),
            (Node::U32, Kind::Unsigned(value)) => out.serialize_u32(*value as u32),
            (Node::U64, Kind::Unsigned(value)) => out.serialize_u64(*value as u64),
            (Node::U128, Kind::Unsigned(value)) => out.serialize_u128(*value),
            (Node::F32, Kind::F32(value)) => out.serialize_f32(*value),
            (Node::F64, Kind::F64(value)) => out.serialize_f64(*value),
            (Node::Char, Kind::Char(value)) => out.serialize_char(*value),
            (Node::Text, Kind::Text(value)) => out.serialize_str(value),
            (Node::Bytes, Kind::Bytes(value)) => out.serialize_bytes(value),
            (Node::Option(_), Kind::None) => out.serialize_none(),
            (Node::Option(inner), Kind::Some(value)) => out.serialize_some(&self.at(*inner, value)),
            (Node::List(inner), Kind::List(values)) => {
                out.collect_seq(values.iter().map(|value| self.at(*inner, value)))
            }
            (Node::Map(key, value), Kind::Map(pairs)) => out.collect_map(
                pairs
                    .iter()
                    .map(|(k, v)| (self.at(*key, k), self.at(*value, v))),
            ),
            (Node::Tuple(places), Kind::List(values)) if places.len() == values.len() => {
                self.tuple(places.iter().copied(), values, out)
            }
            (Node::Array(inner, len), Kind::List(values)) if *len == values.len() as u64 => {
                self.tuple(std::iter::repeat_n(*inner, values.len()), values, out)
            }
            (Node::Struct(_, fields), Kind::Fields(_, values)) if fields.len() == values.len() => {
                self.tuple(fields.iter().map(|field| field.node), values, out)
            }
            (Node::Enum(_, variants), Kind::Variant(chosen, content)) => {
                let number = variants.iter().position(|it| std::ptr::eq(it, *chosen));
                let number = number.and_then(|number| u32::try_from(number).ok());
                let number = number.ok_or_else(other)?;
                match (&chosen.content, &content.0) {
                    (Content::Unit, _) => out.serialize_unit_variant("", number, ""),
                    (Content::One(place), _) => {
                        let held = self.at(*place, content);
                        out.serialize_newtype_variant("", number, "", &held)
                    }
                    (Content::Tuple(places), Kind::List(values)) => {
                        self.variant(number, places.iter().copied(), values, out)
                    }
                    (Content::Fields(fields), Kind::Fields(_, values)) => {
                        self.variant(number, fields.iter().map(|field| field.node), values, out)
                    }
                    _ => Err(other()),
                }
            }
            _ => Err(other()),
        }
    }
}
