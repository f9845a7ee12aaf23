//! The limits while a row is written.

use std::{any::type_name, cell::Cell};

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::codec::byte;
use super::{Bounded, FREE_ELEMENTS, Limits, Refusal};

/// Writes a value with the limits, and counts.
pub(in crate::table) struct Writer<'v, T> {
    value: &'v T,
    elements_left: Cell<usize>,
}

impl<'v, T: Serialize> Writer<'v, T> {
    pub(in crate::table) fn new(value: &'v T) -> Self {
        Self {
            value,
            elements_left: Cell::new(usize::MAX),
        }
    }

    /// What is wrong with the value, now that it was written in `len` bytes.
    pub(in crate::table) fn refusal(&self, len: usize) -> Option<String> {
        let elements = usize::MAX - self.elements_left.get();
        (elements > len.saturating_add(FREE_ELEMENTS)).then(|| Refusal::TooMany.to_string())
    }
}

impl<T: Serialize> Serialize for Writer<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let limits = Limits::new(&self.elements_left);
        self.value.serialize(limits.around(inner))
    }
}

impl<T: Serialize + ?Sized> Serialize for Bounded<'_, &T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(self.with(inner))
    }
}

/// Methods of a serializer that only pass on: what they write holds nothing further.
macro_rules! pass_on {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'b, S: Serializer> Serializer for Bounded<'b, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Bounded<'b, S::SerializeSeq>;
    type SerializeTuple = Bounded<'b, S::SerializeTuple>;
    type SerializeTupleStruct = Bounded<'b, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Bounded<'b, S::SerializeTupleVariant>;
    type SerializeMap = Bounded<'b, S::SerializeMap>;
    type SerializeStruct = Bounded<'b, S::SerializeStruct>;
    type SerializeStructVariant = Bounded<'b, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool(bool)
        serialize_i8(i8)
        serialize_i16(i16)
        serialize_i32(i32)
        serialize_i64(i64)
        serialize_i128(i128)
        serialize_u8(u8)
        serialize_u16(u16)
        serialize_u32(u32)
        serialize_u64(u64)
        serialize_u128(u128)
        serialize_f32(f32)
        serialize_f64(f64)
        serialize_char(char)
        serialize_str(&str)
        serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.limits.fixed().map_err(S::Error::custom)?;
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        self.inner.serialize_some(&limits.around(value))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.limits.fixed().map_err(S::Error::custom)?;
        self.inner.serialize_unit_variant(name, number, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        self.inner
            .serialize_newtype_struct(name, &limits.around(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        self.inner
            .serialize_newtype_variant(name, number, variant, &limits.around(value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let limits = self.limits.sequence().map_err(S::Error::custom)?;
        self.inner.serialize_seq(len).map(|seq| limits.around(seq))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        let tuple = self.inner.serialize_tuple(len)?;
        Ok(limits.around(tuple))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        let tuple = self.inner.serialize_tuple_struct(name, len)?;
        Ok(limits.around(tuple))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        let tuple = self
            .inner
            .serialize_tuple_variant(name, number, variant, len)?;
        Ok(limits.around(tuple))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let limits = self.limits.sequence().map_err(S::Error::custom)?;
        self.inner.serialize_map(len).map(|map| limits.around(map))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        let fields = self.inner.serialize_struct(name, len)?;
        Ok(limits.around(fields))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        number: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let limits = self.limits.fixed().map_err(S::Error::custom)?;
        let fields = self
            .inner
            .serialize_struct_variant(name, number, variant, len)?;
        Ok(limits.around(fields))
    }

    /// Bytes are written in one piece. The format has them as it has other elements: their number, and then they.
    fn collect_seq<I>(self, items: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        // What has another name goes one by one, as what had this one and were no byte would be refused.
        if type_name::<I::Item>() == "&u8" {
            self.limits.sequence().map_err(S::Error::custom)?;
            let mut are_bytes = true;
            let bytes = items.into_iter().map(|item| {
                let byte = byte(item);
                are_bytes &= byte.is_some();
                byte.unwrap_or_default()
            });
            let bytes: Vec<u8> = bytes.collect();
            if !are_bytes {
                return Err(S::Error::custom("an `u8` that is not written as a byte"));
            }
            return self.inner.serialize_bytes(&bytes);
        }
        let items = items.into_iter();
        let len = match items.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        };
        let mut seq = self.serialize_seq(len)?;
        for item in items {
            seq.serialize_element(&item)?;
        }
        seq.end()
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Parts that hold values in a row. Only those of sequences count, as the limits know.
macro_rules! elements {
    ($($part:ident::$method:ident)*) => {$(
        impl<C: $part> $part for Bounded<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.limits.count(true).map_err(C::Error::custom)?;
                let value = self.with(value);
                self.inner.$method(&value)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

impl<C: SerializeMap> SerializeMap for Bounded<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.limits.count(true).map_err(C::Error::custom)?;
        let key = self.with(key);
        self.inner.serialize_key(&key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let value = self.with(value);
        self.inner.serialize_value(&value)
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

/// Parts that hold named values. A format without names cannot do without one of them: it would read the next one in its place.
macro_rules! fields {
    ($($part:ident)*) => {$(
        impl<C: $part> $part for Bounded<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let value = self.with(value);
                self.inner.serialize_field(name, &value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
                Err(C::Error::custom(format_args!(
                    "field `{name}` is left out by `skip_serializing_if`, but the row format has no names to tell that by"
                )))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);
