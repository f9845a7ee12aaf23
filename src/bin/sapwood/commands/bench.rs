//! `sapwood bench`: how quick a page file is on the disk at hand.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};

use clap::Args;
use indicatif::ProgressBar;
use sapwood::pagefile::{Error, PageFile};
use serde::Serialize;

use crate::{
    context::Context,
    failure::{Failure, Verdict},
    output::{Output, print_json},
    progress,
    size::size,
    table::table,
};

/// Measure loading, commits of one and of a hundred rows, and random reads, in a temporary file in a folder
#[derive(Args, Debug)]
pub struct Bench {
    /// The folder, on the disk that is to be measured
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// How many rows are loaded
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rows: u64,

    /// The length of their values, in bytes; their keys have 24
    #[arg(long, value_name = "BYTES", default_value_t = 150, value_parser = clap::value_parser!(u32).range(0..=1 << 20))]
    value_size: u32,

    /// How many commits of each kind
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    commits: u64,

    /// How many reads
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    reads: u64,
}

#[derive(Serialize)]
struct Facts {
    rows: u64,
    value_size: u32,
    measured: Vec<Row>,
    file_bytes: u64,
}

#[derive(Serialize)]
struct Row {
    what: &'static str,
    /// How often it was done.
    count: u64,
    seconds: f64,
    /// The median and the 99th percentile, in microseconds; not of the load, which is one.
    median_micros: Option<f64>,
    p99_micros: Option<f64>,
    /// For each time.
    bytes_written: u64,
    syncs: f64,
}

/// Removes the file when dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // One that cannot be removed costs space and no data.
        let _ = fs::remove_file(&self.0);
    }
}

impl Bench {
    pub fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        if !self.folder.is_dir() {
            let folder = self.folder.display();
            return Err(Failure::Usage(format!("{folder}: it is no folder")));
        }
        let path = self
            .folder
            .join(format!("sapwood-bench-{}.tmp", process::id()));
        let path = Temporary(path);
        let facts = self.measure(&path.0).map_err(Failure::of(&self.folder))?;
        if context.json {
            print_json(&facts)?;
            return Ok(Verdict::Fine);
        }
        let head = [
            "",
            "count",
            "a second",
            "median µs",
            "p99 µs",
            "written each",
            "syncs each",
        ];
        let mut table = table(head, 1);
        for row in &facts.measured {
            let micros = |micros: Option<f64>| micros.map_or("-".to_owned(), |m| format!("{m:.1}"));
            table.add_row([
                row.what.to_owned(),
                row.count.to_string(),
                format!("{:.0}", row.count as f64 / row.seconds.max(f64::EPSILON)),
                micros(row.median_micros),
                micros(row.p99_micros),
                size(row.bytes_written),
                format!("{:.2}", row.syncs),
            ]);
        }
        let mut out = Output::new();
        out.line(table.to_string())?;
        out.line(format!(
            "{} rows, file of {}",
            facts.rows,
            size(facts.file_bytes)
        ))?;
        out.finish()?;
        Ok(Verdict::Fine)
    }

    fn measure(&self, path: &Path) -> Result<Facts, Error> {
        let steps = self.rows + 2 * self.commits + self.reads;
        let bar = progress::steps(Some(steps), "steps");
        let file = PageFile::open(path)?;
        let mut measured = vec![self.load(&file, &bar)?];
        for (what, rows) in [("commit of 1 row", 1), ("commit of 100 rows", 100)] {
            let mut seed = rows;
            measured.push(timed(&file, what, self.commits, &bar, || {
                file.update(|tx| {
                    let mut bucket = tx.bucket_or_create("bench")?;
                    for _ in 0..rows {
                        seed += 1;
                        bucket.put(key(mixed(seed) % self.rows), self.value(seed))?;
                    }
                    Ok(())
                })
            })?);
        }
        let read = file.begin_read();
        let bucket = read.bucket("bench")?;
        let mut seed = 0;
        measured.push(timed(&file, "random read", self.reads, &bar, || {
            seed += 1;
            let key = key(mixed(seed) % self.rows);
            bucket.map(|bucket| bucket.get(key)).transpose().map(drop)
        })?);
        bar.finish_and_clear();
        Ok(Facts {
            rows: self.rows,
            value_size: self.value_size,
            measured,
            file_bytes: file.stats().file_bytes,
        })
    }

    /// All rows, in one commit for every hundred thousand.
    fn load(&self, file: &PageFile, bar: &ProgressBar) -> Result<Row, Error> {
        let before = file.stats();
        let start = Instant::now();
        let mut next = 0;
        while next < self.rows {
            file.update(|tx| {
                let mut bucket = tx.bucket_or_create("bench")?;
                let end = self.rows.min(next + 100_000);
                for row in next..end {
                    bucket.put(key(row), self.value(row))?;
                    bar.inc(1);
                }
                next = end;
                Ok::<_, Error>(())
            })?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let after = file.stats();
        Ok(Row {
            what: "loaded row",
            count: self.rows,
            seconds,
            median_micros: None,
            p99_micros: None,
            bytes_written: (after.bytes_written - before.bytes_written) / self.rows,
            syncs: (after.syncs - before.syncs) as f64 / self.rows as f64,
        })
    }

    fn value(&self, seed: u64) -> Vec<u8> {
        let mut value = vec![0; self.value_size as usize];
        for (word, at) in value.chunks_mut(8).zip(seed..) {
            let bytes = mixed(at).to_le_bytes();
            word.copy_from_slice(&bytes[..word.len()]);
        }
        value
    }
}

/// Does something so many times.
fn timed(
    file: &PageFile,
    what: &'static str,
    count: u64,
    bar: &ProgressBar,
    mut step: impl FnMut() -> Result<(), Error>,
) -> Result<Row, Error> {
    let before = file.stats();
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        step()?;
        times.push(start.elapsed());
        bar.inc(1);
    }
    let after = file.stats();
    let seconds: Duration = times.iter().sum();
    times.sort_unstable();
    let micros = |share: usize| {
        let at = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(at).map(|time| time.as_secs_f64() * 1e6)
    };
    Ok(Row {
        what,
        count,
        seconds: seconds.as_secs_f64(),
        median_micros: micros(50),
        p99_micros: micros(99),
        bytes_written: (after.bytes_written - before.bytes_written) / count,
        syncs: (after.syncs - before.syncs) as f64 / count as f64,
    })
}

/// 24 bytes in no order of their numbers.
fn key(row: u64) -> String {
    format!("{:016x}{row:08x}", mixed(row))
}

/// The finish of `SplitMix64`, by Steele, Lea and Flood: a permutation.
fn mixed(number: u64) -> u64 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
