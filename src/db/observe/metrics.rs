//! Numbers for the facade `metrics`. Their names are told in the guide of the crate.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use crate::db::commit::hold::{End, Hold};

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
        let counter = |name: &'static str, what: &'static str| {
            describe_counter!(name, Unit::Count, what);
            counter!(name, "database" => database.to_owned())
        };
        let seconds = |name: &'static str, what: &'static str| {
            describe_histogram!(name, Unit::Seconds, what);
            histogram!(name, "database" => database.to_owned())
        };
        let gauge = |name: &'static str, unit, what: &'static str| {
            describe_gauge!(name, unit, what);
            gauge!(name, "database" => database.to_owned())
        };
        Self {
            commits: counter("sapwood_commits_total", "published commits"),
            rows: counter(
                "sapwood_rows_written_total",
                "rows that commits wrote or removed",
            ),
            aborts: counter(
                "sapwood_aborts_total",
                "transactions that ended without a commit",
            ),
            refused: counter(
                "sapwood_refused_commits_total",
                "commits that the disk refused",
            ),
            slow: counter(
                "sapwood_slow_writes_total",
                "writes that held the writer's seat for too long",
            ),
            fired: counter("sapwood_watches_fired_total", "watches that commits fired"),
            held: seconds(
                "sapwood_seat_held_seconds",
                "how long a transaction held the writer's seat",
            ),
            waited: seconds(
                "sapwood_seat_waited_seconds",
                "how long a transaction waited for the writer's seat",
            ),
            persist: seconds(
                "sapwood_persist_seconds",
                "how long the file took for a commit, with its sync",
            ),
            versions: gauge(
                "sapwood_versions_held",
                Unit::Count,
                "versions that are held besides the published one",
            ),
            file_bytes: gauge("sapwood_file_bytes", Unit::Bytes, "the size of the file"),
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
            End::Unchanged | End::Staged => {}
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
