//! The scheduler: puts pending pods on nodes.

use std::collections::BTreeMap;

use sapwood::{Database, Error, Follow, Row, Snapshot, WriteTxn};

use crate::{
    failure::Failure,
    first_fit::FirstFit,
    tables::{Clock, Node, Phase, Placement, Pod, Turn},
    turn,
};

/// Makes a pass whenever it is the scheduler's turn, until the cluster is shut down.
///
/// It follows the nodes too: a pod that found no node in the last pass can only find one now if a node has changed since. A new process knows of no
/// last pass; but the first batch of a follower holds all rows there are, and so in its first pass every node has changed.
pub fn run(db: &Database) -> Result<(), Failure> {
    let mut nodes = db.follow(Node::ALL)?;
    let mut first_fit = FirstFit::default();
    while let Some(snapshot) = turn::wait_for(db, Turn::Scheduler) {
        let changed = newest(&mut nodes);
        first_fit.learn(&changed);
        let now = turn::clock(&snapshot)?.time;
        db.write(|tx| pass(tx, &snapshot, now, &changed, &mut first_fit))?;
    }
    Ok(())
}

/// The nodes that have changed since this was called last, by name.
///
/// There can be two steps at the first call: the rows when the follower was made, and what the reaper has changed since.
fn newest(nodes: &mut Follow<Node>) -> Vec<Row<Node>> {
    let mut changed = BTreeMap::new();
    while let Some(batch) = nodes.try_next() {
        for node in batch
            .into_iter()
            .filter_map(|change| change.after().cloned())
        {
            changed.insert(node.name.clone(), node);
        }
    }
    changed.into_values().collect()
}

/// Tries the pending pods, the oldest first, and puts each on the first node that takes it.
///
/// The queue is read from the snapshot, which stays as it is while the transaction takes pods out of it.
fn pass(
    tx: &mut WriteTxn,
    snapshot: &Snapshot,
    now: u64,
    changed: &[Row<Node>],
    first_fit: &mut FirstFit,
) -> Result<(), Error> {
    let queue = if changed.is_empty() {
        Pod::BY_PHASE.prefix((Phase::Pending, now))
    } else {
        Pod::BY_PHASE.prefix(Phase::Pending)
    };
    for pod in snapshot.list(queue) {
        let tried_before = pod.created < now;
        if tried_before && !changed.iter().any(|node| node.grants(&pod.wish)) {
            continue;
        }
        if let Some(node) = first_fit.find(tx, pod) {
            place(tx, pod, &node, now)?;
        }
    }
    let running = tx.count(Pod::BY_PHASE.prefix(Phase::Running)) as u64;
    tx.update::<Clock>(Clock::ID, |clock| {
        clock.turn = Turn::Driver;
        clock.peak_running = clock.peak_running.max(running);
    })?;
    Ok(())
}

fn place(tx: &mut WriteTxn, pod: &Pod, node: &Node, now: u64) -> Result<(), Error> {
    let number = tx.last(Placement::ALL).map_or(0, |last| last.number + 1);
    tx.update::<Node>(&node.name, |node| node.free.take(&pod.wish.needs))?;
    tx.update::<Pod>(&pod.name, |pod| {
        pod.phase = Phase::Running;
        pod.node = Some(node.name.clone());
        pod.placement = Some(number);
    })?;
    tx.insert(Placement {
        number,
        time: now,
        ended: None,
        pod: pod.name.clone(),
        node: node.name.clone(),
        needs: pod.wish.needs,
        labels: pod.labels.clone(),
    })?;
    Ok(())
}
