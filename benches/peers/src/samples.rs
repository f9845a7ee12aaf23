//! Figures of several rounds, whose medians count.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::child::Line;
use crate::figures::{Figures, median};

type Name = Cow<'static, str>;

/// What is measured: a workload and one of its sides, in a unit. Less is better in all of them.
#[derive(Clone, PartialEq)]
pub(crate) struct Measure {
    pub(crate) workload: Name,
    pub(crate) metric: Name,
    pub(crate) unit: Name,
}

impl Measure {
    pub(crate) fn new(
        workload: impl Into<Name>,
        metric: impl Into<Name>,
        unit: impl Into<Name>,
    ) -> Self {
        Self {
            workload: workload.into(),
            metric: metric.into(),
            unit: unit.into(),
        }
    }

    /// Nanoseconds for each of something.
    pub(crate) fn ns(workload: &'static str, each: &'static str) -> Self {
        Self::new(workload, each, "ns")
    }
}

/// One figure of each round, by measure and store.
pub(crate) struct Samples {
    all: Vec<(Measure, Name, Vec<f64>)>,
    /// An operation that takes longer is done less often.
    enough: Duration,
}

impl Samples {
    pub(crate) fn new(enough: Duration) -> Self {
        let all = Vec::new();
        Self { all, enough }
    }

    pub(crate) fn add(&mut self, store: impl Into<Name>, measure: Measure, value: f64) {
        let store = store.into();
        let same = |known: &&mut (Measure, Name, _)| known.0 == measure && known.1 == store;
        match self.all.iter_mut().find(same) {
            Some(known) => known.2.push(value),
            None => self.all.push((measure, store, vec![value])),
        }
    }

    /// What another process has measured.
    pub(crate) fn add_line(&mut self, line: Line) {
        let measure = Measure::new(line.workload, line.metric, line.unit);
        self.add(line.store, measure, line.value);
    }

    /// Runs an operation on one item after the other, over and over, until there was enough: what an operation costs when it is done all the time. One pass over the
    /// items would take a few milliseconds, in which the caches and the clock of the processor are still those of what was done before.
    pub(crate) fn run<I, R>(
        &mut self,
        store: &'static str,
        measure: Measure,
        items: &[I],
        operation: impl FnMut(&I) -> R,
    ) {
        self.run_many(store, measure, 1, items, operation);
    }

    /// The same, of an operation that does so many at once.
    pub(crate) fn run_many<I, R>(
        &mut self,
        store: &'static str,
        measure: Measure,
        many: usize,
        items: &[I],
        mut operation: impl FnMut(&I) -> R,
    ) {
        tidy();
        let start = Instant::now();
        let mut done = 0;
        let taken = loop {
            black_box(operation(&items[done % items.len()]));
            done += 1;
            // Only slow operations are looked at one by one: the clock costs as much as a fast one.
            if done <= 4 || done % 32 == 0 {
                let taken = start.elapsed();
                if taken > self.enough {
                    break taken;
                }
            }
        };
        self.add(store, measure, nanoseconds(taken, done * many));
    }

    /// The medians.
    pub(crate) fn lines(self) -> impl Iterator<Item = Line> {
        self.all
            .into_iter()
            .map(|(measure, store, mut values)| Line {
                store: store.into(),
                workload: measure.workload.into(),
                metric: measure.metric.into(),
                unit: measure.unit.into(),
                value: median(&mut values),
            })
    }

    /// The same, among others.
    pub(crate) fn settle(self, figures: &mut Figures) {
        for line in self.lines() {
            let metric = (line.metric, line.unit);
            figures.add(line.store, line.workload, metric, line.value);
        }
    }
}

/// For each of so many.
pub(crate) fn nanoseconds(taken: Duration, operations: usize) -> f64 {
    taken.as_nanos() as f64 / operations.max(1) as f64
}

/// Has the allocator put together now what was freed before, and not in the midst of an operation: glibc does so at the next request for, or return of, a large
/// block, and after a store was dropped that takes as long as a hundred thousand updates.
pub(crate) fn tidy() {
    drop(black_box(Vec::<u8>::with_capacity(100_000)));
}
