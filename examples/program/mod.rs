//! What every example has around its idea: options, one line about what went wrong, tables and JSON.

use std::{
    error::Error,
    fmt::Display,
    io::{self, Write, stderr},
    process::ExitCode,
};

use clap::Parser;
use comfy_table::{Table, presets};
use serde::Serialize;

/// Why an example ended early.
pub enum Failure {
    /// The user can mend it by calling the program in another way. Exit code 2.
    Input(String),
    /// Anything else. Exit code 1.
    Other(Box<dyn Error + Send + Sync>),
}

/// So that `?` works on every error, and in the closure of `Database::write`.
impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(Box::new(error))
    }
}

/// Runs the example on the options that the command line gives it, and says on stderr what went wrong.
pub fn run<O: Parser>(example: fn(&O) -> Result<(), Failure>) -> ExitCode {
    let result = match O::try_parse() {
        Ok(options) => example(&options),
        Err(help) if !help.use_stderr() => help.print().map_err(Failure::from),
        Err(wrong) => Err(Failure::Input(first_paragraph(&wrong.to_string()))),
    };
    let (problem, code) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Input(problem)) => (problem, 2),
        Err(Failure::Other(error)) => (error.to_string(), 1),
    };
    // Where it cannot be said, the exit code says it.
    let _ = writeln!(stderr(), "{}: {problem}", O::command().get_name());
    ExitCode::from(code)
}

/// What is wrong, without the usage that follows it.
fn first_paragraph(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let lines: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let line = lines.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// Prints for people.
pub fn show(text: impl Display) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints for programs: one line of JSON.
pub fn show_json(value: &impl Serialize) -> Result<(), Failure> {
    show(serde_json::to_string(value)?)
}

/// A table with this header and no rows yet.
pub fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}
