//! What rows are made of, as data that a file keeps: so that rows can be read when the struct that wrote them is gone.
//!
//! A [`Shape`] is a list of nodes that name one another by their places, so that a type can hold itself. The first one is the row. It comes from the program,
//! which [`trace`] finds out about by asking the type's own `Deserialize`, or from a file, and then nothing of it is believed before [`Shape::check`].
//!
//! | file | what |
//! |---|---|
//! | `trace`, `book`, `access` | the shape of a type, found by reading values that are made up |
//! | `probes` | the values that are made up |
//! | `fit` | whether rows of one shape can be read as another as they are |
//! | `text` | shapes as a person writes types |

mod access;
mod book;
mod fit;
mod probes;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests;
mod text;
mod trace;

use serde::{Deserialize, Serialize};

pub(crate) use fit::Fit;
pub(crate) use trace::{Traced, Untraceable, trace};

/// The place of a node in its shape.
pub(crate) type Place = u32;

/// What the rows of a table are made of: their fields with names and types, and whatever these are made of.
///
/// Its text, by `Display`, is that of Rust structs and enums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub(super) nodes: Vec<Node>,
}

/// One type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Node {
    /// Not known, and why.
    Unknown(String),
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option(Place),
    List(Place),
    Map(Place, Place),
    Tuple(Vec<Place>),
    /// So many of one type.
    Array(Place, u64),
    Struct(String, Vec<Field>),
    Enum(String, Vec<Variant>),
}

/// A field that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(super) names: Names,
    pub(super) node: Place,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Variant {
    pub(super) names: Names,
    pub(super) content: Content,
}

/// What a variant holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Unit,
    One(Place),
    Tuple(Vec<Place>),
    Fields(Vec<Field>),
}

/// The name of a field or variant, as serde has it, and the aliases by which it can be read, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    name: String,
    aliases: Vec<String>,
}

impl Names {
    pub(super) fn new(name: &str, all: &[&str]) -> Self {
        let aliases = all.iter().filter(|other| **other != name);
        Self {
            name: name.to_owned(),
            aliases: aliases.map(|&alias| alias.to_owned()).collect(),
        }
    }

    /// The name itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name, and then the others.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// Whether something of these names can be read as something of those.
    pub(super) fn meet(&self, others: &Self) -> bool {
        self.iter()
            .any(|name| others.iter().any(|other| name == other))
    }

    /// Which of the names a reader knows who knows `known`; the name itself where it knows none.
    pub(super) fn known_to(&self, known: &[&'static str]) -> &str {
        self.iter()
            .find(|name| known.contains(name))
            .unwrap_or(&self.name)
    }
}

impl Shape {
    /// The place of the row.
    pub(crate) const ROW: Place = 0;

    /// What lies at a place. One that does not exist is not known.
    pub(crate) fn node(&self, place: Place) -> &Node {
        const NOWHERE: &Node = &Node::Unknown(String::new());
        self.nodes.get(place as usize).unwrap_or(NOWHERE)
    }

    /// Refuses a shape from a file that names places which do not exist.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.nodes.is_empty() {
            return Err("the shape of the rows is empty");
        }
        let len = self.nodes.len() as u64;
        let mut places = self.nodes.iter().flat_map(Node::places);
        if places.any(|place| u64::from(place) >= len) {
            return Err("the shape of the rows names a type that it does not tell");
        }
        Ok(())
    }

    /// Whether all of it is known.
    pub(crate) fn is_whole(&self) -> bool {
        let unknown = |node: &Node| matches!(node, Node::Unknown(_));
        !self.nodes.iter().any(unknown)
    }

    /// The names of the row's fields, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields().iter().map(|field| field.names.name())
    }

    /// The fields of the row.
    pub(crate) fn fields(&self) -> &[Field] {
        match self.node(Self::ROW) {
            Node::Struct(_, fields) => fields,
            _ => &[],
        }
    }
}

impl Node {
    /// The places that it names.
    pub(super) fn places(&self) -> Vec<Place> {
        let of_fields = |fields: &[Field]| fields.iter().map(|field| field.node).collect();
        match self {
            Self::Option(inner) | Self::List(inner) | Self::Array(inner, _) => vec![*inner],
            Self::Map(key, value) => vec![*key, *value],
            Self::Tuple(elements) => elements.clone(),
            Self::Struct(_, fields) => of_fields(fields),
            Self::Enum(_, variants) => variants
                .iter()
                .flat_map(|variant| match &variant.content {
                    Content::Unit => Vec::new(),
                    Content::One(place) => vec![*place],
                    Content::Tuple(elements) => elements.clone(),
                    Content::Fields(fields) => of_fields(fields),
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
