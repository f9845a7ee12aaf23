//! How much of the cluster was in use, over time; computed from the history in `placements`.

use sapwood::Snapshot;

use crate::tables::{Node, Placement, Resources};

/// The used share of something, from 0 to 1, for equal parts of the time.
pub type Shares = Vec<f64>;

/// The used shares of CPU and of GPU from time 0 to `end`, in so many parts.
pub fn usage(snapshot: &Snapshot, end: u64, parts: usize) -> (Shares, Shares) {
    let mut used = vec![(0.0, 0.0); parts];
    let width = (end as f64 / parts as f64).max(1.0);
    for placement in snapshot.list(Placement::ALL) {
        let from = placement.time as f64;
        let to = placement.ended.unwrap_or(end) as f64;
        let first = (from / width) as usize;
        for (part, (cpu, gpu)) in used.iter_mut().enumerate().skip(first) {
            let (begin, next) = (part as f64 * width, (part + 1) as f64 * width);
            if begin >= to {
                break;
            }
            let share = (to.min(next) - from.max(begin)).max(0.0) / width;
            *cpu += share * placement.needs.cpu_milli as f64;
            *gpu += share * placement.needs.gpu_milli as f64;
        }
    }
    let all = capacity(snapshot);
    let share = |used: f64, of: u64| if of == 0 { 0.0 } else { used / of as f64 };
    used.into_iter()
        .map(|(cpu, gpu)| (share(cpu, all.cpu_milli), share(gpu, all.gpu_milli)))
        .unzip()
}

fn capacity(snapshot: &Snapshot) -> Resources {
    let mut all = Resources::default();
    for node in snapshot.list(Node::ALL) {
        all.give_back(&node.capacity);
    }
    all
}
