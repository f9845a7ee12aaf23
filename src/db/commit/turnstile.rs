//! The one seat of the writer, and the queue before it.

use std::hint;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::hold::{End, Hold, Ledger};
use crate::Error;

/// Lets one in at a time, with the thing that only one may have.
///
/// A `Mutex` would do, but for waiting with a limit, and for telling a thread that waits for itself.
pub(in crate::db) struct Turnstile<S> {
    seat: Mutex<Seat<S>>,
    left: Condvar,
    /// Whether the seat is worth a moment of looking: somebody has it, who came after a short hold. Only a hint.
    passes: AtomicBool,
}

/// A hold that ends sooner than a thread is put to sleep and woken again, on most machines.
const SHORT: Duration = Duration::from_micros(20);

/// So often somebody looks whether a short hold is over before they sleep: some microseconds.
const LOOKS: usize = 150;

struct Seat<S> {
    /// Not here while somebody has it, nor after the turnstile was closed.
    thing: Option<S>,
    by: Option<Sitting>,
    /// Whether the thing was taken away from its thread: who ends it is not known.
    carried: bool,
    /// How many wait, and how many of them at most were woken and are on their way; to wake nobody costs a system call too.
    waiting: usize,
    woken: usize,
    closed: bool,
    /// Whether the last hold was.
    was_short: bool,
    ledger: Ledger,
}

/// Who has the seat.
struct Sitting {
    thread: Thread,
    at: &'static Location<'static>,
    since: Instant,
    waited: Duration,
}

/// Who has the seat, for those who ask.
pub(in crate::db) struct Sitter {
    pub(in crate::db) thread: Option<String>,
    pub(in crate::db) at: &'static Location<'static>,
    pub(in crate::db) held: Duration,
}

/// The thing, and the right to it. It must be given back with [`Turnstile::leave`], by the thread that took it unless it was [carried
/// away](Turnstile::carry).
pub(in crate::db) struct Seated<S> {
    pub(in crate::db) thing: S,
    pub(in crate::db) since: Instant,
    /// What came of it, as far as is known: unless somebody says otherwise, it was given up.
    pub(in crate::db) end: End,
    /// The owner is known by its thread, so that it can't go to another.
    on_this_thread: PhantomData<*const ()>,
}

/// As [`Seated`], off its thread: whoever has it gives it back.
pub(in crate::db) struct Carried<S> {
    pub(in crate::db) thing: S,
    pub(in crate::db) since: Instant,
    pub(in crate::db) end: End,
}

impl<S> From<Seated<S>> for Carried<S> {
    fn from(seated: Seated<S>) -> Self {
        let Seated {
            thing, since, end, ..
        } = seated;
        Self { thing, since, end }
    }
}

impl<S> Turnstile<S> {
    pub(in crate::db) fn new(thing: S) -> Self {
        Self {
            seat: Mutex::new(Seat {
                thing: Some(thing),
                by: None,
                carried: false,
                waiting: 0,
                woken: 0,
                closed: false,
                was_short: false,
                ledger: Ledger::default(),
            }),
            left: Condvar::new(),
            passes: AtomicBool::new(false),
        }
    }

    /// No user code runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Seat<S>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the seat, `None` after `timeout`. Who calls is where the hold began.
    ///
    /// A thread that has it is refused, for it would wait for itself. One whose thing was carried away may wait for who has it now, or for itself; so it
    /// is refused as well, unless its waiting has an end.
    #[track_caller]
    pub(in crate::db) fn enter(
        &self,
        timeout: Option<Duration>,
    ) -> Result<Option<Seated<S>>, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let at = Location::caller();
        let mut asked: Option<Instant> = None;
        let mut seat = self.lock();
        loop {
            if seat.closed {
                return Err(Error::Closed);
            }
            if let Some(thing) = seat.thing.take() {
                self.passes.store(seat.was_short, Ordering::Relaxed);
                let since = Instant::now();
                let waited = asked.map_or(Duration::ZERO, |asked| since - asked);
                seat.by = Some(Sitting {
                    thread: thread::current(),
                    at,
                    since,
                    waited,
                });
                return Ok(Some(Seated {
                    thing,
                    since,
                    end: End::Aborted,
                    on_this_thread: PhantomData,
                }));
            }
            let here = thread::current().id();
            let mine = seat.by.as_ref().is_some_and(|by| by.thread.id() == here);
            if mine && !(seat.carried && deadline.is_some()) {
                return Err(Error::NestedWrite);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                if let Some(asked) = asked {
                    seat.ledger.gave_up(asked.elapsed());
                }
                return Ok(None);
            }
            if asked.is_none() {
                asked = Some(Instant::now());
                if self.passes.load(Ordering::Relaxed) {
                    drop(seat);
                    self.look_for_end();
                    seat = self.lock();
                    continue;
                }
            }
            seat.waiting += 1;
            seat = match left {
                None => self.left.wait(seat).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    let waited = self.left.wait_timeout(seat, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            seat.waiting -= 1;
            seat.woken = seat.woken.saturating_sub(1);
        }
    }

    /// Looks for a moment whether the hold is over.
    fn look_for_end(&self) {
        for _ in 0..LOOKS {
            if !self.passes.load(Ordering::Relaxed) {
                return;
            }
            hint::spin_loop();
        }
    }

    /// Takes the thing off its thread: from now on any may give it back. The seat stays taken.
    pub(in crate::db) fn carry(&self, seated: Seated<S>) -> Carried<S> {
        self.lock().carried = true;
        seated.into()
    }

    /// Gives the seat to the next, and tells how this hold was.
    pub(in crate::db) fn leave(&self, carried: Carried<S>) -> Hold {
        let Carried { thing, since, end } = carried;
        let took = since.elapsed();
        let mut seat = self.lock();
        seat.carried = false;
        let by = seat.by.take();
        let hold = Hold {
            end,
            held: took,
            waited: by.as_ref().map_or(Duration::ZERO, |by| by.waited),
            at: by.as_ref().map_or_else(Location::caller, |by| by.at),
            thread: by.map(|by| by.thread),
        };
        seat.ledger.add(&hold);
        seat.was_short = took < SHORT;
        self.passes.store(false, Ordering::Relaxed);
        if seat.closed {
            // Not dropped under the lock.
            drop(seat);
            drop(thing);
            return hold;
        }
        seat.thing = Some(thing);
        // Who was woken looks once more, so no other need be for this.
        let somebody = seat.waiting > seat.woken;
        seat.woken += usize::from(somebody);
        drop(seat);
        if somebody {
            self.left.notify_one();
        }
        hold
    }

    /// Counts how a hold ended that was [left](Self::leave) before that was known.
    pub(in crate::db) fn count(&self, end: End) {
        self.lock().ledger.count(end);
    }

    /// What has happened on the seat so far, who has it now, and how many wait.
    pub(in crate::db) fn look(&self) -> (Ledger, Option<Sitter>, usize) {
        let seat = self.lock();
        let sitter = seat.by.as_ref().map(|by| Sitter {
            thread: by.thread.name().map(str::to_owned),
            at: by.at,
            held: by.since.elapsed(),
        });
        (seat.ledger, sitter, seat.waiting)
    }

    /// Lets nobody in any more. Gives the thing out, unless somebody has it: then it is dropped when they leave.
    pub(in crate::db) fn close(&self) -> Option<S> {
        let mut seat = self.lock();
        seat.closed = true;
        let thing = seat.thing.take();
        drop(seat);
        self.left.notify_all();
        thing
    }
}
