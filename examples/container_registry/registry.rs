//! Containers, their names, and views of them.

use std::collections::HashMap;

use sapwood::{Database, Error, Only, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Listed, Refusal, short};

/// A container. Its number is the commit that made it, so no other ever had it.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "containers")]
pub struct Container {
    /// 64 hexadecimal digits.
    #[key]
    pub id: String,
    #[index(unique)]
    pub number: u64,
    pub image: String,
}

/// A name, and whose it is: a container may have several.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "names")]
pub struct Name {
    #[key]
    pub name: String,
    #[index]
    pub container: String,
}

pub struct Registry {
    db: Database,
    views: HashMap<String, Snapshot>,
}

impl Registry {
    pub fn new() -> Result<Self, Error> {
        let tables = Database::builder().table::<Container>().table::<Name>();
        Ok(Self {
            db: tables.in_memory()?,
            views: HashMap::new(),
        })
    }

    /// The answer to a command whose form has been found good.
    pub fn answer(&mut self, command: &str) -> Result<Answer, Refusal> {
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
