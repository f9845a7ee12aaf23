//! Every job is done, and its effect happens once, whoever dies.

use std::{fs, process::Stdio, thread, time::Duration};

use serde_json::Value;

use crate::program::{example, json, refuses, success};

fn sum(outcome: &Value, figure: &str) -> u64 {
    let workers = outcome["workers"].as_array().unwrap().iter();
    workers.map(|worker| worker[figure].as_u64().unwrap()).sum()
}

/// That all of so many jobs are done, each once, and by whom.
fn check(outcome: &Value, jobs: u64) {
    for figure in ["jobs", "done", "receipts"] {
        assert_eq!(outcome[figure], jobs, "{figure}");
    }
    assert_eq!(sum(outcome, "finished"), jobs);
    assert_eq!(outcome["attempts"], sum(outcome, "taken"));
}

fn dead(outcome: &Value) -> usize {
    let workers = outcome["workers"].as_array().unwrap().iter();
    workers.filter(|worker| worker["died"] == true).count()
}

/// Jobs whose workers die or come too late are taken once more, and their effects are there once.
#[test]
fn crashes_and_late_workers_do_no_harm() {
    let outcome = json(
        "work_queue",
        &[
            "--jobs",
            "40",
            "--crashes",
            "5",
            "--hangs",
            "3",
            "--work",
            "5",
            "--lease",
            "150",
        ],
    );
    check(&outcome, 40);
    assert_eq!(dead(&outcome), 5);
    // More, if the machine keeps a worker from renewing in time.
    assert!(sum(&outcome, "lost") >= 3);
    assert!(outcome["attempts"].as_u64().unwrap() >= 48);
}

/// A job that takes longer than a lease is done all the same: the lease is renewed. If it were not, this would never end.
#[test]
fn leases_are_renewed() {
    let outcome = json(
        "work_queue",
        &[
            "--jobs",
            "2",
            "--crashes",
            "0",
            "--hangs",
            "0",
            "--work",
            "700",
            "--lease",
            "210",
        ],
    );
    check(&outcome, 2);
    assert_eq!(dead(&outcome), 0);
}

/// Killed at any moment, the queue goes on from its file, and no job is done twice or lost.
#[test]
fn a_killed_queue_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.sap");
    let file = file.to_str().unwrap();
    let mut options = vec![
        "--db", file, "--work", "10", "--lease", "100", "--jobs", "60",
    ];
    for after in [150, 60, 90] {
        let mut running = example("work_queue", &options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(after));
        running.kill().unwrap();
        running.wait().unwrap();
        // Where it was killed before the jobs were in the file, they are added by the next one.
        if jobs_in(file) > 0 {
            *options.last_mut().unwrap() = "0";
        }
    }
    check(&json("work_queue", &options), 60);
    // Jobs of a later run come behind them.
    check(&json("work_queue", &["--db", file, "--jobs", "4"]), 64);
}

/// How many jobs are in the file.
fn jobs_in(file: &str) -> usize {
    fs::metadata(file).map_or(0, |_| {
        // To look is to go on with it; a copy is not in the way.
        let copy = format!("{file}.copy");
        fs::copy(file, &copy).unwrap();
        let outcome = json("work_queue", &["--db", &copy, "--jobs", "0", "--work", "0"]);
        usize::try_from(outcome["jobs"].as_u64().unwrap()).unwrap()
    })
}

/// A table for people, and nothing to do is no work.
#[test]
fn a_table_for_people() {
    let text = success(
        &example("work_queue", &["--jobs", "6", "--lease", "50"])
            .output()
            .unwrap(),
    );
    assert!(
        text.contains("died") && text.contains("6 jobs done in "),
        "{text}"
    );
    check(&json("work_queue", &["--jobs", "0"]), 0);
}

/// A mistake is told in one line, and a file of something else is left as it is.
#[test]
fn mistakes_are_told() {
    refuses(
        "work_queue",
        &["--lease", "1"],
        "invalid value '1' for '--lease <MS>'",
    );
    refuses(
        "work_queue",
        &["--worker", "1"],
        "unexpected argument '--worker' found",
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "a shopping list").unwrap();
    let path = file.path().to_str().unwrap();
    refuses("work_queue", &["--db", path], path);
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "a shopping list");
}
