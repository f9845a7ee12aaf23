//! The command line as it stands.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        backup::Backup, bench::Bench, buckets::Buckets, check::Check, checkpoint::Checkpoint,
        compact::Compact, delete::Delete, diff::Diff, dump::Dump, export::Export, get::Get,
        import::Import, info::Info, keys::Keys, page::Page, pages::Pages, put::Put,
        recover::Recover, restore::Restore, rows::Rows, schema::Schema, shrink::Shrink,
        stats::Stats, tables::Tables, tail::Tail,
    },
    context::Context,
    failure::{Failure, Verdict},
};

/// Looks into sapwood's page files and databases, changes them, copies them, and gets out of damaged ones what can be got.
///
/// Exit codes: 0 where all is well, 1 where a problem was found (damage; a key or bucket that is not there), 2 where the command could not be
/// carried out.
///
/// Keys and values are written as text, or as hex:00ff; text: before it lets a text begin with hex: or be empty. A bucket is written as
/// the path to it, eu/berlin; \/ and \\ stand for a slash and a backslash in a name. They are shown in the same way. What begins with a dash comes behind --.
#[derive(Parser, Debug)]
#[command(name = "sapwood", version, max_term_width = 100)]
pub struct Options {
    /// Print the result as JSON; docs/tool.md has the names of its fields
    #[arg(long, global = true)]
    json: bool,

    /// How many seconds to wait for another process to close the file
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 0)]
    wait: u32,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Info(Info),
    Check(Check),
    Stats(Stats),
    Pages(Pages),
    Page(Page),
    Dump(Dump),
    Buckets(Buckets),
    Keys(Keys),
    Get(Get),
    Put(Put),
    Delete(Delete),
    Compact(Compact),
    Shrink(Shrink),
    Backup(Backup),
    Restore(Restore),
    Export(Export),
    Import(Import),
    Recover(Recover),
    Bench(Bench),
    Tables(Tables),
    Schema(Schema),
    Rows(Rows),
    Diff(Diff),
    Tail(Tail),
    Checkpoint(Checkpoint),
}

impl Options {
    pub fn run(&self) -> Result<Verdict, Failure> {
        let context = Context {
            json: self.json,
            wait: Duration::from_secs(self.wait.into()),
        };
        let context = &context;
        match &self.command {
            Command::Info(command) => command.run(context),
            Command::Check(command) => command.run(context),
            Command::Stats(command) => command.run(context),
            Command::Pages(command) => command.run(context),
            Command::Page(command) => command.run(context),
            Command::Dump(command) => command.run(context),
            Command::Buckets(command) => command.run(context),
            Command::Keys(command) => command.run(context),
            Command::Get(command) => command.run(context),
            Command::Put(command) => command.run(context),
            Command::Delete(command) => command.run(context),
            Command::Compact(command) => command.run(context),
            Command::Shrink(command) => command.run(context),
            Command::Backup(command) => command.run(context),
            Command::Restore(command) => command.run(context),
            Command::Export(command) => command.run(context),
            Command::Import(command) => command.run(context),
            Command::Recover(command) => command.run(context),
            Command::Bench(command) => command.run(context),
            Command::Tables(command) => command.run(context),
            Command::Schema(command) => command.run(context),
            Command::Rows(command) => command.run(context),
            Command::Diff(command) => command.run(context),
            Command::Tail(command) => command.run(context),
            Command::Checkpoint(command) => command.run(context),
        }
    }
}
