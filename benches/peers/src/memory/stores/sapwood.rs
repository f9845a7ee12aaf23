//! sapwood.

use std::path::Path;

use sapwood::{Database, Durability, Error, Snapshot, Table};
use serde::{Deserialize, Serialize};

use super::{Store, View};
use crate::figures::OURS;
use crate::task::{Change, Status, Task};
use crate::text::{Labels, Text};

pub(crate) struct Sapwood {
    pub(crate) db: Database,
    indexed: bool,
}

/// The same rows without further indexes.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
struct Plain {
    #[key]
    id: Text,
    node: Text,
    job: Text,
    status: Status,
    cpu: u32,
    labels: Labels,
}

impl From<Task> for Plain {
    fn from(task: Task) -> Self {
        let Task {
            id,
            node,
            job,
            status,
            cpu,
            labels,
        } = task;
        Self {
            id,
            node,
            job,
            status,
            cpu,
            labels,
        }
    }
}

impl Sapwood {
    /// In a file, each commit of which is durable before it is seen.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let builder = Database::builder().table::<Task>();
        let db = builder.durability(Durability::Immediate).open(path)?;
        Ok(Self { db, indexed: true })
    }
}

impl Store for Sapwood {
    const NAME: &'static str = OURS;

    type View<'a> = Snapshot;

    fn new(indexed: bool) -> Self {
        let builder = Database::builder().table::<Task>().table::<Plain>();
        let db = builder.in_memory().expect("a database");
        Self { db, indexed }
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) {
        let load = self.db.write(|tx| {
            for row in rows {
                if self.indexed {
                    tx.insert(row)?;
                } else {
                    tx.insert(Plain::from(row))?;
                }
            }
            Ok::<_, Error>(())
        });
        load.expect("loaded");
    }

    fn update(&self, ids: &[String], change: Change) {
        let update = self.db.write(|tx| {
            for id in ids {
                tx.update::<Task>(id, |task| change.make(task))?;
            }
            Ok::<_, Error>(())
        });
        update.expect("updated");
    }

    fn view(&self) -> Snapshot {
        self.db.snapshot()
    }

    fn fork_and_update(&self, id: &str, change: Change) -> bool {
        let fork = self.db.snapshot().fork();
        let update = fork.write(|tx| tx.update::<Task>(id, |task| change.make(task)));
        update.expect("updated");
        true
    }
}

fn sum<'a>(rows: impl Iterator<Item = &'a sapwood::Row<Task>>) -> u64 {
    rows.map(|task| u64::from(task.cpu)).sum()
}

impl View for Snapshot {
    fn get(&self, id: &str) -> u64 {
        Self::get::<Task>(self, id).map_or(0, |task| u64::from(task.cpu))
    }

    fn of_node(&self, node: &str) -> u64 {
        sum(self.list(Task::BY_NODE.eq(node)))
    }

    fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
        sum(self.list(Task::BY_JOB_STATUS.eq((job, status))))
    }

    fn of_job(&self, job: &str) -> u64 {
        sum(self.list(Task::BY_JOB_STATUS.prefix(job)))
    }

    fn count_of_job(&self, job: &str) -> usize {
        self.count(Task::BY_JOB_STATUS.prefix(job))
    }

    fn count_of_jobs(&self, begin: &str) -> usize {
        self.count(Task::BY_JOB_STATUS.starts_with(begin))
    }

    fn scan(&self) -> u64 {
        sum(self.list(Task::ALL))
    }

    fn scan_back(&self) -> Option<u64> {
        Some(sum(self.list(Task::ALL).rev()))
    }
}
