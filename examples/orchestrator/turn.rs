//! Whose turn it is: how the three threads of the cluster wait for each other, with nothing but the store between them.
//!
//! In each tick the driver acts first, then the reaper if pods have ended, then the scheduler if pods are pending. Who acts hands the turn on in
//! the commit that holds its work.

use sapwood::{Database, Snapshot, WriteTxn};

use crate::{
    failure::Failure,
    tables::{Clock, Phase, Pod, Turn},
};

/// Sleeps until it is the turn of `who`, and shows the store as it is then. `None` when the cluster is shut down.
///
/// The watch is taken from the snapshot that was looked at, so that a turn which comes between the look and the wait is not missed.
pub fn wait_for(db: &Database, who: Turn) -> Option<Snapshot> {
    loop {
        let snapshot = db.snapshot();
        if snapshot.contains(Clock::BY_TURN.eq(who)) {
            return Some(snapshot);
        }
        snapshot.watch(Clock::BY_TURN.eq(who)).wait().ok()?;
    }
}

/// Who acts when all that has ended is reaped: the scheduler, unless nothing is pending.
pub fn after_reaping(tx: &WriteTxn) -> Turn {
    if tx.contains(Pod::BY_PHASE.prefix(Phase::Pending)) {
        Turn::Scheduler
    } else {
        Turn::Driver
    }
}

/// The clock's row.
pub fn clock(snapshot: &Snapshot) -> Result<&Clock, Failure> {
    match snapshot.get::<Clock>(Clock::ID) {
        Some(clock) => Ok(clock),
        None => Err(Failure::Inconsistent("there is no clock".to_owned())),
    }
}
