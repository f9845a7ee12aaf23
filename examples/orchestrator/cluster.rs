//! The running cluster: three threads that share a store and nothing else.

use std::{
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use sapwood::{Database, Error, Snapshot};

use crate::{driver, failure::Failure, progress, reaper, scheduler, trace::Trace};

/// What a run came to.
pub struct Outcome {
    /// The cluster when the trace was at its end.
    pub last: Snapshot,
    /// How many commits this process made.
    pub commits: u64,
    pub took: Duration,
    pub file_bytes: u64,
}

/// Runs the cluster until the trace is at its end, and closes the database.
pub fn run(db: &Database, trace: &Trace) -> Result<Outcome, Failure> {
    let (begun, first) = (Instant::now(), db.revision());
    let last = thread::scope(|scope| {
        let reaper = scope.spawn(|| {
            let _end = EndsAll(db);
            reaper::run(db)
        });
        let scheduler = scope.spawn(|| {
            let _end = EndsAll(db);
            scheduler::run(db)
        });
        let driver = scope.spawn(|| {
            let _end = EndsAll(db);
            driver::run(db, trace)
        });
        progress::show(db, trace);
        let result = join("driver", driver);
        // Who only found the database closed tells nothing about the reason.
        for ended in [join("reaper", reaper), join("scheduler", scheduler)] {
            match ended {
                Err(Failure::Store(Error::Closed)) | Ok(()) => {}
                Err(failure) => return Err(failure),
            }
        }
        result
    })?;
    Ok(Outcome {
        commits: last.revision().get() - first.get(),
        took: begun.elapsed(),
        file_bytes: db.counters().file_bytes,
        last,
    })
}

/// Closes the database when its thread is done, be it by success, failure or panic: so the other threads, which sleep on watches, end as well.
struct EndsAll<'a>(&'a Database);

impl Drop for EndsAll<'_> {
    fn drop(&mut self) {
        // An error of the last commits has been told already: the driver's last step is to make them durable.
        let _ = self.0.close();
    }
}

fn join<R>(
    name: &'static str,
    thread: ScopedJoinHandle<'_, Result<R, Failure>>,
) -> Result<R, Failure> {
    match thread.join() {
        Ok(result) => result,
        Err(_) => Err(Failure::Crashed(name)),
    }
}
