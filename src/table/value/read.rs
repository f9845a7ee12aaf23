//! Values into another struct, by the rules that serde has for a format with names, such as JSON.
//!
//! A field is found by its name or one of its aliases, wherever it stands. One that is not known is passed over, one that is not there is what `#[serde(default)]`
//! says. A number fits where its value does. A plain value fits into an `Option`; what is in one fits where a plain value is asked for.

use std::any::type_name;

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::parts::{Chosen, Elements, Fields, Pairs};
use super::{Kind, ReadRefusal, Value};
use crate::table::shape::{Field, Variant};

/// How deep a type may ask for values in one another; no value is that deep.
const MAX_DEPTH: u8 = 255;

/// Reads a `T`. `by_place` are the visitors of those of its structs that do not ask for names.
pub(crate) fn read<T: DeserializeOwned>(
    value: Value<'_>,
    by_place: &[&'static str],
) -> Result<T, ReadRefusal> {
    T::deserialize(Reader {
        value,
        by_place,
        depth: MAX_DEPTH,
    })
}

/// A value that is being read.
pub(super) struct Reader<'s, 'c> {
    pub(super) value: Value<'s>,
    by_place: &'c [&'static str],
    depth: u8,
}

impl<'s, 'c> Reader<'s, 'c> {
    /// Another value, as deep as this one.
    pub(super) fn with(&self, value: Value<'s>) -> Self {
        Self { value, ..*self }
    }

    /// A value that is inside this one, or this one once more.
    fn around(&self, value: Value<'s>) -> Result<Self, ReadRefusal> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| ReadRefusal::new("the type holds itself without end"))?;
        Ok(Self {
            value,
            by_place: self.by_place,
            depth,
        })
    }

    fn inside(&self) -> Result<Self, ReadRefusal> {
        self.around(Value(Kind::Unit))
    }

    fn take(&mut self) -> Value<'s> {
        std::mem::replace(&mut self.value, Value(Kind::Unit))
    }

    /// The same without the options that it is in.
    fn bare(mut self) -> Self {
        while let Kind::Some(inner) = self.value.0 {
            self.value = *inner;
        }
        self
    }

    fn elements(&self, values: Vec<Value<'s>>) -> Result<Elements<'s, 'c>, ReadRefusal> {
        Ok(Elements {
            inside: self.inside()?,
            values: values.into_iter(),
            number: 0,
        })
    }

    fn fields(
        &self,
        fields: &'s [Field],
        values: Vec<Value<'s>>,
        known: &'static [&'static str],
    ) -> Result<Fields<'s, 'c>, ReadRefusal> {
        Ok(Fields {
            inside: self.inside()?,
            rest: fields.iter().zip(values),
            known,
            next: None,
        })
    }

    fn chosen(
        &self,
        variant: &'s Variant,
        content: Value<'s>,
        known: &'static [&'static str],
    ) -> Result<Chosen<'s, 'c>, ReadRefusal> {
        Ok(Chosen {
            inside: self.around(content)?,
            variant,
            known,
        })
    }

    /// Refuses a number that the float which is asked for does not hold as it is.
    fn exact(&self, bits: u32) -> Result<(), ReadRefusal> {
        let whole =
            |value: u128| value.checked_shr(value.trailing_zeros()).unwrap_or(0) >> bits == 0;
        let holds = match self.value.0 {
            Kind::Signed(value) => whole(value.unsigned_abs()),
            Kind::Unsigned(value) => whole(value),
            #[allow(clippy::cast_possible_truncation, reason = "to see whether it changes")]
            Kind::F64(value) if bits < 53 => value.is_nan() || same(f64::from(value as f32), value),
            _ => true,
        };
        if holds {
            Ok(())
        } else {
            let width = if bits < 53 { 32 } else { 64 };
            Err(ReadRefusal::new(format_args!(
                "an f{width} does not hold the number exactly"
            )))
        }
    }
}

fn same(left: f64, right: f64) -> bool {
    left.total_cmp(&right).is_eq()
}

/// Methods that give the value whatever it is: visitors say themselves what they take.
macro_rules! whatever {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
            self.bare().deserialize_any(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = ReadRefusal;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ReadRefusal> {
        match self.take().0 {
            Kind::Unit => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Signed(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                _ => visitor.visit_i128(value),
            },
            Kind::Unsigned(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_u128(value),
            },
            Kind::F32(value) => visitor.visit_f32(value),
            Kind::F64(value) => visitor.visit_f64(value),
            Kind::Char(value) => visitor.visit_char(value),
            Kind::Text(value) => visitor.visit_string(value),
            Kind::Bytes(value) => visitor.visit_byte_buf(value),
            Kind::None => visitor.visit_none(),
            Kind::Some(value) => visitor.visit_some(self.around(*value)?),
            Kind::List(values) => visitor.visit_seq(self.elements(values)?),
            Kind::Map(pairs) => visitor.visit_map(Pairs {
                inside: self.inside()?,
                rest: pairs.into_iter(),
                next: None,
            }),
            Kind::Fields(fields, values) => visitor.visit_map(self.fields(fields, values, &[])?),
            Kind::Variant(variant, content) => {
                visitor.visit_enum(self.chosen(variant, *content, &[])?)
            }
        }
    }

    whatever! {
        deserialize_bool
        deserialize_i8
        deserialize_i16
        deserialize_i32
        deserialize_i64
        deserialize_u8
        deserialize_u16
        deserialize_u32
        deserialize_u64
        deserialize_i128
        deserialize_u128
        deserialize_char
        deserialize_unit
        deserialize_bytes
        deserialize_byte_buf
        deserialize_map
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        let bare = self.bare();
        bare.exact(24)?;
        bare.deserialize_any(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        let bare = self.bare();
        bare.exact(53)?;
        bare.deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        let bare = self.bare();
        match &bare.value.0 {
            Kind::Variant(variant, content) if matches!(content.0, Kind::Unit) => {
                visitor.visit_str(variant.names.name())
            }
            _ => bare.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ReadRefusal> {
        match self.value.0 {
            Kind::None | Kind::Some(_) => self.deserialize_any(visitor),
            _ => {
                let value = self.take();
                visitor.visit_some(self.around(value)?)
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        self.bare().deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        let value = self.take();
        visitor.visit_newtype_struct(self.around(value)?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        let bare = self.bare();
        match bare.value.0 {
            Kind::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => bare.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        let by_place = self.by_place.contains(&type_name::<V>());
        let mut bare = self.bare();
        match bare.take().0 {
            Kind::Fields(_, values) if by_place => visitor.visit_seq(bare.elements(values)?),
            Kind::Fields(fields, values) => visitor.visit_map(bare.fields(fields, values, known)?),
            // A unit struct that got fields.
            Kind::Unit => visitor.visit_map(bare.fields(&[], Vec::new(), known)?),
            other => {
                bare.value.0 = other;
                bare.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        let mut bare = self.bare();
        match bare.take().0 {
            Kind::Variant(variant, content) => {
                visitor.visit_enum(bare.chosen(variant, *content, known)?)
            }
            Kind::Text(name) => {
                let name: StrDeserializer<'_, ReadRefusal> = name.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            other => {
                bare.value.0 = other;
                bare.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadRefusal> {
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
