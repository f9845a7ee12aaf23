//! A scheduler that plans on forks, as Nomad's does: it tries several placements of a job, each in a database of its own, and commits the best one.
//!
//! A fork of a snapshot costs as much as there are indexes, so a planner makes one for each strategy and runs the same transaction there that it would run in
//! earnest. What came of it is read with the same queries, and scored. The rows of the best fork are then the commit, each on condition that the row that
//! the plan was made from is still there. If it is not, because another planner was quicker or an operator has drained a node, the job is planned anew.
//!
//! ```text
//! cargo run --example plan_on_fork
//! cargo run --example plan_on_fork -- --planners 4 --jobs 200 --nodes 60
//! ```
//!
//! `tables.rs` is what there is, `planner.rs` the idea.

#![allow(missing_docs, unreachable_pub)] // a program, not a library

mod planner;
#[path = "../program/mod.rs"]
mod program;
mod tables;

use std::{
    fmt,
    process::ExitCode,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use clap::Parser;
use program::{Failure, show, show_json, table};
use sapwood::{Database, Error, Snapshot};
use serde_json::{Value, json};
use tables::{Allocation, Job, Node, Resources, State};

/// A scheduler that tries its plans on forks of the database, and commits the best one
#[derive(Parser)]
#[command(name = "plan_on_fork")]
struct Options {
    /// How many nodes there are
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    nodes: u32,

    /// How many jobs want to be placed
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    jobs: u32,

    /// How many planners work at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    planners: u32,

    /// How often an operator drains a node of a plan that is just about to be committed
    #[arg(long, value_name = "N", default_value_t = 1)]
    drain: u32,

    /// Print what came of it as one line of JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    program::run(run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let db = Database::builder()
        .table::<Node>()
        .table::<Job>()
        .table::<Allocation>()
        .in_memory()?;
    db.write(|tx| {
        (1..=options.nodes).try_for_each(|number| tx.insert(Node::made_up(number)).map(drop))?;
        (1..=options.jobs).try_for_each(|number| tx.insert(Job::made_up(number)).map(drop))
    })?;

    let drains = AtomicU32::new(options.drain);
    let operator = |node: &str| {
        let one_less = |left: u32| left.checked_sub(1);
        let mine = drains.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        if mine.is_ok() {
            db.write(|tx| tx.update::<Node>(node, |node| node.drained = true))?;
        }
        Ok::<_, Error>(())
    };
    thread::scope(|scope| {
        let planners: Vec<_> = (0..options.planners)
            .map(|first| {
                let jobs = (1..=options.jobs).skip(first as usize);
                let mine = jobs.step_by(options.planners as usize).map(Job::name);
                let (db, operator) = (&db, &operator);
                scope.spawn(move || {
                    let mut mine = mine;
                    mine.try_for_each(|job| planner::place(db, &job, operator))
                })
            })
            .collect();
        planners
            .into_iter()
            .try_for_each(|planner| match planner.join() {
                Ok(placed) => placed,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;

    let now = db.snapshot();
    audit(&now)?;
    if options.json {
        return show_json(&json!({
            "jobs": now.list(Job::ALL).map(|job| &**job).collect::<Vec<_>>(),
            "nodes": now.list(Node::ALL).map(|node| summary(&now, node)).collect::<Vec<_>>(),
        }));
    }
    print(&now)
}

/// Whether what is taken of each node is what its allocations hold.
fn audit(now: &Snapshot) -> Result<(), Failure> {
    for node in now.list(Node::ALL) {
        let mut sum = node.free;
        for allocation in now.list(Allocation::BY_NODE.eq(&node.name)) {
            sum = sum.and(allocation.needs);
        }
        if sum != node.capacity {
            let name = &node.name;
            let wrong = format!("the allocations of {name} are not what is taken of it");
            return Err(Failure::Other(wrong.into()));
        }
    }
    Ok(())
}

fn summary(now: &Snapshot, node: &Node) -> Value {
    json!({
        "node": node.name,
        "free": node.free,
        "capacity": node.capacity,
        "drained": node.drained,
        "tasks": now.count(Allocation::BY_NODE.eq(&node.name)),
    })
}

fn word(value: impl fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

fn print(now: &Snapshot) -> Result<(), Failure> {
    let mut jobs = table([
        "job",
        "wants",
        "tasks",
        "plans and their scores",
        "outcome",
        "attempts",
    ]);
    for job in now.list(Job::ALL) {
        let plans = job.plans.iter().map(|plan| {
            let score = plan.score.map_or("-".to_owned(), |score| score.to_string());
            format!("{} {score}", word(plan.strategy))
        });
        let state = match job.state {
            State::Placed(strategy) => word(strategy),
            state => word(state),
        };
        jobs.add_row([
            job.name.clone(),
            word(job.wish),
            job.tasks.to_string(),
            plans.collect::<Vec<_>>().join(", "),
            state,
            job.attempts.to_string(),
        ]);
    }
    show(jobs)?;
    let mut nodes = table(["node", "CPU free", "memory free", "tasks", ""]);
    let part = |free: u64, of: u64| format!("{free} of {of}");
    for node in now.list(Node::ALL) {
        let Resources { cpu, memory } = node.capacity;
        nodes.add_row([
            node.name.clone(),
            part(node.free.cpu, cpu),
            part(node.free.memory, memory),
            now.count(Allocation::BY_NODE.eq(&node.name)).to_string(),
            if node.drained { "drained" } else { "" }.to_owned(),
        ]);
    }
    show(nodes)
}
