//! rart's versioned tree, one for each index; keys are the columns with a zero after each, in arrays, as its documentation advises.

use std::sync::Arc;

use rart::VersionedAdaptiveRadixTree;
use rart::keys::KeyTrait;
use rart::keys::array_key::ArrayKey;

use super::View;
use super::maps::{Maps, Swapped};
use crate::task::{Change, Status, Task};

pub(in crate::memory) type Rart = Swapped<Trees>;

type IdKey = ArrayKey<40>;
type IndexKey = ArrayKey<56>;

#[derive(Default, Clone)]
pub(in crate::memory) struct Trees {
    rows: VersionedAdaptiveRadixTree<IdKey, Arc<Task>>,
    by_node: VersionedAdaptiveRadixTree<IndexKey, Arc<Task>>,
    by_job_status: VersionedAdaptiveRadixTree<IndexKey, Arc<Task>>,
}

/// The columns, one after the other.
fn key(columns: &[&[u8]]) -> IndexKey {
    let (mut bytes, mut len) = ([0; 56], 0);
    for column in columns {
        bytes[len..len + column.len()].copy_from_slice(column);
        len += column.len();
    }
    IndexKey::new_from_slice(&bytes[..len])
}

fn node_key(task: &Task) -> IndexKey {
    key(&[task.node.as_bytes(), &[0], task.id.as_bytes(), &[0]])
}

fn job_key(task: &Task) -> IndexKey {
    let status = [0, task.status as u8];
    key(&[task.job.as_bytes(), &status, task.id.as_bytes(), &[0]])
}

impl Maps for Trees {
    const NAME: &'static str = "rart";

    fn insert(&mut self, task: Task, indexed: bool) {
        let task = Arc::new(task);
        self.rows.insert(&*task.id, Arc::clone(&task));
        if indexed {
            self.by_node.insert_k(&node_key(&task), Arc::clone(&task));
            self.by_job_status.insert_k(&job_key(&task), task);
        }
    }

    fn update(&mut self, id: &str, change: Change) {
        let Some(old) = self.rows.get(id).cloned() else {
            return;
        };
        let mut new = Task::clone(&old);
        change.make(&mut new);
        let new = Arc::new(new);
        self.rows.insert(id, Arc::clone(&new));
        self.by_node.insert_k(&node_key(&new), Arc::clone(&new));
        if new.status != old.status {
            self.by_job_status.remove_k(&job_key(&old));
        }
        self.by_job_status.insert_k(&job_key(&new), new);
    }
}

/// The rows whose keys begin so.
fn sum(tree: &VersionedAdaptiveRadixTree<IndexKey, Arc<Task>>, begin: &IndexKey) -> u64 {
    let mut sum = 0;
    tree.prefix_values_for_each_k(begin, |task| sum += u64::from(task.cpu));
    sum
}

fn count(tree: &VersionedAdaptiveRadixTree<IndexKey, Arc<Task>>, begin: &IndexKey) -> usize {
    let mut count = 0;
    tree.prefix_values_for_each_k(begin, |_| count += 1);
    count
}

impl View for Trees {
    fn get(&self, id: &str) -> u64 {
        self.rows.get(id).map_or(0, |task| u64::from(task.cpu))
    }

    fn of_node(&self, node: &str) -> u64 {
        sum(&self.by_node, &key(&[node.as_bytes(), &[0]]))
    }

    fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
        let begin = key(&[job.as_bytes(), &[0, status as u8]]);
        sum(&self.by_job_status, &begin)
    }

    fn of_job(&self, job: &str) -> u64 {
        sum(&self.by_job_status, &key(&[job.as_bytes(), &[0]]))
    }

    fn count_of_job(&self, job: &str) -> usize {
        count(&self.by_job_status, &key(&[job.as_bytes(), &[0]]))
    }

    fn count_of_jobs(&self, begin: &str) -> usize {
        count(&self.by_job_status, &key(&[begin.as_bytes()]))
    }

    fn scan(&self) -> u64 {
        self.rows
            .values_iter()
            .map(|task| u64::from(task.cpu))
            .sum()
    }

    fn scan_back(&self) -> Option<u64> {
        None
    }
}
