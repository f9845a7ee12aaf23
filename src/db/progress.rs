//! How far long work has come.

use std::time::{Duration, Instant};

/// Somebody is told at most this often.
const EVERY: Duration = Duration::from_millis(50);

/// Who is told: how much is done, and how much there is.
pub(crate) type Told = Box<dyn FnMut(u64, u64) + Send>;

/// How far long work has come, told now and then, never backwards, and with all of it at the end.
#[derive(Default)]
pub(crate) struct Progress {
    told: Option<Told>,
    /// All, what is done for good, and what was told last.
    total: u64,
    passed: u64,
    last: Option<(Instant, u64)>,
}

impl Progress {
    pub(crate) fn new(told: Option<Told>) -> Self {
        Self {
            told,
            ..Self::default()
        }
    }

    /// Begins with so much to do.
    pub(crate) fn begin(&mut self, total: u64) {
        self.total = total;
    }

    /// So much is done behind what is done for good.
    pub(crate) fn tell(&mut self, done: u64) {
        let (now, before) = (Instant::now(), self.last.map_or(0, |(_, before)| before));
        if self.last.is_none_or(|(at, _)| now - at >= EVERY) {
            let done = (self.passed + done).min(self.total).max(before);
            self.last = Some((now, done));
            if let Some(told) = &mut self.told {
                told(done, self.total);
            }
        }
    }

    /// So much more is done for good.
    pub(crate) fn pass(&mut self, done: u64) {
        self.passed += done;
    }

    /// All is done.
    pub(crate) fn end(&mut self) {
        if let Some(told) = &mut self.told {
            told(self.total, self.total);
        }
    }
}
