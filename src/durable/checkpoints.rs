//! The thread that writes the trees while others write the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::store::Store;

/// After a failure that may pass, a full disk say, it is not tried again for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Rings when the journal is half full, or has waited long enough.
pub(super) struct Checkpoints {
    within: Duration,
    bell: Mutex<Bell>,
    rung: Condvar,
}

#[derive(Default)]
struct Bell {
    /// The journal is half full.
    due: bool,
    /// When the oldest commit came that is in the journal only.
    since: Option<Instant>,
    stop: bool,
}

/// Why the thread goes to work.
enum Why {
    Full,
    Time,
}

impl Checkpoints {
    pub(super) fn start(
        store: &Arc<Store>,
        within: Duration,
    ) -> Result<(Arc<Self>, JoinHandle<()>), std::io::Error> {
        let since = (store.disk().journal_bytes > 0).then(Instant::now);
        let checkpoints = Arc::new(Self {
            within,
            bell: Mutex::new(Bell {
                since,
                ..Bell::default()
            }),
            rung: Condvar::new(),
        });
        let (store, shared) = (Arc::clone(store), Arc::clone(&checkpoints));
        let thread = thread::Builder::new().name("sapwood checkpoint".to_owned());
        let thread = thread.spawn(move || shared.run(&store))?;
        Ok((checkpoints, thread))
    }

    /// No code of others runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Bell> {
        self.bell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal was written to.
    pub(super) fn written(&self, due: bool) {
        let mut bell = self.lock();
        let first = bell.since.is_none();
        if first {
            bell.since = Some(Instant::now());
        }
        let rings = due && !bell.due;
        bell.due |= due;
        drop(bell);
        if rings || first {
            self.rung.notify_one();
        }
    }

    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.rung.notify_one();
    }

    fn run(&self, store: &Store) {
        let mut pause = Duration::ZERO;
        while let Some(why) = self.next(pause) {
            if matches!(why, Why::Full) {
                store.lengthen();
            }
            pause = Duration::ZERO;
            match catch_unwind(AssertUnwindSafe(|| store.catch_up())) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    store.tell(&error);
                    if store.poisoned().is_some() {
                        return;
                    }
                    pause = PAUSE;
                }
                Err(_) => {
                    store.poison("a row panicked while it was written");
                    store.poisoned().iter().for_each(|error| store.tell(error));
                    return;
                }
            }
        }
    }

    /// Waits for the bell, not before so long a pause is over; `None` at the end.
    fn next(&self, pause: Duration) -> Option<Why> {
        let from = Instant::now() + pause;
        let mut bell = self.lock();
        loop {
            if bell.stop {
                return None;
            }
            let now = Instant::now();
            let paused = from.saturating_duration_since(now);
            let left = match bell.since {
                _ if bell.due => Some(paused),
                Some(since) => Some(paused.max(self.within.saturating_sub(now - since))),
                None => None,
            };
            bell = match left {
                Some(Duration::ZERO) => {
                    let why = if bell.due { Why::Full } else { Why::Time };
                    *bell = Bell::default();
                    return Some(why);
                }
                Some(left) => {
                    let waited = self.rung.wait_timeout(bell, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.rung.wait(bell).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
