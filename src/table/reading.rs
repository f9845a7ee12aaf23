//! How rows that a file has are read into the struct that the program has.

use super::difference::Difference;
use super::former::{Former, FormerRow};
use super::shape::{Content, Field, Fit, Node, Place, Shape, Traced, Untraceable};
use super::value::{self, ReadRefusal, Step};
use super::{CodecError, IndexColumns, Table, TableDefinition, TableSchema};

/// The way from a row's bytes in a file to a `T`.
pub(crate) struct Reading<'f, T> {
    stored: &'f TableSchema,
    way: Way<T>,
}

enum Way<T> {
    /// The bytes are those of a `T`.
    Bytes,
    /// The file's shape says what the bytes are, and serde what a `T` makes of that.
    Names(Traced),
    /// They are a row of an earlier version, in its own bytes or not.
    Former(Former<T>, Traced, Fit),
}

/// Why a row was not read.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// The bytes are not what they should be.
    Codec(CodecError),
    /// The row is not one of the new struct.
    Refused(ReadRefusal),
}

impl From<CodecError> for NotRead {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl From<ReadRefusal> for NotRead {
    fn from(refusal: ReadRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why no row can be read.
pub(crate) enum NoReading {
    Difference(Box<Difference>),
    Untraceable(Untraceable),
}

impl From<Untraceable> for NoReading {
    fn from(untraceable: Untraceable) -> Self {
        Self::Untraceable(untraceable)
    }
}

impl From<Box<Difference>> for NoReading {
    fn from(difference: Box<Difference>) -> Self {
        Self::Difference(difference)
    }
}

impl From<Difference> for NoReading {
    fn from(difference: Difference) -> Self {
        Self::Difference(Box::new(difference))
    }
}

impl<'f, T: Table> Reading<'f, T> {
    /// The way for rows of this table in a file, where the program's struct has the shape `traced`.
    pub(crate) fn new(stored: &'f TableSchema, traced: Traced) -> Result<Self, NoReading> {
        let declared = T::definition();
        let version = stored.definition.version;
        let old = Side {
            definition: &stored.definition,
            shape: &stored.shape,
        };
        let new = Side {
            definition: &declared,
            shape: &traced.shape,
        };
        same_key(old, new)?;
        let way = if version == T::VERSION {
            match Fit::of(&stored.shape, &traced.shape) {
                Fit::Bytes => {
                    strictly(old, new)?;
                    Way::Bytes
                }
                Fit::Names => Way::Names(traced),
            }
        } else {
            let former = T::former(version).ok_or_else(|| Difference::Version {
                table: declared.name.clone(),
                stored: version,
                declared: T::VERSION,
            })?;
            let traced = former.trace()?;
            let fit = Fit::of(&stored.shape, &traced.shape);
            Way::Former(former, traced, fit)
        };
        Ok(Self { stored, way })
    }

    /// Whether rows are written in other bytes than the file has.
    pub(crate) fn rewrites(&self) -> bool {
        !matches!(self.way, Way::Bytes)
    }

    /// Reads a row.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<T, NotRead> {
        let shape = &self.stored.shape;
        match &self.way {
            Way::Bytes => Ok(T::decode_row(bytes)?),
            Way::Names(traced) => {
                let value = value::decode(bytes, shape)?;
                Ok(value::read(value, &traced.by_place)?)
            }
            Way::Former(former, _, Fit::Bytes) => former.read(FormerRow::Bytes(bytes)),
            Way::Former(former, traced, Fit::Names) => {
                let value = value::decode(bytes, shape)?;
                former.read(FormerRow::Value(value, &traced.by_place))
            }
        }
    }

    /// Says what about the two structs keeps the row of this key from being read; or in words what is wrong, where they agree.
    pub(crate) fn explain(&self, refusal: &ReadRefusal, key: &str) -> Result<Difference, String> {
        let declared = match &self.way {
            Way::Bytes => return Err(refusal.to_string()),
            Way::Names(traced) | Way::Former(_, traced, _) => &traced.shape,
        };
        let mut names = Vec::new();
        let row = Some(Part::Place(Shape::ROW));
        let (mut old, mut new) = (row, row);
        let missing = refusal.missing().map(|name| Step::Name(name.to_owned()));
        for step in refusal.path().chain(&missing) {
            if let Step::Name(name) = step {
                names.push(name.as_str());
            }
            old = old.and_then(|part| part.step(&self.stored.shape, step));
            new = new.and_then(|part| part.step(declared, step));
        }
        let field = names.join(".");
        let old = old.filter(|_| missing.is_none());
        let stored = old.and_then(|part| part.text(&self.stored.shape));
        let declared = new.and_then(|part| part.text(declared));
        if names.is_empty() {
            return Err(refusal.to_string());
        }
        if stored == declared {
            return Err(format!("field `{field}`: {refusal}"));
        }
        Ok(Difference::Row {
            table: T::NAME.to_owned(),
            key: key.to_owned(),
            field,
            stored,
            declared,
            reason: refusal.to_string(),
        })
    }
}

/// One of the two: the table in the file, or in the program.
#[derive(Clone, Copy)]
struct Side<'a> {
    definition: &'a TableDefinition,
    shape: &'a Shape,
}

impl Side<'_> {
    fn key(&self) -> &[String] {
        match self.definition.primary().map(|index| &index.columns) {
            Some(IndexColumns::Fields(columns)) => columns,
            _ => &[],
        }
    }

    fn key_text(&self) -> String {
        self.definition
            .primary()
            .map_or_else(String::new, |index| index.columns.to_string())
    }

    /// The type of a field, as it is written in the struct.
    fn type_text(&self, field: &str) -> &str {
        let mut fields = self.definition.fields.iter();
        let found = fields.find(|other| other.name == field);
        found.map_or("", |field| &field.type_text)
    }

    fn place(&self, field: &str) -> Option<Place> {
        let mut fields = self.shape.fields().iter();
        let found = fields.find(|other| other.names.iter().any(|name| name == field));
        found.map(|field| field.node)
    }
}

/// Refuses a table whose primary key is made of other columns, or of other types.
fn same_key(stored: Side<'_>, declared: Side<'_>) -> Result<(), Box<Difference>> {
    let table = || declared.definition.name.clone();
    let (old, new) = (stored.key(), declared.key());
    let other = || {
        Box::new(Difference::Key {
            table: table(),
            stored: stored.key_text(),
            declared: declared.key_text(),
        })
    };
    if old.len() != new.len() {
        return Err(other());
    }
    for (old, new) in old.iter().zip(new) {
        let bare = |column: &str| -> (String, bool) {
            let inside = column.strip_prefix("desc(");
            let inside = inside.and_then(|rest| rest.strip_suffix(')'));
            (inside.unwrap_or(column).to_owned(), inside.is_some())
        };
        let ((old, old_order), (new, new_order)) = (bare(old), bare(new));
        let place = declared.place(&new);
        let renamed = place.is_some() && place == declared.place(&old);
        if old_order != new_order || old != new && !renamed {
            return Err(other());
        }
        let same = match (stored.place(&old), place) {
            (Some(old), Some(new)) => {
                Fit::between((stored.shape, old), (declared.shape, new)) == Fit::Bytes
            }
            _ => stored.type_text(&old) == declared.type_text(&new),
        };
        if !same {
            return Err(Box::new(Difference::KeyType {
                table: table(),
                stored: stored.type_text(&old).to_owned(),
                declared: declared.type_text(&new).to_owned(),
                field: new,
            }));
        }
    }
    Ok(())
}

/// Where a part of the rows is not known, the fields must be the same to the letter.
fn strictly(stored: Side<'_>, declared: Side<'_>) -> Result<(), Box<Difference>> {
    if stored.shape.is_whole() {
        return Ok(());
    }
    let difference = Difference::of_fields(stored.definition, declared.definition);
    difference.map_or(Ok(()), |difference| Err(Box::new(difference)))
}

/// A part of a shape.
#[derive(Clone, Copy)]
enum Part<'s> {
    Place(Place),
    Fields(&'s [Field]),
    Elements(&'s [Place]),
}

impl<'s> Part<'s> {
    /// What lies a step further in.
    fn step(self, shape: &'s Shape, step: &Step) -> Option<Self> {
        match (self.bare(shape), step) {
            (Self::Fields(fields), Step::Name(name)) => {
                let mut fields = fields.iter();
                let found = fields.find(|field| field.names.iter().any(|other| other == name));
                found.map(|field| Self::Place(field.node))
            }
            (Self::Elements(places), Step::Element(number)) => {
                places.get(*number).copied().map(Self::Place)
            }
            (Self::Place(place), _) => match (shape.node(place), step) {
                (Node::List(inner) | Node::Array(inner, _), Step::Element(_))
                | (Node::Map(inner, _), Step::Key)
                | (Node::Map(_, inner), Step::Value | Step::Name(_)) => Some(Self::Place(*inner)),
                (Node::Enum(_, variants), Step::Name(name)) => {
                    let mut variants = variants.iter();
                    let found =
                        variants.find(|found| found.names.iter().any(|other| other == name))?;
                    match &found.content {
                        Content::Unit => None,
                        Content::One(place) => Some(Self::Place(*place)),
                        Content::Tuple(places) => Some(Self::Elements(places)),
                        Content::Fields(fields) => Some(Self::Fields(fields)),
                    }
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The same without the options around it.
    fn bare(self, shape: &'s Shape) -> Self {
        let mut part = self;
        // Hostile shapes may go round in circles.
        for _ in 0..=u8::MAX {
            let Self::Place(place) = part else { break };
            part = match shape.node(place) {
                Node::Option(inner) => Self::Place(*inner),
                Node::Struct(_, fields) => Self::Fields(fields),
                Node::Tuple(places) => Self::Elements(places),
                _ => break,
            };
        }
        part
    }

    /// The type, as a person writes it.
    fn text(self, shape: &Shape) -> Option<String> {
        match self {
            Self::Place(place) => Some(shape.text(place)),
            Self::Fields(_) | Self::Elements(_) => None,
        }
    }
}
