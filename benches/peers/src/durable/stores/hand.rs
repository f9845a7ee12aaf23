//! Indexes that are kept by hand, as those of a key/value store must: a row's bytes under its id, and an entry without a value for each of two indexes.

use std::path::Path;

use bincode::config;

use super::Store;
use crate::Failure;
use crate::task::{Change, Task};

/// What stands for one table.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Rows,
    ByNode,
    ByJob,
}

impl Part {
    pub(super) const NAMES: [&'static str; 3] = ["tasks", "tasks by node", "tasks by job"];
}

/// A write transaction, which sees what it has written.
pub(super) trait Parts {
    fn row(&mut self, id: &str) -> Result<Option<Vec<u8>>, Failure>;
    fn put(&mut self, part: Part, key: &[u8], value: &[u8]) -> Result<(), Failure>;
    fn remove(&mut self, part: Part, key: &[u8]) -> Result<(), Failure>;
}

/// A key/value store.
pub(super) trait ByHand: Sync + Sized {
    const NAME: &'static str;

    fn create(folder: &Path) -> Result<Self, Failure>;
    /// One transaction, durable when it returns.
    fn write(
        &self,
        write: &mut dyn FnMut(&mut dyn Parts) -> Result<(), Failure>,
    ) -> Result<(), Failure>;
}

fn by_node(task: &Task) -> Vec<u8> {
    [task.node.as_bytes(), b"\0", task.id.as_bytes()].concat()
}

fn by_job(task: &Task) -> Vec<u8> {
    let status = [0, task.status as u8];
    [task.job.as_bytes(), &status, task.id.as_bytes()].concat()
}

fn put_row(parts: &mut dyn Parts, task: &Task) -> Result<(), Failure> {
    let bytes = bincode::serde::encode_to_vec(task, config::standard())?;
    parts.put(Part::Rows, task.id.as_bytes(), &bytes)
}

fn insert(parts: &mut dyn Parts, task: &Task) -> Result<(), Failure> {
    put_row(parts, task)?;
    parts.put(Part::ByNode, &by_node(task), &[])?;
    parts.put(Part::ByJob, &by_job(task), &[])
}

/// Only entries that are other ones now are touched.
fn update(parts: &mut dyn Parts, id: &str, change: Change) -> Result<(), Failure> {
    let bytes = parts.row(id)?.ok_or("a row is missing")?;
    let (mut task, _): (Task, _) = bincode::serde::decode_from_slice(&bytes, config::standard())?;
    let before = by_job(&task);
    change.make(&mut task);
    put_row(parts, &task)?;
    let after = by_job(&task);
    if after != before {
        parts.remove(Part::ByJob, &before)?;
        parts.put(Part::ByJob, &after, &[])?;
    }
    Ok(())
}

impl<S: ByHand> Store for S {
    const NAME: &'static str = S::NAME;

    fn create(folder: &Path) -> Result<Self, Failure> {
        <S as ByHand>::create(folder)
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) -> Result<(), Failure> {
        self.write(&mut |parts| {
            for task in &mut *rows {
                insert(parts, &task)?;
            }
            Ok(())
        })
    }

    fn update(&self, ids: &[String], change: Change) -> Result<(), Failure> {
        self.write(&mut |parts| ids.iter().try_for_each(|id| update(parts, id, change)))
    }
}
