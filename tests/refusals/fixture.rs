//! A table with what can be refused, and one that most databases do not have.

use std::sync::atomic::{AtomicU32, Ordering};

use sapwood::{Database, Error, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods", key(space, name))]
#[table(index(by_owner_slot, on(owner, slot), unique))]
#[table(index(by_drifting, with(drifting) -> u32))]
pub(crate) struct Pod {
    pub(crate) space: String,
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
    pub(crate) slot: i16,
    #[index(each, unique)]
    pub(crate) ports: Vec<u16>,
    #[index]
    pub(crate) note: String,
    pub(crate) drifts: bool,
}

/// What the index function adds for rows that drift: it does not depend on the row alone, which is against the rules.
pub(crate) static DRIFT: AtomicU32 = AtomicU32::new(0);

fn drifting(pod: &Pod) -> u32 {
    if pod.drifts {
        DRIFT.load(Ordering::SeqCst)
    } else {
        0
    }
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "jobs")]
pub(crate) struct Job {
    #[key]
    pub(crate) id: u64,
}

pub(crate) fn pod(name: &str) -> Pod {
    Pod {
        space: "prod".to_owned(),
        name: name.to_owned(),
        owner: None,
        slot: 0,
        ports: Vec::new(),
        note: String::new(),
        drifts: false,
    }
}

pub(crate) fn open() -> Database {
    Database::builder().table::<Pod>().in_memory().unwrap()
}

/// The error of a transaction that must be refused.
pub(crate) fn refused<R>(
    db: &Database,
    change: impl FnOnce(&mut WriteTxn) -> Result<R, Error>,
) -> Error {
    db.write(change).map(drop).unwrap_err()
}

#[track_caller]
pub(crate) fn says(error: &Error, text: &str) {
    assert_eq!(error.to_string(), text);
}
