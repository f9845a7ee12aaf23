//! The parts of a value that is being read.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::read::Reader;
use super::refusal::Step;
use super::{Kind, ReadRefusal, Value};
use crate::table::shape::{Field, Variant};

/// The elements of a list.
pub(super) struct Elements<'s, 'c> {
    pub(super) inside: Reader<'s, 'c>,
    pub(super) values: std::vec::IntoIter<Value<'s>>,
    pub(super) number: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = ReadRefusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadRefusal> {
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        let step = Step::Element(self.number);
        self.number += 1;
        let read = seed.deserialize(self.inside.with(value));
        read.map(Some).map_err(|error| error.within(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

/// The entries of a map.
pub(super) struct Pairs<'s, 'c> {
    pub(super) inside: Reader<'s, 'c>,
    pub(super) rest: std::vec::IntoIter<(Value<'s>, Value<'s>)>,
    pub(super) next: Option<Value<'s>>,
}

impl<'de> MapAccess<'de> for Pairs<'_, '_> {
    type Error = ReadRefusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadRefusal> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.next = Some(value);
        let read = seed.deserialize(self.inside.with(key));
        read.map(Some).map_err(|error| error.within(Step::Key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ReadRefusal> {
        let value = self.next.take().unwrap_or(Value(Kind::Unit));
        let read = seed.deserialize(self.inside.with(value));
        read.map_err(|error| error.within(Step::Value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The fields of a struct, by the names that its reader knows.
pub(super) struct Fields<'s, 'c> {
    pub(super) inside: Reader<'s, 'c>,
    pub(super) rest: std::iter::Zip<std::slice::Iter<'s, Field>, std::vec::IntoIter<Value<'s>>>,
    pub(super) known: &'static [&'static str],
    pub(super) next: Option<(&'s Field, Value<'s>)>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = ReadRefusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadRefusal> {
        let Some((field, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.next = Some((field, value));
        let name = field.names.known_to(self.known);
        let name: StrDeserializer<'_, ReadRefusal> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ReadRefusal> {
        let Some((field, value)) = self.next.take() else {
            return Err(ReadRefusal::new("a value was asked for before its name"));
        };
        let read = seed.deserialize(self.inside.with(value));
        read.map_err(|error| {
            let name = field.names.known_to(self.known);
            error.within(Step::Name(name.to_owned()))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The variant of an enum, by the name that its reader knows.
pub(super) struct Chosen<'s, 'c> {
    /// What the variant holds.
    pub(super) inside: Reader<'s, 'c>,
    pub(super) variant: &'s Variant,
    pub(super) known: &'static [&'static str],
}

impl Chosen<'_, '_> {
    fn step(variant: &Variant, known: &'static [&'static str]) -> Step {
        Step::Name(variant.names.known_to(known).to_owned())
    }
}

impl<'de> EnumAccess<'de> for Chosen<'_, '_> {
    type Error = ReadRefusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), ReadRefusal> {
        let name = self.variant.names.known_to(self.known);
        let name: StrDeserializer<'_, ReadRefusal> = name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_, '_> {
    type Error = ReadRefusal;

    fn unit_variant(self) -> Result<(), ReadRefusal> {
        match self.inside.value.0 {
            Kind::Unit => Ok(()),
            _ => Err(
                ReadRefusal::new("it holds something, and must hold nothing")
                    .within(Self::step(self.variant, self.known)),
            ),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, ReadRefusal> {
        let step = Self::step(self.variant, self.known);
        let read = seed.deserialize(self.inside);
        read.map_err(|error| error.within(step))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        use serde::Deserializer;
        let step = Self::step(self.variant, self.known);
        let read = self.inside.deserialize_tuple(len, visitor);
        read.map_err(|error| error.within(step))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadRefusal> {
        use serde::Deserializer;
        let step = Self::step(self.variant, self.known);
        let read = self.inside.deserialize_struct("", known, visitor);
        read.map_err(|error| error.within(step))
    }
}
