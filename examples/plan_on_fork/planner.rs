//! A planner: forks, tries, compares, commits; and begins anew where the world has moved.

use std::collections::BTreeMap;

use sapwood::{Database, Error, Row, Snapshot, WriteTxn};

use crate::tables::{Allocation, Job, Node, Plan, State, Strategy, Wish};

/// Places a job, however often it has to be planned. `before_commit` is told which node a plan uses most.
pub fn place(
    db: &Database,
    job: &str,
    before_commit: impl Fn(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    for attempt in 1.. {
        let seen = db.snapshot();
        let Some(job) = seen.get::<Job>(job) else {
            break;
        };
        let mut tried = Vec::new();
        for strategy in Strategy::ALL {
            let fork = seen.fork();
            fork.write(|tx| put_on_nodes(tx, job, strategy))?;
            tried.push((strategy, fork.snapshot()));
        }
        let plans = tried.iter().map(|(strategy, outcome)| Plan {
            strategy: *strategy,
            score: score(outcome, job),
        });
        let plans: Vec<Plan> = plans.collect();
        // Of plans that are as good as each other, the first.
        let scored = plans.iter().zip(&tried).rev();
        let best = scored
            .filter(|(plan, _)| plan.score.is_some())
            .max_by_key(|(plan, _)| plan.score);
        let best = best.map(|(plan, (_, outcome))| (plan.strategy, outcome));
        if let Some((_, outcome)) = best {
            let (node, _) = busiest(outcome, job);
            before_commit(&node)?;
        }
        let committed = db.write(|tx| {
            tx.update_if::<Job>(&job.name, job.modified(), |job| {
                job.state = best.map_or(State::Blocked, |(strategy, _)| State::Placed(strategy));
                job.plans.clone_from(&plans);
                job.attempts = attempt;
            })?;
            match best {
                Some((_, outcome)) => take_over(tx, &seen, outcome, job),
                None => Ok(()),
            }
        });
        match committed {
            // The world has moved: a new snapshot, new plans.
            Err(Error::WrongRevision { .. }) => {}
            committed => return committed,
        }
    }
    Ok(())
}

/// Puts task after task where the strategy says, for as long as there is room.
fn put_on_nodes(tx: &mut WriteTxn, job: &Job, strategy: Strategy) -> Result<(), Error> {
    for task in 0..job.tasks {
        let Some(node) = choose(tx, job, strategy) else {
            break;
        };
        tx.update::<Node>(&node.name, |node| node.free = node.free.without(job.needs))?;
        tx.insert(Allocation {
            job: job.name.clone(),
            task,
            node: node.name.clone(),
            needs: job.needs,
        })?;
    }
    Ok(())
}

/// A node that can take a task of the job.
fn choose(tx: &WriteTxn, job: &Job, strategy: Strategy) -> Option<Row<Node>> {
    let nodes = tx.list(Node::ALL);
    let mut able = nodes.filter(|node| !node.drained && node.free.hold(job.needs));
    let node = match strategy {
        Strategy::First => able.next(),
        Strategy::Pack => able.min_by_key(|node| node.free.cpu),
        Strategy::Spread => able.max_by_key(|node| node.free.cpu),
    };
    node.cloned()
}

/// How well an outcome is what the job wishes, of 1000; `None` if not all of its tasks are placed.
fn score(outcome: &Snapshot, job: &Job) -> Option<u64> {
    let tasks = outcome.count(Allocation::BY_JOB_TASK.prefix(&job.name)) as u64;
    if tasks != u64::from(job.tasks) {
        return None;
    }
    Some(match job.wish {
        Wish::Safety => 1000 * (tasks - busiest(outcome, job).1) / tasks,
        Wish::Room => {
            // Squares: one large hole is worth more than two small ones.
            let sum = |of: fn(&Node) -> u64| {
                outcome
                    .list(Node::ALL)
                    .map(|node| of(node).pow(2))
                    .sum::<u64>()
            };
            1000 * sum(|node| node.free.cpu) / sum(|node| node.capacity.cpu).max(1)
        }
    })
}

/// The node with most tasks of a job, and how many these are.
fn busiest(outcome: &Snapshot, job: &Job) -> (String, u64) {
    let mut tasks = BTreeMap::<&str, u64>::new();
    for allocation in outcome.list(Allocation::BY_JOB_TASK.prefix(&job.name)) {
        *tasks.entry(&allocation.node).or_default() += 1;
    }
    let busiest = tasks.into_iter().max_by_key(|(_, tasks)| *tasks);
    busiest.map_or((String::new(), 0), |(node, tasks)| (node.to_owned(), tasks))
}

/// Makes what came of a fork true: its allocations, and its rows of the nodes, if these are still what the fork began with.
fn take_over(
    tx: &mut WriteTxn,
    seen: &Snapshot,
    outcome: &Snapshot,
    job: &Job,
) -> Result<(), Error> {
    for allocation in outcome.list(Allocation::BY_JOB_TASK.prefix(&job.name)) {
        tx.insert(Allocation::clone(allocation))?;
    }
    let changed = outcome
        .list(Node::ALL)
        .filter(|node| node.modified() > seen.revision());
    for node in changed {
        let Some(before) = seen.get::<Node>(&node.name) else {
            continue;
        };
        tx.update_if::<Node>(&node.name, before.modified(), |current| {
            *current = Node::clone(node);
        })?;
    }
    Ok(())
}
