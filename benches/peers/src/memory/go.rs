//! The peers in Go, which are told each round to begin, so that their rounds lie between ours.

use std::path::Path;
use std::process::Command;

use super::rounds::Scale;
use super::weigh as weighing;
use crate::Failure;
use crate::child::Child;
use crate::samples::Samples;

pub(super) const STORES: [&str; 2] = ["go-memdb", "statedb"];

/// The program with its databases loaded.
pub(super) struct Peers(Child);

impl Peers {
    /// With these stores.
    pub(super) fn start(
        program: &Path,
        data: &Path,
        scale: Scale,
        stores: &[&str],
    ) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command
            .arg("bench")
            .arg(data)
            .args([scale.picks, scale.updates, scale.bulk_inserts].map(|number| number.to_string()))
            .arg(scale.enough.as_millis().to_string())
            .arg(stores.join(","));
        Ok(Self(Child::start(&mut command)?))
    }

    /// What [`Bench::digest`](super::rounds::Bench::digest) gives, of each store.
    pub(super) fn digests(&mut self) -> Result<Vec<Vec<u64>>, Failure> {
        let lines = self.0.ask("digest")?;
        let numbers = |line: &String| line.split_whitespace().map(str::parse).collect();
        Ok(lines.iter().map(numbers).collect::<Result<_, _>>()?)
    }

    pub(super) fn round(&mut self, number: usize, samples: &mut Samples) -> Result<(), Failure> {
        for line in self.0.figures(&format!("round {number}"))? {
            samples.add_line(line);
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<(), Failure> {
        self.0.end()
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
