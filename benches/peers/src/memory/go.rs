//! The peers in Go: a program beside this one (`benches/peers/go`), which is told each round to begin, so that its rounds lie between ours.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use super::rounds::Scale;
use super::samples::{Measure, Samples};
use super::weigh as weighing;
use crate::Failure;

pub(super) const STORES: [&str; 2] = ["go-memdb", "statedb"];

/// One figure, as the program prints it.
#[derive(Deserialize)]
struct Line {
    store: String,
    workload: String,
    metric: String,
    unit: String,
    value: f64,
}

/// Builds the program; `None`, with a word about it, where there is no Go.
pub(super) fn build(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/go");
    if let Err(error) = Command::new("go").arg("version").output() {
        eprintln!("go-memdb and statedb are left out: no Go here ({error})");
        return Ok(None);
    }
    let program = folder.join("go-peers");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(sources)
        .status()?;
    if !status.success() {
        eprintln!("go-memdb and statedb are left out: their program does not build");
        return Ok(None);
    }
    Ok(Some(program))
}

/// The program with its databases loaded.
pub(super) struct Peers {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peers {
    /// With these stores.
    pub(super) fn start(
        program: &Path,
        data: &Path,
        scale: Scale,
        stores: &[&str],
    ) -> Result<Self, Failure> {
        let mut child = Command::new(program)
            .arg("bench")
            .arg(data)
            .args([scale.reads, scale.updates, scale.bulk_inserts].map(|number| number.to_string()))
            .arg(scale.enough.as_millis().to_string())
            .arg(stores.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or("the Go program has no output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// The lines up to `done` of what is asked.
    fn ask(&mut self, question: &str) -> Result<Vec<String>, Failure> {
        let input = self.input.as_mut().ok_or("the Go program has no input")?;
        writeln!(input, "{question}")?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(format!("the Go program ended at \"{question}\"").into());
            }
            if line.trim() == "done" {
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    /// What [`Bench::digest`](super::rounds::Bench::digest) gives, of each store.
    pub(super) fn digests(&mut self) -> Result<Vec<Vec<u64>>, Failure> {
        let lines = self.ask("digest")?;
        let numbers = |line: &String| line.split_whitespace().map(str::parse).collect();
        Ok(lines.iter().map(numbers).collect::<Result<_, _>>()?)
    }

    pub(super) fn round(&mut self, number: usize, samples: &mut Samples) -> Result<(), Failure> {
        for line in self.ask(&format!("round {number}"))? {
            let line: Line = serde_json::from_str(&line)?;
            let measure = Measure::new(line.workload, line.metric, line.unit);
            samples.add(line.store, measure, line.value);
        }
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), Failure> {
        drop(self.input.take());
        self.child.wait()?;
        Ok(())
    }
}

pub(super) fn weigh(
    program: &Path,
    data: &Path,
    stores: &[&'static str],
    samples: &mut Samples,
) -> Result<(), Failure> {
    for store in stores {
        let data = data.display().to_string();
        let arguments = |stage: &str| {
            let words = ["weigh", &data, store, stage];
            words.map(str::to_owned).to_vec()
        };
        weighing::all(store, program, arguments, samples)?;
    }
    Ok(())
}
