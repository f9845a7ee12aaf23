//! How long everybody goes on, and what was done meanwhile.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sapwood::Database;

use super::tally::Tally;

/// What all who take part share.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) db: Database,
    pub(crate) tally: Arc<Tally>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) pace: Pace,
    pub(crate) seed: u64,
}

/// So many rounds, or until a time.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    Rounds(usize),
    Until(Instant),
}

impl Pace {
    /// Whether there is another round.
    pub(crate) fn goes_on(&mut self) -> bool {
        match self {
            Self::Rounds(left) => {
                let more = *left > 0;
                *left = left.saturating_sub(1);
                more
            }
            Self::Until(end) => Instant::now() < *end,
        }
    }

    /// As many times as many rounds, where they are counted.
    pub(crate) fn times(self, factor: usize) -> Self {
        match self {
            Self::Rounds(left) => Self::Rounds(left * factor),
            Self::Until(_) => self,
        }
    }
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) commits: AtomicU64,
    pub(crate) aborts: AtomicU64,
    pub(crate) checks: AtomicU64,
    pub(crate) forks: AtomicU64,
    pub(crate) watches: AtomicU64,
    pub(crate) wakes: AtomicU64,
    pub(crate) steps: AtomicU64,
    pub(crate) changes: AtomicU64,
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (&self.commits, "commits"),
            (&self.aborts, "aborts"),
            (&self.checks, "snapshots checked"),
            (&self.forks, "forks"),
            (&self.watches, "watches"),
            (&self.wakes, "wakes"),
            (&self.steps, "steps followed"),
            (&self.changes, "changes told"),
        ];
        for (number, (counter, name)) in all.into_iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{} {name}", counter.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}
