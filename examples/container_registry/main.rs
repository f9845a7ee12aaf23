//! Docker's list of containers: found by any unique beginning of an id, or by a name that no other container has.
//!
//! Ids and names are two tables, and a change of both is one transaction: a container whose second name is taken does not come to be, and one that is
//! removed leaves no name behind. Whoever lists containers holds a snapshot, a *view*, and no lock: it shows what it showed, whatever is renamed meanwhile.
//!
//! ```text
//! cargo run --example container_registry
//! cargo run --example container_registry -- commands.txt
//! ```
//!
//! The commands, one a line; `REF` is an id, the beginning of one, or a name:
//!
//! ```text
//! create IMAGE NAME...   a container with these names
//! name REF NAME          one more name; nothing happens if it has it
//! rename NAME NAME       another name for this one
//! release NAME           the name is free
//! rm REF                 the container and its names are gone
//! inspect REF
//! view VIEW              keep what there is now under this name
//! ps [VIEW]              all containers, the newest first
//! ```

#![allow(missing_docs, unreachable_pub)] // a program, not a library

mod answer;
#[path = "../program/mod.rs"]
mod program;
mod registry;
#[path = "../program/script.rs"]
mod script;

use std::{path::PathBuf, process::ExitCode};

use answer::Refusal;
use clap::Parser;
use program::{Failure, show, show_json};
use registry::Registry;
use serde_json::json;

/// Containers with ids that are found by their beginning, and with names
#[derive(Parser)]
#[command(name = "container_registry")]
struct Options {
    /// A file of commands, one a line; without it, a tour of what there is
    commands: Option<PathBuf>,

    /// Print the answers as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What a run without a file shows.
const TOUR: &str = "\
create nginx web front
create postgres db
create redis cache
create nginx other web
create caddy proxy
view before
inspect 70
inspect 7
inspect xyz
rename db database
release front
name cache front
rm web
ps
ps before
";

/// Whether a line is a command.
fn check(line: &str) -> Result<(), String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let names = match &words[..] {
        ["create", _, names @ ..] if !names.is_empty() => names,
        ["name" | "rename", _, name] => &[*name],
        ["rm" | "inspect" | "view" | "release" | "ps", _] | ["ps"] => &[][..],
        _ => return Err(format!("\"{line}\" is not a command")),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match names.iter().find(|name| !name.bytes().all(allowed)) {
        Some(name) => Err(format!(
            "\"{name}\" is not a name: letters, digits, _ . - only"
        )),
        None => Ok(()),
    }
}

fn main() -> ExitCode {
    program::run(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let commands = script::read(options.commands.as_deref(), TOUR, check)?;
    let mut registry = Registry::new()?;
    let mut answers = Vec::new();
    for (command, ()) in commands {
        let answer = match registry.answer(&command) {
            Err(Refusal::Store(error)) => return Err(error.into()),
            answer => answer,
        };
        match (options.json, answer) {
            (true, Ok(answer)) => answers.push(json!({ "command": command, "answer": answer })),
            (true, Err(refusal)) => {
                answers.push(json!({ "command": command, "error": refusal.to_string() }));
            }
            (false, Ok(answer)) => show(format_args!("$ {command}\n{answer}"))?,
            (false, Err(refusal)) => show(format_args!("$ {command}\nerror: {refusal}"))?,
        }
    }
    if options.json {
        show_json(&answers)?;
    }
    Ok(())
}
