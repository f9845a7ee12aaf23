//! What the journal of a damaged file has, into the file that was made of the rest.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::catalogue::{self, Unreadable};
use super::edit::{apply, failed, unreadable};
use super::replay::Replay;
use crate::pagefile::{Error as FileError, Options};
use crate::{Error, Revision};

/// What was taken out of a journal: [`salvage_journal`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SalvagedJournal {
    /// How many revisions of it are in the new file, and how many rows these changed.
    pub revisions: u64,
    /// See there.
    pub rows: u64,
    /// The revision of the new file.
    pub revision: Revision,
    /// Why it ends there, where not with its own end: what comes later is lost.
    pub problem: Option<String>,
}

/// Reads the journal of the file `from` as far as it is sound, and puts what it says into the file `to`, which was [recovered](crate::pagefile::RecoverOptions) from it.
/// `None` where there is no journal. O(journal); the first write to `to` reads all of it.
///
/// # Errors
/// [`Error::File`] where `to` cannot be written. What is wrong with `from` is told in what is given.
pub fn salvage_journal(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    timeout: Duration,
) -> Result<Option<SalvagedJournal>, Error> {
    let options = Options::new().memory_map(false).lock_timeout(timeout);
    let damaged = match options.clone().read_only(true).open(from) {
        Ok(file) if file.journal_bytes() == 0 => return Ok(None),
        other => other,
    };
    let path: Arc<str> = to.as_ref().display().to_string().into();
    let new = options.create(false).open(to.as_ref());
    let new = new.map_err(|error| failed(&path, error))?;
    let mut salvaged = SalvagedJournal {
        revisions: 0,
        rows: 0,
        revision: Revision::ZERO,
        problem: None,
    };
    let damaged = match damaged {
        Ok(damaged) => damaged,
        Err(error) => {
            salvaged.problem = Some(format!("whether it has a journal is not known: {error}"));
            return Ok(Some(salvaged));
        }
    };
    let found = catalogue::read(&new.begin_read());
    let found = match found {
        Ok(Some(found)) => found,
        Err(Unreadable::File(error)) => return Err(failed(&path, error)),
        Ok(None) | Err(Unreadable::Foreign(_)) => {
            let what = "what the file says of its tables is lost, and with it what its journal has";
            salvaged.problem = Some(what.to_owned());
            return Ok(Some(salvaged));
        }
    };
    let mut replay = Replay::new(found.revision);
    let read = damaged.open_journal(|record| {
        let before = replay.revision;
        let revision = replay.take(record)?;
        salvaged.revisions += u64::from(revision > before);
        Ok(revision)
    });
    salvaged.problem = match read {
        Ok(_) => None,
        Err(Unreadable::File(error @ (FileError::Corrupted { .. } | FileError::Io { .. }))) => {
            Some(error.to_string())
        }
        Err(Unreadable::File(error)) => return Err(failed(&path, error)),
        Err(Unreadable::Foreign(what)) => Some(what),
    };
    salvaged.rows = replay.tables.values().map(|rows| rows.len() as u64).sum();
    salvaged.revision = Revision::new(replay.revision);
    if salvaged.revisions > 0 {
        let write = || -> Result<(), Unreadable> {
            let mut txn = new.begin_write()?;
            apply(&mut txn, &replay)?;
            catalogue::set_revision(&mut txn, replay.revision)?;
            txn.commit()?;
            Ok(())
        };
        write().map_err(|error| unreadable(&path, error))?;
    }
    new.close().map_err(|error| failed(&path, error))?;
    Ok(Some(salvaged))
}
