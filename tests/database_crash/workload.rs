//! Threads that commit to a database on a disk which is looked at before each of its operations: what would a crash leave now?

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sapwood::pagefile::Storage;
use sapwood::{Builder, Database, Durability, Error, Revision};

use super::sim::{Crash, Random, SimDisk};
use super::tables::{Event, Node, Pod, State, change};

/// How one database is used.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub durability: Durability,
    pub threads: u64,
    pub commits: u64,
    /// In bytes.
    pub journal: u64,
    pub seed: u64,
}

/// The states that there were, by revision, and how far the workload is.
#[derive(Default)]
pub struct History {
    states: Mutex<Vec<State>>,
    started: AtomicU64,
    acknowledged: AtomicU64,
}

impl History {
    pub fn state(&self, revision: Revision) -> State {
        self.states.lock().unwrap()[revision.get() as usize].clone()
    }
}

/// What a crash left, and what may be found there.
pub struct Crashed {
    pub disk: SimDisk,
    /// Only the process ended: what it wrote is still there, and still pending.
    pub is_killed: bool,
    pub what: String,
    pub acknowledged: u64,
    pub started: u64,
    pub history: Arc<History>,
}

struct Recorder {
    disk: SimDisk,
    history: Arc<History>,
    crashes: SyncSender<Crashed>,
    number: AtomicUsize,
    workload: Workload,
}

/// Each kind of crash, and how often it is tried at one point: those without chance in them once.
const KINDS: [(Crash, u64); 8] = [
    (Crash::None, 1),
    (Crash::All, 1),
    (Crash::Prefix, 3),
    (Crash::Subset, 4),
    (Crash::Torn, 4),
    (Crash::Garbage, 3),
    (Crash::OnlyLast, 1),
    (Crash::AllButLast, 1),
];

impl Recorder {
    fn crash(&self) {
        let point = self.number.fetch_add(1, Ordering::Relaxed) as u64;
        for (crash, times) in KINDS {
            for time in 0..times {
                let seed = self.workload.seed ^ ((point * 64 + time) * 8);
                let what = format!("{crash:?} {time}");
                self.send(point, &what, false, || self.disk.crash(crash, seed));
            }
        }
        self.send(point, "killed", true, || self.disk.killed());
        // Of a journal no slot alone knows anything. What goes straight into the trees is in one only, until the file is closed.
        if self.workload.durability != Durability::Checkpoint {
            for slot in [0, 4096] {
                self.send(point, &format!("slot at {slot}"), false, || {
                    let mut image = self.disk.crash(Crash::None, 0).image();
                    image[slot..slot + 512].fill(0);
                    SimDisk::of(image)
                });
            }
        }
    }

    fn send(&self, point: u64, how: &str, is_killed: bool, disk: impl FnOnce() -> SimDisk) {
        // Before the disk is looked at: what is acknowledged later need not be on it. And what was started is asked for behind it.
        let acknowledged = self.history.acknowledged.load(Ordering::Acquire);
        let disk = disk();
        let started = self.history.started.load(Ordering::Acquire);
        // Who listens has failed if nobody does.
        let _ = self.crashes.send(Crashed {
            disk,
            is_killed,
            what: format!("{:?}, point {point}, {how}", self.workload),
            acknowledged,
            started,
            history: Arc::clone(&self.history),
        });
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

pub fn builder(durability: Durability, journal: u64) -> Builder {
    Database::builder()
        .table::<Node>()
        .table::<Pod>()
        .table::<Event>()
        .durability(durability)
        .journal_size(journal)
}

pub fn open(
    storage: impl Storage + 'static,
    durability: Durability,
    journal: u64,
) -> Result<Database, Error> {
    builder(durability, journal)
        .checkpoint_within(Duration::from_millis(40))
        .open_storage(Box::new(storage))
}

impl Workload {
    /// A disk that holds a database without rows, in pages as small as they can be.
    fn disk(&self) -> SimDisk {
        let disk = SimDisk::default();
        drop(disk.open().unwrap());
        let db = open(disk.clone(), self.durability, self.journal).unwrap();
        db.close().unwrap();
        SimDisk::of(disk.image())
    }

    /// Runs it, and sends what crashes would leave.
    pub fn run(self, crashes: SyncSender<Crashed>) {
        let history = Arc::new(History::default());
        history.states.lock().unwrap().push(State::default());
        let recorder = Recorder {
            disk: self.disk(),
            history: Arc::clone(&history),
            crashes,
            number: AtomicUsize::new(0),
            workload: self,
        };
        let db = open(recorder, self.durability, self.journal).unwrap();
        thread::scope(|scope| {
            for thread in 0..self.threads {
                let (db, history) = (&db, &history);
                scope.spawn(move || self.write(thread, db, history));
            }
        });
        db.close().unwrap();
    }

    fn write(self, thread: u64, db: &Database, history: &History) {
        let mut random = Random::new(self.seed * 31 + thread);
        for number in 0..self.commits {
            let mut tx = db.begin_write().unwrap();
            // The transaction has the turn: the state before it is the newest there is, published or not.
            let mut state = history.states.lock().unwrap().last().unwrap().clone();
            change(&mut tx, &mut state, &mut random).unwrap();
            let revision = tx.revision();
            let mut states = history.states.lock().unwrap();
            assert_eq!(states.len() as u64, revision.get());
            states.push(state);
            drop(states);
            history.started.store(revision.get(), Ordering::Release);
            tx.commit().unwrap();
            match self.durability {
                Durability::Immediate => assert!(db.durable_revision() >= revision),
                _ if number % 7 == 0 => db.sync().unwrap(),
                Durability::Eventual { .. } if number % 5 == 0 => {
                    db.wait_durable(revision).unwrap();
                }
                _ => {}
            }
            let durable = db.durable_revision().get();
            history.acknowledged.fetch_max(durable, Ordering::AcqRel);
            if random.below(40) == 0 {
                db.checkpoint().unwrap();
            }
        }
    }
}
