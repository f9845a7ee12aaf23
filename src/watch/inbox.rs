//! Where the watches of one set leave word, and its owner sleeps.

use std::mem;
#[cfg(feature = "async")]
use std::task::Waker;
use std::time::Instant;

use super::WatchId;
use super::signal::Outcome;
#[cfg(feature = "async")]
use super::sync::wake;
use super::sync::{Condvar, Mutex, lock, sleep};

#[derive(Debug)]
pub(super) struct Inbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
}

/// Who has settled, in the order in which they did.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) fired: Vec<WatchId>,
    pub(super) closed: Vec<WatchId>,
}

#[derive(Debug)]
struct Mail {
    settled: Settled,
    sleeper: Sleeper,
}

/// The one who waits on the set. Woken by the first word, and not by those that follow before it looks.
#[derive(Debug)]
enum Sleeper {
    None,
    Thread,
    #[cfg(feature = "async")]
    Task(Waker),
}

impl Settled {
    fn is_empty(&self) -> bool {
        self.fired.is_empty() && self.closed.is_empty()
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            mail: Mutex::new(Mail {
                settled: Settled::default(),
                sleeper: Sleeper::None,
            }),
            arrived: Condvar::new(),
        }
    }
}

impl Inbox {
    /// Says that a watch has settled. O(1), amortised.
    pub(super) fn post(&self, id: WatchId, outcome: Outcome) {
        let mut mail = lock(&self.mail);
        match outcome {
            Outcome::Fired => mail.settled.fired.push(id),
            Outcome::Closed => mail.settled.closed.push(id),
        }
        let sleeper = mem::replace(&mut mail.sleeper, Sleeper::None);
        drop(mail);
        match sleeper {
            Sleeper::None => {}
            Sleeper::Thread => self.arrived.notify_one(),
            #[cfg(feature = "async")]
            Sleeper::Task(waker) => wake(waker),
        }
    }

    /// All words since the last call.
    pub(super) fn take(&self) -> Settled {
        mem::take(&mut lock(&self.mail).settled)
    }

    /// The ids of closed watches since the last call.
    pub(super) fn take_closed(&self) -> Vec<WatchId> {
        mem::take(&mut lock(&self.mail).settled.closed)
    }

    /// Blocks until there is a word; `false` where `deadline` came first.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut mail = lock(&self.mail);
        while mail.settled.is_empty() {
            mail.sleeper = Sleeper::Thread;
            match sleep(&self.arrived, mail, deadline) {
                Ok(woken) => mail = woken,
                Err(mut late) => {
                    late.sleeper = Sleeper::None;
                    return false;
                }
            }
        }
        mail.sleeper = Sleeper::None;
        true
    }

    /// Whether there is a word; if not, `waker` is woken by the next one.
    #[cfg(feature = "async")]
    pub(super) fn poll(&self, waker: &Waker) -> bool {
        let mut mail = lock(&self.mail);
        if !mail.settled.is_empty() {
            return true;
        }
        let replaced = mem::replace(&mut mail.sleeper, Sleeper::Task(waker.clone()));
        drop(mail);
        // A stranger's code, like the waking: not under the lock.
        drop(replaced);
        false
    }
}
