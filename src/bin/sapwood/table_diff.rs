//! What differs between the tables of two databases.

use std::collections::BTreeSet;

use sapwood::{
    Error, Inspect, StoredEntry,
    table::{RowForm, TableSchema},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    differences::{Pair, merge},
    failure::Failure,
    output::Output,
    size::count,
    text::hex,
};

pub struct TableDiff<'d> {
    pub left: &'d Inspect,
    pub right: &'d Inspect,
    /// The table to look at; all without it.
    pub only: Option<&'d str>,
    pub json: bool,
}

/// A difference, for JSON. `change` is `added`, `removed`, `changed`, `table added`, `table removed` or `schema`.
#[derive(Serialize, Default)]
struct Difference<'d> {
    table: &'d str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldDifference>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<String>>,
}

/// A field that differs. One that is on one side only has no value on the other.
#[derive(Serialize)]
struct FieldDifference {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
}

fn failed(source: Error) -> Failure {
    Failure::Database { source }
}

impl TableDiff<'_> {
    /// Tells of all differences, and whether there are any. In memory is a row of each side, and what the journals have.
    pub fn run(&self, out: &mut Output) -> Result<bool, Failure> {
        let tables = self.left.tables().iter().chain(self.right.tables());
        let names: BTreeSet<&str> = tables.map(|it| it.definition.name.as_str()).collect();
        let mut differs = false;
        for name in names {
            if self.only.is_some_and(|only| only != name) {
                continue;
            }
            differs |= match (self.left.table(name), self.right.table(name)) {
                (Some(left), Some(right)) => self.both(name, left, right, out)?,
                (Some(_), None) => {
                    self.table(name, "table removed", self.left, out)?;
                    true
                }
                (None, _) => {
                    self.table(name, "table added", self.right, out)?;
                    true
                }
            };
        }
        Ok(differs)
    }

    fn table(
        &self,
        name: &str,
        change: &'static str,
        side: &Inspect,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let rows = side.count(name).map_err(failed)?;
        if self.json {
            return out.json(&Difference {
                table: name,
                change,
                rows: Some(rows),
                ..Difference::default()
            });
        }
        let sign = if change == "table added" { '+' } else { '-' };
        out.line(format!("{sign} table {name}, {}", count(rows, "row")))
    }

    fn both(
        &self,
        name: &str,
        left: &TableSchema,
        right: &TableSchema,
        out: &mut Output,
    ) -> Result<bool, Failure> {
        let mut differs = false;
        if left != right {
            differs = true;
            let (from, to) = (lines(left), lines(right));
            if self.json {
                out.json(&Difference {
                    table: name,
                    change: "schema",
                    from: Some(from),
                    to: Some(to),
                    ..Difference::default()
                })?;
            } else {
                for line in from.iter().filter(|line| !to.contains(line)) {
                    out.line(format!("- table {name}: {line}"))?;
                }
                for line in to.iter().filter(|line| !from.contains(line)) {
                    out.line(format!("+ table {name}: {line}"))?;
                }
                if from.iter().all(|line| to.contains(line)) && from.len() == to.len() {
                    out.line(format!("~ table {name}: names that its program reads by"))?;
                }
            }
        }
        let same_shape = left.shape == right.shape;
        let forms = [RowForm::new(left), RowForm::new(right)];
        let before = self.left.entries(name).map_err(failed)?;
        let after = self.right.entries(name).map_err(failed)?;
        let before = before.map(|entry| entry.map_err(failed));
        let after = after.map(|entry| entry.map_err(failed));
        merge(
            before,
            after,
            |left, right| left.key.cmp(&right.key),
            |pair| {
                let told = match pair {
                    Pair::Left(entry) => {
                        self.row(name, "removed", &entry, left, out)?;
                        true
                    }
                    Pair::Right(entry) => {
                        self.row(name, "added", &entry, right, out)?;
                        true
                    }
                    Pair::Both(before, after) => {
                        let same = same_shape
                            && before.bytes(left).map_err(failed)?
                                == after.bytes(right).map_err(failed)?;
                        !same && {
                            let sides = [(&before, left), (&after, right)];
                            self.changed(name, sides, &forms[0], out)?
                        }
                    }
                };
                differs |= told;
                Ok(())
            },
        )?;
        Ok(differs)
    }

    fn row(
        &self,
        name: &str,
        change: &'static str,
        entry: &StoredEntry,
        schema: &TableSchema,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let row = value(entry, schema)?;
        if self.json {
            return out.json(&Difference {
                table: name,
                change,
                key: Some(hex(&entry.key)),
                row: Some(row),
                ..Difference::default()
            });
        }
        let sign = if change == "added" { '+' } else { '-' };
        out.line(format!("{sign} {name} {}", in_order(&row, schema)))
    }

    /// Tells which fields differ; whether any does.
    fn changed(
        &self,
        name: &str,
        [(before, left), (after, right)]: [(&StoredEntry, &TableSchema); 2],
        form: &RowForm<'_>,
        out: &mut Output,
    ) -> Result<bool, Failure> {
        let (from, to) = (value(before, left)?, value(after, right)?);
        let mut seen = BTreeSet::new();
        let columns = left.shape.columns().chain(right.shape.columns());
        let mut fields = Vec::new();
        for column in columns.filter(|column| seen.insert(*column)) {
            let (from, to) = (from.get(column), to.get(column));
            if from != to {
                fields.push(FieldDifference {
                    field: column.to_owned(),
                    from: from.cloned(),
                    to: to.cloned(),
                });
            }
        }
        // Types differ, and what they hold does not.
        if fields.is_empty() {
            return Ok(false);
        }
        if self.json {
            out.json(&Difference {
                table: name,
                change: "changed",
                key: Some(hex(&before.key)),
                fields: Some(fields),
                ..Difference::default()
            })?;
            return Ok(true);
        }
        let side = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        let fields: Vec<String> = fields
            .iter()
            .map(|it| format!("{} {} -> {}", it.field, side(&it.from), side(&it.to)))
            .collect();
        let key = form.shown_key(&before.key);
        out.line(format!("~ {name} {key}: {}", fields.join(", ")))?;
        Ok(true)
    }
}

/// What a table is, in lines as `schema` shows them.
fn lines(schema: &TableSchema) -> Vec<String> {
    let mut lines = vec![format!("version {}", schema.definition.version)];
    let indexes = schema.definition.indexes.iter();
    lines.extend(indexes.map(|index| format!("{} {index}", index.name)));
    lines.extend(schema.shape.to_string().lines().map(str::to_owned));
    lines
}

fn value(entry: &StoredEntry, schema: &TableSchema) -> Result<Value, Failure> {
    let row = entry.row(schema).map_err(failed)?;
    serde_json::to_value(row.value().exact()).map_err(|error| Failure::Output(error.into()))
}

/// The row as JSON, its fields in the order of the struct.
pub fn in_order(row: &Value, schema: &TableSchema) -> String {
    let Value::Object(fields) = row else {
        return row.to_string();
    };
    let fields = schema.shape.columns().filter_map(|column| {
        let value = fields.get(column)?;
        Some(format!("{}:{value}", Value::from(column)))
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}
