//! Several threads commit to a file until their process is killed: every commit that was acknowledged is there when the file is opened again, and no transaction in part.
//!
//! `SAPWOOD_KILL_ROUNDS` asks for more rounds than a few; scripts/kill-writers.sh runs 200.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use sapwood::{Database, Durability, Table};
use serde::{Deserialize, Serialize};

/// How far a thread has got: two rows of each thread always say the same.
#[derive(Table, Clone, Debug, Serialize, Deserialize)]
#[table(name = "steps", key(thread, half))]
struct Step {
    thread: u32,
    half: bool,
    number: u64,
    #[index]
    parity: bool,
}

const THREADS: u32 = 4;

fn open(path: &Path) -> Database {
    let db = Database::builder().table::<Step>();
    // So short that there are checkpoints all the time.
    let db = db.journal_size(64 << 10).durability(Durability::Immediate);
    db.open(path).unwrap()
}

/// What the process does that is killed: a line for each commit that was acknowledged.
fn write(path: &Path) {
    let db = open(path);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let db = &db;
            scope.spawn(move || {
                let first = db
                    .snapshot()
                    .get::<Step>((thread, true))
                    .map_or(0, |s| s.number);
                for number in first + 1.. {
                    let mut tx = db.begin_write().unwrap();
                    for half in [false, true] {
                        let parity = number % 2 == 0;
                        tx.put(Step {
                            thread,
                            half,
                            number,
                            parity,
                        })
                        .unwrap();
                    }
                    tx.commit().unwrap();
                    let line = format!("{thread} {number}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Not a test by itself: the process that is killed.
#[test]
fn the_process_that_is_killed() {
    if let Some(path) = std::env::var_os("SAPWOOD_KILL_PATH") {
        write(Path::new(&path));
    }
}

#[test]
fn a_killed_process_loses_no_acknowledged_commit() {
    let rounds = std::env::var("SAPWOOD_KILL_ROUNDS");
    let rounds: u64 = rounds.map_or(6, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.sap");
    let mut acknowledged: BTreeMap<u32, u64> = BTreeMap::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["the_process_that_is_killed", "--exact", "--nocapture"])
            .env("SAPWOOD_KILL_PATH", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: &str| {
            let mut words = line.split(' ').map(str::parse::<u64>);
            if let (Some(Ok(thread)), Some(Ok(number)), None) =
                (words.next(), words.next(), words.next())
            {
                let last = acknowledged.entry(thread as u32).or_default();
                *last = number.max(*last);
            }
        };
        // Some commits, and then a moment of chance.
        for line in lines.by_ref().take(20 + round as usize % 50) {
            note(&line.unwrap());
        }
        thread::sleep(Duration::from_micros(round * 7919 % 20_000));
        child.kill().unwrap();
        // The last line may be cut.
        lines.map_while(Result::ok).for_each(|line| note(&line));
        child.wait().unwrap();
        let db = open(&path);
        let snapshot = db.snapshot();
        for thread in 0..THREADS {
            let number = |half| snapshot.get::<Step>((thread, half)).map_or(0, |s| s.number);
            let last = acknowledged.get(&thread).copied().unwrap_or(0);
            assert_eq!(number(false), number(true), "round {round}: half a commit");
            assert!(
                number(true) >= last,
                "round {round}: {} < {last}",
                number(true)
            );
        }
        assert_eq!(
            snapshot.count(Step::BY_PARITY.all()),
            snapshot.count(Step::ALL)
        );
        // Every second time, it is as the kill left it that the next process finds the file.
        if round % 2 == 0 {
            db.close().unwrap();
        } else {
            std::mem::forget(db);
            let copy = dir.path().join("copy.sap");
            std::fs::copy(&path, &copy).unwrap();
            std::fs::rename(&copy, &path).unwrap();
        }
    }
    let commits: u64 = acknowledged.values().sum();
    println!("kills: {rounds}, acknowledged commits: {commits}, lost: 0");
}
