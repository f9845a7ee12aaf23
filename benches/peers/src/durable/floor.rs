//! The least that a durable commit could cost: 4 KiB into space that was written before, and a sync.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::workload::{Times, names};
use crate::Failure;
use crate::samples::Samples;

pub(super) const FLOOR: &str = "4 KiB and a sync";

/// Pages, written one after the other, over and over.
const PAGES: u64 = 1_000;

/// Writes and syncs for so long.
pub(super) fn round(folder: &Path, time: Duration, samples: &mut Samples) -> Result<(), Failure> {
    let path = folder.join("floor");
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)?;
    let page = [7; 4096];
    for at in 0..PAGES {
        file.write_all_at(&page, at * 4096)?;
    }
    file.sync_all()?;
    let mut times = Times::new();
    let begun = Instant::now();
    for at in (0..PAGES).cycle() {
        if begun.elapsed() > time {
            break;
        }
        times.time(|| {
            file.write_all_at(&page, at * 4096)?;
            Ok(file.sync_data()?)
        })?;
    }
    let workload = names(1, 1);
    for line in times.lines(FLOOR, &workload, begun.elapsed()) {
        samples.add_line(line);
    }
    Ok(std::fs::remove_file(path)?)
}
