//! A process that is told what to do line by line, and answers with lines of figures and then `done`.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::Failure;

/// One figure, as a process prints it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) store: String,
    pub(crate) workload: String,
    pub(crate) metric: String,
    pub(crate) unit: String,
    pub(crate) value: f64,
}

/// The process.
pub(crate) struct Child {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let output = output.ok_or("a process without an output")?;
        Ok(Self {
            process,
            input,
            output: BufReader::new(output),
        })
    }

    /// The lines up to `done` of what is asked.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Vec<String>, Failure> {
        let input = self.input.as_mut().ok_or("a process without an input")?;
        writeln!(input, "{question}")?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(format!("a process ended at \"{question}\"").into());
            }
            if line.trim() == "done" {
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    /// The same, where figures are the answer.
    pub(crate) fn figures(&mut self, question: &str) -> Result<Vec<Line>, Failure> {
        let lines = self.ask(question)?;
        let figures = lines.iter().map(|line| serde_json::from_str(line));
        Ok(figures.collect::<Result<_, _>>()?)
    }

    /// Lets it end, and waits for that.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        drop(self.input.take());
        self.process.wait()?;
        Ok(())
    }
}
