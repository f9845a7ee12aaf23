//! What a run came to: for people, or as one line of JSON.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use comfy_table::{CellAlignment, Table, presets};
use sapwood::Snapshot;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    chart::chart,
    cluster::Outcome,
    failure::Failure,
    progress::at,
    tables::{Phase, Placement, Pod},
    trace::{Trace, hex},
    turn,
    usage::usage,
};

/// How many columns a chart has.
const COLUMNS: usize = 64;

/// The figures of a run.
#[derive(Serialize)]
pub struct Report {
    nodes: usize,
    pods: u64,
    ticks: u64,
    completed: u64,
    never_scheduled: u64,
    running: usize,
    pending: usize,
    peak_running: u64,
    placements_sha256: String,
    commits: u64,
    seconds: f64,
    file_bytes: u64,
}

impl Report {
    pub fn new(trace: &Trace, outcome: &Outcome) -> Result<Self, Failure> {
        let last = &outcome.last;
        let clock = turn::clock(last)?;
        Ok(Self {
            nodes: trace.nodes.len(),
            pods: trace.pods,
            ticks: clock.ticks,
            completed: clock.completed,
            never_scheduled: clock.never_scheduled,
            running: last.count(Pod::BY_PHASE.prefix(Phase::Running)),
            pending: last.count(Pod::BY_PHASE.prefix(Phase::Pending)),
            peak_running: clock.peak_running,
            placements_sha256: placements_sha256(last),
            commits: outcome.commits,
            seconds: outcome.took.as_secs_f64(),
            file_bytes: outcome.file_bytes,
        })
    }

    pub fn print_json(&self) -> Result<(), Failure> {
        let line = serde_json::to_string(self).map_err(io::Error::from);
        line.and_then(|line| writeln!(io::stdout(), "{line}"))
            .map_err(Failure::Output)
    }

    pub fn print(&self, last: &Snapshot) -> Result<(), Failure> {
        // After the last placement things only run out, in a stretched trace for years.
        let end = last.last(Placement::ALL).map_or(0, |last| last.time);
        let (cpu, gpu) = usage(last, end, COLUMNS);
        let end = at(end);
        let mut out = io::stdout().lock();
        [
            chart("CPUs in use", &cpu, "day 0", &end),
            chart("GPUs in use", &gpu, "day 0", &end),
            format!("{}\n\n", classes(last)),
            format!("{}\n", self.table()),
        ]
        .iter()
        .try_for_each(|part| out.write_all(part.as_bytes()))
        .map_err(Failure::Output)
    }

    fn table(&self) -> Table {
        let speed = self.commits as f64 / self.seconds.max(f64::EPSILON);
        let mut table = plain();
        table
            .add_row(["nodes".to_owned(), self.nodes.to_string()])
            .add_row(["pods".to_owned(), self.pods.to_string()])
            .add_row(["ticks".to_owned(), self.ticks.to_string()])
            .add_row(["completed".to_owned(), self.completed.to_string()])
            .add_row([
                "never scheduled".to_owned(),
                self.never_scheduled.to_string(),
            ])
            .add_row(["running".to_owned(), self.running.to_string()])
            .add_row(["pending".to_owned(), self.pending.to_string()])
            .add_row(["most running".to_owned(), self.peak_running.to_string()])
            .add_row(["seconds".to_owned(), format!("{:.2}", self.seconds)])
            .add_row([
                "commits".to_owned(),
                format!("{} ({speed:.0} a second)", self.commits),
            ])
            .add_row(["file".to_owned(), size(self.file_bytes)])
            .add_row([
                "placements".to_owned(),
                format!("sha256 {}", self.placements_sha256),
            ]);
        table
    }
}

/// SHA-256 over a line for each placement, in the order in which they were made: the order of their key.
fn placements_sha256(snapshot: &Snapshot) -> String {
    let mut hash = Sha256::new();
    for Placement {
        time, pod, node, ..
    } in snapshot.list(Placement::ALL).map(|row| &**row)
    {
        hash.update(format!("{time} {pod} {node}\n"));
    }
    hex(&hash.finalize())
}

/// How many pods of each class were placed. A row is counted under each of its labels: the index is an `each` index.
fn classes(snapshot: &Snapshot) -> Table {
    let labels: BTreeSet<&String> = snapshot
        .list(Placement::BY_LABELS.starts_with("qos="))
        .flat_map(|placement| &placement.labels)
        .collect();
    let mut table = plain();
    table.set_header(["class", "pods placed"]);
    for label in labels {
        let placed = snapshot.count(Placement::BY_LABELS.eq(label));
        table.add_row([label.clone(), placed.to_string()]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}

fn size(bytes: u64) -> String {
    match bytes {
        0 => "none: in memory".to_owned(),
        _ => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    }
}
