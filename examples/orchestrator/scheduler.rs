//! The scheduler: puts pending pods on nodes.

use std::collections::{BTreeSet, HashSet};

use sapwood::{Batch, Change, Database, Error, Row, Snapshot, WriteTxn};

use crate::{
    failure::Failure,
    tables::{Clock, Node, Phase, Placement, Pod, Resources, Turn},
    turn,
};

/// Makes a pass whenever it is the scheduler's turn, until the cluster is shut down.
///
/// It follows the nodes too: a pod that found no node in the last pass can only find one now among those that have changed since. A new process
/// knows of no last pass; but the first batch of a follower holds all rows there are, and so its first pass tries all nodes.
pub fn run(db: &Database) -> Result<(), Failure> {
    let mut nodes = db.follow(Node::ALL)?;
    while let Some(snapshot) = turn::wait_for(db, Turn::Scheduler) {
        let now = turn::clock(&snapshot)?.time;
        let changed = nodes.try_next().map_or_else(Vec::new, rows);
        db.write(|tx| Pass::new(tx, now, changed).run(&snapshot))?;
    }
    Ok(())
}

fn rows(batch: Batch<Node>) -> Vec<Row<Node>> {
    let changes = batch.into_iter();
    changes.filter_map(|change| change.new().cloned()).collect()
}

/// What a pod asks of a node.
type Wish<'a> = (Resources, &'a BTreeSet<String>);

/// One walk along the queue.
struct Pass<'a> {
    tx: &'a mut WriteTxn,
    now: u64,
    /// The nodes that changed since the last pass, by name, as they are now.
    changed: Vec<Row<Node>>,
    /// What no node can give. Within a pass nodes only get fuller: who asks for the same need not look.
    hopeless: HashSet<Wish<'a>>,
}

impl<'a> Pass<'a> {
    fn new(tx: &'a mut WriteTxn, now: u64, changed: Vec<Row<Node>>) -> Self {
        Self {
            tx,
            now,
            changed,
            hopeless: HashSet::new(),
        }
    }

    /// Tries the pending pods, the oldest first, and puts each on the first node that takes it.
    ///
    /// The queue is read from the snapshot, which stays as it is while the transaction changes the index.
    fn run(mut self, snapshot: &'a Snapshot) -> Result<(), Error> {
        let queue = if self.changed.is_empty() {
            Pod::BY_PHASE.prefix((Phase::Pending, self.now))
        } else {
            Pod::BY_PHASE.prefix(Phase::Pending)
        };
        for pod in snapshot.list(queue) {
            if let Some(node) = self.node_for(pod) {
                self.place(pod, &node)?;
            }
        }
        let running = self.tx.count(Pod::BY_PHASE.prefix(Phase::Running)) as u64;
        self.tx.update::<Clock>(Clock::ID, |clock| {
            clock.turn = Turn::Driver;
            clock.peak_running = clock.peak_running.max(running);
        })?;
        Ok(())
    }

    /// The first node by name that takes a pod.
    fn node_for(&mut self, pod: &'a Pod) -> Option<Row<Node>> {
        if pod.created < self.now {
            return self.changed.iter().find(|node| node.takes(pod)).cloned();
        }
        let wish = (pod.needs, &pod.models);
        if self.hopeless.contains(&wish) {
            return None;
        }
        let mut nodes = self.tx.list(Node::ALL);
        let node = nodes.find(|node| node.takes(pod)).cloned();
        if node.is_none() {
            self.hopeless.insert(wish);
        }
        node
    }

    fn place(&mut self, pod: &Pod, node: &Node) -> Result<(), Error> {
        let last = self.tx.last(Placement::ALL);
        let number = last.map_or(0, |last| last.number + 1);
        self.tx.update::<Pod>(&pod.name, |pod| {
            pod.phase = Phase::Running;
            pod.node = Some(node.name.clone());
            pod.placement = Some(number);
        })?;
        self.tx.insert(Placement {
            number,
            time: self.now,
            ended: None,
            pod: pod.name.clone(),
            node: node.name.clone(),
            needs: pod.needs,
            labels: pod.labels.clone(),
        })?;
        self.tx
            .update::<Node>(&node.name, |node| node.free.take(&pod.needs))?;
        let fuller = self.tx.get::<Node>(&node.name);
        let place = self
            .changed
            .binary_search_by(|row| row.name.cmp(&node.name));
        if let (Some(fuller), Ok(place)) = (fuller, place) {
            self.changed[place] = fuller.clone();
        }
        Ok(())
    }
}
