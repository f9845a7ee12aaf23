//! Rows of tables as lines of JSON: what is exported, and imported.
//!
//! `{"table":"pods","schema":"04706f6473.."}` is a table, with its definition as files keep it, and `{"table":"pods","row":{"id":1}}` a row of it. Where the file does not tell how keys are made, a row has
//! `key`, in hexadecimal, and `seal`, which binds it to the fields that it is made of.

use std::borrow::Cow;

use sapwood::{
    StoredRow,
    table::{Exact, RowForm, RowProblem, TableSchema},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::text::{hex, unhex};

/// The line of a table.
#[derive(Serialize)]
pub struct TableLine<'a> {
    table: &'a str,
    schema: String,
}

impl<'a> TableLine<'a> {
    pub fn new(schema: &'a TableSchema) -> Result<Self, sapwood::table::CodecError> {
        Ok(Self {
            table: &schema.definition.name,
            schema: hex(&schema.encode()?),
        })
    }
}

/// The line of a row.
#[derive(Serialize)]
pub struct RowLine<'r, 's> {
    table: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
    row: Exact<'r, 's>,
}

impl<'r, 's> RowLine<'r, 's> {
    pub fn new(
        table: &'r str,
        form: &RowForm<'_>,
        row: &'r StoredRow<'s>,
    ) -> Result<Self, RowProblem> {
        let computed = form.key_of(row.value());
        let sealed = computed.as_deref() != Some(row.key());
        let seal = sealed.then(|| form.seal(row.key(), row.value()));
        Ok(Self {
            table,
            key: sealed.then(|| hex(row.key())),
            seal: seal.transpose()?.map(|seal| format!("{seal:016x}")),
            row: row.value().exact(),
        })
    }
}

/// A line that was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read<'l> {
    #[serde(borrow, default)]
    pub table: Option<Cow<'l, str>>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    seal: Option<String>,
    #[serde(borrow, default)]
    row: Option<&'l RawValue>,
}

/// What a line is about.
pub enum Content<'l> {
    Table(TableSchema),
    Row {
        key: Option<Vec<u8>>,
        seal: Option<u64>,
        row: &'l RawValue,
    },
}

impl<'l> Read<'l> {
    /// Reads a line, and says what is wrong with it.
    pub fn new(line: &'l [u8]) -> Result<Self, String> {
        let text = str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        if !text.starts_with('{') {
            return Err("it is no JSON object".to_owned());
        }
        serde_json::from_str(text).map_err(|error| placed(&error))
    }

    pub fn content(self) -> Result<Content<'l>, String> {
        match (self.schema, self.row) {
            (Some(schema), None) if self.key.is_none() && self.seal.is_none() => {
                let schema = unhex(&schema)?;
                let schema = TableSchema::decode(&schema);
                let schema = schema.map_err(|error| format!("field `schema`: {error}"))?;
                if self
                    .table
                    .is_some_and(|name| name != schema.definition.name)
                {
                    return Err("the table has another name in its schema".to_owned());
                }
                Ok(Content::Table(schema))
            }
            (None, Some(row)) => {
                let key = self.key.as_deref().map(unhex).transpose();
                let seal = self.seal.map(|seal| {
                    let is_whole = seal.len() == 16 && !seal.starts_with('+');
                    let number = u64::from_str_radix(&seal, 16).ok();
                    number
                        .filter(|_| is_whole)
                        .ok_or_else(|| "field `seal`: 16 hexadecimal digits are one".to_owned())
                });
                Ok(Content::Row {
                    key: key.map_err(|why| format!("field `key`: {why}"))?,
                    seal: seal.transpose()?,
                    row,
                })
            }
            (None, None) => Err("it has neither a row nor a schema".to_owned()),
            _ => Err("a schema stands in a line of its own, with the table".to_owned()),
        }
    }
}

/// The error of a line, with the column.
fn placed(error: &serde_json::Error) -> String {
    format!("{}, at column {}", bare(&error.to_string()), error.column())
}

/// Without the place, which is that in a text of one line.
pub fn bare(text: &str) -> &str {
    &text[..text.rfind(" at line 1 ").unwrap_or(text.len())]
}
