//! Restore: the rows of a running database become those of a backup, in one commit that is told as the difference.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "derive")]

#[path = "../support/mod.rs"]
mod support;

mod model;
mod refused;
mod rows;
mod tables;
mod writes;

use sapwood::{Database, Table};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    #[key]
    id: u32,
    #[index(unique)]
    name: String,
    note: Option<String>,
}

fn pod(id: u32, name: &str) -> Pod {
    Pod {
        id,
        name: name.to_owned(),
        note: None,
    }
}

fn pods() -> Database {
    Database::builder().table::<Pod>().in_memory().unwrap()
}

fn copy_of(db: &Database) -> Vec<u8> {
    let mut copy = Vec::new();
    db.backup(&mut copy).unwrap();
    copy
}

fn names(db: &Database) -> Vec<(u32, String)> {
    let snapshot = db.snapshot();
    let pods = snapshot.list(Pod::ALL);
    pods.map(|pod| (pod.id, pod.name.clone())).collect()
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "hosts")]
struct Host {
    #[key]
    name: String,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "beats", ephemeral)]
struct Beat {
    #[key]
    id: u32,
}

fn host(name: &str) -> Host {
    Host { name: name.into() }
}

/// Structs of yesterday.
mod earlier {
    use super::{Deserialize, Serialize, Table};

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "pods")]
    pub(super) struct Pod {
        pub(super) gone: u64,
        #[key]
        pub(super) id: u32,
        pub(super) name: String,
    }

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "hosts")]
    pub(super) struct Host {
        #[key]
        pub(super) name: u64,
    }
}
