//! Text to values, by a shape.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

use super::form::RowProblem;
use super::number::{Integer, float, integer, is_integer, unhex};
use super::shape::{Content, Field, Node, Place, Shape};
use super::{Kind, Step, Value};

/// Values may be in one another so deep: no row that can be written is deeper.
const MAX_DEPTH: u16 = 260;

/// Reads a row of this shape, in the form of [`Exact`](super::Exact).
pub(super) fn read<'s, 'de, D: Deserializer<'de>>(
    shape: &'s Shape,
    from: D,
) -> Result<Value<'s>, RowProblem> {
    let path = RefCell::default();
    let row = At {
        shape,
        place: Shape::ROW,
        depth: MAX_DEPTH,
        path: &path,
    };
    row.deserialize(from)
        .map_err(|error| RowProblem::new(&path.take(), error.to_string()))
}

/// A place of the shape, where a value is read.
#[derive(Clone, Copy)]
struct At<'s, 'c> {
    shape: &'s Shape,
    place: Place,
    depth: u16,
    /// The way to what is being read; where that fails, it is left as it is.
    path: &'c RefCell<Vec<Step>>,
}

impl<'s> At<'s, '_> {
    fn inside<E: Error>(self, place: Place) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1);
        let depth = depth.ok_or_else(|| E::custom("values are nested too deep"))?;
        Ok(Self {
            place,
            depth,
            ..self
        })
    }

    /// Reads something a step further in.
    fn step<T, E>(self, step: Step, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.path.borrow_mut().push(step);
        let value = read()?;
        self.path.borrow_mut().pop();
        Ok(value)
    }

    /// What is in the option that this is, and whether that can be `null` itself; `None` where it is no option.
    fn option(self) -> Option<(Place, bool)> {
        let Node::Option(inner) = self.shape.node(self.place) else {
            return None;
        };
        let nullable = matches!(self.shape.node(*inner), Node::Option(_) | Node::Unit);
        Some((*inner, nullable))
    }

    fn node(self) -> &'s Node {
        self.shape.node(self.place)
    }

    fn fields<'de, A: MapAccess<'de>>(
        self,
        fields: &'s [Field],
        mut map: A,
    ) -> Result<Kind<'s>, A::Error> {
        let mut values: Vec<Option<Value<'s>>> = fields.iter().map(|_| None).collect();
        while let Some(name) = map.next_key::<String>()? {
            let own = fields.iter().position(|field| field.names.name() == name);
            let known = own.or_else(|| {
                let mut fields = fields.iter();
                fields.position(|field| field.names.iter().any(|other| other == name))
            });
            let Some(number) = known else {
                return Err(A::Error::custom(format_args!("unknown field `{name}`")));
            };
            if values[number].is_some() {
                return Err(A::Error::custom(format_args!(
                    "field `{name}` stands twice"
                )));
            }
            let at = self.inside(fields[number].node)?;
            values[number] = Some(self.step(Step::Name(name), || map.next_value_seed(at))?);
        }
        let missing = values.iter().position(Option::is_none);
        if let Some(number) = missing {
            let name = fields[number].names.name();
            let wanted = self.shape.text(fields[number].node);
            return Err(A::Error::custom(format_args!(
                "missing field `{name}`, expected {wanted}"
            )));
        }
        Ok(Kind::Fields(fields, values.into_iter().flatten().collect()))
    }

    fn several<'de, A: SeqAccess<'de>>(
        self,
        places: impl Iterator<Item = Place>,
        mut elements: A,
    ) -> Result<Kind<'s>, A::Error> {
        let mut values = Vec::new();
        for (number, place) in places.enumerate() {
            let at = self.inside(place)?;
            let read = self.step(Step::Element(number), || elements.next_element_seed(at))?;
            match read {
                Some(value) => values.push(value),
                None => return Err(A::Error::invalid_length(number, &self)),
            }
        }
        if elements.next_element::<serde::de::IgnoredAny>()?.is_some() {
            return Err(A::Error::invalid_length(values.len() + 1, &self));
        }
        Ok(Kind::List(values))
    }
}

impl<'de, 's> DeserializeSeed<'de> for At<'s, '_> {
    type Value = Value<'s>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'s>, D::Error> {
        match self.option() {
            Some((inner, true)) => from.deserialize_any(Wrapped(self, inner)),
            // So that what is in an option with brackets around it reads as it would outside.
            Some((inner, false)) => from.deserialize_option(Plain(self, inner)),
            None => match self.node() {
                Node::Enum(..) => from.deserialize_enum("", &[], AVariant(self)),
                _ => from.deserialize_any(self).map(Value),
            },
        }
    }
}

/// `null`, or what is in the option.
struct Plain<'s, 'c>(At<'s, 'c>, Place);

impl<'de, 's> Visitor<'de> for Plain<'s, '_> {
    type Value = Value<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'s>, E> {
        Ok(Value(Kind::None))
    }

    fn visit_none<E: Error>(self) -> Result<Value<'s>, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value<'s>, D::Error> {
        let inner = self.0.inside(self.1)?.deserialize(from)?;
        Ok(Value(Kind::Some(Box::new(inner))))
    }
}

/// `null`, or `{"some":..}`.
struct Wrapped<'s, 'c>(At<'s, 'c>, Place);

impl<'de, 's> Visitor<'de> for Wrapped<'s, '_> {
    type Value = Value<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.0.shape.text(self.1);
        write!(f, "null, or an object with `some` and in it {inner}")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'s>, E> {
        Ok(Value(Kind::None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'s>, A::Error> {
        let wrong =
            |other: &str| A::Error::custom(format_args!("expected `some`, found `{other}`"));
        match map.next_key::<String>()? {
            Some(name) if name == "some" => {}
            Some(other) => return Err(wrong(&other)),
            None => return Err(wrong("{}")),
        }
        let inner = map.next_value_seed(self.0.inside(self.1)?)?;
        match map.next_key::<String>()? {
            None => Ok(Value(Kind::Some(Box::new(inner)))),
            Some(other) => Err(wrong(&other)),
        }
    }
}

impl<'de, 's> Visitor<'de> for At<'s, '_> {
    type Value = Kind<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shape.text(self.place))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Kind<'s>, E> {
        match self.node() {
            Node::Bool => Ok(Kind::Bool(value)),
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Kind<'s>, E> {
        let unexpected = serde::de::Unexpected::Unsigned(value);
        match self.node() {
            #[allow(clippy::cast_precision_loss, reason = "the nearest one is meant")]
            Node::F32 => Ok(Kind::F32(value as f32)),
            #[allow(clippy::cast_precision_loss, reason = "the nearest one is meant")]
            Node::F64 => Ok(Kind::F64(value as f64)),
            node => match integer(node, Integer::Unsigned(value.into())) {
                Some(kind) => Ok(kind),
                None if is_integer(node) => Err(E::invalid_value(unexpected, &self)),
                None => Err(E::invalid_type(unexpected, &self)),
            },
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Kind<'s>, E> {
        let unexpected = serde::de::Unexpected::Signed(value);
        match self.node() {
            #[allow(clippy::cast_precision_loss, reason = "the nearest one is meant")]
            Node::F32 => Ok(Kind::F32(value as f32)),
            #[allow(clippy::cast_precision_loss, reason = "the nearest one is meant")]
            Node::F64 => Ok(Kind::F64(value as f64)),
            node => match integer(node, Integer::Signed(value.into())) {
                Some(kind) => Ok(kind),
                None if is_integer(node) => Err(E::invalid_value(unexpected, &self)),
                None => Err(E::invalid_type(unexpected, &self)),
            },
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Kind<'s>, E> {
        match self.node() {
            Node::F32 if (value as f32).is_finite() => Ok(Kind::F32(value as f32)),
            Node::F32 => Err(E::invalid_value(serde::de::Unexpected::Float(value), &self)),
            Node::F64 => Ok(Kind::F64(value)),
            _ => Err(E::invalid_type(serde::de::Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Kind<'s>, E> {
        let invalid = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
        let node = self.node();
        let mut chars = text.chars();
        match node {
            Node::Text => Ok(Kind::Text(text.to_owned())),
            Node::Char => match (chars.next(), chars.next()) {
                (Some(only), None) => Ok(Kind::Char(only)),
                _ => Err(invalid()),
            },
            Node::Bytes => unhex(text).map(Kind::Bytes).ok_or_else(invalid),
            Node::F32 => float(text)
                .and_then(|(value, bits)| match bits {
                    None if value.is_nan() => Some(f32::NAN),
                    None => Some(value as f32),
                    Some(bits) => u32::try_from(bits).ok().map(f32::from_bits),
                })
                .map(Kind::F32)
                .ok_or_else(invalid),
            Node::F64 => float(text)
                .map(|(value, bits)| bits.map_or(value, f64::from_bits))
                .map(Kind::F64)
                .ok_or_else(invalid),
            node if is_integer(node) => {
                let unsigned = text.parse().ok().map(Integer::Unsigned);
                let read = unsigned.or_else(|| text.parse().ok().map(Integer::Signed));
                read.and_then(|value| integer(node, value))
                    .ok_or_else(invalid)
            }
            _ => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Kind<'s>, E> {
        match self.node() {
            Node::Unit => Ok(Kind::Unit),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Kind<'s>, A::Error> {
        match self.node() {
            Node::List(inner) => {
                let at = self.inside(*inner)?;
                let mut values = Vec::new();
                while let Some(value) = self.step(Step::Element(values.len()), || {
                    elements.next_element_seed(at)
                })? {
                    values.push(value);
                }
                Ok(Kind::List(values))
            }
            Node::Tuple(places) => self.several(places.iter().copied(), elements),
            Node::Array(inner, len) => {
                let len = usize::try_from(*len).unwrap_or(usize::MAX);
                self.several(std::iter::repeat_n(*inner, len), elements)
            }
            Node::Map(key, value) => {
                let pair = Pair(self, *key, *value);
                let mut pairs = Vec::new();
                while let Some(read) = self.step(Step::Element(pairs.len()), || {
                    elements.next_element_seed(pair)
                })? {
                    pairs.push(read);
                }
                Ok(Kind::Map(pairs))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind<'s>, A::Error> {
        match self.node() {
            Node::Struct(_, fields) => self.fields(fields, map),
            Node::Map(key, value) if matches!(self.shape.node(*key), Node::Text) => {
                let at = self.inside(*value)?;
                let mut pairs = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let step = Step::Name(name.clone());
                    let value = self.step(step, || map.next_value_seed(at))?;
                    pairs.push((Value(Kind::Text(name)), value));
                }
                Ok(Kind::Map(pairs))
            }
            // One of no entries is written so whatever its keys would be.
            Node::Map(..) if map.next_key::<serde::de::IgnoredAny>()?.is_none() => {
                Ok(Kind::Map(Vec::new()))
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

/// An entry of a map, as a list of two.
#[derive(Clone, Copy)]
struct Pair<'s, 'c>(At<'s, 'c>, Place, Place);

impl<'de, 's> DeserializeSeed<'de> for Pair<'s, '_> {
    type Value = (Value<'s>, Value<'s>);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, 's> Visitor<'de> for Pair<'s, '_> {
    type Value = (Value<'s>, Value<'s>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of a key and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut two: A) -> Result<Self::Value, A::Error> {
        let Self(at, key, value) = self;
        let short = |len| A::Error::invalid_length(len, &self);
        let key = at.step(Step::Key, || two.next_element_seed(at.inside(key)?))?;
        let key = key.ok_or_else(|| short(0))?;
        let value = at.step(Step::Value, || two.next_element_seed(at.inside(value)?))?;
        let value = value.ok_or_else(|| short(1))?;
        match two.next_element::<serde::de::IgnoredAny>()? {
            None => Ok((key, value)),
            Some(_) => Err(short(3)),
        }
    }
}

/// An enum's variant; the place is that of the enum.
struct AVariant<'s, 'c>(At<'s, 'c>);

impl<'de, 's> Visitor<'de> for AVariant<'s, '_> {
    type Value = Value<'s>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a variant of {}", self.0.shape.text(self.0.place))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value<'s>, A::Error> {
        use serde::de::VariantAccess;
        let at = self.0;
        let (name, data) = data.variant::<String>()?;
        let variants = match at.node() {
            Node::Enum(_, variants) => &variants[..],
            _ => &[],
        };
        let own = variants.iter().find(|it| it.names.name() == name);
        let known = own.or_else(|| {
            let mut variants = variants.iter();
            variants.find(|it| it.names.iter().any(|other| other == name))
        });
        let variant = known.ok_or_else(|| {
            let of = at.shape.text(at.place);
            A::Error::custom(format_args!("unknown variant `{name}` of {of}"))
        })?;
        let content = at.step(Step::Name(name), || match &variant.content {
            Content::Unit => data.unit_variant().map(|()| Value(Kind::Unit)),
            Content::One(place) => data.newtype_variant_seed(at.inside(*place)?),
            Content::Tuple(places) => data.newtype_variant_seed(Several(at, places)),
            Content::Fields(fields) => data.newtype_variant_seed(Fields(at, fields)),
        })?;
        Ok(Value(Kind::Variant(variant, Box::new(content))))
    }
}

/// What a variant of several values holds.
struct Several<'s, 'c>(At<'s, 'c>, &'s [Place]);

/// What a variant with names holds.
struct Fields<'s, 'c>(At<'s, 'c>, &'s [Field]);

macro_rules! content {
    ($type:ident, $deserialize:ident, $what:literal, $visit:ident, $access:ident, $this:ident, $data:ident => $read:expr) => {
        impl<'de, 's> DeserializeSeed<'de> for $type<'s, '_> {
            type Value = Value<'s>;

            fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'s>, D::Error> {
                from.$deserialize(self)
            }
        }

        impl<'de, 's> Visitor<'de> for $type<'s, '_> {
            type Value = Value<'s>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }

            fn $visit<A: $access<'de>>(self, $data: A) -> Result<Value<'s>, A::Error> {
                let $this = self;
                $read.map(Value)
            }
        }
    };
}

content!(Several, deserialize_seq, "a list of what the variant holds", visit_seq, SeqAccess, this, data
    => this.0.several(this.1.iter().copied(), data));
content!(Fields, deserialize_map, "an object with the fields of the variant", visit_map, MapAccess, this, data
    => this.0.fields(this.1, data));
