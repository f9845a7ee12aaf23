//! The view as a program of ours would write it: two tables, and verbs that say what they refuse.

use std::fmt;

use sapwood::{Database, Error, Only, Row, Snapshot, Table};
use serde::{Deserialize, Serialize};

/// A container: its id is 64 hexadecimal digits, of which a user types the first few.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "containers")]
pub(crate) struct Container {
    #[key]
    pub(crate) id: String,
    #[index]
    pub(crate) running: bool,
    pub(crate) image: String,
    pub(crate) pid: u32,
}

/// A name that is reserved for a container, which may have several, and need not be there yet.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "names")]
pub(crate) struct Name {
    #[key]
    pub(crate) name: String,
    #[index]
    pub(crate) container: String,
}

/// Why the view refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A name or the beginning of an id is empty.
    Empty,
    /// Nothing goes by that.
    NotFound(String),
    /// More than one id begins so.
    Ambiguous(String),
    /// The name is another container's.
    Conflict { name: String, container: String },
    /// The database refused.
    Store(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the prefix cannot be empty"),
            Self::NotFound(what) => write!(f, "no such container: {what}"),
            Self::Ambiguous(prefix) => write!(f, "more than one container begins with {prefix}"),
            Self::Conflict { name, container } => {
                write!(f, "the name {name} is in use by {container}")
            }
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

/// What a listing shows of a container: made for each question, from one state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) names: Vec<String>,
    pub(crate) running: bool,
}

/// The containers and their names.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) db: Database,
}

impl View {
    pub(crate) fn new() -> Self {
        let db = Database::builder().table::<Container>().table::<Name>();
        Self {
            db: db.in_memory().unwrap(),
        }
    }

    /// One state, to ask several things of.
    pub(crate) fn picture(&self) -> Picture {
        Picture(self.db.snapshot())
    }

    /// Adds a container or replaces it; the caller's own is not shared.
    pub(crate) fn save(&self, container: &Container) -> Result<(), Refused> {
        Ok(self.db.write(|tx| tx.put(container.clone()).map(drop))?)
    }

    /// Removes a container, if it is there, and all names of its id, at once.
    pub(crate) fn delete(&self, id: &str) -> Result<(), Refused> {
        self.db.write(|tx| {
            tx.remove_all(Name::BY_CONTAINER.eq(id))?;
            tx.remove::<Container>(id)?;
            Ok(())
        })
    }

    /// Reserves a name for a container: again is no error, for another one it is.
    pub(crate) fn reserve(&self, name: &str, container: &str) -> Result<(), Refused> {
        self.db.write(|tx| match tx.get::<Name>(name) {
            Some(taken) if taken.container == container => Ok(()),
            Some(taken) => Err(Refused::Conflict {
                name: name.to_owned(),
                container: taken.container.clone(),
            }),
            None => {
                tx.insert(Name {
                    name: name.to_owned(),
                    container: container.to_owned(),
                })?;
                Ok(())
            }
        })
    }

    /// Frees a name, if it is reserved.
    pub(crate) fn release(&self, name: &str) -> Result<(), Refused> {
        Ok(self.db.write(|tx| tx.remove::<Name>(name).map(drop))?)
    }
}

/// A state of the view.
#[derive(Clone)]
pub(crate) struct Picture(pub(crate) Snapshot);

impl Picture {
    /// The container with this whole id.
    pub(crate) fn get(&self, id: &str) -> Result<&Row<Container>, Refused> {
        self.0
            .get::<Container>(id)
            .ok_or_else(|| Refused::NotFound(id.to_owned()))
    }

    /// The only container whose id begins so.
    pub(crate) fn by_prefix(&self, prefix: &str) -> Result<&Row<Container>, Refused> {
        if prefix.is_empty() {
            return Err(Refused::Empty);
        }
        match self.0.only(Container::BY_ID.starts_with(prefix)) {
            Only::One(container) => Ok(container),
            Only::None => Err(Refused::NotFound(prefix.to_owned())),
            Only::Many => Err(Refused::Ambiguous(prefix.to_owned())),
        }
    }

    /// The id for which a name is reserved.
    pub(crate) fn id_of(&self, name: &str) -> Result<&str, Refused> {
        match self.0.get::<Name>(name) {
            Some(reserved) => Ok(&reserved.container),
            None => Err(Refused::NotFound(name.to_owned())),
        }
    }

    /// The names of a container, in order.
    pub(crate) fn names_of(&self, id: &str) -> Vec<&str> {
        let names = self.0.list(Name::BY_CONTAINER.eq(id));
        names.map(|name| &*name.name).collect()
    }

    /// All names, by the container that they are reserved for.
    pub(crate) fn all_names(&self) -> Vec<(&str, Vec<&str>)> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for name in self.0.list(Name::BY_CONTAINER.all()) {
            match groups.last_mut() {
                Some((container, names)) if *container == name.container => names.push(&name.name),
                _ => groups.push((&name.container, vec![&name.name])),
            }
        }
        groups
    }

    /// All containers with their names.
    pub(crate) fn all(&self) -> Vec<Shown> {
        let shown = |container: &Row<Container>| Shown {
            id: container.id.clone(),
            names: self
                .names_of(&container.id)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            running: container.running,
        };
        self.0.list(Container::ALL).map(shown).collect()
    }
}

/// A container with an id that begins so, and goes on with zeros.
pub(crate) fn container(beginning: &str) -> Container {
    Container {
        id: full(beginning),
        running: false,
        image: "busybox".to_owned(),
        pid: 0,
    }
}

/// 64 digits that begin so.
pub(crate) fn full(beginning: &str) -> String {
    format!("{beginning:0<64}")
}
