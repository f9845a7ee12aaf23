//! CSV files whose mistakes are told by file, line and column.

use std::{fs::File, path::Path};

use csv::{ErrorKind, StringRecord};

use crate::failure::Failure;

/// A CSV file with a line of headers.
pub struct Sheet<'a> {
    file: &'a Path,
    headers: StringRecord,
    reader: csv::Reader<File>,
}

/// One line of it, below the headers.
pub struct Line<'a> {
    file: &'a Path,
    headers: &'a StringRecord,
    fields: &'a StringRecord,
}

impl<'a> Sheet<'a> {
    /// Opens a file that must have these columns, in any order. Others may be there too.
    pub fn open(file: &'a Path, columns: &[&str]) -> Result<Self, Failure> {
        let opened = File::open(file).map_err(|error| at(file, error.to_string()))?;
        let mut reader = csv::Reader::from_reader(opened);
        let headers = reader
            .headers()
            .map_err(|error| explain(file, None, &error))?
            .clone();
        for name in columns {
            let problem = match headers.iter().filter(|header| header == name).count() {
                1 => continue,
                0 => format!("the column {name} is missing"),
                _ => format!("the column {name} is there more than once"),
            };
            return Err(Failure::Input {
                file: file.to_owned(),
                line: Some(1),
                column: None,
                problem,
            });
        }
        Ok(Self {
            file,
            headers,
            reader,
        })
    }

    /// What `read` makes of each line, in the order of the file.
    pub fn rows<T>(
        mut self,
        mut read: impl FnMut(&Line<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        let mut fields = StringRecord::new();
        loop {
            match self.reader.read_record(&mut fields) {
                Ok(true) => rows.push(read(&Line {
                    file: self.file,
                    headers: &self.headers,
                    fields: &fields,
                })?),
                Ok(false) => return Ok(rows),
                Err(error) => return Err(explain(self.file, Some(&self.headers), &error)),
            }
        }
    }
}

impl Line<'_> {
    /// The text in a column; empty if there is no such column.
    pub fn text(&self, column: &str) -> &str {
        self.place_of(column)
            .and_then(|place| self.fields.get(place))
            .unwrap_or_default()
    }

    /// The text in a column, which must not be empty.
    pub fn name(&self, column: &str) -> Result<String, Failure> {
        match self.text(column) {
            "" => Err(self.wrong(column, "a name is missing")),
            text => Ok(text.to_owned()),
        }
    }

    /// The whole number in a column.
    pub fn number(&self, column: &str) -> Result<u64, Failure> {
        let text = self.text(column);
        text.parse().map_err(|_| {
            let problem = format!("{text:?} is not a whole number from 0 to {}", u64::MAX);
            self.wrong(column, problem)
        })
    }

    /// What is wrong with the content of a column.
    pub fn wrong(&self, column: &str, problem: impl Into<String>) -> Failure {
        Failure::Input {
            file: self.file.to_owned(),
            line: self.fields.position().map(csv::Position::line),
            column: self
                .place_of(column)
                .map(|place| (place + 1, column.to_owned())),
            problem: problem.into(),
        }
    }

    fn place_of(&self, column: &str) -> Option<usize> {
        self.headers.iter().position(|header| header == column)
    }
}

fn at(file: &Path, problem: String) -> Failure {
    Failure::Input {
        file: file.to_owned(),
        line: None,
        column: None,
        problem,
    }
}

/// What the CSV reader itself stumbles over.
fn explain(file: &Path, headers: Option<&StringRecord>, error: &csv::Error) -> Failure {
    let (column, problem) = match error.kind() {
        ErrorKind::Utf8 { err, .. } => {
            let name = headers.and_then(|headers| headers.get(err.field()));
            let name = name.unwrap_or("header").to_owned();
            (Some((err.field() + 1, name)), "not UTF-8".to_owned())
        }
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => (
            None,
            format!("{len} columns, where the headers have {expected_len}"),
        ),
        ErrorKind::Io(error) => (None, error.to_string()),
        _ => (None, error.to_string()),
    };
    Failure::Input {
        file: file.to_owned(),
        line: error.position().map(csv::Position::line),
        column,
        problem,
    }
}
