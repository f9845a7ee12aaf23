//! What is replayed: the nodes, and at which time which pods come and go.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::tables::{Node, Pod};

/// A replay, ready to be driven.
#[derive(Debug)]
pub struct Trace {
    pub nodes: Vec<Node>,
    pub pods: u64,
    pub ticks: Vec<Tick>,
    pub stretch: u64,
    /// Tells this trace from others.
    pub fingerprint: String,
}

/// All that happens at one time.
#[derive(Debug, Default)]
pub struct Tick {
    /// In seconds.
    pub time: u64,
    /// The names of the pods that end, in order.
    pub deletions: Vec<String>,
    /// The pods that come, in the order of their names.
    pub creations: Vec<Pod>,
    /// How many pods would come and end at this time: they never appear.
    pub fleeting: u64,
}

impl Trace {
    /// Sorts the life of the pods into ticks. Names are unique, and no pod ends before it begins.
    pub fn new(mut nodes: Vec<Node>, mut pods: Vec<Pod>, stretch: u64) -> Self {
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        let fingerprint = fingerprint(&nodes, &pods);
        let count = pods.len() as u64;
        let mut ticks = BTreeMap::<u64, Tick>::new();
        for pod in pods {
            let begin = ticks.entry(pod.created).or_default();
            if pod.created == pod.ends {
                begin.fleeting += 1;
                continue;
            }
            let (name, ends) = (pod.name.clone(), pod.ends);
            begin.creations.push(pod);
            ticks.entry(ends).or_default().deletions.push(name);
        }
        for (time, tick) in &mut ticks {
            tick.time = *time;
        }
        Self {
            nodes,
            pods: count,
            ticks: ticks.into_values().collect(),
            stretch,
            fingerprint,
        }
    }
}

/// SHA-256 over all that the replay depends on.
fn fingerprint(nodes: &[Node], pods: &[Pod]) -> String {
    let mut hash = Sha256::new();
    for node in nodes {
        hash.update(format!("{:?}\n", (&node.name, &node.model, node.capacity)));
    }
    for pod in pods {
        let life = (&pod.name, pod.created, pod.ends);
        hash.update(format!("{life:?} {:?} {:?}\n", pod.wish, pod.labels));
    }
    hex(&hash.finalize())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
