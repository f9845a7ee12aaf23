//! Where threads wait for what becomes of their commits: a bell for each group, so that one system call wakes all of it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;

/// What becomes of a commit: how many watches it fired, or why it was refused.
pub(super) type Outcome = Result<usize, Error>;

/// What the threads of one group wait at. Its lock is taken last, where others are.
#[derive(Default)]
pub(super) struct Bell {
    news: Mutex<News>,
    /// For the first of the group, who may be told to lead while the others sleep on; and for these.
    first: Condvar,
    others: Condvar,
}

#[derive(Default)]
struct News {
    /// Of each commit in its place, once it is known.
    outcomes: Vec<Outcome>,
    /// The place of who leads.
    leader: Option<usize>,
    /// Whether anybody waits at the one condition and the other: to wake nobody costs a system call too.
    awaited: [bool; 2],
}

/// The place of a commit in its group.
#[derive(Clone)]
pub(super) struct Ticket {
    bell: Arc<Bell>,
    place: usize,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all what became of their commits.
    pub(super) fn ring(&self, outcomes: Vec<Outcome>) {
        let mut news = self.lock();
        news.outcomes = outcomes;
        let [first, others] = news.awaited;
        drop(news);
        if first {
            self.first.notify_all();
        }
        if others {
            self.others.notify_all();
        }
    }

    /// Makes the first the leader, and says whether it must be [called](Self::call_first).
    pub(super) fn lead_first(&self) -> bool {
        let mut news = self.lock();
        news.leader = Some(0);
        news.awaited[0]
    }

    pub(super) fn call_first(&self) {
        self.first.notify_all();
    }
}

impl Ticket {
    pub(super) fn new(bell: &Arc<Bell>, place: usize) -> Self {
        Self {
            bell: Arc::clone(bell),
            place,
        }
    }

    /// Makes this one the leader, in the place of whoever was. For the thread whose ticket it is: nobody is woken.
    pub(super) fn lead(&self) {
        self.bell.lock().leader = Some(self.place);
    }

    pub(super) fn leads(&self) -> bool {
        self.bell.lock().leader == Some(self.place)
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.bell.lock().outcomes.get(self.place).cloned()
    }

    fn rung(&self) -> (&Condvar, usize) {
        match self.place {
            0 => (&self.bell.first, 0),
            _ => (&self.bell.others, 1),
        }
    }

    /// Waits for what became of the commit; `None` if its thread is to lead, which only one that `may_lead` is told.
    pub(super) fn wait(&self, may_lead: bool) -> Option<Outcome> {
        let (rung, which) = self.rung();
        let mut news = self.bell.lock();
        loop {
            if let Some(outcome) = news.outcomes.get(self.place) {
                return Some(outcome.clone());
            }
            if may_lead && news.leader == Some(self.place) {
                return None;
            }
            news.awaited[which] = true;
            let woken = rung.wait(news);
            news = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for what became of the commit, for no longer than `limit`; `None` after that.
    pub(super) fn wait_timeout(&self, limit: Duration) -> Option<Outcome> {
        let (rung, which) = self.rung();
        let mut news = self.bell.lock();
        news.awaited[which] = true;
        let unknown = |news: &mut News| news.outcomes.get(self.place).is_none();
        let woken = rung.wait_timeout_while(news, limit, unknown);
        let news = woken.unwrap_or_else(PoisonError::into_inner).0;
        news.outcomes.get(self.place).cloned()
    }
}
