//! The command line.
#![allow(clippy::doc_markdown)] // the help is shown as it stands

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

/// A small cluster manager on sapwood: it replays a trace of pods that come and go, and puts each on a node.
///
/// Without --nodes and --pods it makes up a cluster and its trace.
#[derive(Parser, Debug)]
#[command(name = "orchestrator")]
pub struct Options {
    /// The nodes, as CSV: sn, cpu_milli, memory_mib, gpu, model
    #[arg(long, value_name = "FILE", requires = "pods")]
    pub nodes: Option<PathBuf>,

    /// The pods, as CSV: name, cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec, creation_time, deletion_time and others
    #[arg(long, value_name = "FILE", requires = "nodes")]
    pub pods: Option<PathBuf>,

    /// Let every pod live so many times as long as the trace says
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub stretch: u64,

    /// What the made-up cluster depends on: the same number, the same cluster
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["nodes", "pods"])]
    pub seed: u64,

    /// How many pods the made-up trace has; there is a node for every four hundred of them
    #[arg(long, value_name = "PODS", default_value_t = 50_000, conflicts_with_all = ["nodes", "pods"], value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub size: u64,

    /// Keep the cluster in this file; without it, only in memory
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,

    /// When a commit has to be in the file of --db
    #[arg(long, value_enum, default_value_t = Durability::Eventual)]
    pub durability: Durability,

    /// Go on from what the file of --db holds
    #[arg(long, requires = "db")]
    pub resume: bool,

    /// Print the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Durability {
    /// Before the next step begins
    Immediate,
    /// Within 50 milliseconds
    Eventual,
    /// At the end
    Checkpoint,
}

impl From<Durability> for sapwood::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Immediate => Self::Immediate,
            Durability::Eventual => Self::Eventual {
                within: Duration::from_millis(50),
            },
            Durability::Checkpoint => Self::Checkpoint,
        }
    }
}
