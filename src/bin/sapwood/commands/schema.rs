//! `sapwood schema`: what the rows of tables are made of.

use std::path::PathBuf;

use clap::Args;
use sapwood::table::TableSchema;
use serde::Serialize;

use crate::{
    context::Context,
    database::{Database, inspect},
    failure::{Failure, Verdict},
    output::Output,
};

/// Show what the rows of a database's tables are made of, and their indexes
#[derive(Args, Debug)]
pub struct Schema {
    /// The file of a database
    file: PathBuf,

    /// Only this table
    table: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    table: &'a str,
    version: u32,
    indexes: Vec<Index<'a>>,
    /// The structs and enums, the row first.
    types: Vec<String>,
}

#[derive(Serialize)]
struct Index<'a> {
    name: &'a str,
    made: String,
}

impl Schema {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let Database { inspect, failed } = inspect(&self.file, context)?;
        if let Some(name) = &self.table {
            inspect.count(name).map_err(&failed)?;
        }
        let asked = |schema: &&TableSchema| {
            let name = self.table.as_ref();
            name.is_none_or(|name| *name == schema.definition.name)
        };
        let mut out = Output::new();
        for (number, schema) in inspect.tables().iter().filter(asked).enumerate() {
            let shown = Shown::of(schema);
            if context.json {
                out.json(&shown)?;
                continue;
            }
            if number > 0 {
                out.line("")?;
            }
            out.line(format!("table {}, version {}", shown.table, shown.version))?;
            for Index { name, made } in &shown.indexes {
                out.line(format!("    {name} {made}"))?;
            }
            for line in &shown.types {
                out.line(format!("    {line}"))?;
            }
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}

impl<'a> Shown<'a> {
    fn of(schema: &'a TableSchema) -> Self {
        let definition = &schema.definition;
        let indexes = definition.indexes.iter().map(|index| Index {
            name: &index.name,
            made: index.to_string(),
        });
        Self {
            table: &definition.name,
            version: definition.version,
            indexes: indexes.collect(),
            types: schema
                .shape
                .to_string()
                .lines()
                .map(str::to_owned)
                .collect(),
        }
    }
}
