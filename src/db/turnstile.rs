//! The one seat of the writer, and the queue before it.

use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::Error;

/// Lets one in at a time, with the thing that only one may have.
///
/// A `Mutex` would do, but for waiting with a limit, and for telling a thread that waits for itself.
pub(super) struct Turnstile<S> {
    seat: Mutex<Seat<S>>,
    left: Condvar,
}

struct Seat<S> {
    /// Not here while somebody has it, nor after the turnstile was closed.
    thing: Option<S>,
    by: Option<ThreadId>,
    /// How many wait; to wake nobody costs a system call too.
    waiting: usize,
    closed: bool,
}

/// The thing, and the right to it. It must be given back with [`Turnstile::leave`], by the thread that took it.
pub(super) struct Seated<S> {
    pub(super) thing: S,
    /// The owner is known by its thread, so that it can't go to another.
    on_this_thread: PhantomData<*const ()>,
}

impl<S> Turnstile<S> {
    pub(super) fn new(thing: S) -> Self {
        Self {
            seat: Mutex::new(Seat {
                thing: Some(thing),
                by: None,
                waiting: 0,
                closed: false,
            }),
            left: Condvar::new(),
        }
    }

    /// No user code runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Seat<S>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the seat, `None` after `timeout`.
    pub(super) fn enter(&self, timeout: Option<Duration>) -> Result<Option<Seated<S>>, Error> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut seat = self.lock();
        loop {
            if seat.closed {
                return Err(Error::Closed);
            }
            if let Some(thing) = seat.thing.take() {
                seat.by = Some(thread::current().id());
                return Ok(Some(Seated {
                    thing,
                    on_this_thread: PhantomData,
                }));
            }
            if seat.by == Some(thread::current().id()) {
                return Err(Error::NestedWrite);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
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
        }
    }

    pub(super) fn leave(&self, seated: Seated<S>) {
        let mut seat = self.lock();
        seat.by = None;
        if seat.closed {
            // Not dropped under the lock.
            drop(seat);
            return drop(seated.thing);
        }
        seat.thing = Some(seated.thing);
        let somebody = seat.waiting > 0;
        drop(seat);
        if somebody {
            self.left.notify_one();
        }
    }

    /// Lets nobody in any more. Gives the thing out, unless somebody has it: then it is dropped when they leave.
    pub(super) fn close(&self) -> Option<S> {
        let mut seat = self.lock();
        seat.closed = true;
        let thing = seat.thing.take();
        drop(seat);
        self.left.notify_all();
        thing
    }
}
