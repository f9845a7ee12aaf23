//! The log when the file is opened: what it has beyond the trees is done again, in memory.

use std::sync::Arc;

use super::{
    super::{
        Error,
        journal::{Appender, Stretches},
        shared::{Shared, Snapshot},
        work::Work,
    },
    append::Logged,
    record::Record,
};

/// Reads the log of the state that was found, and shows what it has made of it. Only reads. A journal of somebody else is left alone. O(log).
///
/// What a crash left of the last commit is passed over: it was never acknowledged. Anything else that is not as it was written is an error.
pub(in super::super) fn replay(shared: &Shared, size: u64) -> Result<(), Error> {
    let stored = shared.snapshot();
    let stretches = if stored.journal.is_log {
        Stretches::clone(&stored.journal)
    } else {
        Stretches::default()
    };
    let first = stretches.list.first().map_or(0, |first| first.run.start);
    let corrupted = |reason| stored.source.corrupted(first, reason);
    let mut work = Work::begin(&stored, 0)?;
    let mut newest = stored.commit;
    let appender = Appender::open(shared, stretches, |record| -> Result<u64, Error> {
        let record = Record::behind(record, stored.commit, newest).map_err(corrupted)?;
        let Some(record) = record else {
            // For the appender, anything that sorts before what comes behind it.
            return Ok(stored.commit);
        };
        record.apply(&mut work, &stored.source, &corrupted)?;
        newest = record.commit;
        Ok(newest)
    })?;
    let mut writer = shared.writer();
    writer.found_log(
        appender,
        if stored.journal.is_foreign() { 0 } else { size },
        work.freed,
    );
    if newest == stored.commit {
        return Ok(());
    }
    writer.highest = writer.highest.max(newest);
    writer.sealed = false;
    let logged = Logged {
        opened: work.opened,
        stored,
    };
    shared.replace(Arc::new(Snapshot::logged(newest, logged)));
    shared.show_log(newest, &writer);
    Ok(())
}
