//! Values by serde, as their types would be in JSON.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Kind, Value};

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Kind::Unit => out.serialize_unit(),
            Kind::Bool(value) => out.serialize_bool(*value),
            Kind::Signed(value) => match i64::try_from(*value) {
                Ok(value) => out.serialize_i64(value),
                Err(_) => out.serialize_i128(*value),
            },
            Kind::Unsigned(value) => match u64::try_from(*value) {
                Ok(value) => out.serialize_u64(value),
                Err(_) => out.serialize_u128(*value),
            },
            Kind::F32(value) => out.serialize_f32(*value),
            Kind::F64(value) => out.serialize_f64(*value),
            Kind::Char(value) => out.serialize_char(*value),
            Kind::Text(value) => out.serialize_str(value),
            Kind::Bytes(value) if out.is_human_readable() => out.serialize_str(&hex(value)),
            Kind::Bytes(value) => out.serialize_bytes(value),
            Kind::None => out.serialize_none(),
            Kind::Some(value) => out.serialize_some(&**value),
            Kind::List(values) => out.collect_seq(values),
            Kind::Map(pairs) if pairs.iter().all(|(key, _)| key.is_name()) => {
                out.collect_map(pairs.iter().map(|(key, value)| (key, value)))
            }
            // What is no name cannot stand before a colon.
            Kind::Map(pairs) => out.collect_seq(pairs),
            Kind::Fields(fields, values) => {
                let names = fields.iter().map(|field| field.names.name());
                out.collect_map(names.zip(values))
            }
            Kind::Variant(variant, content) if matches!(content.0, Kind::Unit) => {
                out.serialize_str(variant.names.name())
            }
            Kind::Variant(variant, content) => {
                let mut map = out.serialize_map(Some(1))?;
                map.serialize_entry(variant.names.name(), &**content)?;
                map.end()
            }
        }
    }
}

impl Value<'_> {
    /// Whether it can be the name of something in JSON.
    fn is_name(&self) -> bool {
        match &self.0 {
            Kind::Bool(_)
            | Kind::Signed(_)
            | Kind::Unsigned(_)
            | Kind::Char(_)
            | Kind::Text(_)
            | Kind::Bytes(_) => true,
            Kind::Variant(_, content) => matches!(content.0, Kind::Unit),
            _ => false,
        }
    }
}

/// Bytes in hexadecimal digits.
pub(in crate::table) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
