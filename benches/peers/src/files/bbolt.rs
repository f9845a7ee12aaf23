//! bbolt, by a program in Go that does the same as the workload here.

use std::path::Path;
use std::process::Command;

use crate::child::Line;
use crate::figures::Figures;
use crate::{Failure, go, wants};

/// With its default options; and with etcd's, which leave the free list out of the file.
const STORES: [&str; 2] = ["bbolt", "bbolt-no-freelist"];

/// Runs all workloads on those that are asked for.
pub(super) fn run(
    only: &[String],
    rows: usize,
    commits: usize,
    folder: &Path,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let stores = STORES.into_iter().filter(|store| wants(only, store));
    let stores: Vec<&str> = stores.collect();
    if stores.is_empty() {
        return Ok(());
    }
    let built = tempfile::tempdir()?;
    let Some(program) = go::build(built.path())? else {
        return Ok(());
    };
    for store in stores {
        eprintln!("{store}");
        let folder = folder.join(store);
        std::fs::create_dir_all(&folder)?;
        let output = Command::new(&program)
            .args(["files", store])
            .arg(&folder)
            .args([rows, commits].map(|number| number.to_string()))
            .output()?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{store}: {}, {why}", output.status).into());
        }
        for line in String::from_utf8(output.stdout)?.lines() {
            let line: Line = serde_json::from_str(line)?;
            let metric = (line.metric, line.unit);
            figures.add(line.store, line.workload, metric, line.value);
        }
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}
