//! When versions go to the file: at once, within a time, or when asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::checkpoints::Checkpoints;
use super::store::Store;
use crate::Error;
use crate::db::{CommitRecord, Disk, Durability, Durable, Persist, UnknownTables};
use crate::radix::{Staged, Version};

/// The store, with a thread for checkpoints, and one where commits are written within a time.
pub(super) struct Keeper {
    store: Arc<Store>,
    checkpoints: Option<Arc<Checkpoints>>,
    period: Option<Arc<Period>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the thread waits for.
struct Period {
    within: Duration,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// The newest version that is not in the file, and when the oldest one came.
    version: Option<(Version, Instant)>,
    stop: bool,
}

impl Keeper {
    pub(super) fn new(store: Store, checkpoint_within: Duration) -> Result<Self, std::io::Error> {
        let durability = store.durability();
        let mut keeper = Self {
            store: Arc::new(store),
            checkpoints: None,
            period: None,
            threads: Mutex::default(),
        };
        let mut threads = Vec::new();
        if durability != Durability::Checkpoint {
            let (checkpoints, thread) = Checkpoints::start(&keeper.store, checkpoint_within)?;
            keeper.checkpoints = Some(checkpoints);
            threads.push(thread);
        }
        if let Durability::Eventual { within } = durability {
            let period = Arc::new(Period {
                within,
                waiting: Mutex::default(),
                changed: Condvar::new(),
            });
            let (store, shared) = (Arc::clone(&keeper.store), Arc::clone(&period));
            let checkpoints = keeper.checkpoints.clone();
            let thread = thread::Builder::new().name("sapwood".to_owned());
            let thread = thread.spawn(move || shared.run(&store, checkpoints.as_deref()));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    keeper.threads = Mutex::new(threads);
                    keeper.stop();
                    return Err(error);
                }
            }
            keeper.period = Some(period);
        }
        keeper.threads = Mutex::new(threads);
        Ok(keeper)
    }

    /// Ends the threads.
    fn stop(&self) {
        if let Some(period) = &self.period {
            period.lock().stop = true;
            period.changed.notify_all();
        }
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.stop();
        }
        let threads = self.threads.lock();
        let threads = std::mem::take(&mut *threads.unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // They catch the panics of what they call. One that is ended by its own waker does not wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    fn written(&self) {
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.written(self.store.is_due());
        }
    }
}

impl Persist for Keeper {
    fn is_first(&self) -> bool {
        self.store.durability() == Durability::Immediate
    }

    fn record(&self, from: &Version, to: &Staged) -> Result<CommitRecord, Error> {
        self.store.record(from, to)
    }

    fn write(&self, records: &mut [CommitRecord], to: &Version) -> Result<(), Error> {
        self.store.write(records, to)?;
        self.written();
        Ok(())
    }

    fn published(&self, version: &Version) {
        if let Some(period) = &self.period {
            let mut waiting = period.lock();
            let since = waiting
                .version
                .as_ref()
                .map_or_else(Instant::now, |(_, since)| *since);
            let before = waiting.version.replace((version.clone(), since));
            drop(waiting);
            if before.is_none() {
                period.changed.notify_all();
            }
        } else if self.is_first() {
            self.store.durable().advance(version.revision());
        }
    }

    fn sync(&self, version: &Version) -> Result<(), Error> {
        self.store.sync(version)?;
        self.written();
        Ok(())
    }

    fn checkpoint(&self, version: &Version) -> Result<(), Error> {
        self.store.checkpoint(version)
    }

    fn close(&self, version: &Version) -> Result<(), Error> {
        self.stop();
        self.store.close(version)
    }

    fn poisoned(&self) -> Option<Error> {
        self.store.poisoned()
    }

    fn durable(&self) -> &Arc<Durable> {
        self.store.durable()
    }

    fn file_bytes(&self) -> u64 {
        self.store.file_bytes()
    }

    fn unknown_tables(&self) -> Result<Option<Box<dyn UnknownTables>>, Error> {
        let unknown = self.store.unknown_tables()?;
        Ok(unknown.map(|unknown| Box::new(unknown) as Box<dyn UnknownTables>))
    }

    fn disk(&self) -> Disk {
        self.store.disk()
    }
}

impl Period {
    /// No code of others runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was published, all of a period as one record, until it is told to stop. What is left then is written by the one who stops it.
    fn run(&self, store: &Store, checkpoints: Option<&Checkpoints>) {
        // How long a write takes is taken off the time that a commit may wait.
        let mut took = Duration::ZERO;
        while let Some(version) = self.next(took) {
            let start = Instant::now();
            match catch_unwind(AssertUnwindSafe(|| store.sync(&version))) {
                Ok(Ok(())) => {
                    if let Some(checkpoints) = checkpoints {
                        checkpoints.written(store.is_due());
                    }
                }
                // A full disk: tried again with the next period, and told to whoever asks for a sync.
                Ok(Err(error @ Error::File { .. })) if store.poisoned().is_none() => {
                    store.tell(&error);
                    self.again(version);
                }
                Ok(Err(error)) => {
                    store.poison(&error.to_string());
                    return store.tell(&error);
                }
                Err(_) => {
                    store.poison("a row panicked while it was written");
                    store.poisoned().iter().for_each(|error| store.tell(error));
                    return;
                }
            }
            took = start.elapsed();
        }
    }

    /// The newest version, when the oldest one has waited long enough; `None` at the end.
    fn next(&self, took: Duration) -> Option<Version> {
        let mut waiting = self.lock();
        loop {
            if waiting.stop {
                return None;
            }
            let left = waiting.version.as_ref().map(|(_, since)| {
                let waited = since.elapsed();
                self.within.saturating_sub(waited).saturating_sub(took)
            });
            waiting = match left {
                None => self
                    .changed
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return waiting.version.take().map(|(version, _)| version),
                Some(left) => {
                    self.changed
                        .wait_timeout(waiting, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Puts back what could not be written, behind what came since.
    fn again(&self, version: Version) {
        let mut waiting = self.lock();
        let newest = waiting.version.take().map_or(version, |(newest, _)| newest);
        waiting.version = Some((newest, Instant::now()));
    }
}
