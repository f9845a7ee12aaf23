//! mvcc-core: chains of versions behind a hash map, and ordered indexes of one field each.

use std::cell::RefCell;

use mvcc::{Config, Database, Snapshot, Transaction};

use super::{Store, View};
use crate::task::{Change, Status, Task};

pub(in crate::memory) struct Mvcc {
    db: Database,
    indexed: bool,
}

#[derive(mvcc::Mvcc, Clone, Debug)]
#[mvcc(table = "tasks")]
struct Stored {
    #[mvcc(primary_key)]
    id: String,
    #[mvcc(index)]
    node: String,
    /// There are no indexes of several columns: these are put together by hand.
    #[mvcc(index)]
    job_status: String,
    task: Task,
}

#[derive(mvcc::Mvcc, Clone, Debug)]
#[mvcc(table = "plain_tasks")]
#[expect(dead_code, reason = "it is only weighed")]
struct Plain {
    #[mvcc(primary_key)]
    id: String,
    task: Task,
}

fn job_status(job: &str, status: Status) -> String {
    format!("{job}/{}", status as u8)
}

impl Store for Mvcc {
    const NAME: &'static str = "mvcc-core";

    type View<'a> = RefCell<Transaction<'a, Snapshot>>;

    fn new(indexed: bool) -> Self {
        let db = Database::open(Config::in_memory()).expect("a database");
        db.register::<Stored>().expect("a table");
        db.register::<Plain>().expect("a table");
        Self { db, indexed }
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) {
        let mut tx = self.db.begin();
        for task in rows {
            // Its keys are strings of their own.
            let id = task.id.to_string();
            let inserted = if self.indexed {
                let node = task.node.to_string();
                let job_status = job_status(&task.job, task.status);
                tx.insert(Stored {
                    id,
                    node,
                    job_status,
                    task,
                })
            } else {
                tx.insert(Plain { id, task })
            };
            inserted.expect("inserted");
        }
        tx.commit().expect("committed");
    }

    fn update(&self, ids: &[String], change: Change) {
        let mut tx = self.db.begin();
        for id in ids {
            let update = tx.update::<Stored>(id, |row| {
                change.make(&mut row.task);
                row.job_status = job_status(&row.task.job, row.task.status);
            });
            update.expect("updated");
        }
        tx.commit().expect("committed");
    }

    fn view(&self) -> Self::View<'_> {
        RefCell::new(self.db.begin())
    }
}

/// The end of what begins so, in keys of ASCII.
fn end(begin: &str) -> String {
    format!("{begin}\u{7f}")
}

impl View for RefCell<Transaction<'_, Snapshot>> {
    fn get(&self, id: &str) -> u64 {
        let mut tx = self.borrow_mut();
        let row = tx.get::<Stored>(&id.to_owned()).expect("read");
        row.map_or(0, |row| u64::from(row.task.cpu))
    }

    fn of_node(&self, node: &str) -> u64 {
        let (mut tx, node) = (self.borrow_mut(), node.to_owned());
        let rows = tx.scan_index(Stored::NODE, node.clone()..=node);
        let rows = rows.expect("a query");
        rows.iter().map(|row| u64::from(row.task.cpu)).sum()
    }

    fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
        let (mut tx, key) = (self.borrow_mut(), job_status(job, status));
        let rows = tx.scan_index(Stored::JOB_STATUS, key.clone()..=key);
        let rows = rows.expect("a query");
        rows.iter().map(|row| u64::from(row.task.cpu)).sum()
    }

    fn of_job(&self, job: &str) -> u64 {
        let mut tx = self.borrow_mut();
        let rows = tx.scan_index(Stored::JOB_STATUS, job.to_owned()..end(job));
        let rows = rows.expect("a query");
        rows.iter().map(|row| u64::from(row.task.cpu)).sum()
    }

    fn count_of_job(&self, job: &str) -> usize {
        self.count_of_jobs(job)
    }

    fn count_of_jobs(&self, begin: &str) -> usize {
        let mut tx = self.borrow_mut();
        let rows = tx.scan_index(Stored::JOB_STATUS, begin.to_owned()..end(begin));
        rows.expect("a query").len()
    }

    fn scan(&self) -> u64 {
        let mut tx = self.borrow_mut();
        let rows = tx.scan::<Stored>().expect("a query");
        rows.iter().map(|row| u64::from(row.task.cpu)).sum()
    }

    fn scan_back(&self) -> Option<u64> {
        let mut tx = self.borrow_mut();
        let rows = tx.scan::<Stored>().expect("a query");
        let rows = rows.iter().rev();
        Some(rows.map(|row| u64::from(row.task.cpu)).sum())
    }
}
