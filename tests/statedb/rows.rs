//! The tables of this suite.

use std::collections::BTreeSet;

use sapwood::{Database, Error, Row, Table};
use serde::{Deserialize, Serialize};

/// A number with tags: one row with many keys in an index.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "objects")]
pub(crate) struct Object {
    #[key]
    pub(crate) id: u64,
    #[index(each)]
    pub(crate) tags: BTreeSet<String>,
}

/// A name in a zone, with a port that nobody else has.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "services")]
pub(crate) struct Service {
    #[key]
    pub(crate) name: String,
    #[index]
    pub(crate) zone: String,
    #[index(unique)]
    pub(crate) port: Option<u16>,
}

/// Any bytes, by any bytes.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "blobs")]
pub(crate) struct Blob {
    #[key]
    pub(crate) key: Vec<u8>,
    #[index]
    pub(crate) group: Vec<u8>,
    pub(crate) value: u64,
}

pub(crate) fn object(id: u64, tags: &[&str]) -> Object {
    Object {
        id,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

pub(crate) fn service(name: &str, zone: &str, port: Option<u16>) -> Service {
    Service {
        name: name.to_owned(),
        zone: zone.to_owned(),
        port,
    }
}

pub(crate) fn blob(key: &[u8], group: &[u8]) -> Blob {
    Blob {
        key: key.to_owned(),
        group: group.to_owned(),
        value: 0,
    }
}

/// A database in memory with all tables of the suite.
pub(crate) fn open() -> Database {
    Database::builder()
        .table::<Object>()
        .table::<Service>()
        .table::<Blob>()
        .in_memory()
        .unwrap()
}

/// A database with these objects, from one commit.
pub(crate) fn with_objects(objects: &[(u64, &[&str])]) -> Database {
    let db = open();
    db.write(|tx| {
        for (id, tags) in objects {
            tx.insert(object(*id, tags))?;
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    db
}

/// Adds or replaces one object, in a commit of its own.
pub(crate) fn put(db: &Database, id: u64, tags: &[&str]) {
    db.write(|tx| tx.put(object(id, tags))).unwrap();
}

/// Removes one object, in a commit of its own.
pub(crate) fn remove(db: &Database, id: u64) -> bool {
    db.write(|tx| tx.remove::<Object>(id)).unwrap().is_some()
}

pub(crate) fn ids<'a>(rows: impl IntoIterator<Item = &'a Row<Object>>) -> Vec<u64> {
    rows.into_iter().map(|row| row.id).collect()
}

pub(crate) fn names<'a>(rows: impl IntoIterator<Item = &'a Row<Service>>) -> Vec<String> {
    rows.into_iter().map(|row| row.name.clone()).collect()
}
