//! A work queue with leases: every job is done, and its effect happens once, whichever worker dies.
//!
//! A worker takes the oldest job that is due and holds a lease of it: for some time, renewed while it works. One that dies renews nothing, and a reaper gives
//! the job back to the queue. One that was only slow finds out when it finishes: taking, renewing, giving back and finishing are all on condition
//! that the job's row is still the one that was seen, and what a job does to the world is in the same commit as that it is done. Nobody polls: each sleeps
//! until a row of its part of the queue changes, or until the next time that stands in one.
//!
//! ```text
//! cargo run --example work_queue
//! cargo run --example work_queue -- --db queue.sap --jobs 1000   # kill it, and
//! cargo run --example work_queue -- --db queue.sap --jobs 0      # it goes on
//! ```
//!
//! `queue.rs` is what can happen to a job; `worker.rs` and `reaper.rs` do it.

#![allow(missing_docs, unreachable_pub)] // a program, not a library

#[path = "../program/mod.rs"]
mod program;
mod queue;
mod reaper;
mod worker;

use std::{path::PathBuf, process::ExitCode, thread, time::Duration};

use clap::Parser;
use program::{Failure, show, show_json, table};
use queue::{Job, Mishap, Receipt, State, Worker, now};
use sapwood::{Database, Error, Snapshot};
use serde_json::json;

/// A work queue whose workers hold leases, and may die
#[derive(Parser)]
#[command(name = "work_queue")]
struct Options {
    /// Keep the queue in this file, and go on with what is in it; without it, only in memory
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// How many jobs are added to the queue
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    jobs: u64,

    /// How many workers there are at a time; one that dies is replaced
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,

    /// How many of the jobs kill the worker that takes them first
    #[arg(long, value_name = "N", default_value_t = 2)]
    crashes: u64,

    /// How many further ones keep it so long that its lease is over
    #[arg(long, value_name = "N", default_value_t = 1)]
    hangs: u64,

    /// How many milliseconds a job takes
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    work: u64,

    /// For how many milliseconds a lease is given
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(3..=3_600_000))]
    lease: u64,

    /// Within how many milliseconds the jobs become due, one after the other
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    within: u64,

    /// Print what came of it as one line of JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    program::run(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let tables = Database::builder()
        .table::<Job>()
        .table::<Worker>()
        .table::<Receipt>();
    let db = match &options.db {
        Some(file) => tables
            .open(file)
            .map_err(|error| Failure::Input(error.to_string()))?,
        None => tables.in_memory()?,
    };
    begin(&db, options)?;

    let (work, lease) = (
        Duration::from_millis(options.work),
        Duration::from_millis(options.lease),
    );
    let last = thread::scope(|scope| {
        let mut threads = vec![scope.spawn(|| closing(&db, reaper::run(&db)))];
        for _ in 0..options.workers {
            threads.push(scope.spawn(|| closing(&db, worker::seat(&db, work, lease))));
        }
        let last = until_all_are_done(&db);
        // It ends the threads, which wait for jobs. A snapshot outlives that.
        let closed = db.close();
        for thread in threads {
            match thread.join() {
                Ok(ended) => ended?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        closed.and(last)
    })?;
    report(options, &last)
}

/// Adds the jobs of the options behind those that there are. No worker has outlived the process before.
fn begin(db: &Database, options: &Options) -> Result<(), Error> {
    let before = db.snapshot();
    db.write(|tx| {
        for worker in before.list(Worker::ALL) {
            tx.update::<Worker>(worker.number, |worker| worker.died = true)?;
        }
        let first = tx.last(Job::ALL).map_or(1, |last| last.id + 1);
        for number in 0..options.jobs {
            let mishap = match number {
                number if number < options.crashes => Some(Mishap::Crash),
                number if number < options.crashes.saturating_add(options.hangs) => {
                    Some(Mishap::Hang)
                }
                _ => None,
            };
            tx.insert(Job {
                id: first + number,
                state: State::Queued,
                at: now() + options.within * number / options.jobs,
                worker: None,
                attempts: 0,
                mishap,
            })?;
        }
        Ok(())
    })
}

/// Where a thread fails, the others must not wait for what it would have done.
fn closing(db: &Database, ended: Result<(), Error>) -> Result<(), Error> {
    match ended {
        Ok(()) | Err(Error::Closed) => Ok(()),
        Err(error) => db.close().and(Err(error)),
    }
}

/// Waits until nothing is queued or leased, and everybody knows what became of the jobs that it took.
fn until_all_are_done(db: &Database) -> Result<Snapshot, Error> {
    loop {
        let snapshot = db.snapshot();
        let open = Job::BY_STATE_AT.range(..State::Done);
        let changed = if snapshot.contains(open.clone()) {
            snapshot.watch(open)
        } else if !snapshot.list(Worker::ALL).all(|worker| worker.is_settled()) {
            snapshot.watch(Worker::ALL)
        } else {
            return Ok(snapshot);
        };
        changed.wait()?;
    }
}

fn report(options: &Options, last: &Snapshot) -> Result<(), Failure> {
    let jobs = last.list(Job::ALL);
    let attempts: u64 = jobs.map(|job| u64::from(job.attempts)).sum();
    let (done, receipts) = (
        last.count(Job::BY_STATE_AT.prefix(State::Done)),
        last.count(Receipt::ALL),
    );
    if options.json {
        return show_json(&json!({
            "jobs": last.count(Job::ALL),
            "done": done,
            "receipts": receipts,
            "attempts": attempts,
            "workers": last.list(Worker::ALL).map(|worker| &**worker).collect::<Vec<_>>(),
        }));
    }
    let mut workers = table(["worker", "taken", "finished", "lost", ""]);
    for worker in last.list(Worker::ALL) {
        workers.add_row([
            worker.number.to_string(),
            worker.taken.to_string(),
            worker.finished.to_string(),
            worker.lost.to_string(),
            if worker.died { "died" } else { "" }.to_owned(),
        ]);
    }
    show(workers)?;
    show(format_args!(
        "{done} jobs done in {attempts} attempts, with {receipts} receipts"
    ))
}
