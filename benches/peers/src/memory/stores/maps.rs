//! Maps with indexes kept by hand: what one would write without a database.
//!
//! One map has the rows, and for each index there is one from the index's columns and the id to the row. Persistent maps (imbl, rpds) are published by a swap
//! of the root, so that a reader keeps what it has; `BTreeMap`s are changed in place, so that readers and the writer wait for each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use arc_swap::{ArcSwap, Guard};
use imbl::OrdMap;
use rpds::RedBlackTreeMapSync;

use super::{Store, View};
use crate::task::{Change, Status, Task};
use crate::text::shared;

/// A column of a key. Its clone is one count: persistent maps clone the keys of each node that they copy.
type Text = Arc<str>;

/// The maps, of whatever kind.
pub(in crate::memory) trait Maps:
    View + Default + Clone + Send + Sync + 'static
{
    const NAME: &'static str;

    fn insert(&mut self, task: Task, indexed: bool);
    fn update(&mut self, id: &str, change: Change);
}

macro_rules! maps {
    ($maps:ident, $name:literal, $map:ident, $insert:ident, $remove:ident) => {
        #[derive(Default, Clone)]
        pub(in crate::memory) struct $maps {
            rows: $map<Text, Arc<Task>>,
            by_node: $map<(Text, Text), Arc<Task>>,
            by_job_status: $map<(Text, Status, Text), Arc<Task>>,
        }

        impl Maps for $maps {
            const NAME: &'static str = $name;

            fn insert(&mut self, task: Task, indexed: bool) {
                let (id, task) = (shared(&task.id), Arc::new(task));
                self.rows.$insert(Arc::clone(&id), Arc::clone(&task));
                if indexed {
                    let key = (shared(&task.node), Arc::clone(&id));
                    self.by_node.$insert(key, Arc::clone(&task));
                    let key = (shared(&task.job), task.status, id);
                    self.by_job_status.$insert(key, task);
                }
            }

            fn update(&mut self, id: &str, change: Change) {
                let Some(old) = self.rows.get(id).cloned() else {
                    return;
                };
                let mut new = Task::clone(&old);
                change.make(&mut new);
                let (id, new) = (shared(&new.id), Arc::new(new));
                self.rows.$insert(Arc::clone(&id), Arc::clone(&new));
                let key = (shared(&new.node), Arc::clone(&id));
                self.by_node.$insert(key, Arc::clone(&new));
                let mut key = (shared(&new.job), old.status, id);
                if new.status != old.status {
                    self.by_job_status.$remove(&key);
                    key.1 = new.status;
                }
                self.by_job_status.$insert(key, new);
            }
        }

        impl $maps {
            fn jobs(&self, begin: &str) -> impl Iterator<Item = (&(Text, Status, Text), &Task)> {
                let start = (Text::from(begin), Status::Pending, Text::default());
                let rows = self.by_job_status.range(start..);
                rows.map(|(key, task)| (key, &**task))
            }
        }

        impl View for $maps {
            fn get(&self, id: &str) -> u64 {
                self.rows.get(id).map_or(0, |task| u64::from(task.cpu))
            }

            fn of_node(&self, node: &str) -> u64 {
                let rows = self.by_node.range((Text::from(node), Text::default())..);
                let rows = rows.take_while(|(key, _)| *key.0 == *node);
                rows.map(|(_, task)| u64::from(task.cpu)).sum()
            }

            fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
                let start = (Text::from(job), status, Text::default());
                let rows = self.by_job_status.range(start..);
                let rows = rows.take_while(|(key, _)| *key.0 == *job && key.1 == status);
                rows.map(|(_, task)| u64::from(task.cpu)).sum()
            }

            fn of_job(&self, job: &str) -> u64 {
                let rows = self.jobs(job).take_while(|(key, _)| *key.0 == *job);
                rows.map(|(_, task)| u64::from(task.cpu)).sum()
            }

            fn count_of_job(&self, job: &str) -> usize {
                self.jobs(job).take_while(|(key, _)| *key.0 == *job).count()
            }

            fn count_of_jobs(&self, begin: &str) -> usize {
                let rows = self.jobs(begin);
                rows.take_while(|(key, _)| key.0.starts_with(begin)).count()
            }

            fn scan(&self) -> u64 {
                self.rows.values().map(|task| u64::from(task.cpu)).sum()
            }

            fn scan_back(&self) -> Option<u64> {
                let rows = self.rows.iter().rev();
                Some(rows.map(|(_, task)| u64::from(task.cpu)).sum())
            }
        }
    };
}

maps!(ImblMaps, "imbl", OrdMap, insert, remove);
maps!(
    RpdsMaps,
    "rpds",
    RedBlackTreeMapSync,
    insert_mut,
    remove_mut
);
maps!(StdMaps, "BTreeMap", BTreeMap, insert, remove);

pub(in crate::memory) type Imbl = Swapped<ImblMaps>;
pub(in crate::memory) type Rpds = Swapped<RpdsMaps>;
pub(in crate::memory) type BTreeMaps = Locked<StdMaps>;

/// Persistent maps behind an `ArcSwap`, and a lock for writers.
pub(in crate::memory) struct Swapped<M> {
    current: ArcSwap<M>,
    writer: Mutex<()>,
    indexed: bool,
}

impl<M: Maps> Swapped<M> {
    fn write(&self, change: impl FnOnce(&mut M)) {
        let _writer: MutexGuard<'_, ()> =
            self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut maps = M::clone(&self.current.load());
        change(&mut maps);
        self.current.store(Arc::new(maps));
    }
}

impl<M: Maps> Store for Swapped<M> {
    const NAME: &'static str = M::NAME;

    type View<'a> = Guard<Arc<M>>;

    fn new(indexed: bool) -> Self {
        Self {
            current: ArcSwap::default(),
            writer: Mutex::default(),
            indexed,
        }
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) {
        self.write(|maps| rows.for_each(|row| maps.insert(row, self.indexed)));
    }

    fn update(&self, ids: &[String], change: Change) {
        self.write(|maps| ids.iter().for_each(|id| maps.update(id, change)));
    }

    fn view(&self) -> Guard<Arc<M>> {
        self.current.load()
    }

    fn fork_and_update(&self, id: &str, change: Change) -> bool {
        let mut fork = M::clone(&self.current.load());
        fork.update(id, change);
        true
    }
}

/// Maps that are changed in place, behind a lock.
pub(in crate::memory) struct Locked<M> {
    maps: RwLock<M>,
    indexed: bool,
}

impl<M: Maps> Store for Locked<M> {
    const NAME: &'static str = M::NAME;

    type View<'a> = RwLockReadGuard<'a, M>;

    fn new(indexed: bool) -> Self {
        Self {
            maps: RwLock::default(),
            indexed,
        }
    }

    fn load(&self, rows: &mut dyn Iterator<Item = Task>) {
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        rows.for_each(|row| maps.insert(row, self.indexed));
    }

    fn update(&self, ids: &[String], change: Change) {
        let mut maps = self.maps.write().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            maps.update(id, change);
        }
    }

    fn view(&self) -> RwLockReadGuard<'_, M> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn fork_and_update(&self, id: &str, change: Change) -> bool {
        let mut fork = M::clone(&self.view());
        fork.update(id, change);
        true
    }
}

/// What a guard of maps guards.
macro_rules! view_through {
    ($guard:ty, $is_snapshot:literal) => {
        impl<M: Maps> View for $guard {
            const IS_SNAPSHOT: bool = $is_snapshot;

            fn get(&self, id: &str) -> u64 {
                M::get(self, id)
            }

            fn of_node(&self, node: &str) -> u64 {
                M::of_node(self, node)
            }

            fn of_job_and_status(&self, job: &str, status: Status) -> u64 {
                M::of_job_and_status(self, job, status)
            }

            fn of_job(&self, job: &str) -> u64 {
                M::of_job(self, job)
            }

            fn count_of_job(&self, job: &str) -> usize {
                M::count_of_job(self, job)
            }

            fn count_of_jobs(&self, begin: &str) -> usize {
                M::count_of_jobs(self, begin)
            }

            fn scan(&self) -> u64 {
                M::scan(self)
            }

            fn scan_back(&self) -> Option<u64> {
                M::scan_back(self)
            }
        }
    };
}

view_through!(Guard<Arc<M>>, true);
view_through!(RwLockReadGuard<'_, M>, false);
