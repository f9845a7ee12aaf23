//! Every crash point of a workload.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    faults::{
        disk::{Op, apply},
        state::State,
    },
    image::{Crash, Fate, Length, Pending},
    scenario::Scenario,
    sim::Random,
    trace::Trace,
    verify::{DEEPEST, Found},
};

/// Up to so many sectors all subsets of them are tried, where there are images enough.
const EXHAUSTIVE: usize = 12;

/// What trying has given.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) images: usize,
    /// Of the steps of workloads with a log: how many there were, and after how many something was in it.
    pub(crate) steps: usize,
    pub(crate) logged: usize,
    pub(crate) failures: Vec<String>,
}

/// Tries about `quota` images of the workload of this seed, spread over all of its operations; ends early where there are failures, here or, as `stop`
/// tells, elsewhere.
pub(crate) fn run(scenario: &Scenario, seed: u64, quota: usize, stop: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let recorded = catch_unwind(|| Trace::record(scenario, seed));
    let Ok(trace) = recorded else {
        let name = scenario.name;
        tally
            .failures
            .push(format!("{name}, seed {seed}: the workload itself failed"));
        return tally;
    };
    if scenario.log.0 > 0 {
        tally.steps = scenario.steps;
        tally.logged = trace.logged;
    }
    let mut durable = Vec::new();
    let mut issued: Vec<&Op> = Vec::new();
    let mut pending = Pending::new(scenario.sector, 0);
    let mut tried = HashSet::new();
    let mut random = Random::new(seed ^ 0x00C0_FFEE);
    for at in 0..=trace.ops.len() {
        match at.checked_sub(1).map(|last| &trace.ops[last]) {
            Some(Op::Sync) => {
                for op in issued.drain(..) {
                    apply(&mut durable, op);
                }
                pending = Pending::new(scenario.sector, durable.len());
                tried.clear();
            }
            Some(op) => {
                issued.push(op);
                pending.push(op);
            }
            None => {}
        }
        let point = Point {
            scenario,
            trace: &trace,
            seed,
            at,
            durable: &durable,
            pending: &pending,
        };
        let share = quota.saturating_sub(tally.images) / (trace.ops.len() + 1 - at);
        point.try_crashes(share, &mut tried, &mut random, &mut tally);
        point.try_closed(&mut tally);
        if !tally.failures.is_empty() {
            stop.store(true, Ordering::Relaxed);
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    tally
}

/// A moment between two operations.
struct Point<'p> {
    scenario: &'p Scenario,
    trace: &'p Trace,
    seed: u64,
    at: usize,
    durable: &'p [u8],
    pending: &'p Pending,
}

/// A crash as far as it makes a difference between two syncs: what is lost at its end need not have been issued.
type Key = (Vec<Fate>, Length, Option<(usize, Option<u16>)>);

impl Point<'_> {
    fn try_crashes(
        &self,
        share: usize,
        tried: &mut HashSet<Key>,
        random: &mut Random,
        tally: &mut Tally,
    ) {
        let until = tally.images + share;
        for crash in self.pending.plain() {
            self.try_crash(&crash, tried, random, tally);
        }
        let sectors = self.pending.len();
        if sectors <= EXHAUSTIVE && 1 << sectors <= share.max(64) {
            for number in 0..1 << sectors {
                self.try_crash(&self.pending.subset(number), tried, random, tally);
            }
        }
        // Where there is little that can happen, the same comes again and again.
        for _ in 0..share {
            if tally.images >= until || sectors == 0 {
                break;
            }
            self.try_crash(&self.pending.random(random), tried, random, tally);
        }
    }

    fn try_crash(
        &self,
        crash: &Crash,
        tried: &mut HashSet<Key>,
        random: &mut Random,
        tally: &mut Tally,
    ) {
        let mut fates = crash.fates.clone();
        while fates.last() == Some(&Fate::Lost) {
            fates.pop();
        }
        let is_plain = crash.length == Length::Natural && crash.order.is_none();
        let place = (!is_plain).then_some((self.at, crash.order));
        if !tried.insert((fates, crash.length, place)) {
            return;
        }
        let allowed = self.trace.allowed(self.at);
        let states: Vec<&State> = allowed
            .states
            .iter()
            .map(|&i| &self.trace.states[i])
            .collect();
        let image = self.pending.image(self.durable, crash);
        let next = match allowed.seed {
            // The same transaction again writes the same rows into the same pages.
            Some(seed) if random.below(2) == 0 => seed,
            _ => random.next(),
        };
        self.count(tally, crash, |images| {
            let found = Found {
                scenario: self.scenario,
                random,
                images,
            };
            found.verify(image, &states, allowed.is_unmade, next, 1)
        });
    }

    /// A file that was closed holds its state in either slot.
    fn try_closed(&self, tally: &mut Tally) {
        for &(at, state) in &self.trace.closed {
            if at != self.at {
                continue;
            }
            for slot in [0, 4096] {
                let mut image = self.durable.to_vec();
                image[slot..slot + 512].fill(0);
                self.count(
                    tally,
                    &format!("closed, without the slot at {slot}"),
                    |images| {
                        let found = Found {
                            scenario: self.scenario,
                            random: &mut Random::new(self.seed),
                            images,
                        };
                        found.verify(image, &[&self.trace.states[state]], false, 1, DEEPEST)
                    },
                );
            }
        }
    }

    fn count(
        &self,
        tally: &mut Tally,
        what: &impl std::fmt::Debug,
        verify: impl FnOnce(&mut usize) -> Result<(), String>,
    ) {
        let mut images = 0;
        let outcome = catch_unwind(AssertUnwindSafe(|| verify(&mut images)));
        tally.images += images;
        let problem = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(problem)) => problem,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text =
                    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                format!("panic: {}", text.unwrap_or_default())
            }
        };
        let Self {
            scenario, seed, at, ..
        } = self;
        tally.failures.push(format!(
            "{}, seed {seed}, after {at} of {} operations: {problem}\n  {what:?}",
            scenario.name,
            self.trace.ops.len()
        ));
    }
}
