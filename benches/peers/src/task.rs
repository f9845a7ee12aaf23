//! The rows: tasks of a scheduler, the same for every store and language.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use sapwood::{Key, Table};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::data::Random;
use crate::text::{Labels, Text};

/// Rows of a node; there are as many nodes as that takes.
pub(crate) const ROWS_OF_NODE: usize = 50;
/// Rows of a job, a quarter of them in each status.
pub(crate) const ROWS_OF_JOB: usize = 100;

#[derive(Key, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Status {
    Pending,
    Running,
    Lost,
    Done,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Lost, Self::Done];

    pub(crate) fn pick(random: &mut Random) -> Self {
        Self::ALL[random.below(4)]
    }
}

#[derive(Table, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[table(index(by_job_status, on(job, status)))]
pub(crate) struct Task {
    #[key]
    pub(crate) id: Text,
    #[index]
    pub(crate) node: Text,
    pub(crate) job: Text,
    pub(crate) status: Status,
    pub(crate) cpu: u32,
    pub(crate) labels: Labels,
}

/// What an update changes: a field that is in no index, or one that is.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    Cpu(u32),
    Status(Status),
}

impl Change {
    pub(crate) fn make(self, task: &mut Task) {
        match self {
            Self::Cpu(cpu) => task.cpu = cpu,
            Self::Status(status) => task.status = status,
        }
    }
}

/// The rows of a run, made one by one, so that nothing else lies in memory beside them.
pub(crate) struct Tasks {
    random: Random,
    left: usize,
    pub(crate) nodes: usize,
    pub(crate) jobs: usize,
}

pub(crate) fn node(number: usize) -> String {
    format!("node-{number:06}")
}

pub(crate) fn job(number: usize) -> String {
    format!("job-{number:06}")
}

impl Tasks {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            random: Random(17),
            left: rows,
            nodes: (rows / ROWS_OF_NODE).max(1),
            jobs: (rows / ROWS_OF_JOB).max(1),
        }
    }

    /// One line for each row, with tabs between the fields: id, node, job, status, cpu, and each label's name and value.
    pub(crate) fn write(self, path: &Path) -> Result<(), Failure> {
        let mut file = BufWriter::new(File::create(path)?);
        for task in self {
            let Task {
                id,
                node,
                job,
                status,
                cpu,
                labels,
            } = task;
            write!(file, "{id}\t{node}\t{job}\t{}\t{cpu}", status as u8)?;
            for (name, value) in &*labels {
                write!(file, "\t{name}\t{value}")?;
            }
            writeln!(file)?;
        }
        Ok(file.flush()?)
    }
}

impl Iterator for Tasks {
    type Item = Task;

    fn next(&mut self) -> Option<Task> {
        self.left = self.left.checked_sub(1)?;
        let random = &mut self.random;
        Some(Task {
            id: random.id().into(),
            node: node(random.below(self.nodes)).into(),
            job: job(random.below(self.jobs)).into(),
            status: Status::pick(random),
            cpu: random.below(4000) as u32,
            labels: [
                ("zone".into(), format!("zone-{}", random.below(8)).into()),
                (
                    "team".into(),
                    format!("team-{:03}", random.below(300)).into(),
                ),
            ]
            .into(),
        })
    }
}

/// What a round works on, copied, so that looking at the rows for it costs no store anything. The Go program draws the same numbers.
pub(crate) struct Picks {
    pub(crate) ids: Vec<String>,
    pub(crate) nodes: Vec<String>,
    pub(crate) jobs: Vec<(String, Status)>,
}

impl Picks {
    /// `count` ids, and a quarter as many nodes and jobs.
    pub(crate) fn new(ids: &[String], count: usize, random: &mut Random) -> Self {
        let all = Tasks::new(ids.len());
        let picked = (0..count).map(|_| ids[random.below(ids.len())].clone());
        let picked = picked.collect();
        let nodes = (0..count / 4).map(|_| node(random.below(all.nodes)));
        let nodes = nodes.collect();
        let jobs = (0..count / 4).map(|_| (job(random.below(all.jobs)), Status::pick(random)));
        let jobs = jobs.collect();
        Self {
            ids: picked,
            nodes,
            jobs,
        }
    }
}
