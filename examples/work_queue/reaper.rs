//! The reaper: gives the jobs of the dead back to the queue.

use sapwood::{Database, Error};

use crate::queue::{State, give_back, wait_for_first};

/// Waits for lease after lease to end, until the database is closed.
pub fn run(db: &Database) -> Result<(), Error> {
    loop {
        match wait_for_first(db, State::Leased).and_then(|job| give_back(db, &job)) {
            // It was renewed or finished at the last moment.
            Ok(()) | Err(Error::WrongRevision { .. }) => {}
            Err(Error::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
