//! A file that was not closed has commits in its journal that its trees have not: whoever opens it sees them, with the program, with another one, or with none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use sapwood::pagefile::Storage;
use sapwood::{Builder, Database, Durability, Inspect, Table};
use serde::{Deserialize, Serialize};

#[path = "pagefile_sim/mod.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sim;

use sim::{Crash, Random, SimDisk};

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    #[key]
    id: u32,
    #[index]
    state: u8,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "hosts")]
struct Host {
    #[key]
    name: String,
    size: u16,
}

mod later {
    use super::{Deserialize, Serialize, Table};

    #[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[table(name = "jobs")]
    pub(super) struct Job {
        #[serde(default)]
        pub(super) note: String,
        #[key]
        pub(super) id: u32,
        #[index]
        pub(super) state: u64,
    }
}

fn open(storage: impl Storage + 'static, tables: impl FnOnce(Builder) -> Builder) -> Database {
    tables(Database::builder())
        .open_storage(Box::new(storage))
        .unwrap()
}

fn both(builder: Builder) -> Builder {
    builder.table::<Job>().table::<Host>()
}

/// What a crash leaves of a database with rows in the trees, of which some were written again, removed and added since.
fn crashed(seed: u64) -> (SimDisk, Vec<Job>, Vec<Host>) {
    let disk = SimDisk::default();
    let db = open(disk.clone(), both);
    let mut random = Random::new(seed);
    let mut step = |times: usize| {
        for _ in 0..times {
            let id = random.below(20) as u32;
            db.write(|tx| match random.below(3) {
                0 => tx.remove::<Job>(id).map(drop),
                1 => {
                    let name = format!("host-{}", id % 6);
                    let size = random.below(900) as u16;
                    tx.put(Host { name, size }).map(drop)
                }
                _ => {
                    let state = random.below(5) as u8;
                    tx.put(Job { id, state }).map(drop)
                }
            })
            .unwrap();
        }
    };
    step(30);
    db.checkpoint().unwrap();
    step(25);
    let snapshot = db.snapshot();
    let disk = disk.crash(Crash::None, 0);
    let jobs = snapshot.list(Job::ALL).map(|row| Job::clone(row));
    let hosts = snapshot.list(Host::ALL).map(|row| Host::clone(row));
    (disk, jobs.collect(), hosts.collect())
}

/// Without the program: all rows from both ends, their number, and the revision are those of the database.
#[test]
fn the_journal_is_read_without_the_program() {
    for seed in 0..30 {
        let (disk, jobs, _) = crashed(seed);
        let inspect = Inspect::open_storage(Box::new(disk.clone())).unwrap();
        let db = open(disk, both);
        assert_eq!(inspect.revision(), db.revision());
        assert_eq!(inspect.count("jobs").unwrap(), jobs.len() as u64);
        let ids: Vec<Vec<u8>> = jobs.iter().map(|job| job.id.to_be_bytes().into()).collect();
        // From both ends by turns, in a manner that differs by seed.
        let mut random = Random::new(seed);
        let mut rows = inspect.rows("jobs").unwrap();
        let (mut front, mut back) = (Vec::new(), Vec::new());
        loop {
            let is_front = random.below(3) > seed as usize % 3;
            let row = if is_front {
                rows.next()
            } else {
                rows.next_back()
            };
            let Some(row) = row else { break };
            let key = row.unwrap().key().to_vec();
            if is_front { &mut front } else { &mut back }.push(key);
        }
        back.reverse();
        assert_eq!([front, back].concat(), ids, "seed {seed}");
    }
}

/// With a program whose struct has changed: the rows of the journal follow as those of the trees do, at every crash from then on.
#[test]
fn the_journal_follows_a_struct_that_changed() {
    for seed in 0..20 {
        let (disk, jobs, hosts) = crashed(seed);
        let expected: Vec<later::Job> = jobs
            .iter()
            .map(|job| later::Job {
                note: String::new(),
                id: job.id,
                state: job.state.into(),
            })
            .collect();
        let now = |builder: Builder| builder.table::<later::Job>().table::<Host>();
        let db = open(disk.clone(), now);
        let rows = |db: &Database| -> Vec<later::Job> {
            let snapshot = db.snapshot();
            snapshot
                .list(later::Job::ALL)
                .map(|row| later::Job::clone(row))
                .collect()
        };
        assert_eq!(rows(&db), expected);
        let mut more = expected.clone();
        more.retain(|job| job.id != 3);
        db.write(|tx| tx.remove::<later::Job>(3).map(drop)).unwrap();
        for (count, crash) in [Crash::None, Crash::All, Crash::Subset]
            .into_iter()
            .enumerate()
        {
            let again = open(disk.crash(crash, count as u64), now);
            assert_eq!(rows(&again), more);
            let snapshot = again.snapshot();
            assert!(
                snapshot
                    .list(Host::ALL)
                    .map(|row| Host::clone(row))
                    .eq(hosts.clone())
            );
        }
    }
}

/// With a program that does not have one of the tables: its rows are kept, those of the journal, too.
#[test]
fn the_journal_of_unknown_tables_is_kept() {
    for seed in 0..20 {
        let (disk, jobs, hosts) = crashed(seed);
        let db = open(disk.clone(), |builder| {
            builder.table::<Job>().durability(Durability::Checkpoint)
        });
        db.write(|tx| tx.put(Job { id: 99, state: 1 })).unwrap();
        if seed % 2 == 0 {
            db.checkpoint().unwrap();
        } else {
            db.close().unwrap();
        }
        let again = open(disk.crash(Crash::None, 0), both).snapshot();
        assert!(again.list(Host::ALL).map(|row| Host::clone(row)).eq(hosts));
        assert_eq!(again.count(Job::ALL), jobs.len() + 1);
    }
}
