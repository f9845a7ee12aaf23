//! The scheduler: puts pending pods on nodes.

use std::collections::{BTreeSet, HashSet};

use sapwood::{Database, Error, Row, WriteTxn};

use crate::{
    failure::Failure,
    tables::{Clock, Node, Phase, Placement, Pod, Resources, Turn},
    turn,
};

/// Makes a pass whenever it is the scheduler's turn, until the cluster is shut down.
pub fn run(db: &Database) -> Result<(), Failure> {
    while turn::wait_for(db, Turn::Scheduler).is_some() {
        db.write(pass)?;
    }
    Ok(())
}

/// Tries every pending pod, the oldest first, and puts each on the first node that takes it.
fn pass(tx: &mut WriteTxn) -> Result<(), Error> {
    // A clone of a row is one count: the queue is read as it was, while the pass changes it.
    let queue: Vec<Row<Pod>> = tx
        .list(Pod::BY_PHASE.prefix(Phase::Pending))
        .cloned()
        .collect();
    // Within a pass nodes only get fuller. So what one pod found no node for, the next one that wants the same won't find either.
    let mut hopeless = HashSet::<(Resources, &BTreeSet<String>)>::new();
    for pod in &queue {
        let wish = (pod.needs, &pod.models);
        if hopeless.contains(&wish) {
            continue;
        }
        let node = tx.list(Node::ALL).find(|node| node.takes(pod)).cloned();
        match node {
            Some(node) => place(tx, pod, &node)?,
            None => {
                hopeless.insert(wish);
            }
        }
    }
    let running = tx.count(Pod::BY_PHASE.prefix(Phase::Running)) as u64;
    tx.update::<Clock>(Clock::ID, |clock| {
        clock.turn = Turn::Driver;
        clock.peak_running = clock.peak_running.max(running);
    })?;
    Ok(())
}

fn place(tx: &mut WriteTxn, pod: &Pod, node: &Node) -> Result<(), Error> {
    let number = tx.last(Placement::ALL).map_or(0, |last| last.number + 1);
    let time = tx.get::<Clock>(Clock::ID).map_or(0, |clock| clock.time);
    tx.update::<Node>(&node.name, |node| node.free.take(&pod.needs))?;
    tx.update::<Pod>(&pod.name, |pod| {
        pod.phase = Phase::Running;
        pod.node = Some(node.name.clone());
        pod.placement = Some(number);
    })?;
    tx.insert(Placement {
        number,
        time,
        ended: None,
        pod: pod.name.clone(),
        node: node.name.clone(),
        needs: pod.needs,
        labels: pod.labels.clone(),
    })?;
    Ok(())
}
