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

mod program;
#[path = "program/script.rs"]
mod script;

use std::{collections::HashMap, fmt, path::PathBuf, process::ExitCode};

use clap::Parser;
use program::{Failure, show, show_json, table};
use sapwood::{Database, Error, Only, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Containers with ids that are found by their beginning, and with names
#[derive(Parser)]
#[command(name = "container_registry")]
struct Options {
    /// A file of commands, one a line; without it, a tour of what there is
    commands: Option<PathBuf>,

    /// Print the answers and the containers as one line of JSON
    #[arg(long)]
    json: bool,
}

/// A container. Its number is the commit that made it, so no other ever had it.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "containers")]
struct Container {
    /// 64 hexadecimal digits.
    #[key]
    id: String,
    #[index(unique)]
    number: u64,
    image: String,
}

/// A name, and whose it is: a container may have several.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "names")]
struct Name {
    #[key]
    name: String,
    #[index]
    container: String,
}

/// What the registry answers to what it cannot do.
enum Refusal {
    NoSuchContainer(String),
    Ambiguous(String),
    NoSuchName(String),
    NameInUse { name: String, by: String },
    NoSuchView(String),
    Store(Error),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchContainer(reference) => write!(f, "no such container: {reference}"),
            Self::Ambiguous(beginning) => write!(f, "multiple ids begin with {beginning}"),
            Self::NoSuchName(name) => write!(f, "no such name: {name}"),
            Self::NameInUse { name, by } => {
                write!(f, "the name {name} is in use by container {}", short(by))
            }
            Self::NoSuchView(view) => write!(f, "no such view: {view}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// So that `?` works in the closure of `Database::write`.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// What the registry answers to what it can do.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Said(String),
    Listed(Vec<Listed>),
}

/// A container with its names, as a snapshot shows them.
#[derive(Serialize)]
struct Listed {
    id: String,
    image: String,
    names: Vec<String>,
}

impl Listed {
    fn new(snapshot: &Snapshot, container: &Container) -> Self {
        let names = snapshot.list(Name::BY_CONTAINER.eq(&container.id));
        Self {
            id: container.id.clone(),
            image: container.image.clone(),
            names: names.map(|name| name.name.clone()).collect(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(text) => f.write_str(text),
            Self::Listed(containers) => {
                let mut table = table(["container", "image", "names"]);
                for Listed { id, image, names } in containers {
                    table.add_row([short(id), image, &names.join(", ")]);
                }
                table.fmt(f)
            }
        }
    }
}

struct Registry {
    db: Database,
    views: HashMap<String, Snapshot>,
}

impl Registry {
    /// The answer to a command whose form has been found good.
    fn answer(&mut self, command: &str) -> Result<Answer, Refusal> {
        let now = self.db.snapshot();
        let words: Vec<_> = command.split_whitespace().collect();
        match &words[..] {
            ["create", image, names @ ..] => self.create(image, names),
            ["name", reference, name] => {
                let id = &find(&now, reference)?.id;
                self.db.write(|tx| reserve(tx, name, id))?;
                Ok(Answer::Said(format!("{name} is {}", short(id))))
            }
            ["rename", from, to] => self.rename(from, to),
            ["release", name] => match self.db.write(|tx| tx.remove::<Name>(name))? {
                Some(name) => Ok(Answer::Said(format!("{} is free", name.name))),
                None => Err(Refusal::NoSuchName((*name).to_owned())),
            },
            ["rm", reference] => self.remove(&find(&now, reference)?.id),
            ["inspect", reference] => {
                let found = find(&now, reference)?;
                Ok(Answer::Listed(vec![Listed::new(&now, found)]))
            }
            ["view", view] => {
                self.views.insert((*view).to_owned(), now);
                Ok(Answer::Said(format!("{view} is kept")))
            }
            ["ps", view @ ..] => {
                let snapshot = match view.first() {
                    Some(view) => self
                        .views
                        .get(*view)
                        .ok_or(Refusal::NoSuchView((*view).to_owned()))?,
                    None => &now,
                };
                let newest_first = snapshot.list(Container::BY_NUMBER.all()).rev();
                let listed = newest_first.map(|container| Listed::new(snapshot, container));
                Ok(Answer::Listed(listed.collect()))
            }
            _ => unreachable!("forms are checked before anything runs"),
        }
    }

    /// A container with all of these names; where one is taken, neither the container nor the others.
    fn create(&self, image: &str, names: &[&str]) -> Result<Answer, Refusal> {
        self.db.write(|tx| {
            let number = tx.revision().get();
            let id = Sha256::digest(format!("{number} {image}"));
            let id = id
                .iter()
                .fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
            tx.insert(Container {
                id: id.clone(),
                number,
                image: image.to_owned(),
            })?;
            for name in names {
                reserve(tx, name, &id)?;
            }
            Ok(Answer::Said(id))
        })
    }

    /// The container of the old name has the new one before the old one is free, or nothing has happened.
    fn rename(&self, from: &str, to: &str) -> Result<Answer, Refusal> {
        self.db.write(|tx| {
            let no_such_name = || Refusal::NoSuchName(from.to_owned());
            let id = tx
                .get::<Name>(from)
                .ok_or_else(no_such_name)?
                .container
                .clone();
            if from != to {
                reserve(tx, to, &id)?;
                tx.remove::<Name>(from)?;
            }
            Ok(Answer::Said(format!("{to} is {}", short(&id))))
        })
    }

    fn remove(&self, id: &str) -> Result<Answer, Refusal> {
        self.db.write(|tx| {
            tx.remove::<Container>(id)?;
            let names = tx.remove_all(Name::BY_CONTAINER.eq(id))?;
            Ok(Answer::Said(format!(
                "{} is gone, names freed: {names}",
                short(id)
            )))
        })
    }
}

/// Gives a name to a container. It may have it already; another one may not.
fn reserve(tx: &mut WriteTxn, name: &str, id: &str) -> Result<(), Refusal> {
    match tx.get::<Name>(name) {
        None if tx.get::<Container>(id).is_none() => Err(Refusal::NoSuchContainer(id.to_owned())),
        None => {
            tx.insert(Name {
                name: name.to_owned(),
                container: id.to_owned(),
            })?;
            Ok(())
        }
        Some(taken) if taken.container == id => Ok(()),
        Some(taken) => Err(Refusal::NameInUse {
            name: name.to_owned(),
            by: taken.container.clone(),
        }),
    }
}

/// The container that is meant: by its whole id, else by a name, else by the beginning of its id if no other id begins so.
fn find<'a>(snapshot: &'a Snapshot, reference: &str) -> Result<&'a Row<Container>, Refusal> {
    let named = || snapshot.get::<Container>(&snapshot.get::<Name>(reference)?.container);
    if let Some(found) = snapshot.get::<Container>(reference).or_else(named) {
        return Ok(found);
    }
    match snapshot.only(Container::BY_ID.starts_with(reference)) {
        Only::One(found) => Ok(found),
        Only::None => Err(Refusal::NoSuchContainer(reference.to_owned())),
        Only::Many => Err(Refusal::Ambiguous(reference.to_owned())),
    }
}

/// As much of an id as people read.
fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
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
    let db = Database::builder()
        .table::<Container>()
        .table::<Name>()
        .in_memory()?;
    let mut registry = Registry {
        db,
        views: HashMap::new(),
    };
    let mut answers = Vec::new();
    for (command, ()) in commands {
        let answer = registry.answer(&command);
        if options.json {
            answers.push(match answer {
                Ok(answer) => json!({ "command": command, "answer": answer }),
                Err(refusal) => json!({ "command": command, "error": refusal.to_string() }),
            });
            continue;
        }
        match answer {
            Ok(answer) => show(format_args!("$ {command}\n{answer}"))?,
            Err(refusal) => show(format_args!("$ {command}\nerror: {refusal}"))?,
        }
    }
    if options.json {
        show_json(&answers)?;
    }
    Ok(())
}
