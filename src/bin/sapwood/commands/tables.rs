//! `sapwood tables`: the tables of a database.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::{
    context::Context,
    database::{Database, inspect},
    failure::{Failure, Verdict},
    output::Output,
    table::table,
};

/// List the tables of a database, with their rows, keys and indexes
#[derive(Args, Debug)]
pub struct Tables {
    /// The file of a database
    file: PathBuf,
}

#[derive(Serialize)]
struct Row<'a> {
    table: &'a str,
    version: u32,
    rows: u64,
    key: String,
    indexes: Vec<&'a str>,
}

impl Tables {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let Database { inspect, failed } = inspect(&self.file, context)?;
        let mut shown = table(["table", "version", "key", "indexes", "rows"], 4);
        let mut out = Output::new();
        for schema in inspect.tables() {
            let definition = &schema.definition;
            let mut indexes = definition.indexes.iter();
            let key = indexes.next().map(|key| key.columns.to_string());
            let row = Row {
                table: &definition.name,
                version: definition.version,
                rows: inspect.count(&definition.name).map_err(&failed)?,
                key: key.unwrap_or_default(),
                indexes: indexes.map(|index| index.name.as_str()).collect(),
            };
            if context.json {
                out.json(&row)?;
            } else {
                shown.add_row([
                    row.table.to_owned(),
                    row.version.to_string(),
                    row.key,
                    row.indexes.join(", "),
                    row.rows.to_string(),
                ]);
            }
        }
        if !context.json {
            out.line(shown.to_string())?;
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }
}
