//! Every crash point of every workload: what is found afterwards, and what is found when it crashes again while it goes on from there.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    faults::{
        disk::{Disk, Op, apply},
        state::{State, read},
    },
    image::{Crash, Fate, Length, Pending},
    scenario::Scenario,
    sim::Random,
    trace::Trace,
};

/// How often a crash can follow another one.
const DEEPEST: usize = 3;
/// Up to so many sectors all subsets of them are tried, where there are images enough.
const EXHAUSTIVE: usize = 12;

/// What trying has given.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) images: usize,
    pub(crate) failures: Vec<String>,
}

/// Tries about `quota` images of the workload of this seed, spread over all of its operations.
pub(crate) fn run(scenario: &Scenario, seed: u64, quota: usize) -> Tally {
    let mut tally = Tally::default();
    let recorded = catch_unwind(|| Trace::record(scenario, seed));
    let Ok(trace) = recorded else {
        let name = scenario.name;
        tally
            .failures
            .push(format!("{name}, seed {seed}: the workload itself failed"));
        return tally;
    };
    let mut durable = Vec::new();
    let mut issued: Vec<&Op> = Vec::new();
    let mut pending = Pending::new(scenario.sector, 0);
    let mut seen = HashSet::new();
    let mut random = Random::new(seed ^ 0xC0FFEE);
    for at in 0..=trace.ops.len() {
        match at.checked_sub(1).map(|last| &trace.ops[last]) {
            Some(Op::Sync) => {
                for op in issued.drain(..) {
                    apply(&mut durable, op);
                }
                pending = Pending::new(scenario.sector, durable.len());
                seen.clear();
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
        point.try_crashes(share, &mut seen, &mut random, &mut tally);
        point.try_closed(&mut tally);
        if tally.failures.len() > 5 {
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
        seen: &mut HashSet<Key>,
        random: &mut Random,
        tally: &mut Tally,
    ) {
        let until = tally.images + share;
        for crash in self.pending.plain() {
            self.try_crash(&crash, seen, random, tally);
        }
        let sectors = self.pending.len();
        if sectors <= EXHAUSTIVE && 1 << sectors <= share.max(64) {
            for number in 0..1 << sectors {
                self.try_crash(&self.pending.subset(number), seen, random, tally);
            }
        }
        // Where there is little that can happen, the same comes again and again.
        for _ in 0..share {
            if tally.images >= until || sectors == 0 {
                break;
            }
            self.try_crash(&self.pending.random(random), seen, random, tally);
        }
    }

    fn try_crash(
        &self,
        crash: &Crash,
        seen: &mut HashSet<Key>,
        random: &mut Random,
        tally: &mut Tally,
    ) {
        let mut fates = crash.fates.clone();
        while fates.last() == Some(&Fate::Lost) {
            fates.pop();
        }
        let is_plain = crash.length == Length::Natural && crash.order.is_none();
        let place = (!is_plain).then_some((self.at, crash.order));
        if !seen.insert((fates, crash.length, place)) {
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
            "{}, seed {seed}, after {at} of {} operations, {what:?}: {problem}",
            scenario.name,
            self.trace.ops.len()
        ));
    }
}

/// A disk as it is found after a crash.
struct Found<'f> {
    scenario: &'f Scenario,
    random: &'f mut Random,
    images: &'f mut usize,
}

impl Found<'_> {
    /// Opens, reads and checks the image, commits the transaction of seed `next`, and then crashes again, if not too deep.
    fn verify(
        self,
        image: Vec<u8>,
        allowed: &[&State],
        is_unmade: bool,
        next: u64,
        depth: usize,
    ) -> Result<(), String> {
        *self.images += 1;
        let is_empty = image.is_empty();
        let disk = Disk::of(image);
        let options = self.scenario.options();
        let file = match options.open_storage(Box::new(disk.clone())) {
            Ok(file) => file,
            Err(_) if is_unmade => return Ok(()),
            Err(error) => return Err(format!("depth {depth}, open: {error}")),
        };
        let failed = |what: &str| format!("depth {depth}, {what}");
        let found = read(&file).map_err(|error| format!("depth {depth}, read: {error}"))?;
        if !allowed.contains(&&found) {
            return Err(failed("the content is no state that may be found"));
        }
        let report = file
            .check()
            .map_err(|error| format!("depth {depth}, check: {error}"))?;
        if let Some(problem) = report.problems.first() {
            return Err(format!("depth {depth}, check: {problem}"));
        }
        if disk.ops() > 0 && !is_empty {
            return Err(failed("opening, reading or checking has written"));
        }
        let before = disk.image();
        disk.take_ops();
        let number = file.begin_read().commit_number();
        let mut state = found.clone();
        let committed = self.scenario.commit(&file, &mut state, next, true);
        let committed =
            committed.map_err(|error| format!("depth {depth}, next commit: {error}"))?;
        let ops = disk.take_ops();
        if committed <= number && !ops.is_empty() {
            return Err(failed("the number of the next commit is not higher"));
        }
        if depth < DEEPEST && !ops.is_empty() && self.random.below(4) > 0 {
            drop(file);
            return self.crash_again(before, &ops, &found, &state, depth);
        }
        if read(&file).map_err(|error| error.to_string())? != state {
            return Err(failed("the next commit does not show"));
        }
        Ok(())
    }

    /// A crash in the midst of the first commit after a crash, or right behind it.
    fn crash_again(
        self,
        mut durable: Vec<u8>,
        ops: &[Op],
        before: &State,
        after: &State,
        depth: usize,
    ) -> Result<(), String> {
        let at = self.random.below(ops.len() + 1);
        let synced = ops[..at].iter().rposition(|op| matches!(op, Op::Sync));
        let synced = synced.map_or(0, |last| last + 1);
        for op in &ops[..synced] {
            apply(&mut durable, op);
        }
        let mut pending = Pending::new(self.scenario.sector, durable.len());
        for op in &ops[synced..at] {
            pending.push(op);
        }
        let crash = if self.random.below(4) == 0 {
            let mut plain = pending.plain();
            plain.swap_remove(self.random.below(plain.len()))
        } else {
            pending.random(self.random)
        };
        let image = pending.image(&durable, &crash);
        let allowed = if at == ops.len() {
            &[after][..]
        } else {
            &[before, after]
        };
        let next = self.random.next();
        let outcome = self.verify(image, allowed, false, next, depth + 1);
        outcome.map_err(|problem| format!("{problem} (after {at} operations, {crash:?})"))
    }
}
