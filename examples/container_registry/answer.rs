//! What the registry says: what it did, containers, or why not.

use std::fmt;

use sapwood::{Error, Snapshot};
use serde::Serialize;

use crate::{
    program::table,
    registry::{Container, Name},
};

/// What the registry answers to what it can do.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Answer {
    Said(String),
    Listed(Vec<Listed>),
}

/// A container with its names, as a snapshot shows them.
#[derive(Serialize)]
pub struct Listed {
    pub id: String,
    pub image: String,
    pub names: Vec<String>,
}

impl Listed {
    pub fn new(snapshot: &Snapshot, container: &Container) -> Self {
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

/// What the registry answers to what it cannot do.
pub enum Refusal {
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

/// As much of an id as people read.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
