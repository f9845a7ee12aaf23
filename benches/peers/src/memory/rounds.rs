//! What each store does in a round, one after the other.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::stores::{Store, View};
use crate::data::Random;
use crate::samples::{Measure, Samples, nanoseconds, tidy};
use crate::task::{Change, Picks, Status, Task, Tasks};

/// How much is done in a round.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub(super) rows: usize,
    /// Ids to ask for, one after the other and over again; a quarter as many nodes and jobs. As many as there are rows: of fewer, the caches would hold more.
    pub(super) picks: usize,
    /// Updates, where their number counts and not the time.
    pub(super) updates: usize,
    /// An operation that takes longer is done less often; and so long, readers read beside a writer.
    pub(super) enough: Duration,
    pub(super) bulk_inserts: usize,
}

/// What the stores are given in one round.
pub(super) struct Round<'r> {
    pub(super) number: usize,
    pub(super) scale: Scale,
    pub(super) ids: &'r [String],
    pub(super) picks: Picks,
}

/// A store with its rows.
pub(super) trait Bench {
    /// What a few queries give, so that all stores can be held against each other.
    fn digest(&self, picks: &Picks, begin: &str) -> Vec<u64>;
    fn round(&self, round: &Round<'_>, samples: &mut Samples);
}

/// A store, loaded.
pub(super) struct Loaded<S>(pub(super) S);

/// The beginning of the names of a tenth of all jobs, or somewhat less.
pub(super) fn tenth_of_jobs(jobs: usize) -> String {
    let free = (jobs / 10).checked_ilog10().unwrap_or(0) as usize;
    format!("job-{}", "0".repeat(6 - free))
}

impl<S: Store> Bench for Loaded<S> {
    fn digest(&self, picks: &Picks, begin: &str) -> Vec<u64> {
        let view = self.0.view();
        let ids = picks.ids.iter().take(20).map(|id| view.get(id));
        let nodes = picks.nodes.iter().take(20).map(|node| view.of_node(node));
        let jobs = picks.jobs.iter().take(20);
        let jobs = jobs.flat_map(|(job, status)| {
            let both = view.of_job_and_status(job, *status);
            [both, view.of_job(job), view.count_of_job(job) as u64]
        });
        let mut digest = vec![ids.sum(), nodes.sum(), jobs.sum()];
        digest.extend([view.scan(), view.count_of_jobs(begin) as u64]);
        if let Some(sum) = view.scan_back() {
            assert_eq!(sum, digest[3], "{}: backwards", S::NAME);
        }
        digest
    }

    fn round(&self, round: &Round<'_>, samples: &mut Samples) {
        if round.number < round.scale.bulk_inserts {
            bulk_insert::<S>(round.scale.rows, samples);
        }
        self.reads(round, samples);
        self.scans(round, samples);
        self.updates(round, samples);
        self.beside_a_writer(round, samples);
    }
}

fn bulk_insert<S: Store>(rows: usize, samples: &mut Samples) {
    let tasks: Vec<Task> = Tasks::new(rows).collect();
    let store = S::new(true);
    tidy();
    let start = Instant::now();
    store.load(&mut tasks.into_iter());
    let taken = nanoseconds(start.elapsed(), rows);
    samples.add(S::NAME, Measure::ns("bulk insert", "a row"), taken);
}

impl<S: Store> Loaded<S> {
    fn reads(&self, round: &Round<'_>, samples: &mut Samples) {
        let Picks { ids, nodes, jobs } = &round.picks;
        let (store, name) = (&self.0, S::NAME);
        let view = store.view();
        // What the store before has left in the caches is nobody's merit.
        for id in ids {
            black_box(view.get(id));
        }
        samples.run(name, Measure::ns("point read", "read"), ids, |id| {
            view.get(id)
        });
        samples.run(name, Measure::ns("list by node", "list"), nodes, |node| {
            view.of_node(node)
        });
        let both = Measure::ns("list by job and status", "list");
        samples.run(name, both, jobs, |(job, status)| {
            view.of_job_and_status(job, *status)
        });
        let prefix = Measure::ns("list by job (compound prefix)", "list");
        samples.run(name, prefix, jobs, |(job, _)| view.of_job(job));
        let count = Measure::ns("count of a job", "count");
        samples.run(name, count, jobs, |(job, _)| view.count_of_job(job));
        let begin = tenth_of_jobs(Tasks::new(round.ids.len()).jobs);
        let tenth = Measure::ns("count of a tenth of all rows", "count");
        samples.run(name, tenth, jobs, |_| view.count_of_jobs(black_box(&begin)));
        drop(view);
        let fresh = Measure::ns("fresh snapshot (or lock) and point read", "read");
        samples.run(name, fresh, ids, |id| store.view().get(id));
    }

    fn scans(&self, round: &Round<'_>, samples: &mut Samples) {
        let (view, rows) = (self.0.view(), round.scale.rows);
        let scan = Measure::ns("full scan", "a row");
        samples.run_many(S::NAME, scan, rows, &[()], |()| view.scan());
        if view.scan_back().is_some() {
            let scan = Measure::ns("full scan, backwards", "a row");
            samples.run_many(S::NAME, scan, rows, &[()], |()| view.scan_back());
        }
    }

    fn updates(&self, round: &Round<'_>, samples: &mut Samples) {
        let (store, name) = (&self.0, S::NAME);
        let ids = &round.picks.ids;
        let mut random = Random(2_000 + round.number as u64);
        let update = Measure::ns("update, an indexed field", "update");
        samples.run(name, update, ids, |id| {
            let status = Status::pick(&mut random);
            store.update(std::slice::from_ref(id), Change::Status(status));
        });
        let update = Measure::ns("update, no indexed field", "update");
        samples.run(name, update, ids, |id| {
            let cpu = random.below(4000) as u32;
            store.update(std::slice::from_ref(id), Change::Cpu(cpu));
        });
        let hundreds: Vec<&[String]> = ids.chunks_exact(100).collect();
        let update = Measure::new("update of 100 rows, an indexed field", "update", "ns");
        samples.run(name, update, &hundreds, |ids| {
            store.update(ids, Change::Status(Status::pick(&mut random)));
        });
        let change = Change::Cpu(1);
        if store.fork_and_update(&ids[0], change) {
            let fork = Measure::ns("fork and update", "both");
            samples.run(name, fork, ids, |id| store.fork_and_update(id, change));
        }
    }

    /// Two threads read, each time from a fresh state, while this one updates.
    fn beside_a_writer(&self, round: &Round<'_>, samples: &mut Samples) {
        let (store, ids) = (&self.0, &round.picks.ids);
        let stop = AtomicBool::new(false);
        let reads = AtomicUsize::new(0);
        let mut writes = 0;
        tidy();
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..2 {
                let (stop, reads) = (&stop, &reads);
                scope.spawn(move || {
                    let mut random = Random(thread);
                    while !stop.load(Ordering::Relaxed) {
                        for _ in 0..64 {
                            black_box(store.view().get(&ids[random.below(ids.len())]));
                        }
                        reads.fetch_add(64, Ordering::Relaxed);
                    }
                });
            }
            let mut random = Random(3);
            while start.elapsed() < round.scale.enough {
                let id = &ids[random.below(ids.len())];
                let change = Change::Cpu(random.below(4000) as u32);
                store.update(std::slice::from_ref(id), change);
                writes += 1;
            }
            stop.store(true, Ordering::Relaxed);
        });
        let taken = start.elapsed();
        let workload = "2 readers beside a writer";
        let read = nanoseconds(taken, reads.into_inner());
        samples.add(S::NAME, Measure::ns(workload, "read, of both"), read);
        let write = nanoseconds(taken, writes);
        samples.add(S::NAME, Measure::ns(workload, "update"), write);
    }
}
