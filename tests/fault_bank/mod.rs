//! Two tables on a disk that can crash, fail and fill up, with what must be in them after each commit.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test uses a part of it; a test that cannot go on fails"
)]

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use sapwood::pagefile::Storage;
use sapwood::{Database, Durability, Error, Revision, Row, Snapshot, Table, WriteTxn};
use serde::{Deserialize, Serialize};

#[path = "../pagefile_sim/mod.rs"]
pub mod sim;

use sim::{Random, SimDisk, filled};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "accounts")]
pub struct Account {
    #[key]
    pub id: u32,
    #[index]
    pub owner: String,
    #[index(unique)]
    pub code: Option<u16>,
    pub note: Vec<u8>,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "entries", key(account, number))]
pub struct Entry {
    pub account: u32,
    pub number: u32,
    #[index]
    pub amount: i32,
}

pub const EVENTUAL: Durability = Durability::Eventual {
    within: Duration::from_micros(300),
};

pub fn open(storage: impl Storage + 'static, durability: Durability) -> Result<Database, Error> {
    Database::builder()
        .table::<Account>()
        .table::<Entry>()
        .durability(durability)
        // So short that it is full after some commits.
        .journal_size(8 << 10)
        .open_storage(Box::new(storage))
}

/// A disk that holds a database without rows, in pages as small as they can be.
pub fn empty() -> SimDisk {
    let disk = SimDisk::default();
    drop(disk.open().unwrap());
    open(disk.clone(), Durability::Immediate)
        .unwrap()
        .close()
        .unwrap();
    SimDisk::of(disk.image())
}

/// Changes both tables; always the same ones for the same number.
pub fn change(tx: &mut WriteTxn, number: u64) -> Result<(), Error> {
    let mut random = Random::new(number);
    for _ in 0..=random.below(5) {
        let id = random.below(12) as u32;
        match random.below(6) {
            0 => drop(tx.remove::<Account>(id)?),
            1 => drop(tx.remove_all(Entry::BY_ACCOUNT_NUMBER.prefix(id))?),
            2 | 3 => {
                let len = [0, 20, 200, 3000][random.below(4)];
                let account = Account {
                    id,
                    owner: format!("owner-{}", random.below(4)),
                    code: (!id.is_multiple_of(3)).then_some(id as u16 * 7),
                    note: filled(len, random.next()),
                };
                drop(tx.put(account)?);
            }
            _ => {
                let entry = Entry {
                    account: id,
                    number: random.below(9) as u32,
                    amount: random.next() as i32,
                };
                drop(tx.put(entry)?);
            }
        }
    }
    // Every transaction changes something.
    let amount = number as i32;
    tx.put(Entry {
        account: 99,
        number: 0,
        amount,
    })?;
    Ok(())
}

/// All that a snapshot shows: the revision, and both tables by each index, with the revisions of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub revision: Revision,
    pub accounts: Vec<(Account, Revision, Revision)>,
    pub entries: Vec<(Entry, Revision, Revision)>,
}

pub fn state(snapshot: &Snapshot) -> State {
    fn kept<T: Clone>(row: &Row<T>) -> (T, Revision, Revision) {
        (T::clone(row), row.created(), row.modified())
    }
    let accounts = [
        Account::ALL,
        Account::BY_OWNER.all(),
        Account::BY_CODE.all(),
    ];
    let entries = [Entry::ALL, Entry::BY_AMOUNT.all()];
    State {
        revision: snapshot.revision(),
        accounts: accounts
            .into_iter()
            .flat_map(|query| snapshot.list(query).map(kept))
            .collect(),
        entries: entries
            .into_iter()
            .flat_map(|query| snapshot.list(query).map(kept))
            .collect(),
    }
}

/// The states after each of so many commits, from a database that no disk disturbs.
pub fn states(commits: u64) -> Vec<State> {
    let db = Database::builder()
        .table::<Account>()
        .table::<Entry>()
        .in_memory()
        .unwrap();
    let mut states = vec![state(&db.snapshot())];
    for number in 1..=commits {
        db.write(|tx| change(tx, number)).unwrap();
        states.push(state(&db.snapshot()));
    }
    states
}

/// How far a workload is: which commit is the last that must survive, and which is the last that may.
#[derive(Default)]
pub struct Progress {
    pub acknowledged: AtomicU64,
    pub started: AtomicU64,
}
