//! What opening a file costs: one that was closed, and one whose process was killed with a journal half full; and beside it what the parts cost alone, on one thread.
//!
//! ```sh
//! cargo bench --bench load -- [--rows N] [--rounds N] [--threads N] [--dir FOLDER] [--json]
//! ```
//!
//! The rows are those of `sapwood-peers memory`: tasks with three indexes. The files are in the system's cache. Each is opened by a process of its own, as it is in life:
//! one whose memory was used and freed before takes much longer.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark that cannot go on ends"
)]

use std::fs;
use std::hint::black_box;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use sapwood::__private::{KeyBuf, KeySet};
use sapwood::pagefile::{Options, ReadTxn};
use sapwood::{Builder, Database, Durability, Key, Table};
use serde::{Deserialize, Serialize};

mod support;
use support::{Figures, Random};

#[derive(Parser)]
struct Arguments {
    /// Rows in the table.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Rounds in which all are measured in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Threads that load; as many as there are cores unless said.
    #[arg(long)]
    threads: Option<usize>,
    /// Where the files are.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Figures for programs.
    #[arg(long)]
    json: bool,
    /// Opens this file, says how many seconds that takes, and does nothing else.
    #[arg(long, hide = true)]
    open: Option<PathBuf>,
    /// As cargo calls it.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Key, Clone, Copy, Debug, Serialize, Deserialize)]
enum Status {
    Pending,
    Running,
    Lost,
    Done,
}

#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(index(by_job_status, on(job, status)))]
struct Task {
    #[key]
    id: String,
    #[index]
    node: String,
    job: String,
    status: Status,
    cpu: u32,
    labels: Vec<(String, String)>,
}

/// 50 rows of a node, 100 of a job.
fn task(rows: usize, random: &mut Random) -> Task {
    use Status::{Done, Lost, Pending, Running};
    Task {
        id: random.id(),
        node: format!("node-{:06}", random.below((rows / 50).max(1))),
        job: format!("job-{:06}", random.below((rows / 100).max(1))),
        status: [Pending, Running, Lost, Done][random.below(4)],
        cpu: random.below(4000) as u32,
        labels: vec![
            ("zone".to_owned(), format!("zone-{}", random.below(8))),
            ("team".to_owned(), format!("team-{:03}", random.below(300))),
        ],
    }
}

fn builder() -> Builder {
    Database::builder().table::<Task>()
}

/// A file that was closed, in which nothing is but the rows.
fn make_closed(path: &Path, rows: usize) {
    let db = builder().durability(Durability::Checkpoint).open(path);
    let db = db.unwrap();
    let mut random = Random(17);
    db.write(|tx| (0..rows).try_for_each(|_| tx.insert(task(rows, &mut random)).map(drop)))
        .unwrap();
    db.close().unwrap();
}

/// The same with commits of ten changed rows behind it, until nearly half of the journal is full; as it is without a close. Gives the bytes in the journal.
fn make_killed(closed: &Path, path: &Path, rows: usize) -> u64 {
    let work = path.with_extension("work");
    fs::copy(closed, &work).unwrap();
    let hour = Duration::from_secs(3600);
    let db = builder().checkpoint_within(hour).open(&work).unwrap();
    let ids: Vec<String> = (db.snapshot().list(Task::ALL))
        .map(|task| task.id.clone())
        .collect();
    let mut random = Random(23);
    let mut journal = 0;
    for _ in 0..20_000 {
        db.write(|tx| {
            (0..10).try_for_each(|_| {
                let id = ids[random.below(ids.len())].clone();
                tx.put(Task {
                    id,
                    ..task(rows, &mut random)
                })
                .map(drop)
            })
        })
        .unwrap();
        journal = db.counters().disk.unwrap().journal_bytes;
        if journal > 7 << 19 {
            break;
        }
    }
    fs::copy(&work, path).unwrap();
    drop(db);
    fs::remove_file(&work).unwrap();
    journal
}

/// What the parts cost alone.
fn parts(path: &Path, figures: &mut Figures, rows: usize) {
    let took = |begun: Instant| begun.elapsed().as_nanos() as f64 / rows as f64;
    let begun = Instant::now();
    let file = Options::new().read_only(true).open(path).unwrap();
    let read = file.begin_read();
    let sum: usize = entries(&read).map(|(key, row)| key.len() + row.len()).sum();
    black_box(sum);
    figures.add("read and verify pages", "ns", "a row", took(begun));
    let stored: Vec<Vec<u8>> = entries(&read).map(|(_, row)| row).collect();
    let begun = Instant::now();
    let tasks: Vec<Task> = (stored.iter())
        .map(|row| Task::decode_row(&row[16..]).unwrap())
        .collect();
    figures.add("decode", "ns", "a row", took(begun));
    let begun = Instant::now();
    let mut keys: Vec<Vec<(Box<[u8]>, u32)>> = vec![Vec::new(); 2];
    let mut set = KeySet::default();
    let mut primary = KeyBuf::new();
    for (task, number) in tasks.iter().zip(0..) {
        primary.clear();
        task.encode_key(&mut primary);
        for (index, keys) in (1..).zip(&mut keys) {
            set.reset(&primary);
            task.encode_index_keys(index, &mut set);
            keys.extend(set.iter().map(|key| (Box::from(key), number)));
        }
    }
    figures.add("make keys", "ns", "a row", took(begun));
    let begun = Instant::now();
    for keys in &mut keys {
        keys.sort_unstable();
    }
    figures.add("sort them by comparison", "ns", "a row", took(begun));
    black_box(keys);
    let begun = Instant::now();
    let db = builder().in_memory().unwrap();
    db.write(|tx| {
        tasks
            .into_iter()
            .try_for_each(|task| tx.insert(task).map(drop))
    })
    .unwrap();
    figures.add("insert them one by one", "ns", "a row", took(begun));
}

fn entries(read: &ReadTxn) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let rows = read.bucket("rows:task").unwrap().unwrap();
    rows.iter().map(|entry| {
        let (key, row) = entry.unwrap();
        (key.to_vec(), row.to_vec())
    })
}

/// Opens a file in this process. The seconds that takes.
fn open(path: &Path, rows: usize, threads: usize) -> f64 {
    let begun = Instant::now();
    let db = builder().load_threads(threads).open(path).unwrap();
    let time = begun.elapsed();
    assert_eq!(db.snapshot().count(Task::ALL), rows);
    // What is freed is no part of it.
    std::mem::forget(db);
    time.as_secs_f64()
}

/// The same in a process of its own, with a copy of the file.
fn open_apart(path: &Path, rows: usize, threads: usize) -> f64 {
    let copy = path.with_extension("copy");
    fs::copy(path, &copy).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let [rows, threads] = [rows, threads].map(|number| number.to_string());
    let child = child.args(["--rows", &rows, "--threads", &threads]);
    let child = child.arg("--open").arg(&copy);
    let output = child.output().unwrap();
    fs::remove_file(copy).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap()
}

fn main() {
    let Arguments {
        rows,
        rounds,
        dir,
        threads,
        json,
        open: only,
        ..
    } = Arguments::parse();
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.unwrap_or(cores);
    if let Some(path) = only {
        return println!("{}", open(&path, rows, threads));
    }
    let dir = tempfile::tempdir_in(dir).unwrap();
    let [closed, killed] = ["closed", "killed"].map(|name| dir.path().join(name));
    make_closed(&closed, rows);
    let journal = make_killed(&closed, &killed, rows);
    let mut figures = Figures::new("Opening, in ns a row", &["a row"]);
    let mut rates = Figures::new("Opening, in thousands of rows a second", &["rows"]);
    for _ in 0..rounds {
        for (name, path, threads) in [
            ("closed file", &closed, threads),
            ("killed file", &killed, threads),
            ("closed file, one thread", &closed, 1),
        ] {
            let seconds = open_apart(path, rows, threads);
            figures.add(name, "ns", "a row", seconds * 1e9 / rows as f64);
            rates.add(name, "1000/s", "rows", rows as f64 / seconds / 1e3);
        }
        parts(&closed, &mut figures, rows);
    }
    if !json {
        println!("{rows} rows; {journal} bytes in the journal of the killed file");
    }
    figures.print();
    rates.print();
}
