//! The disk fails or the power goes while a file is brought to new structs: it has the old shape or the new one, never half of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use sapwood::pagefile::Storage;
use sapwood::{Database, Error, Table};
use serde::{Deserialize, Serialize};

use super::fixture::rows;
use super::golden;
use super::past::{self, Phase, Spec};
use super::sim::{CRASHES, Crash, Failure, SimDisk};

/// Other bytes than the old rows have, from which the old rows can be told.
#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "pods")]
struct Pod {
    note: String,
    cpu: u64,
    #[key]
    id: u64,
    labels: BTreeMap<String, String>,
    node: Option<String>,
    spec: Spec,
    phase: Phase,
    #[serde(default)]
    more: u8,
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(name = "jobs")]
struct Job {
    slot: u64,
    #[key]
    name: String,
    owner: String,
}

fn disk() -> SimDisk {
    SimDisk::of(std::fs::read(golden::path("first.sap")).unwrap())
}

fn open(storage: impl Storage + 'static) -> Result<Database, Error> {
    let db = Database::builder().table::<Pod>().table::<Job>();
    db.open_storage(Box::new(storage))
}

fn as_now(pod: past::Pod) -> Pod {
    Pod {
        note: pod.note,
        cpu: pod.cpu.into(),
        id: pod.id,
        labels: pod.labels,
        node: pod.node,
        spec: pod.spec,
        phase: pod.phase,
        more: 0,
    }
}

/// Whatever is on the disk, both the old program and the new one read the rows from it.
fn holds_the_rows(disk: &SimDisk, what: &str) {
    let pods = past::pods().into_iter().map(as_now);
    let now = open(disk.crash(Crash::All, 0)).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(rows(&now, Pod::ALL).into_iter().eq(pods), "{what}");
    assert_eq!(now.snapshot().count(Job::ALL), 3, "{what}");
    let before = Database::builder()
        .table::<past::Job>()
        .table::<past::Host>();
    let before = before.open_storage(Box::new(disk.crash(Crash::All, 0)));
    let before = before.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(rows(&before, past::Job::ALL), past::jobs(), "{what}");
    assert_eq!(rows(&before, past::Host::ALL), past::hosts(), "{what}");
}

/// A disk that keeps what crashes would leave of it before each operation.
struct Recorder {
    disk: SimDisk,
    left: Arc<Mutex<Vec<(String, SimDisk)>>>,
}

impl Recorder {
    fn crash(&self) {
        for (kind, crash) in (0..).zip(CRASHES) {
            for seed in 0..4 {
                let disk = self.disk.crash(crash, kind * 1000 + seed);
                let what = format!("operation {}, {crash:?}, seed {seed}", self.disk.ops());
                self.left.lock().unwrap().push((what, disk));
            }
        }
    }
}

impl Storage for Recorder {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.crash();
        self.disk.write_at(offset, bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.crash();
        self.disk.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.crash();
        self.disk.sync()
    }
}

/// At every crash image the file is one or the other.
#[test]
fn every_crash_leaves_one_shape() {
    let left = Arc::default();
    let disk = disk();
    let recorder = Recorder {
        disk: disk.clone(),
        left: Arc::clone(&left),
    };
    let db = open(recorder).unwrap();
    drop(db);
    let left = std::mem::take(&mut *left.lock().unwrap());
    assert!(left.len() > 60, "{} images", left.len());
    for (what, disk) in &left {
        holds_the_rows(disk, what);
    }
}

/// At every operation that fails the open is refused, or did not need it.
#[test]
fn every_failure_leaves_one_shape() {
    let mut refused = 0;
    for forever in [false, true] {
        for after in 0..20 {
            let disk = disk();
            let at = disk.ops() + after;
            disk.fail(Some(Failure { at, forever }));
            if let Err(error) = open(disk.clone()) {
                assert!(matches!(error, Error::File { .. }), "{error}");
                refused += 1;
            }
            disk.fail(None);
            for (kind, crash) in (0..).zip(CRASHES) {
                let left = disk.crash(crash, kind);
                holds_the_rows(&left, &format!("operation {after}, {crash:?}"));
            }
        }
    }
    assert!(refused > 2, "{refused} were refused");
    // A disk without room leaves the file as it is.
    let disk = disk();
    disk.set_capacity(Some(disk.image().len()));
    let opened = open(disk.clone());
    assert!(matches!(opened, Err(Error::File { .. })));
    disk.set_capacity(None);
    holds_the_rows(&disk, "no room");
}
