//! `sapwood tail`: a database's commits as they come.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::Args;
use sapwood::{
    Error, Revision, Tail as Follower, Tailed, TailedChange, TailedCommit,
    table::{RowForm, TableSchema},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    open::refuse_folder,
    output::Output,
    table_diff::in_order,
    text::hex,
};

/// Between two looks at the file.
const PAUSE: Duration = Duration::from_millis(20);
/// Whether the file was replaced is looked at after so many of them.
const LOOKS: u32 = 50;

/// Show a database's commits as they come into its journal, while a program writes it
///
/// Nothing is locked or written. A commit is shown when it is written, a moment before it is durable: a power cut then can take it back, as it can before a program gets
/// its answer. Commits that go past the journal, because they are larger than it or because their program wants no journal, and those that were passed before they were read, are named as not seen.
#[derive(Args, Debug)]
pub struct Tail {
    /// The file of a database
    file: PathBuf,

    /// Begin with this revision, as far as the journal goes back; without it, behind the newest
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,

    /// End with what is there now: all that the journal has, or what it has from --from on
    #[arg(long, conflicts_with = "follow")]
    once: bool,

    /// Go on for as long as nobody ends it, which is what is done without it, too
    #[arg(long, short = 'f')]
    follow: bool,

    /// End after so many commits
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Show a commit only when it is known to be durable: when the next one is there, or a checkpoint
    #[arg(long)]
    synced: bool,
}

/// A commit, for JSON.
#[derive(Serialize)]
struct Shown<'c> {
    revision: u64,
    changes: Vec<ShownChange<'c>>,
}

#[derive(Serialize)]
struct ShownChange<'c> {
    table: &'c str,
    /// `put` or `remove`.
    change: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<Value>,
}

#[derive(Serialize)]
struct Missed {
    missed: Gap,
}

#[derive(Serialize)]
struct Gap {
    from: u64,
    to: u64,
}

fn failed(source: Error) -> Failure {
    Failure::Database { source }
}

impl Tail {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        refuse_folder(&self.file)?;
        let identity = identity(&self.file);
        let from = self.from.or(self.once.then_some(0)).map(Revision::new);
        let follower = match from {
            Some(from) => Follower::open_from(&self.file, from),
            None => Follower::open(&self.file),
        };
        let mut follower = follower.map_err(failed)?.synced(self.synced);
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut looks = 0;
        while left > 0 {
            let come = follower.poll().map_err(failed)?;
            let is_nothing = come.is_empty();
            let mut out = Output::new();
            for event in come {
                match event {
                    Tailed::Commit(commit) if left > 0 => {
                        left -= 1;
                        show(&commit, context, &mut out)?;
                    }
                    Tailed::Missed { from, to } if left > 0 => {
                        missed(from.get(), to.get(), context, &mut out)?;
                    }
                    _ => {}
                }
            }
            out.finish()?;
            if !is_nothing {
                continue;
            }
            if self.once {
                break;
            }
            looks += 1;
            if looks % LOOKS == 0 && self::identity(&self.file) != identity {
                return Err(Failure::Missing {
                    file: self.file.clone(),
                    what: "another file has come in its place, or none".to_owned(),
                });
            }
            thread::sleep(PAUSE);
        }
        Ok(Verdict::Fine)
    }
}

fn show(commit: &TailedCommit, context: &Context, out: &mut Output) -> Result<(), Failure> {
    let mut forms: BTreeMap<&str, (RowForm<'_>, &TableSchema)> = BTreeMap::new();
    let mut changes = Vec::new();
    if !context.json {
        out.line(format!("revision {}", commit.revision))?;
    }
    for change in &commit.changes {
        let row = value(commit, change)?;
        let name = change.table.as_str();
        if context.json {
            changes.push(ShownChange {
                table: name,
                change: if change.is_removed() { "remove" } else { "put" },
                key: hex(&change.key),
                row,
            });
            continue;
        }
        if let Some(schema) = commit.table(name) {
            let form = || (RowForm::new(schema), schema);
            forms.entry(name).or_insert_with(form);
        }
        let known = forms.get(name);
        let what = match (row, known) {
            (Some(row), Some((_, schema))) => format!("put {}", in_order(&row, schema)),
            (Some(row), None) => format!("put {row}"),
            (None, Some((form, _))) => format!("remove {}", form.shown_key(&change.key)),
            (None, None) => format!("remove {}", hex(&change.key)),
        };
        out.line(format!("  {name} {what}"))?;
    }
    if context.json {
        out.json(&Shown {
            revision: commit.revision.get(),
            changes,
        })?;
    }
    Ok(())
}

fn value(commit: &TailedCommit, change: &TailedChange) -> Result<Option<Value>, Failure> {
    let row = commit.row(change).map_err(failed)?;
    let value = row.map(|row| serde_json::to_value(row.value().exact()));
    value
        .transpose()
        .map_err(|error| Failure::Output(error.into()))
}

fn missed(from: u64, to: u64, context: &Context, out: &mut Output) -> Result<(), Failure> {
    if context.json {
        return out.json(&Missed {
            missed: Gap { from, to },
        });
    }
    let which = if from == to {
        format!("revision {from} was")
    } else {
        format!("revisions {from} to {to} were")
    };
    out.line(format!(
        "{which} not seen: not in the journal, or not any more"
    ))
}

/// What tells a file from another one of its name, where the system says it.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<bool> {
    Some(path.exists())
}
