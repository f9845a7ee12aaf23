//! Counts the rows that are alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Counts the values that are alive, and those that were dropped though they were not.
#[derive(Default)]
pub(crate) struct Tally {
    alive: AtomicI64,
    dead: AtomicI64,
}

impl Tally {
    pub(crate) fn alive(&self) -> i64 {
        self.alive.load(Ordering::Relaxed)
    }

    pub(crate) fn all_gone(&self) {
        assert_eq!(self.alive(), 0, "rows leak");
        assert_eq!(self.dead.load(Ordering::Relaxed), 0, "rows dropped twice");
    }
}

const ALIVE: u32 = 0xA11_5E11;

/// Lives in a row, and knows whether it still does.
pub(crate) struct Token {
    tally: Option<Arc<Tally>>,
    canary: u32,
}

impl Token {
    pub(crate) fn new(tally: &Arc<Tally>) -> Self {
        tally.alive.fetch_add(1, Ordering::Relaxed);
        Self {
            tally: Some(Arc::clone(tally)),
            canary: ALIVE,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.canary == ALIVE
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        self.tally.as_ref().map_or_else(Self::default, Self::new)
    }
}

/// What comes from a file is not counted.
impl Default for Token {
    fn default() -> Self {
        Self {
            tally: None,
            canary: ALIVE,
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let alive = std::mem::replace(&mut self.canary, 0) == ALIVE;
        if let Some(tally) = &self.tally {
            tally.alive.fetch_sub(1, Ordering::Relaxed);
            tally.dead.fetch_add(i64::from(!alive), Ordering::Relaxed);
        }
    }
}
