//! Commands from a file.

use std::{fs, path::Path};

use crate::program::Failure;

/// The commands of a file, or of the tour where there is none: each line that is not empty, and what `parse` makes of it. All of them are good, or the first
/// that is not is told.
pub fn read<C>(
    file: Option<&Path>,
    tour: &str,
    parse: impl Fn(&str) -> Result<C, String>,
) -> Result<Vec<(String, C)>, Failure> {
    let file_name = file.map_or("tour".to_owned(), |file| file.display().to_string());
    let script = match file {
        Some(file) => fs::read_to_string(file)
            .map_err(|error| Failure::Input(format!("{file_name}: {error}")))?,
        None => tour.to_owned(),
    };
    let lines = (1..).zip(script.lines());
    let commands = lines.filter(|(_, line)| !line.trim().is_empty());
    commands
        .map(|(number, line)| match parse(line) {
            Ok(command) => Ok((line.to_owned(), command)),
            Err(problem) => {
                let problem = format!("{file_name}, line {number}: {problem}");
                Err(Failure::Input(problem))
            }
        })
        .collect()
}
