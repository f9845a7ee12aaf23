//! The four tables: all that the cluster manager knows, and all that its threads say to each other.

use std::collections::BTreeSet;

use sapwood::{Key, Table};
use serde::{Deserialize, Serialize};

/// What a node has, and what a pod needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resources {
    pub cpu_milli: u64,
    pub memory_mib: u64,
    pub gpu_milli: u64,
}

impl Resources {
    /// Whether `needs` can be taken out of this.
    pub fn hold(&self, needs: &Self) -> bool {
        self.cpu_milli >= needs.cpu_milli
            && self.memory_mib >= needs.memory_mib
            && self.gpu_milli >= needs.gpu_milli
    }

    pub fn take(&mut self, needs: &Self) {
        self.cpu_milli -= needs.cpu_milli;
        self.memory_mib -= needs.memory_mib;
        self.gpu_milli -= needs.gpu_milli;
    }

    pub fn give_back(&mut self, needs: &Self) {
        self.cpu_milli += needs.cpu_milli;
        self.memory_mib += needs.memory_mib;
        self.gpu_milli += needs.gpu_milli;
    }
}

/// What a pod asks of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wish {
    pub needs: Resources,
    /// The GPU models that will do; empty if any will.
    pub models: BTreeSet<String>,
}

/// A machine. What is free on it stands in its row, so that a scheduling pass reads nodes only.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "nodes")]
pub struct Node {
    #[key]
    pub name: String,
    /// The model of its GPUs; empty if it has none.
    pub model: String,
    pub capacity: Resources,
    pub free: Resources,
}

impl Node {
    pub fn grants(&self, wish: &Wish) -> bool {
        self.free.hold(&wish.needs) && (wish.models.is_empty() || wish.models.contains(&self.model))
    }
}

/// Where a pod is in its life. The order is the order of the index.
#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Pending,
    Running,
    /// Its time is over; the reaper has not yet taken it away.
    Ended,
}

/// A pod that has been created and not yet taken away.
///
/// `by_phase` is the queue of the scheduler: the pending pods, oldest first. It is the number of running pods as well: a count of the same
/// index. And it is the reaper's work: what is in phase `Ended`.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "pods")]
#[table(index(by_phase, on(phase, created, name), unique))]
pub struct Pod {
    #[key]
    pub name: String,
    pub phase: Phase,
    /// When it was created, in seconds.
    pub created: u64,
    /// When it ends, in seconds.
    pub ends: u64,
    pub wish: Wish,
    pub labels: BTreeSet<String>,
    /// Where it runs. `sparse`: pods that run nowhere are not in this index.
    #[index(sparse)]
    pub node: Option<String>,
    /// The number of its row in `placements`.
    pub placement: Option<u64>,
}

/// The history: a pod was put on a node. The key counts up, so the table is in the order in which that happened.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "placements")]
pub struct Placement {
    #[key]
    pub number: u64,
    /// When, in seconds.
    pub time: u64,
    /// When the pod ended, in seconds; `None` while it runs.
    pub ended: Option<u64>,
    pub pod: String,
    #[index]
    pub node: String,
    pub needs: Resources,
    /// The labels of the pod: every single one of them finds the row.
    #[index(each)]
    pub labels: BTreeSet<String>,
}

/// Who is to act next.
#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    Driver,
    Reaper,
    Scheduler,
    /// Nobody: the whole trace has been replayed.
    Done,
}

/// The clock, a table of one row: how far the replay is, whose turn it is, and what has been counted.
///
/// Every commit that does a step also moves the clock, so whatever commit was the last one to reach the disk, the store says what comes next.
#[derive(Table, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[table(name = "clock")]
pub struct Clock {
    #[key]
    pub id: u8,
    /// The watches of the threads are on this index: a thread is woken when its turn comes, and by nothing else.
    #[index]
    pub turn: Turn,
    /// How many distinct times of the trace have been begun.
    pub ticks: u64,
    /// The time of the trace, in seconds.
    pub time: u64,
    pub completed: u64,
    pub never_scheduled: u64,
    pub peak_running: u64,
    /// Which trace this is, and how it was stretched: to go on with another one would make nonsense.
    pub trace: String,
    pub stretch: u64,
}

impl Clock {
    /// The key of the only row.
    pub const ID: u8 = 0;
}
