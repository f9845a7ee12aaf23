//! Group commit: who is staged waits for the disk together with others, off the writer's seat.
//!
//! Commits that are staged stand on one another: the next transaction begins with the newest of them, the *tip*, long before it is durable. One of the threads that wait
//! leads: it takes all that are staged so far, lets the disk have them at once, publishes the newest, tells who watches of each, and wakes the others. Then the next leads.
//!
//! If the disk refuses, all that are staged are refused, for they stand on what will never be, and so is the transaction that runs meanwhile, when it ends.
//!
//! The writer keeps the books of history, and is with somebody else at that time. So what became of a group is noted, and entered by whoever leaves the seat next
//! ([`Groups::settle`]). Until then the versions of the group are as a staged one is: what they share with the one in the book is held by that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::persist::CommitRecord;
use super::ticket::{Bell, Outcome, Ticket};
use crate::Error;
use crate::radix::{self, Garbage, Version, Writer};

/// A leader waits for those who were here a moment ago for no longer than this part of what the disk takes.
const WAIT_SHARE: u32 = 2;

/// A commit that is staged and not yet durable.
pub(super) struct Waiting {
    pub(super) staged: radix::Staged,
    pub(super) before: Version,
    pub(super) written: usize,
    pub(super) record: CommitRecord,
}

/// What became of commits, for the books.
enum Ended {
    Published(radix::Staged),
    /// In their order.
    Refused(Vec<radix::Staged>),
}

#[derive(Default)]
struct State {
    /// In order: each stands on the one before it.
    waiting: Vec<Waiting>,
    /// Where their threads wait.
    bell: Arc<Bell>,
    /// The newest staged version, with its ticket; none where it is published.
    tip: Option<(Version, Ticket)>,
    /// Whether somebody leads, or is about to; and who.
    is_led: bool,
    leader: Option<ThreadId>,
    /// Whether the first of those that wait is to lead, and waits for more. The last of these leads in its place: that one runs already, and need not be woken.
    is_gathering: bool,
    /// How many were waiting or written when the last group ended: so many may come again at once.
    expected: usize,
    /// How long the disk took for it.
    took: Duration,
    ended: Vec<Ended>,
    /// Why the last group was refused that was.
    refusal: Option<Error>,
    closed: bool,
}

/// The commits of a database that wait for its disk.
#[derive(Default)]
pub(super) struct Groups {
    state: Mutex<State>,
    /// Nobody leads any more: for who closes.
    idle: Condvar,
    /// Whether there is something to settle, so that who leaves need not take the lock to see that there is not.
    has_ended: AtomicBool,
}

/// A group that is being written.
pub(super) struct Group {
    pub(super) commits: Vec<Waiting>,
    bell: Arc<Bell>,
}

impl State {
    /// All that wait, as a group.
    fn take(&mut self) -> Group {
        Group {
            commits: std::mem::take(&mut self.waiting),
            bell: std::mem::take(&mut self.bell),
        }
    }
}

impl Groups {
    /// No code of a user runs under this lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a new transaction begins with: the tip, or what is `published`.
    pub(super) fn base(&self, published: impl FnOnce() -> Version) -> Version {
        match &self.lock().tip {
            Some((tip, _)) => tip.clone(),
            None => published(),
        }
    }

    /// Whether this thread leads, and so must not wait for a group.
    pub(super) fn is_led_here(&self) -> bool {
        self.lock().leader == Some(thread::current().id())
    }

    /// The ticket of the commit that made this version, if it is neither published nor refused.
    pub(super) fn ticket(&self, version: &Version) -> Option<Ticket> {
        let state = self.lock();
        let (tip, ticket) = state.tip.as_ref()?;
        tip.is(version).then(|| ticket.clone())
    }

    /// Lets a commit wait, which from here on is the tip. Refused, it comes back, if what it stands on was refused or nothing is published any more. In the writer's turn.
    pub(super) fn join(
        &self,
        waiting: Waiting,
        published: impl FnOnce() -> Version,
    ) -> Result<Ticket, Box<(Waiting, Error)>> {
        let mut state = self.lock();
        let stands = match &state.tip {
            Some((tip, _)) => tip.is(&waiting.before),
            None => published().is(&waiting.before),
        };
        if state.closed || !stands {
            let refusal = state.refusal.clone().filter(|_| !stands);
            return Err(Box::new((waiting, refusal.unwrap_or(Error::Closed))));
        }
        let ticket = Ticket::new(&state.bell, state.waiting.len());
        state.tip = Some((waiting.staged.version().clone(), ticket.clone()));
        state.waiting.push(waiting);
        let is_enough = state.waiting.len() >= state.expected;
        if !state.is_led {
            state.is_led = true;
            state.is_gathering = !is_enough;
            ticket.lead();
        } else if is_enough && state.is_gathering {
            state.is_gathering = false;
            ticket.lead();
        }
        Ok(ticket)
    }

    /// Waits until the commit is published or refused. `lead` is called if this thread is to lead a group, with its commit in it.
    ///
    /// A leader waits for those whose commits were written last, for they will most likely have staged their next ones in a moment: without that, two halves of the threads
    /// would take turns, and each group be half of what it can be.
    pub(super) fn wait(&self, ticket: &Ticket, lead: impl FnOnce(Group)) -> Outcome {
        let mut begun = None;
        loop {
            if let Some(outcome) = ticket.wait(true) {
                return outcome;
            }
            let mut state = self.lock();
            // Somebody may have taken its place just now.
            if !ticket.leads() {
                continue;
            }
            let gathers = state.is_gathering && state.waiting.len() < state.expected;
            let waited = begun.get_or_insert_with(Instant::now).elapsed();
            let left = (state.took / WAIT_SHARE).saturating_sub(waited);
            if gathers && !left.is_zero() {
                drop(state);
                if let Some(outcome) = ticket.wait_timeout(left) {
                    return outcome;
                }
                continue;
            }
            debug_assert!(state.leader.is_none(), "one leads at a time");
            state.is_gathering = false;
            state.leader = Some(thread::current().id());
            let group = state.take();
            drop(state);
            lead(group);
            return ticket.outcome().unwrap_or(Err(Error::Closed));
        }
    }

    /// As [`wait`](Self::wait), for a commit of somebody else.
    pub(super) fn look_on(ticket: &Ticket) -> Outcome {
        ticket.wait(false).unwrap_or(Err(Error::Closed))
    }

    /// The group was published, and everybody told: its watches fired so often, each commit's.
    pub(super) fn published(&self, group: Group, fired: &[usize], took: Duration) {
        let mut state = self.lock();
        state.expected = group.commits.len() + state.waiting.len();
        state.took = took;
        let Group { commits, bell } = group;
        let newest = commits.last().map(|commit| commit.staged.version());
        let is_tip = state
            .tip
            .as_ref()
            .is_some_and(|(tip, _)| newest.is_some_and(|newest| tip.is(newest)));
        let tip = if is_tip { state.tip.take() } else { None };
        let mut passed = Vec::with_capacity(commits.len());
        for Waiting { staged, before, .. } in commits {
            state.ended.push(Ended::Published(staged));
            passed.push(before);
        }
        self.has_ended.store(true, Ordering::Release);
        let outcomes = fired.iter().map(|fired| Ok(*fired)).collect();
        self.end(state, [(bell, outcomes)]);
        drop((tip, passed));
    }

    /// The disk refused the group: all that are staged are refused.
    pub(super) fn refused(&self, group: Group, error: &Error) {
        let mut state = self.lock();
        let groups = [group, state.take()];
        let outcomes = |group: &Group| vec![Err(error.clone()); group.commits.len()];
        let bells = groups
            .each_ref()
            .map(|group| (Arc::clone(&group.bell), outcomes(group)));
        // Nothing else may hold a version when it is undone.
        state.tip = None;
        let commits = groups.into_iter().flat_map(|group| group.commits);
        let staged = commits.map(|commit| commit.staged).collect();
        state.ended.push(Ended::Refused(staged));
        self.has_ended.store(true, Ordering::Release);
        state.refusal = Some(error.clone());
        state.expected = 0;
        self.end(state, bells);
    }

    /// Tells what became of commits, and hands the lead on.
    fn end<const N: usize>(
        &self,
        mut state: MutexGuard<'_, State>,
        outcomes: [(Arc<Bell>, Vec<Outcome>); N],
    ) {
        state.leader = None;
        let next = (!state.waiting.is_empty()).then(|| Arc::clone(&state.bell));
        state.is_led = next.is_some();
        state.is_gathering = state.is_led;
        // Under the lock: somebody may come at once, and lead in its place.
        let is_asleep = next.as_ref().is_some_and(|next| next.lead_first());
        let is_closing = state.closed;
        drop(state);
        match next {
            Some(next) if is_asleep => next.call_first(),
            None if is_closing => self.idle.notify_all(),
            _ => {}
        }
        for (bell, outcomes) in outcomes {
            bell.ring(outcomes);
        }
    }

    /// Enters in the books what became of groups. With the writer, and nothing begun with it that has not ended.
    pub(super) fn settle(&self, writer: &mut Writer) -> Vec<Garbage> {
        if !self.has_ended.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut state = self.lock();
        self.has_ended.store(false, Ordering::Relaxed);
        let ended = std::mem::take(&mut state.ended);
        drop(state);
        let mut garbage = Vec::new();
        for ended in ended {
            match ended {
                Ended::Published(staged) => garbage.push(writer.publish(staged).1),
                Ended::Refused(staged) => {
                    let undone = staged.into_iter().rev();
                    garbage.extend(undone.map(|staged| writer.discard(staged)));
                }
            }
        }
        garbage
    }

    /// Lets nobody join any more, and waits for those that have. A leader that closes is not waited for by itself: those behind it are refused.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if state.leader == Some(thread::current().id()) {
            return;
        }
        while state.is_led {
            let idle = self.idle.wait(state);
            state = idle.unwrap_or_else(PoisonError::into_inner);
        }
    }
}
