//! Rows that are put into tables, line by line.

use std::collections::BTreeMap;

use sapwood::{
    Edit, Error,
    table::{RowForm, RowProblem, TableSchema},
};
use serde_json::value::RawValue;

use crate::{
    failure::Failure,
    table_line::{Content, Read, bare},
};

/// Why a line, or all of them, were not put.
pub enum NotPut {
    /// What is wrong with the line.
    Line(String),
    Other(Failure),
}

impl From<Error> for NotPut {
    fn from(source: Error) -> Self {
        Self::Other(Failure::Database { source })
    }
}

impl From<RowProblem> for NotPut {
    fn from(mut problem: RowProblem) -> Self {
        problem.reason.truncate(bare(&problem.reason).len());
        Self::Line(problem.to_string())
    }
}

/// A database into which rows are put.
pub struct Tables {
    edit: Edit,
    /// The table of lines that name none, and of all.
    only: Option<String>,
    /// Whether what cannot be checked is taken.
    unchecked: bool,
    /// Tables that rows were put into, and whether the keys of rows that were there are those that are computed for them.
    known: BTreeMap<String, (TableSchema, bool)>,
}

impl Tables {
    pub fn new(edit: Edit, only: Option<String>, unchecked: bool) -> Self {
        Self {
            edit,
            only,
            unchecked,
            known: BTreeMap::new(),
        }
    }

    /// Puts what a line says, and tells whether that is a row.
    pub fn line(&mut self, line: &[u8]) -> Result<bool, NotPut> {
        let line = Read::new(line).map_err(NotPut::Line)?;
        let name = match (&line.table, &self.only) {
            (Some(name), Some(only)) if name != only => {
                return Err(NotPut::Line(format!(
                    "it is of table `{name}`, and --table says `{only}`"
                )));
            }
            (Some(name), _) => name.to_string(),
            (None, Some(only)) => only.clone(),
            (None, None) => return Err(NotPut::Line("it names no table".to_owned())),
        };
        match line.content().map_err(NotPut::Line)? {
            Content::Table(schema) => {
                self.edit.add_table(&schema)?;
                Ok(false)
            }
            Content::Row { key, seal, row } => self.row(&name, key, seal, row).map(|()| true),
        }
    }

    fn row(
        &mut self,
        name: &str,
        key: Option<Vec<u8>>,
        seal: Option<u64>,
        row: &RawValue,
    ) -> Result<(), NotPut> {
        if !self.known.contains_key(name) {
            self.meet(name)?;
        }
        let Some((schema, agrees)) = self.known.get(name) else {
            return Ok(());
        };
        // O(fields), and mostly few: less than to read the row.
        let form = RowForm::new(schema);
        let mut text = serde_json::Deserializer::from_str(row.get());
        // Rows are as deep as rows can be.
        text.disable_recursion_limit();
        let value = form.read(&mut text)?;
        let formed = match (key, seal) {
            (Some(key), Some(seal)) => form.form_sealed(&key, seal, value)?,
            (None, Some(_)) => {
                return Err(NotPut::Line("it has a seal and no key".to_owned()));
            }
            (key, None) => {
                if !agrees {
                    return Err(NotPut::Line(format!(
                        "it has no key with a seal: rows that are in table `{name}` have other keys than their fields make, so only the program can make them"
                    )));
                }
                let formed = form.form(value)?;
                if let Some(key) = key.filter(|key| *key != formed.key) {
                    return Err(NotPut::Line(format!(
                        "its key is {}, and its fields make {}",
                        form.shown_key(&key),
                        form.shown_key(&formed.key)
                    )));
                }
                formed
            }
        };
        self.edit.put(&form, &formed)?;
        Ok(())
    }

    /// Looks at a table before the first row is put into it.
    fn meet(&mut self, name: &str) -> Result<(), NotPut> {
        let Some(schema) = self.edit.table(name) else {
            return Err(NotPut::Line(format!(
                "the file has no table `{name}`, and no line before it tells what that is"
            )));
        };
        let schema = schema.clone();
        let form = RowForm::new(&schema);
        if let Some((index, why)) = form.unchecked().next().filter(|_| !self.unchecked) {
            return Err(NotPut::Line(format!(
                "table `{name}` has the unique index `{index}`, and whether two rows have one key in it only the program can tell, because {why}; --unchecked takes them all the same"
            )));
        }
        let agrees = self.edit.agrees(&form)?;
        self.known.insert(name.to_owned(), (schema, agrees));
        Ok(())
    }

    pub fn commit(&mut self) -> Result<(), NotPut> {
        match self.edit.commit() {
            Ok(_) => Ok(()),
            Err(error @ Error::StoredDuplicate { .. }) => Err(NotPut::Line(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    pub fn close(self) -> Result<(), Failure> {
        let closed = self.edit.close();
        closed.map_err(|source| Failure::Database { source })
    }
}
