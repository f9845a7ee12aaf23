//! `sapwood rows`: the rows of a table.

use std::path::PathBuf;

use clap::Args;
use sapwood::StoredRow;
use serde::Serialize;

use crate::{
    context::Context,
    database::{Database, inspect},
    failure::{Failure, Verdict},
    output::Output,
    table::table_of,
};

/// So many rows are shown at once as a table.
const PAGE: usize = 1000;

/// Show the rows of a database's table; with --json, one a line
#[derive(Args, Debug)]
pub struct Rows {
    /// The file of a database
    file: PathBuf,

    /// The table
    table: String,

    /// The last ones first
    #[arg(long)]
    reverse: bool,

    /// No more than so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// With the commits that created and last wrote each row
    #[arg(long)]
    revisions: bool,
}

#[derive(Serialize)]
struct Shown<'r, V> {
    created: u64,
    modified: u64,
    row: &'r V,
}

impl Rows {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let Database { inspect, failed } = inspect(&self.file, context)?;
        let rows = inspect.rows(&self.table).map_err(&failed)?;
        let rows: Box<dyn Iterator<Item = _>> = if self.reverse {
            Box::new(rows.rev())
        } else {
            Box::new(rows)
        };
        let mut rows = rows.take(self.limit.unwrap_or(usize::MAX)).peekable();
        let mut out = Output::new();
        if context.json {
            for row in rows {
                let row = row.map_err(&failed)?;
                if self.revisions {
                    out.json(&Shown {
                        created: row.created().get(),
                        modified: row.modified().get(),
                        row: row.value(),
                    })?;
                } else {
                    out.json(row.value())?;
                }
            }
            out.finish()?;
            return Ok(Verdict::Fine);
        }
        let schema = inspect.table(&self.table);
        let columns: Vec<&str> =
            schema.map_or_else(Vec::new, |schema| schema.shape.columns().collect());
        let head = if self.revisions {
            [&columns[..], &["created", "modified"]].concat()
        } else {
            columns.clone()
        };
        loop {
            let mut shown = table_of(&head);
            for row in rows.by_ref().take(PAGE) {
                let row = row.map_err(&failed)?;
                shown.add_row(self.cells(&row, &columns)?);
            }
            out.line(shown.to_string())?;
            if rows.peek().is_none() {
                break;
            }
        }
        out.finish()?;
        Ok(Verdict::Fine)
    }

    /// The fields of a row; text as it is, all else as JSON.
    fn cells(&self, row: &StoredRow<'_>, columns: &[&str]) -> Result<Vec<String>, Failure> {
        let value =
            serde_json::to_value(row.value()).map_err(|error| Failure::Output(error.into()))?;
        let cell = |name: &&str| match value.get(name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let mut cells: Vec<String> = columns.iter().map(cell).collect();
        if self.revisions {
            cells.extend([row.created(), row.modified()].map(|revision| revision.to_string()));
        }
        Ok(cells)
    }
}
