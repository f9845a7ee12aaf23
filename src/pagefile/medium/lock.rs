//! Opening a file under its lock: exclusive to write, shared to read.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::super::Error;

/// Between two tries for the lock. The standard library has no lock with a timeout.
const PAUSE: Duration = Duration::from_millis(5);

pub(in crate::pagefile) enum Opened {
    File(File),
    Missing,
}

/// Opens and locks the file at `path`, waiting up to `timeout` for the lock.
pub(in crate::pagefile) fn open_locked(
    path: &Path,
    timeout: Duration,
    read_only: bool,
) -> Result<Opened, Error> {
    let file = match OpenOptions::new().read(true).write(!read_only).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
        Err(error) => return Err(Error::io("open")(error)),
    };
    let start = Instant::now();
    loop {
        let locked = if read_only {
            file.try_lock_shared()
        } else {
            file.try_lock()
        };
        match locked {
            Ok(()) => return Ok(Opened::File(file)),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock")(error)),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let path = path.to_owned();
            return Err(Error::Locked { path });
        }
        thread::sleep(left.min(PAUSE));
    }
}
