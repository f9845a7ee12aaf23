//! A made-up cluster and its trace: the same seed, the same trace.

use std::collections::BTreeSet;

use crate::{
    inputs::labels,
    tables::{Node, Phase, Pod, Resources, Wish},
    trace::Trace,
};

const HOUR: u64 = 3600;
const WEEK: u64 = 7 * 24 * HOUR;
const GIB: u64 = 1024;

/// GPU models, and of how many nodes in ten they are. The rest have no GPU.
const MODELS: [(&str, u64); 3] = [("T4", 3), ("A10", 2), ("V100", 1)];

/// What pods ask for: milli CPUs, GiB, milli GPUs, class of service; and how many pods in a hundred ask so.
const KINDS: [(u64, u64, u64, &str, u64); 7] = [
    (500, 1, 0, "Burstable", 18),
    (1000, 4, 0, "Burstable", 17),
    (2000, 8, 0, "LS", 20),
    (8000, 24, 0, "BE", 10),
    (4000, 16, 500, "LS", 15),
    (6000, 32, 1000, "LS", 14),
    (16_000, 96, 2000, "Guaranteed", 6),
];

/// A week of a cluster that is crowded by day and has room by night.
pub fn trace(seed: u64, size: u64, stretch: u64) -> Trace {
    let mut random = Random(seed);
    let nodes = (0..(size / 400).max(1)).map(|number| node(number, &mut random));
    let nodes = nodes.collect();
    let pods = (0..size).map(|number| pod(number, stretch, &mut random));
    Trace::new(nodes, pods.collect(), stretch)
}

fn node(number: u64, random: &mut Random) -> Node {
    let shares = MODELS.map(|(model, share)| (Some(model), share));
    let model = random.pick(&shares, 10).flatten();
    let big = random.below(3) == 0;
    let capacity = Resources {
        cpu_milli: if big { 32_000 } else { 16_000 },
        memory_mib: if big { 128 * GIB } else { 64 * GIB },
        gpu_milli: if model.is_some() { 2000 } else { 0 },
    };
    Node {
        name: format!("node-{number:05}"),
        model: model.unwrap_or_default().to_owned(),
        capacity,
        free: capacity,
    }
}

fn pod(number: u64, stretch: u64, random: &mut Random) -> Pod {
    let kinds = KINDS.map(|kind| (kind, kind.4));
    let (cpu_milli, gib, gpu_milli, qos, _) = random.pick(&kinds, 100).unwrap_or(KINDS[0]);
    let created = creation(random);
    // Most pods live for minutes, some for hours.
    let life = 60 + random.below(HOUR) + random.below(HOUR) * random.below(8) * random.below(2);
    // One GPU pod in four insists on a model.
    let models = if gpu_milli > 0 && random.below(4) == 0 {
        BTreeSet::from(["A10".to_owned(), "V100".to_owned()])
    } else {
        BTreeSet::new()
    };
    Pod {
        name: format!("pod-{number:07}"),
        phase: Phase::Pending,
        created,
        ends: created.saturating_add(stretch.saturating_mul(life)),
        wish: Wish {
            needs: Resources {
                cpu_milli,
                memory_mib: gib * GIB,
                gpu_milli,
            },
            models,
        },
        labels: labels(qos),
        node: None,
        placement: None,
    }
}

/// A time within the week; three in the afternoon is busiest, three at night calmest.
fn creation(random: &mut Random) -> u64 {
    loop {
        let time = random.below(WEEK);
        let from_the_busiest = ((time + 21 * HOUR) % (24 * HOUR)).abs_diff(12 * HOUR);
        if random.below(12 * HOUR) >= from_the_busiest.saturating_sub(2 * HOUR) {
            return time;
        }
    }
}

/// The `SplitMix64` generator: its numbers are the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these, each as often as its share of the whole says; `None` for what the shares leave.
    fn pick<T: Copy>(&mut self, shares: &[(T, u64)], whole: u64) -> Option<T> {
        let mut left = self.below(whole);
        for (choice, share) in shares {
            match left.checked_sub(*share) {
                None => return Some(*choice),
                Some(rest) => left = rest,
            }
        }
        None
    }
}
