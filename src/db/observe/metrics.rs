//! Numbers for the facade `metrics`. Their names are told in the guide of the crate.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::db::hold::{End, Hold};

/// The handles of one database. They belong to the recorder that was installed when it was opened.
pub(super) struct Meters {
    commits: Counter,
    rows: Counter,
    aborts: Counter,
    refused: Counter,
    slow: Counter,
    fired: Counter,
    held: Histogram,
    waited: Histogram,
    persist: Histogram,
    versions: Gauge,
    file_bytes: Gauge,
}

impl Meters {
    pub(super) fn new(database: &str) -> Self {
        let database = || ("database", database.to_owned());
        Self {
            commits: counter!("sapwood_commits_total", &[database()]),
            rows: counter!("sapwood_rows_written_total", &[database()]),
            aborts: counter!("sapwood_aborts_total", &[database()]),
            refused: counter!("sapwood_refused_commits_total", &[database()]),
            slow: counter!("sapwood_slow_writes_total", &[database()]),
            fired: counter!("sapwood_watches_fired_total", &[database()]),
            held: histogram!("sapwood_seat_held_seconds", &[database()]),
            waited: histogram!("sapwood_seat_waited_seconds", &[database()]),
            persist: histogram!("sapwood_persist_seconds", &[database()]),
            versions: gauge!("sapwood_versions_held", &[database()]),
            file_bytes: gauge!("sapwood_file_bytes", &[database()]),
        }
    }

    pub(super) fn opened(&self, file_bytes: u64) {
        self.file_bytes.set(float(file_bytes));
    }

    pub(super) fn left(&self, hold: &Hold, state: impl FnOnce() -> (usize, u64)) {
        self.held.record(hold.held);
        self.waited.record(hold.waited);
        match hold.end {
            End::Committed {
                rows,
                fired,
                persist,
                ..
            } => {
                self.commits.increment(1);
                self.rows.increment(rows as u64);
                self.fired.increment(fired as u64);
                if let Some(persist) = persist {
                    self.persist.record(persist);
                }
                let (versions, file_bytes) = state();
                self.versions.set(float(versions as u64));
                self.file_bytes.set(float(file_bytes));
            }
            End::Unchanged => {}
            End::Aborted => self.aborts.increment(1),
            End::Refused => self.refused.increment(1),
        }
    }

    pub(super) fn slow(&self) {
        self.slow.increment(1);
    }
}

/// What gauges are set to: exact up to 2⁵³.
#[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(number: u64) -> f64 {
    number as f64
}
