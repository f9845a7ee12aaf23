//! A process was killed, and then the machine fails: what the next process has found, and shown, must not be lost with it.

use std::io;
use std::sync::{Arc, Mutex};

use sapwood::Durability;
use sapwood::pagefile::Storage;

use super::sim::{Crash, SimDisk};
use super::tables::{State, goes_on};
use super::workload::{Crashed, open};

/// A disk that crashes before each of its operations, in a few ways.
#[derive(Clone)]
struct Crashing {
    disk: SimDisk,
    left: Arc<Mutex<Vec<(Crash, SimDisk)>>>,
}

impl Crashing {
    fn crash(&self) {
        let mut left = self.left.lock().unwrap();
        for crash in [
            Crash::None,
            Crash::Subset,
            Crash::OnlyLast,
            Crash::AllButLast,
        ] {
            let seed = left.len() as u64 * 8;
            left.push((crash, self.disk.crash(crash, seed)));
        }
    }
}

impl Storage for Crashing {
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

/// Opens what the process left, commits, and crashes on the way: from the first operation behind opening on, what was found is there. Gives how many images it tried.
pub fn verify(crashed: &Crashed) -> u64 {
    let disk = Crashing {
        disk: crashed.disk.killed(),
        left: Arc::default(),
    };
    let db = open(disk.clone(), Durability::Immediate, 8 << 10).unwrap();
    disk.left.lock().unwrap().clear();
    disk.crash();
    let found = db.snapshot();
    goes_on(&db);
    let now = db.snapshot();
    let states = [State::of(&found), State::of(&now)];
    let left = std::mem::take(&mut *disk.left.lock().unwrap());
    let tried = left.len() as u64;
    for (crash, left) in left {
        let again = open(left, Durability::Immediate, 8 << 10).unwrap();
        let again = again.snapshot();
        assert!(
            again.revision() >= found.revision() && states.contains(&State::of(&again)),
            "{crash:?}: {} was found, and then {}",
            found.revision(),
            again.revision()
        );
    }
    tried
}
