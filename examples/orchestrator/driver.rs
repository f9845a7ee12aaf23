//! The driver: lets the pods of the trace come and go.

use sapwood::{Database, Error, Snapshot, WriteTxn};

use crate::{
    failure::Failure,
    tables::{Clock, Phase, Pod, Turn},
    trace::{Tick, Trace},
    turn,
};

/// Replays the trace, from where the clock stands to its end; gives back the state of the cluster then.
pub fn run(db: &Database, trace: &Trace) -> Result<Snapshot, Failure> {
    let snapshot = db.snapshot();
    if turn::clock(&snapshot)?.turn == Turn::Done {
        return Ok(snapshot);
    }
    while let Some(snapshot) = turn::wait_for(db, Turn::Driver) {
        let begun = turn::clock(&snapshot)?.ticks;
        let next = usize::try_from(begun)
            .ok()
            .and_then(|begun| trace.ticks.get(begun));
        let Some(tick) = next else {
            db.write(|tx| tx.update::<Clock>(Clock::ID, |clock| clock.turn = Turn::Done))?;
            break;
        };
        db.write(|tx| begin(tx, tick))?;
    }
    db.sync()?;
    Ok(db.snapshot())
}

/// Everything that the trace says for one time, as one commit.
fn begin(tx: &mut WriteTxn, tick: &Tick) -> Result<(), Error> {
    for name in &tick.deletions {
        tx.update::<Pod>(name, |pod| pod.phase = Phase::Ended)?;
    }
    for pod in &tick.creations {
        tx.insert(pod.clone())?;
    }
    let next = if tick.deletions.is_empty() {
        turn::after_reaping(tx)
    } else {
        Turn::Reaper
    };
    tx.update::<Clock>(Clock::ID, |clock| {
        clock.turn = next;
        clock.ticks += 1;
        clock.time = tick.time;
        clock.never_scheduled += tick.fleeting;
    })?;
    Ok(())
}
