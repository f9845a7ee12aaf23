//! One line on stderr that shows how the cluster lives.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use sapwood::{Database, Snapshot};

use crate::{
    tables::{Clock, Phase, Pod, Turn},
    trace::Trace,
};

/// Shows the progress until the trace is at its end or the cluster is shut down. It reads snapshots: that costs the cluster nothing.
pub fn show(db: &Database, trace: &Trace) {
    let terminal = stderr().is_terminal();
    // A log gets a line now and then, and none from a short run.
    let pause = Duration::from_millis(if terminal { 100 } else { 5000 });
    let bar = bar(trace);
    let (begun, first) = (Instant::now(), db.revision().get());
    loop {
        let snapshot = db.snapshot();
        let done = snapshot.watch(Clock::BY_TURN.eq(Turn::Done));
        if snapshot.contains(Clock::BY_TURN.eq(Turn::Done)) {
            break;
        }
        match done.wait_timeout(pause) {
            Ok(false) => {}
            Ok(true) | Err(_) => break,
        }
        let commits = db.revision().get() - first;
        let speed = commits as f64 / begun.elapsed().as_secs_f64();
        let Some((ticks, line)) = line(&db.snapshot(), speed) else {
            continue;
        };
        if terminal {
            bar.set_position(ticks);
            bar.set_message(line);
        } else {
            // Who closed stderr does not want to know.
            let _ = writeln!(stderr(), "{ticks}/{} {line}", trace.ticks.len());
        }
    }
    bar.finish_and_clear();
}

fn bar(trace: &Trace) -> ProgressBar {
    let bar = ProgressBar::new(trace.ticks.len() as u64);
    match ProgressStyle::with_template("{bar:16} {percent:>3} %  {wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// How many ticks have begun, and what the cluster looks like. The numbers of pods are counts of an index: no row is read for them.
fn line(snapshot: &Snapshot, speed: f64) -> Option<(u64, String)> {
    let clock = snapshot.get::<Clock>(Clock::ID)?;
    let text = format!(
        "{}: {:>4} running, {:>4} pending, {speed:.0} commits/s",
        at(clock.time),
        snapshot.count(Pod::BY_PHASE.prefix(Phase::Running)),
        snapshot.count(Pod::BY_PHASE.prefix(Phase::Pending)),
    );
    Some((clock.ticks, text))
}

/// A time of the trace.
pub fn at(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60 % 60, seconds / 3600 % 24, seconds / 86_400);
    format!("day {days} {hours:02}:{minutes:02}")
}
