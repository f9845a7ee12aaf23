//! When versions go to the file: at once, within a time, or when asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::store::Store;
use crate::Error;
use crate::db::{Durability, Persist};
use crate::radix::Version;

/// The store, with a thread where commits are written within a time.
pub(super) struct Keeper {
    store: Arc<Store>,
    durability: Durability,
    period: Option<Arc<Period>>,
    thread: Mutex<Option<JoinHandle<()>>>,
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
    pub(super) fn new(store: Store, durability: Durability) -> Result<Self, std::io::Error> {
        let store = Arc::new(store);
        let mut keeper = Self {
            store,
            durability,
            period: None,
            thread: Mutex::default(),
        };
        if let Durability::Eventual { within } = durability {
            let period = Arc::new(Period {
                within,
                waiting: Mutex::default(),
                changed: Condvar::new(),
            });
            let (store, shared) = (Arc::clone(&keeper.store), Arc::clone(&period));
            let thread = thread::Builder::new().name("sapwood".to_owned());
            keeper.thread = Mutex::new(Some(thread.spawn(move || shared.run(&store))?));
            keeper.period = Some(period);
        }
        Ok(keeper)
    }
}

impl Persist for Keeper {
    fn commit(&self, _: &Version, to: &Version) -> Result<(), Error> {
        match self.durability {
            Durability::Immediate => self.store.write(to),
            _ => Ok(()),
        }
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
        }
    }

    fn sync(&self, version: &Version) -> Result<(), Error> {
        self.store.write(version)
    }

    fn close(&self, version: &Version) -> Result<(), Error> {
        if let Some(period) = &self.period {
            period.lock().stop = true;
            period.changed.notify_all();
        }
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // It catches the panics of what it calls.
            let _ = thread.join();
        }
        self.store.close(version)
    }

    fn poisoned(&self) -> Option<Error> {
        self.store.poisoned()
    }

    fn file_bytes(&self) -> u64 {
        self.store.file_bytes()
    }
}

impl Period {
    /// No code of others runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what was published, all of a period in one transaction, until it is told to stop. What is left then is written by the one who stops it.
    fn run(&self, store: &Store) {
        // How long a write takes is taken off the time that a commit may wait.
        let mut took = Duration::ZERO;
        while let Some(version) = self.next(took) {
            let start = Instant::now();
            match catch_unwind(AssertUnwindSafe(|| store.write(&version))) {
                Ok(Ok(())) => {}
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
