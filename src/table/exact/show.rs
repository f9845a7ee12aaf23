//! Values to text.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Kind, Value};
use crate::table::value::hex;

/// Integers up to this are numbers: what reads all numbers as floats reads them as they are.
const MOST_NUMBER: u128 = 1 << 53;

/// A value by serde in a form for JSON that [`RowForm::read`](super::RowForm::read) takes back as it was, whatever else reads and writes it on the way.
///
/// As [`Value`] itself, but: integers beyond 2⁵³ are strings; floats that are no numbers are `"NaN"` (`"NaN:7ff8000000000001"` with other bits than usual), `"inf"` and `"-inf"`; a map is an object
/// only where its keys are strings, and else a list of pairs; `Some` of what can be `null` itself is `{"some":..}`.
#[derive(Clone, Copy, Debug)]
pub struct Exact<'v, 's>(&'v Value<'s>);

impl<'s> Value<'s> {
    /// The value in a form that loses nothing.
    pub fn exact(&self) -> Exact<'_, 's> {
        Exact(self)
    }
}

impl Serialize for Exact<'_, '_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match &self.0.0 {
            Kind::Signed(value) => match i64::try_from(*value) {
                Ok(small) if value.unsigned_abs() <= MOST_NUMBER => out.serialize_i64(small),
                _ => out.collect_str(value),
            },
            Kind::Unsigned(value) => match u64::try_from(*value) {
                Ok(small) if *value <= MOST_NUMBER => out.serialize_u64(small),
                _ => out.collect_str(value),
            },
            Kind::F32(value) if value.is_nan() && value.to_bits() != f32::NAN.to_bits() => {
                out.collect_str(&format_args!("NaN:{:08x}", value.to_bits()))
            }
            Kind::F64(value) if value.is_nan() && value.to_bits() != f64::NAN.to_bits() => {
                out.collect_str(&format_args!("NaN:{:016x}", value.to_bits()))
            }
            Kind::F32(value) if !value.is_finite() => out.collect_str(value),
            Kind::F64(value) if !value.is_finite() => out.collect_str(value),
            Kind::F32(value) => {
                // Who reads it as the wider float and rounds that comes back to it; mostly by the short text, too.
                let wide = value.to_string().parse::<f64>();
                #[allow(clippy::cast_possible_truncation, reason = "that is the question")]
                if wide.is_ok_and(|wide| (wide as f32).to_bits() == value.to_bits()) {
                    out.serialize_f32(*value)
                } else {
                    out.serialize_f64(f64::from(*value))
                }
            }
            Kind::Bytes(value) => out.serialize_str(&hex(value)),
            Kind::Some(value) if value.can_be_null() => {
                let mut map = out.serialize_map(Some(1))?;
                map.serialize_entry("some", &value.exact())?;
                map.end()
            }
            Kind::Some(value) => out.serialize_some(&value.exact()),
            Kind::List(values) => out.collect_seq(values.iter().map(Value::exact)),
            Kind::Map(pairs) if has_names(pairs) => out.collect_map(
                pairs
                    .iter()
                    .map(|(key, value)| (key.exact(), value.exact())),
            ),
            Kind::Map(pairs) => out.collect_seq(
                pairs
                    .iter()
                    .map(|(key, value)| (key.exact(), value.exact())),
            ),
            Kind::Fields(fields, values) => {
                let names = fields.iter().map(|field| field.names.name());
                out.collect_map(names.zip(values.iter().map(Value::exact)))
            }
            Kind::Variant(variant, content) if matches!(content.0, Kind::Unit) => {
                // One that holds a value which is nothing must not look like one that holds none.
                match variant.content {
                    super::shape::Content::Unit => out.serialize_str(variant.names.name()),
                    _ => in_variant(variant.names.name(), content, out),
                }
            }
            Kind::Variant(variant, content) => in_variant(variant.names.name(), content, out),
            _ => self.0.serialize(out),
        }
    }
}

fn in_variant<S: Serializer>(name: &str, content: &Value<'_>, out: S) -> Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry(name, &content.exact())?;
    map.end()
}

/// Whether these are strings, each once: what else reads objects may keep only one of two.
fn has_names(pairs: &[(Value<'_>, Value<'_>)]) -> bool {
    let mut names = std::collections::HashSet::new();
    pairs.iter().all(|(key, _)| match &key.0 {
        Kind::Text(name) => names.insert(name.as_str()),
        _ => false,
    })
}

impl Value<'_> {
    /// Whether another value of its type is `null` in this form.
    fn can_be_null(&self) -> bool {
        matches!(self.0, Kind::Unit | Kind::None | Kind::Some(_))
    }
}
