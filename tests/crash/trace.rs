//! A workload as its disk has seen it: every operation, and what was committed when.

use sapwood::pagefile::{PageFile, ReadTxn};

use super::{
    faults::{
        change::change,
        disk::{Disk, Op},
        state::{State, read},
    },
    scenario::{SCENARIOS, Scenario, Step},
    sim::Random,
};

/// From the operation at which something began that makes a state durable, to the one before which it was acknowledged.
struct Span {
    started: usize,
    acked: usize,
    state: usize,
    /// The seed of the transaction, to do the same again.
    seed: u64,
}

pub(crate) struct Trace {
    pub(crate) ops: Vec<Op>,
    pub(crate) states: Vec<State>,
    /// By this operation the file was made.
    made: usize,
    spans: Vec<Span>,
    /// Before which operations the file was closed, with the state that it held.
    pub(crate) closed: Vec<(usize, usize)>,
    /// After how many steps something was in the log.
    pub(crate) logged: usize,
}

/// What may be found after a crash.
pub(crate) struct Allowed {
    /// Numbers of states.
    pub(crate) states: Vec<usize>,
    /// The file need not be there yet.
    pub(crate) is_unmade: bool,
    /// The seed of the transaction that was under way.
    pub(crate) seed: Option<u64>,
}

impl Trace {
    /// Runs the workload once, on a disk that does what it is told.
    pub(crate) fn record(scenario: &Scenario, seed: u64) -> Self {
        let disk = Disk::default();
        let open = || {
            let opened = scenario.options().open_storage(Box::new(disk.clone()));
            opened.unwrap()
        };
        let mut file = open();
        let mut trace = Self {
            ops: Vec::new(),
            states: vec![State::new()],
            made: disk.ops(),
            spans: Vec::new(),
            closed: Vec::new(),
            logged: 0,
        };
        let mut random = Random::new(seed);
        let mut state = State::new();
        let mut durable = State::new();
        let mut held: Vec<(ReadTxn, State)> = Vec::new();
        for number in 0..scenario.steps as u64 {
            let started = disk.ops();
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(number);
            let step = scenario.step(number as usize, &mut random);
            let mut makes_durable = true;
            match step {
                Step::Commit => drop(scenario.commit(&file, &mut state, seed, true).unwrap()),
                Step::Sync => file.sync().unwrap(),
                Step::Shrink => drop(file.shrink().unwrap()),
                Step::Burst => burst(&file),
                Step::Empty => drop(file.begin_write().unwrap().commit().unwrap()),
                Step::Close => {
                    held.clear();
                    std::mem::replace(&mut file, open_later()).close().unwrap();
                }
                Step::Drop => {
                    held.clear();
                    drop(std::mem::replace(&mut file, open_later()));
                    state = durable.clone();
                }
                Step::Unsynced => {
                    makes_durable = false;
                    scenario.commit(&file, &mut state, seed, false).unwrap();
                }
                Step::Abort => {
                    let mut tx = file.begin_write().unwrap();
                    change(&mut tx, &mut state.clone(), scenario.shape, seed).unwrap();
                    makes_durable = false;
                }
                Step::Hold => {
                    held.push((file.begin_read(), state.clone()));
                    makes_durable = false;
                }
                Step::Release => {
                    if !held.is_empty() {
                        drop(held.swap_remove(random.below(held.len())));
                    }
                    makes_durable = false;
                }
                Step::Backup => {
                    let ops = disk.ops();
                    let bytes = file.backup(&mut std::io::sink()).unwrap();
                    assert!(bytes > 0 && disk.ops() == ops, "a copy has written");
                    makes_durable = false;
                }
            }
            if matches!(step, Step::Close | Step::Drop) {
                let ops = disk.ops();
                file = open();
                assert_eq!(disk.ops(), ops, "opening has written");
            }
            assert_eq!(read(&file).unwrap(), state, "{} {step:?}", scenario.name);
            trace.logged += usize::from(file.stats().log_bytes > 0);
            trace.states.push(state.clone());
            if makes_durable {
                durable = state.clone();
                trace.spans.push(Span {
                    started,
                    acked: disk.ops(),
                    state: trace.states.len() - 1,
                    seed,
                });
                if step == Step::Close {
                    trace.closed.push((disk.ops(), trace.states.len() - 1));
                }
            }
        }
        // Of a workload with a log, something is in it. Asked of those that are always the same: of one that is drawn, all may be what does not go there.
        let is_drawn = seed > SCENARIOS.len() as u64;
        let least = if scenario.mix.contains(&Step::Shrink) {
            1
        } else {
            scenario.steps / 8
        };
        assert!(
            scenario.log.0 == 0 || is_drawn || trace.logged >= least,
            "{}: {}",
            scenario.name,
            trace.logged
        );
        drop((file, held));
        trace.ops = disk.take_ops();
        trace
    }

    /// What may be found where the crash came after so many operations.
    pub(crate) fn allowed(&self, at: usize) -> Allowed {
        let durable = self.spans.iter().rev().find(|span| span.acked <= at);
        let next = self
            .spans
            .iter()
            .find(|span| span.started <= at && at < span.acked);
        let mut states = vec![durable.map_or(0, |span| span.state)];
        states.extend(next.map(|span| span.state));
        Allowed {
            states,
            is_unmade: at < self.made,
            seed: next.map(|span| span.seed),
        }
    }
}

/// A large bucket comes and goes.
fn burst(file: &PageFile) {
    let mut tx = file.begin_write().unwrap();
    let mut large = tx.create_bucket("large").unwrap();
    for key in 0..60u8 {
        large.put([key], [key; 400]).unwrap();
    }
    tx.commit_unsynced().unwrap();
    let gone = file.update(|tx| tx.delete_bucket("large"));
    assert!(gone.unwrap());
}

/// What stands in the place of a handle that was given away.
fn open_later() -> PageFile {
    PageFile::in_memory().unwrap()
}
