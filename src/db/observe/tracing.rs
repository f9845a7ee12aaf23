//! Events for `tracing`, all of the target `sapwood` and with the field `database`: the path of the file, or `memory`.

use std::time::Duration;

use tracing::{debug, error, info, trace, warn};

use super::slow_write::SlowWrite;
use crate::db::commit::hold::{End, Hold};
use crate::{Error, Revision};

const TARGET: &str = "sapwood";

pub(super) fn opened(
    database: &str,
    revision: Revision,
    file_bytes: u64,
    loading: Option<Duration>,
) {
    info!(
        target: TARGET,
        database,
        revision = revision.get(),
        file_bytes,
        loading_us = micros(loading.unwrap_or_default()),
        "opened"
    );
}

pub(super) fn left(database: &str, hold: &Hold) {
    let held_us = micros(hold.held);
    let waited_us = micros(hold.waited);
    match hold.end {
        End::Committed {
            revision,
            rows,
            persist,
            ..
        } => debug!(
            target: TARGET,
            database,
            revision = revision.get(),
            rows,
            held_us,
            waited_us,
            persist_us = micros(persist.unwrap_or_default()),
            "commit"
        ),
        End::Aborted => trace!(target: TARGET, database, held_us, waited_us, "abort"),
        // That of a refused commit has its own event.
        End::Unchanged | End::Staged | End::Refused => {}
    }
}

pub(super) fn slow(database: &str, slow: &SlowWrite) {
    warn!(
        target: TARGET,
        database,
        revision = slow.committed.map(Revision::get),
        rows = slow.rows,
        held_us = micros(slow.held),
        waited_us = micros(slow.waited),
        thread = slow.thread.as_deref(),
        began = %slow.began,
        "slow write"
    );
}

pub(super) fn refused(database: &str, error: &Error, poisoned: bool) {
    let error: &dyn std::error::Error = error;
    error!(target: TARGET, database, error, poisoned, "commit refused");
}

pub(super) fn unwritten(database: &str, error: &Error, poisoned: bool) {
    let error: &dyn std::error::Error = error;
    error!(target: TARGET, database, error, poisoned, "published commits could not be written");
}

pub(super) fn closed(database: &str, closed: &Result<(), Error>) {
    match closed {
        Ok(()) => info!(target: TARGET, database, "closed"),
        Err(error) => error!(
            target: TARGET,
            database,
            error = error as &dyn std::error::Error,
            "closed, but not everything is in the file"
        ),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
