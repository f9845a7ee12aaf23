//! Shapes as a person writes types.

use std::fmt::{self, Write};

use super::{Content, Field, Node, Place, Shape};

/// Types are told up to this depth, and up to this length.
const DEPTH: usize = 16;
const LENGTH: usize = 400;

impl Shape {
    /// The type at a place, as a person writes it: `Option<String>`.
    pub(crate) fn text(&self, place: Place) -> String {
        let mut out = String::new();
        self.write(place, DEPTH, &mut out);
        out
    }

    fn write(&self, place: Place, depth: usize, out: &mut String) {
        let Some(depth) = depth.checked_sub(1).filter(|_| out.len() < LENGTH) else {
            out.push('…');
            return;
        };
        let mut around = |open: &str, inner: &[Place], close: &str| {
            out.push_str(open);
            for (number, place) in inner.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                self.write(*place, depth, out);
                if out.len() >= LENGTH {
                    break;
                }
            }
            out.push_str(close);
        };
        match self.node(place) {
            Node::Option(inner) => around("Option<", &[*inner], ">"),
            Node::List(inner) => around("Vec<", &[*inner], ">"),
            Node::Map(key, value) => around("Map<", &[*key, *value], ">"),
            Node::Tuple(elements) if elements.len() == 1 => around("(", elements, ",)"),
            Node::Tuple(elements) => around("(", elements, ")"),
            Node::Array(inner, len) => around("[", &[*inner], &format!("; {len}]")),
            Node::Struct(name, _) | Node::Enum(name, _) => out.push_str(name),
            leaf => out.push_str(leaf.word()),
        }
    }

    /// The structs and enums, each once, the row first.
    fn named(&self) -> Vec<Place> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        let mut rest = vec![Self::ROW];
        while let Some(place) = rest.pop() {
            match seen.get_mut(place as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let node = self.node(place);
            if matches!(node, Node::Struct(..) | Node::Enum(..)) {
                found.push(place);
            }
            rest.extend(node.places().into_iter().rev());
        }
        found
    }

    fn list(&self, fields: &[Field]) -> String {
        let mut out = String::new();
        for (number, field) in fields.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            // Writing to a string does not fail.
            let _ = write!(
                out,
                "{comma}{}: {}",
                field.names.name(),
                self.text(field.node)
            );
        }
        out
    }
}

impl Node {
    /// The word for a type without parts.
    fn word(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "?",
            Self::Unit => "()",
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::Text => "String",
            Self::Bytes => "bytes",
            _ => "",
        }
    }
}

impl fmt::Display for Shape {
    /// A line for each struct and enum, the row's first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, place) in self.named().into_iter().enumerate() {
            if number > 0 {
                f.write_char('\n')?;
            }
            match self.node(place) {
                Node::Struct(name, fields) => {
                    write!(f, "struct {name} {{ {} }}", self.list(fields))?;
                }
                Node::Enum(name, variants) => {
                    write!(f, "enum {name} {{ ")?;
                    for (number, variant) in variants.iter().enumerate() {
                        let comma = if number > 0 { ", " } else { "" };
                        write!(f, "{comma}{}", variant.names.name())?;
                        match &variant.content {
                            Content::Unit => {}
                            Content::One(place) => write!(f, "({})", self.text(*place))?,
                            Content::Tuple(places) => {
                                let texts: Vec<String> =
                                    places.iter().map(|place| self.text(*place)).collect();
                                write!(f, "({})", texts.join(", "))?;
                            }
                            Content::Fields(fields) => write!(f, " {{ {} }}", self.list(fields))?,
                        }
                    }
                    f.write_str(" }")?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
