//! A worker: takes a job, works, renews its lease, finishes; or dies.

use std::{
    thread,
    time::{Duration, Instant},
};

use sapwood::{Database, Error};

use crate::queue::{Job, Lease, Mishap, State, Worker, wait_for_first};

/// Why a worker works no more.
enum End {
    Crashed,
    /// There is nothing to do any more.
    Closed,
}

/// Keeps one worker at work: the place of one that dies is taken by another, until the database is closed.
pub fn seat(db: &Database, work: Duration, lease: Duration) -> Result<(), Error> {
    loop {
        let number = db.write(|tx| {
            let number = tx.last(Worker::ALL).map_or(1, |last| last.number + 1);
            tx.insert(Worker::new(number))?;
            Ok::<_, Error>(number)
        })?;
        match run(db, number, work, lease)? {
            End::Crashed => {
                db.write(|tx| tx.update::<Worker>(number, |worker| worker.died = true))?
            }
            End::Closed => return Ok(()),
        };
    }
}

/// Works on job after job. `work` is how long each of them takes, `lease` for how long it is taken.
fn run(db: &Database, me: u64, work: Duration, lease: Duration) -> Result<End, Error> {
    loop {
        let ended = wait_for_first(db, State::Queued).and_then(|job| {
            let taken = Lease::take(db, &job, me, lease);
            // Another worker was quicker: there will be another job.
            let Some(held) = unless_lost(taken)? else {
                return Ok(None);
            };
            let mishap = job.mishap.filter(|_| job.attempts == 0);
            if mishap == Some(Mishap::Crash) {
                return Ok(Some(End::Crashed));
            }
            let finished = do_it(db, held, work, lease, mishap == Some(Mishap::Hang));
            if unless_lost(finished)?.is_none() {
                db.write(|tx| tx.update::<Worker>(me, |worker| worker.lost += 1))?;
            }
            Ok(None)
        });
        match ended {
            Ok(None) => {}
            Ok(Some(end)) => return Ok(end),
            Err(Error::Closed) => return Ok(End::Closed),
            Err(error) => return Err(error),
        }
    }
}

/// `None` if the job's row was written by somebody else.
fn unless_lost<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::WrongRevision { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Works for as long as the job takes, in steps short enough to renew the lease in time.
fn do_it(
    db: &Database,
    mut held: Lease,
    work: Duration,
    lease: Duration,
    hangs: bool,
) -> Result<(), Error> {
    if hangs {
        // It wakes up when the job is somebody else's, and knows nothing of it.
        let seen = db.snapshot();
        if held.stands(&seen) {
            seen.watch(Job::BY_ID.eq(held.job)).wait()?;
        }
        return held.finish(db);
    }
    let ready = Instant::now() + work;
    loop {
        let left = ready.saturating_duration_since(Instant::now());
        thread::sleep(left.min(lease / 3));
        if left <= lease / 3 {
            return held.finish(db);
        }
        held.renew(db, lease)?;
    }
}
