//! Rows of one table, as a file keeps them.

use std::error::Error;
use std::fmt::{self, Write};

use serde::Deserializer;
use twox_hash::XxHash3_64;

use super::key_type::KeyType;
use super::read::read;
use super::write::Written;
use super::{Step, Value};
use crate::key::{KeyBuf, MAX_KEY_LEN};
use crate::table::shape::Shape;
use crate::table::value::{Kind, hex};
use crate::table::{IndexColumns, IndexDefinition, TableSchema, codec};

/// What is wrong with a row that is read from text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowProblem {
    /// The way to the field, as in `spec.ports[3]`; empty where it is about the row itself.
    pub field: String,
    /// What is wrong, and what was expected.
    pub reason: String,
}

impl RowProblem {
    pub(super) fn new(path: &[Step], reason: String) -> Self {
        let mut field = String::new();
        for step in path {
            match step {
                Step::Name(name) if field.is_empty() => field.push_str(name),
                Step::Name(name) => {
                    field.push('.');
                    field.push_str(name);
                }
                // Writing to a string does not fail.
                Step::Element(number) => drop(write!(field, "[{number}]")),
                Step::Key => field.push_str(".key"),
                Step::Value => field.push_str(".value"),
            }
        }
        Self { field, reason }
    }

    pub(crate) fn of_row(reason: impl fmt::Display) -> Self {
        Self::new(&[], reason.to_string())
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "field `{}`: ", self.field)?;
        }
        f.write_str(&self.reason)
    }
}

impl Error for RowProblem {}

/// How rows of a table are read from text, without its struct.
///
/// The primary key of a row is computed where the types of its columns are those of the standard library, by their names and by the shape of their values. Of all other tables a row
/// brings its key with it, and a seal that [`seal`](Self::seal) gave for it: then the key is taken only with the fields that it was made of.
#[derive(Debug)]
pub struct RowForm<'s> {
    schema: &'s TableSchema,
    /// The fields of the key, by their places in the row; none where one of them is not in the row.
    key_fields: Vec<usize>,
    key: Result<Vec<Column>, String>,
    uniques: Vec<Unique>,
    /// The others whose keys are known.
    others: Vec<Unique>,
    /// The names of the others, and why their keys are not known.
    unchecked: Vec<(String, String)>,
}

/// A row with all that a file keeps of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct FormedRow<'s> {
    /// The encoded primary key.
    pub key: Vec<u8>,
    /// The row in its bytes.
    pub bytes: Vec<u8>,
    /// The row itself.
    pub value: Value<'s>,
}

/// A column of an index: a field, and how it is a key.
#[derive(Debug)]
struct Column {
    /// The number of the field in the row.
    field: usize,
    key: KeyType,
    descending: bool,
    /// Each element of the field is an entry, as a key of this type.
    each: bool,
}

/// An index other than the primary one, mostly a unique one.
#[derive(Debug)]
pub(crate) struct Unique {
    pub(crate) name: String,
    columns: Vec<Column>,
}

impl<'s> RowForm<'s> {
    /// The form of rows of this table. O(fields).
    pub fn new(schema: &'s TableSchema) -> Self {
        let primary = schema.definition.primary();
        let columns = |index: &IndexDefinition| columns(schema, index);
        let key = primary.map_or_else(|| Err("it has none".to_owned()), columns);
        let names = match primary.map(|index| &index.columns) {
            Some(IndexColumns::Fields(names)) => &names[..],
            _ => &[],
        };
        let fields = names
            .iter()
            .map(|name| field_number(schema, bare(name).0))
            .collect::<Option<_>>();
        let mut form = Self {
            schema,
            key_fields: fields.unwrap_or_default(),
            key,
            uniques: Vec::new(),
            others: Vec::new(),
            unchecked: Vec::new(),
        };
        for index in schema.definition.indexes.iter().skip(1) {
            let name = index.name.clone();
            match columns(index) {
                Ok(columns) if index.unique => form.uniques.push(Unique { name, columns }),
                Ok(columns) => form.others.push(Unique { name, columns }),
                Err(why) if index.unique => form.unchecked.push((name, why)),
                Err(_) => {}
            }
        }
        form
    }

    /// Why the primary key cannot be computed; `None` where it can.
    pub fn key_unknown(&self) -> Option<&str> {
        self.key.as_ref().err().map(String::as_str)
    }

    /// Reads a row in the form of [`Exact`](super::Exact): each field once, and nothing else.
    ///
    /// # Errors
    /// [`RowProblem`], with the field and what was expected there.
    pub fn read<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Value<'s>, RowProblem> {
        read(&self.schema.shape, from)
    }

    /// The row as a file keeps it, under the key that its fields make.
    ///
    /// # Errors
    /// [`RowProblem`] where the key cannot be [computed](Self::key_unknown) or is longer than a key can be, and where the row cannot be written.
    pub fn form(&self, value: Value<'s>) -> Result<FormedRow<'s>, RowProblem> {
        let key = match (&self.key, self.key_of(&value)) {
            (_, Some(key)) => key.to_vec(),
            (Err(why), None) => {
                return Err(RowProblem::of_row(format_args!(
                    "it must come with its key and the seal that `export` gave it: the file does not tell how keys of this table are made, because {why}"
                )));
            }
            (Ok(_), None) => return Err(RowProblem::of_row("its fields make no primary key")),
        };
        self.finish(key, value)
    }

    /// The row as a file keeps it, under a key that another file had it under: `seal` is what [`seal`](Self::seal) gave there.
    ///
    /// # Errors
    /// [`RowProblem`] where the seal is not that of this key with the fields that the row has now, and where the row cannot be written.
    pub fn form_sealed(
        &self,
        key: &[u8],
        seal: u64,
        value: Value<'s>,
    ) -> Result<FormedRow<'s>, RowProblem> {
        if self.seal(key, &value)? != seal {
            return Err(RowProblem::of_row(
                "the seal is not that of this key with these fields: a field that the key is made of was changed, and only the program can make another key",
            ));
        }
        self.finish(key.to_vec(), value)
    }

    fn finish(&self, key: Vec<u8>, value: Value<'s>) -> Result<FormedRow<'s>, RowProblem> {
        if key.len() > MAX_KEY_LEN {
            return Err(RowProblem::of_row(format_args!(
                "its primary key has {} bytes, and {MAX_KEY_LEN} are the most",
                key.len()
            )));
        }
        let unique = self.uniques.iter().map(|index| (index, true));
        let others = self.others.iter().map(|index| (index, false));
        for (index, unique) in unique.chain(others) {
            let entries = entries(&index.columns, &value, unique).unwrap_or_default();
            let longest = entries.iter().map(KeyBuf::len).max().unwrap_or(0);
            let len = longest + if unique { 0 } else { key.len() };
            if len > MAX_KEY_LEN {
                return Err(RowProblem::of_row(format_args!(
                    "its key in the index `{}` has {len} bytes, and {MAX_KEY_LEN} are the most",
                    index.name
                )));
            }
        }
        let bytes = self.bytes(Shape::ROW, &value)?;
        Ok(FormedRow { key, bytes, value })
    }

    fn bytes(&self, place: u32, value: &Value<'_>) -> Result<Vec<u8>, RowProblem> {
        let mut bytes = Vec::new();
        let shape = &self.schema.shape;
        let written = Written {
            value,
            shape,
            place,
        };
        codec::encode(&written, &mut bytes).map_err(RowProblem::of_row)?;
        Ok(bytes)
    }

    /// The primary key that the row's fields make; `None` where that cannot be computed.
    pub fn key_of(&self, value: &Value<'_>) -> Option<KeyBuf> {
        let columns = self.key.as_ref().ok()?;
        let mut keys = entries(columns, value, false)?;
        keys.pop()
    }

    /// A number that binds a key to the fields that it is made of: to all of them, where it is not known which these are.
    ///
    /// # Errors
    /// [`RowProblem`] where the value is not of the table's shape.
    pub fn seal(&self, key: &[u8], value: &Value<'_>) -> Result<u64, RowProblem> {
        let mut bytes = Vec::new();
        let mut add = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        };
        add(self.schema.definition.name.as_bytes());
        add(key);
        match &value.0 {
            Kind::Fields(_, values) if !self.key_fields.is_empty() => {
                for field in &self.key_fields {
                    let place = self.schema.shape.fields().get(*field);
                    if let (Some(place), Some(value)) = (place, values.get(*field)) {
                        add(&self.bytes(place.node, value)?);
                    }
                }
            }
            _ => add(&self.bytes(Shape::ROW, value)?),
        }
        Ok(XxHash3_64::oneshot(&bytes))
    }

    /// A key for people: each column by its name; in hexadecimal, where its types are not known.
    pub fn shown_key(&self, key: &[u8]) -> String {
        self.columns_of(key).unwrap_or_else(|| hex(key))
    }

    fn columns_of(&self, key: &[u8]) -> Option<String> {
        let columns = self.key.as_ref().ok()?;
        let mut rest = key.to_vec();
        let mut shown = Vec::new();
        for column in columns {
            let mut input = rest.as_slice();
            let value = if column.descending {
                let reversed = KeyType::Reverse(Box::new(column.key.clone()));
                reversed.decode(&mut input)?
            } else {
                column.key.decode(&mut input)?
            };
            let name = self.schema.shape.columns().nth(column.field)?;
            shown.push(format!("{name}={}", value.text()));
            rest = input.to_vec();
        }
        rest.is_empty().then(|| shown.join(" "))
    }

    pub(crate) fn uniques(&self) -> &[Unique] {
        &self.uniques
    }

    /// Unique indexes of which only the program knows which keys its rows have, each with why: whether two rows have one is not seen without it.
    pub fn unchecked(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unchecked
            .iter()
            .map(|(name, why)| (name.as_str(), why.as_str()))
    }

    pub(crate) fn schema(&self) -> &'s TableSchema {
        self.schema
    }
}

impl Unique {
    /// The keys of the row in the index that no other row may have.
    pub(crate) fn entries(&self, value: &Value<'_>) -> Vec<KeyBuf> {
        entries(&self.columns, value, true).unwrap_or_default()
    }
}

/// The name of a column's field, whether it descends, and whether it is each element.
fn bare(column: &str) -> (&str, bool, bool) {
    let within = |word: &str| {
        let rest = column.strip_prefix(word)?.strip_prefix('(')?;
        rest.strip_suffix(')')
    };
    match (within("desc"), within("each")) {
        (Some(name), _) => (name, true, false),
        (_, Some(name)) => (name, false, true),
        _ => (column, false, false),
    }
}

/// The columns of an index, or why they are not known.
fn columns(schema: &TableSchema, index: &IndexDefinition) -> Result<Vec<Column>, String> {
    let names = match (&index.columns, &index.when) {
        (IndexColumns::Computed { function, .. }, _) => {
            return Err(format!("they are made by the function `{function}`"));
        }
        (_, Some(when)) => {
            return Err(format!("the function `{when}` says which rows are in it"));
        }
        (IndexColumns::Fields(names), None) => names,
    };
    let all_each = index.each && !names.iter().any(|name| bare(name).2);
    let column = |name: &String| {
        let (name, descending, each) = bare(name);
        let each = each || all_each;
        let number = field_number(schema, name);
        let unknown = || {
            let mut fields = schema.definition.fields.iter();
            let field = fields.find(|field| field.name == name);
            let text = field.map_or("?", |field| &field.type_text);
            format!("field `{name}` is of the type `{text}`")
        };
        let number = number.ok_or_else(unknown)?;
        let place = schema.shape.fields().get(number).ok_or_else(unknown)?.node;
        let mut fields = schema.definition.fields.iter();
        let field = fields.find(|field| field.name == name);
        let field = field.ok_or_else(unknown)?;
        let key = KeyType::find(&field.type_text, &schema.shape, place).ok_or_else(unknown)?;
        let key = if each {
            match key {
                KeyType::List(inner) | KeyType::Set(inner) | KeyType::Array(inner) => *inner,
                KeyType::ByteString => KeyType::Unsigned(1),
                _ => return Err(unknown()),
            }
        } else {
            key
        };
        Ok(Column {
            field: number,
            key,
            descending,
            each,
        })
    };
    names.iter().map(column).collect()
}

/// The place in the row of a field that the struct calls so. Serde may have another name for it.
fn field_number(schema: &TableSchema, name: &str) -> Option<usize> {
    let fields = schema.shape.fields();
    let called = |name: &str| {
        let mut fields = fields.iter();
        fields.position(|field| field.names.iter().any(|other| other == name))
    };
    if let Some(number) = called(name) {
        return Some(number);
    }
    // Where none is left out, they are in the struct's order.
    let declared = &schema.definition.fields;
    let same = declared.len() == fields.len()
        && declared
            .iter()
            .enumerate()
            .all(|(number, field)| called(&field.name).is_none_or(|found| found == number));
    let number = declared.iter().position(|field| field.name == name);
    number.filter(|_| same)
}

/// The keys that columns make of a row; of a unique index only those that no other row may have.
fn entries(columns: &[Column], value: &Value<'_>, unique: bool) -> Option<Vec<KeyBuf>> {
    let Kind::Fields(_, values) = &value.0 else {
        return None;
    };
    let mut keys = vec![KeyBuf::new()];
    for column in columns {
        let value = values.get(column.field)?;
        let elements = match (&value.0, column.each) {
            (Kind::List(elements), true) => &elements[..],
            (_, true) => return None,
            (_, false) => std::slice::from_ref(value),
        };
        let mut longer = Vec::new();
        for element in elements {
            if unique && column.key.has_none(element) {
                continue;
            }
            let mut bytes = KeyBuf::new();
            column.key.encode(element, &mut bytes)?;
            if column.descending {
                bytes.iter_mut().for_each(|byte| *byte = !*byte);
            }
            for key in &keys {
                let mut key = key.clone();
                key.extend_from_slice(&bytes);
                longer.push(key);
            }
        }
        keys = longer;
    }
    keys.sort();
    keys.dedup();
    Some(keys)
}

impl Value<'_> {
    /// For people: text as it is between quotes, numbers, and what holds them.
    fn text(&self) -> String {
        match &self.0 {
            Kind::Bool(value) => value.to_string(),
            Kind::Signed(value) => value.to_string(),
            Kind::Unsigned(value) => value.to_string(),
            Kind::F32(value) => value.to_string(),
            Kind::F64(value) => value.to_string(),
            Kind::Char(value) => format!("{value:?}"),
            Kind::Text(value) => format!("{value:?}"),
            Kind::Some(value) => value.text(),
            Kind::List(values) => {
                let values: Vec<String> = values.iter().map(Self::text).collect();
                format!("[{}]", values.join(","))
            }
            _ => "null".to_owned(),
        }
    }
}
