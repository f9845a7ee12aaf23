//! The ten hottest operations, each in a function of its own, so that callgrind counts their instructions apart from the setup and from each other.
//!
//! Run by `scripts/instructions.sh`, which compares the counts with those in `instructions.txt`. Everything is the same in each run: rows, order,
//! number of operations ([`OPERATIONS`] in each function, or one for each row in `full_scan`).

mod support;

use std::hint::black_box;

use sapwood::{Database, Key, Snapshot, Table};
use serde::{Deserialize, Serialize};
use support::Random;

const ROWS: usize = 20_000;
const NODES: usize = ROWS / 50;
const JOBS: usize = ROWS / 100;
/// In `instructions.sh`, too.
const OPERATIONS: usize = 1_000;

#[derive(Key, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Status {
    Pending,
    Running,
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
}

fn task(id: String, random: &mut Random) -> Task {
    Task {
        id,
        node: node(random.below(NODES)),
        job: job(random.below(JOBS)),
        status: Status::Pending,
        cpu: random.below(4_000) as u32,
    }
}

fn node(number: usize) -> String {
    format!("node-{number:06}")
}

fn job(number: usize) -> String {
    format!("job-{number:06}")
}

fn write<R>(
    db: &Database,
    change: impl FnOnce(&mut sapwood::WriteTxn) -> Result<R, sapwood::Error>,
) {
    db.write(change).expect("written");
}

#[inline(never)]
fn point_read(snapshot: &Snapshot, ids: &[String]) -> u64 {
    let rows = ids.iter().filter_map(|id| snapshot.get::<Task>(id));
    rows.map(|task| u64::from(task.cpu)).sum()
}

#[inline(never)]
fn snapshot_and_point_read(db: &Database, ids: &[String]) -> u64 {
    let cpu = |id: &String| db.snapshot().get::<Task>(id).map(|task| task.cpu);
    ids.iter().filter_map(cpu).map(u64::from).sum()
}

/// About 50 rows each.
#[inline(never)]
fn list_by_node(snapshot: &Snapshot, nodes: &[String]) -> u64 {
    let rows = nodes
        .iter()
        .flat_map(|node| snapshot.list(Task::BY_NODE.eq(node)));
    rows.map(|task| u64::from(task.cpu)).sum()
}

#[inline(never)]
fn count_by_prefix(snapshot: &Snapshot, jobs: &[String]) -> usize {
    let counts = jobs
        .iter()
        .map(|job| snapshot.count(Task::BY_JOB_STATUS.prefix(job)));
    counts.sum()
}

#[inline(never)]
fn full_scan(snapshot: &Snapshot) -> u64 {
    snapshot
        .list(Task::ALL)
        .map(|task| u64::from(task.cpu))
        .sum()
}

#[inline(never)]
fn update_of_no_indexed_field(db: &Database, ids: &[String]) {
    for id in ids {
        write(db, |tx| tx.update::<Task>(id, |task| task.cpu += 1));
    }
}

#[inline(never)]
fn update_of_an_indexed_field(db: &Database, ids: &[String]) {
    for id in ids {
        let running = |task: &mut Task| {
            task.status = match task.status {
                Status::Pending => Status::Running,
                Status::Running => Status::Done,
                Status::Done => Status::Pending,
            };
        };
        write(db, |tx| tx.update::<Task>(id, running));
    }
}

#[inline(never)]
fn insert(db: &Database, tasks: Vec<Task>) {
    for task in tasks {
        write(db, |tx| tx.insert(task));
    }
}

#[inline(never)]
fn remove(db: &Database, ids: &[String]) {
    for id in ids {
        write(db, |tx| tx.remove::<Task>(id));
    }
}

#[inline(never)]
fn watch_update_and_wake(db: &Database, ids: &[String]) {
    for id in ids {
        let watch = db.snapshot().watch(Task::BY_ID.eq(id));
        write(db, |tx| tx.update::<Task>(id, |task| task.cpu += 1));
        watch.wait().expect("open");
    }
}

fn main() {
    let mut random = Random(23);
    let db = Database::builder()
        .table::<Task>()
        .in_memory()
        .expect("a database");
    let ids: Vec<String> = (0..ROWS).map(|_| random.id()).collect();
    write(&db, |tx| {
        let mut ids = ids.iter();
        ids.try_for_each(|id| tx.insert(task(id.clone(), &mut random)).map(drop))
    });
    let picks = |count: usize, random: &mut Random| -> Vec<String> {
        (0..count)
            .map(|_| ids[random.below(ROWS)].clone())
            .collect()
    };
    let nodes: Vec<String> = (0..OPERATIONS).map(|_| node(random.below(NODES))).collect();
    let jobs: Vec<String> = (0..OPERATIONS).map(|_| job(random.below(JOBS))).collect();
    let new: Vec<String> = (0..OPERATIONS).map(|_| random.id()).collect();
    let tasks = new.iter().map(|id| task(id.clone(), &mut random));
    let tasks: Vec<Task> = tasks.collect();
    // As in a program that has run for a while: what the first writes have to set up is there.
    update_of_rows(&db, &picks(OPERATIONS, &mut random));

    let picked = picks(OPERATIONS, &mut random);
    let snapshot = db.snapshot();
    black_box(point_read(&snapshot, &picked));
    black_box(snapshot_and_point_read(&db, &picked));
    black_box(list_by_node(&snapshot, &nodes));
    black_box(count_by_prefix(&snapshot, &jobs));
    black_box(full_scan(&snapshot));
    drop(snapshot);
    update_of_no_indexed_field(&db, &picked);
    update_of_an_indexed_field(&db, &picked);
    insert(&db, tasks);
    remove(&db, &new);
    watch_update_and_wake(&db, &picked);
}

/// Updates that are not counted.
#[inline(never)]
fn update_of_rows(db: &Database, ids: &[String]) {
    for id in ids {
        write(db, |tx| tx.update::<Task>(id, |task| task.cpu += 1));
    }
}
