//! The queue, and what can happen to a job: each is one commit, on condition that the job is still as it was seen.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sapwood::{Database, Error, Key, Revision, Row, Snapshot, Table};
use serde::{Deserialize, Serialize};

/// The order is that of the index.
#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Queued,
    Leased,
    Done,
}

/// What befalls the first worker that takes a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mishap {
    Crash,
    Hang,
}

/// A job. The index has the queued ones in the order in which they are due, and the leased ones in the order in which their leases end.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "jobs", index(by_state_at, on(state, at)))]
pub struct Job {
    #[key]
    pub id: u64,
    pub state: State,
    /// When it is due, when its lease ends, or when it was done: milliseconds since 1970, so that they mean the same to the next process.
    pub at: u64,
    /// Who holds the lease, or did it.
    pub worker: Option<u64>,
    pub attempts: u32,
    pub mishap: Option<Mishap>,
}

/// A worker, and what became of the jobs that it took.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "workers")]
pub struct Worker {
    #[key]
    pub number: u64,
    pub taken: u64,
    pub finished: u64,
    /// Somebody else had them when it wanted to go on with them.
    pub lost: u64,
    pub died: bool,
}

impl Worker {
    /// What the worker of a number has done before it does anything.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            taken: 0,
            finished: 0,
            lost: 0,
            died: false,
        }
    }

    /// Whether it is not in the middle of a job.
    pub fn is_settled(&self) -> bool {
        self.died || self.taken == self.finished + self.lost
    }
}

/// What a job did to the world. There is one for each job that is done, and cannot be two: it is the primary key.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "receipts")]
pub struct Receipt {
    #[key]
    pub job: u64,
    pub worker: u64,
}

/// The right to work on a job until a time, for as long as its row was last written by this commit.
pub struct Lease {
    pub job: u64,
    worker: u64,
    revision: Revision,
}

impl Lease {
    /// Takes a queued job that is due.
    pub fn take(
        db: &Database,
        job: &Row<Job>,
        worker: u64,
        length: Duration,
    ) -> Result<Self, Error> {
        let mut tx = db.begin_write()?;
        tx.update_if::<Job>(job.id, job.modified(), |job| {
            job.state = State::Leased;
            job.at = now() + millis(length);
            job.worker = Some(worker);
            job.attempts += 1;
        })?;
        tx.update::<Worker>(worker, |worker| worker.taken += 1)?;
        let revision = tx.commit()?;
        Ok(Self {
            job: job.id,
            worker,
            revision,
        })
    }

    /// Holds it for longer.
    pub fn renew(&mut self, db: &Database, length: Duration) -> Result<(), Error> {
        let mut tx = db.begin_write()?;
        tx.update_if::<Job>(self.job, self.revision, |job| {
            job.at = now() + millis(length);
        })?;
        self.revision = tx.commit()?;
        Ok(())
    }

    /// Whether nobody else has written the job.
    pub fn stands(&self, snapshot: &Snapshot) -> bool {
        snapshot
            .get::<Job>(self.job)
            .is_some_and(|job| job.modified() == self.revision)
    }

    /// Does what the job is for, and marks it as done: both or neither.
    pub fn finish(&self, db: &Database) -> Result<(), Error> {
        let (job, worker) = (self.job, self.worker);
        db.write(|tx| {
            tx.update_if::<Job>(job, self.revision, |job| {
                job.state = State::Done;
                job.at = now();
            })?;
            tx.update::<Worker>(worker, |worker| worker.finished += 1)?;
            tx.insert(Receipt { job, worker })?;
            Ok(())
        })
    }
}

/// Gives a job back to the queue whose lease is over, if it has not been renewed meanwhile.
pub fn give_back(db: &Database, job: &Row<Job>) -> Result<(), Error> {
    db.write(|tx| {
        tx.update_if::<Job>(job.id, job.modified(), |job| {
            job.state = State::Queued;
            job.at = now();
            job.worker = None;
        })
        .map(drop)
    })
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, millis)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The first job in a state, once its time has come. Sleeps until then, or until a job in that state is another one.
pub fn wait_for_first(db: &Database, state: State) -> Result<Row<Job>, Error> {
    loop {
        let snapshot = db.snapshot();
        let jobs = Job::BY_STATE_AT.prefix(state);
        let watch = snapshot.watch(jobs.clone());
        match snapshot.first(jobs) {
            None => watch.wait()?,
            Some(job) => match job.at.saturating_sub(now()) {
                0 => return Ok(job.clone()),
                early => drop(watch.wait_timeout(Duration::from_millis(early))?),
            },
        }
    }
}
