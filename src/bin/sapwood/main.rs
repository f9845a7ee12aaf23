//! `sapwood`: looks into page files and the databases in them, changes them, copies them, and gets out of damaged ones what can be got.
//!
//! Each command is a file in `commands/`: its options, and what it does. The rest is what they share: `open`, `database` and `target` are the only ways to a file,
//! `text` and `path` say how keys, values and paths of buckets are written and shown, `line` and `table_line` are the forms in which buckets and tables are exported and
//! imported, `output` and `failure` are the only ways to the screen. What a command that reads opens, it opens to read only.

#![allow(
    missing_docs, // a program, not a library
    unreachable_pub,
    clippy::cast_precision_loss, // figures for people
    clippy::doc_link_with_quotes // help shows JSON
)]

mod bucket_diff;
mod buckets;
mod commands;
mod context;
mod damage;
mod database;
mod differences;
mod failure;
mod journal;
mod line;
mod map;
mod open;
mod options;
mod output;
mod overlay;
mod path;
mod progress;
mod size;
mod slots;
mod table;
mod table_diff;
mod table_line;
mod tables;
mod target;
mod text;

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use clap::{Parser, error::ErrorKind};

use crate::{
    failure::{Failure, Verdict},
    options::Options,
};

fn is_mistake(error: &clap::Error) -> bool {
    error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

fn main() -> ExitCode {
    let outcome = match Options::try_parse() {
        Ok(options) => options.run(),
        Err(error) if is_mistake(&error) => Err(Failure::from(error)),
        Err(help) if help.use_stderr() => {
            // What to do with a program that was only called.
            let _ = help.print();
            return ExitCode::from(2);
        }
        Err(help) => help
            .print()
            .map_err(Failure::Output)
            .map(|()| Verdict::Fine),
    };
    match outcome {
        Ok(verdict) => verdict.exit_code(),
        Err(failure) => {
            if !failure.is_broken_pipe() {
                // Where it cannot be said, the exit code says it.
                let _ = writeln!(stderr(), "sapwood: {failure}");
            }
            failure.exit_code()
        }
    }
}
