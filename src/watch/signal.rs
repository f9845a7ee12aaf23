//! What one watch waits on: settled once, as fired or as closed.

use std::convert::Infallible;
use std::sync::Arc;
#[cfg(feature = "async")]
use std::task::Waker;
use std::time::Instant;

use crossbeam_channel::Sender;
use smallvec::SmallVec;

use super::WatchId;
use super::inbox::Inbox;
#[cfg(feature = "async")]
use super::sync::wake;
use super::sync::{AtomicU8, Condvar, Mutex, Ordering, lock, sleep};

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fired,
    Closed,
}

const PENDING: u8 = 0;
const FIRED: u8 = 1;
const CLOSED: u8 = 2;

#[derive(Debug)]
pub(super) struct Signal {
    /// Written once, under the lock of `waiting`: whoever finds it pending under that lock will be woken.
    state: AtomicU8,
    waiting: Mutex<Waiting>,
    settled: Condvar,
}

#[derive(Debug)]
struct Waiting {
    /// How many sleep on `settled`: to notify nobody costs a system call too.
    threads: usize,
    /// Mostly none or one.
    others: SmallVec<[Waiter; 1]>,
    #[cfg(feature = "async")]
    next_ticket: u64,
}

#[derive(Debug)]
enum Waiter {
    /// Its drop makes the receiver ready for ever.
    Channel {
        _sender: Sender<Infallible>,
    },
    Set(Arc<Inbox>, WatchId),
    #[cfg(feature = "async")]
    Task(Ticket, Waker),
}

/// Tells the tasks apart that wait on one signal.
#[cfg(feature = "async")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Signal {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU8::new(PENDING),
            waiting: Mutex::new(Waiting {
                threads: 0,
                others: SmallVec::new(),
                #[cfg(feature = "async")]
                next_ticket: 0,
            }),
            settled: Condvar::new(),
        }
    }

    /// How it ended, if it did. One load.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self.state.load(Ordering::Acquire) {
            PENDING => None,
            FIRED => Some(Outcome::Fired),
            _ => Some(Outcome::Closed),
        }
    }

    /// Ends it and wakes all who wait; the first outcome stands. A few dozen nanoseconds where nobody waits.
    pub(super) fn settle(&self, outcome: Outcome) {
        let state = match outcome {
            Outcome::Fired => FIRED,
            Outcome::Closed => CLOSED,
        };
        let mut waiting = lock(&self.waiting);
        // One step, though the lock would allow two: loom overlooks races with a store that follows a load of the same thread.
        let settled =
            self.state
                .compare_exchange(PENDING, state, Ordering::Release, Ordering::Relaxed);
        if settled.is_err() {
            return;
        }
        let threads = waiting.threads;
        let others = std::mem::take(&mut waiting.others);
        drop(waiting);
        if threads > 0 {
            self.settled.notify_all();
        }
        for waiter in others {
            waiter.wake(outcome);
        }
    }

    /// Blocks the thread until it is settled, or until `deadline`; then `None`.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Option<Outcome> {
        if let Some(outcome) = self.outcome() {
            return Some(outcome);
        }
        let mut waiting = lock(&self.waiting);
        waiting.threads += 1;
        let outcome = loop {
            if let Some(outcome) = self.outcome() {
                break Some(outcome);
            }
            match sleep(&self.settled, waiting, deadline) {
                Ok(woken) => waiting = woken,
                Err(late) => {
                    waiting = late;
                    break None;
                }
            }
        };
        waiting.threads -= 1;
        outcome
    }

    /// Hangs a channel up when it is settled.
    pub(super) fn connect(&self, sender: Sender<Infallible>) {
        self.attach(Waiter::Channel { _sender: sender });
    }

    /// Posts to a set when it is settled; at once if it is.
    pub(super) fn join(&self, inbox: &Arc<Inbox>, id: WatchId) {
        self.attach(Waiter::Set(Arc::clone(inbox), id));
    }

    /// Posts to no set any more.
    pub(super) fn leave_set(&self) {
        let mut waiting = lock(&self.waiting);
        let others = &mut waiting.others;
        others.retain(|waiter| !matches!(waiter, Waiter::Set(..)));
    }

    fn attach(&self, waiter: Waiter) {
        let mut waiting = lock(&self.waiting);
        if let Some(outcome) = self.outcome() {
            drop(waiting);
            waiter.wake(outcome);
        } else {
            waiting.others.push(waiter);
        }
    }
}

#[cfg(feature = "async")]
impl Signal {
    /// Has `waker` woken when it is settled; at most one for each ticket.
    pub(super) fn poll(&self, ticket: &mut Option<Ticket>, waker: &Waker) -> Option<Outcome> {
        let replaced;
        {
            let mut waiting = lock(&self.waiting);
            if let Some(outcome) = self.outcome() {
                return Some(outcome);
            }
            let known = waiting.others.iter_mut().find_map(|waiter| match waiter {
                Waiter::Task(owner, known) if Some(*owner) == *ticket => Some(known),
                _ => None,
            });
            if let Some(known) = known {
                if known.will_wake(waker) {
                    return None;
                }
                replaced = std::mem::replace(known, waker.clone());
            } else {
                let new = Ticket(waiting.next_ticket);
                waiting.next_ticket += 1;
                waiting.others.push(Waiter::Task(new, waker.clone()));
                *ticket = Some(new);
                return None;
            }
        }
        // A stranger's code, like the waking: not under the lock.
        drop(replaced);
        None
    }

    /// Wakes the owner of a ticket no more.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        let mut waiting = lock(&self.waiting);
        let mut others = waiting.others.iter();
        let at =
            others.position(|waiter| matches!(waiter, Waiter::Task(owner, _) if *owner == ticket));
        let withdrawn = at.map(|at| waiting.others.swap_remove(at));
        drop(waiting);
        drop(withdrawn);
    }
}

impl Waiter {
    fn wake(self, outcome: Outcome) {
        match self {
            Self::Channel { .. } => {}
            Self::Set(inbox, id) => inbox.post(id, outcome),
            #[cfg(feature = "async")]
            Self::Task(_, waker) => wake(waker),
        }
    }
}
