//! The rules of a replay, done in the plainest way, with no database: what the example must come to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
    pub(crate) gpus: u64,
    pub(crate) model: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
    pub(crate) gpus: u64,
    pub(crate) gpu_milli: u64,
    pub(crate) models: String,
    pub(crate) begins: u64,
    pub(crate) ends: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pods: Vec<Pod>,
}

impl Trace {
    /// As the files that the example reads.
    pub(crate) fn csv(&self) -> (String, String) {
        let mut nodes = String::from("sn,cpu_milli,memory_mib,gpu,model\n");
        for node in &self.nodes {
            let _ = writeln!(
                nodes,
                "{},{},{},{},{}",
                node.name, node.cpu, node.memory, node.gpus, node.model
            );
        }
        let mut pods = String::from(
            "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n",
        );
        for pod in &self.pods {
            let _ = writeln!(
                pods,
                "{},{},{},{},{},{},LS,Running,{},{},",
                pod.name,
                pod.cpu,
                pod.memory,
                pod.gpus,
                pod.gpu_milli,
                pod.models,
                pod.begins,
                pod.ends
            );
        }
        (nodes, pods)
    }

    /// The figures of the replay, as the example's JSON names them.
    pub(crate) fn replay(&self, stretch: u64) -> Value {
        let end_of = |pod: &Pod| pod.begins + stretch * (pod.ends - pod.begins);
        let times: BTreeSet<u64> = self
            .pods
            .iter()
            .flat_map(|pod| [pod.begins, end_of(pod)])
            .collect();
        let mut nodes = self.nodes.clone();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        for node in &mut nodes {
            node.gpus *= 1000;
        }
        let mut pending = BTreeMap::<(u64, &str), &Pod>::new();
        let mut running = BTreeMap::<&str, (usize, &Pod)>::new();
        let (mut completed, mut never_scheduled, mut peak) = (0, 0, 0);
        let mut placements = Sha256::new();
        for &time in &times {
            for pod in self.pods.iter().filter(|pod| end_of(pod) == time) {
                if let Some((node, pod)) = running.remove(pod.name.as_str()) {
                    nodes[node].cpu += pod.cpu;
                    nodes[node].memory += pod.memory;
                    nodes[node].gpus += pod.gpus * pod.gpu_milli;
                    completed += 1;
                } else {
                    pending.remove(&(pod.begins, pod.name.as_str()));
                    never_scheduled += 1;
                }
            }
            for pod in &self.pods {
                if pod.begins == time && end_of(pod) > time {
                    pending.insert((pod.begins, pod.name.as_str()), pod);
                }
            }
            pending.retain(|_, pod| {
                let gpu = pod.gpus * pod.gpu_milli;
                let taker = nodes.iter().position(|node| {
                    node.cpu >= pod.cpu
                        && node.memory >= pod.memory
                        && node.gpus >= gpu
                        && (pod.models.is_empty() || pod.models.split('|').any(|m| m == node.model))
                });
                let Some(taker) = taker else { return true };
                nodes[taker].cpu -= pod.cpu;
                nodes[taker].memory -= pod.memory;
                nodes[taker].gpus -= gpu;
                running.insert(&pod.name, (taker, pod));
                placements.update(format!("{time} {} {}\n", pod.name, nodes[taker].name));
                false
            });
            peak = peak.max(running.len());
        }
        json!({
            "nodes": self.nodes.len(),
            "pods": self.pods.len(),
            "ticks": times.len(),
            "completed": completed,
            "never_scheduled": never_scheduled,
            "running": running.len(),
            "pending": pending.len(),
            "peak_running": peak,
            "placements_sha256": hex(&placements.finalize()),
        })
    }

    /// A crowded cluster, of which every figure is greater than zero but for what is left at the end.
    pub(crate) fn crowded(pods: u64) -> Self {
        let models = ["", "T4", "V100"];
        let nodes = (0..7).map(|n| Node {
            name: format!("node-{}", (n * 3) % 7),
            cpu: 4000 + 1000 * (n % 3),
            memory: 16_000,
            gpus: if n % 3 == 0 { 0 } else { 2 },
            model: models[n as usize % 3].to_owned(),
        });
        let pods = (0..pods).map(|n| {
            let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23);
            let begins = n * 2 / 3;
            Pod {
                name: format!("pod-{:05}", (n * 7919) % 100_000),
                cpu: 250 * (1 + mixed % 8),
                memory: 1000 * (1 + mixed % 5),
                gpus: u64::from(mixed % 4 == 0),
                gpu_milli: 250 * (1 + mixed % 3),
                models: ["", "", "V100", "T4|V100"][(mixed / 16 % 4) as usize].to_owned(),
                begins,
                ends: begins + mixed % 37,
            }
        });
        Self {
            nodes: nodes.collect(),
            pods: pods.collect(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
