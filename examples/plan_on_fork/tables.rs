//! What there is: nodes, jobs that want to be on them, and which task is where.

use sapwood::Table;
use serde::{Deserialize, Serialize};

/// CPU in thousandths, memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    pub cpu: u64,
    pub memory: u64,
}

impl Resources {
    pub fn hold(self, needs: Self) -> bool {
        self.cpu >= needs.cpu && self.memory >= needs.memory
    }

    /// What is left without `needs`, which it [holds](Self::hold).
    pub fn without(self, needs: Self) -> Self {
        Self {
            cpu: self.cpu - needs.cpu,
            memory: self.memory - needs.memory,
        }
    }

    pub fn and(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            memory: self.memory + other.memory,
        }
    }
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "nodes")]
pub struct Node {
    #[key]
    pub name: String,
    pub capacity: Resources,
    pub free: Resources,
    /// Nothing new is put here.
    pub drained: bool,
}

impl Node {
    pub fn made_up(number: u32) -> Self {
        let size = [1, 2, 4][number as usize % 3];
        let capacity = Resources {
            cpu: 4000 * size,
            memory: 8192 * size,
        };
        Self {
            name: format!("node-{number:03}"),
            capacity,
            free: capacity,
            drained: false,
        }
    }
}

/// What makes a placement of a job a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// That the loss of a node takes few of its tasks.
    Safety,
    /// That large tasks still find room after it.
    Room,
}

/// How a node is chosen for a task, of those that can take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// The first by name.
    First,
    /// The fullest.
    Pack,
    /// The emptiest.
    Spread,
}

impl Strategy {
    pub const ALL: [Self; 3] = [Self::First, Self::Pack, Self::Spread];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Waiting,
    Placed(Strategy),
    /// No plan had room for all of it.
    Blocked,
}

/// A plan that was tried, and how good it was, of 1000; `None` if there was no room for all tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub strategy: Strategy,
    pub score: Option<u64>,
}

/// Some tasks that are alike, to be placed all or none.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "jobs")]
pub struct Job {
    #[key]
    pub name: String,
    pub wish: Wish,
    pub tasks: u32,
    pub needs: Resources,
    pub state: State,
    /// What was tried the last time.
    pub plans: Vec<Plan>,
    /// How often it was planned.
    pub attempts: u32,
}

impl Job {
    pub fn name(number: u32) -> String {
        format!("job-{number:03}")
    }

    pub fn made_up(number: u32) -> Self {
        let scale = u64::from(1 + number % 4);
        Self {
            name: Self::name(number),
            wish: if number.is_multiple_of(2) {
                Wish::Room
            } else {
                Wish::Safety
            },
            tasks: 2 + number % 3,
            needs: Resources {
                cpu: 500 * scale,
                memory: 1024 * scale,
            },
            state: State::Waiting,
            plans: Vec::new(),
            attempts: 0,
        }
    }
}

/// A task of a job is on a node.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "allocations", key(job, task))]
pub struct Allocation {
    pub job: String,
    pub task: u32,
    #[index]
    pub node: String,
    pub needs: Resources,
}
